"""What recorders of OpenAI's APIs write down: messages, Responses items, usage. Shared by the readers that meet them.

Format: the API references of Chat Completions and Responses; litellm's usage for what other providers add to it.
"""
