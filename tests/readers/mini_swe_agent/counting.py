"""What a trajectory holds, by the json module alone."""

import json
from typing import NamedTuple


class Counts(NamedTuple):
    """Model calls, and the usage of those that have one."""

    steps: int
    tokens_in: int
    tokens_out: int


def messages_of(path):
    """The messages of a file; of one that is cut off, those that are whole."""
    text = path.read_text("utf-8")
    try:
        found = json.loads(text)
        return found.get("messages", [])
    except ValueError:
        at, messages = text.find('"messages": [') + len('"messages": ['), []
        while True:
            try:
                at = text.index("{", at)
                message, at = json.JSONDecoder().raw_decode(text, at)
            except ValueError:
                return messages
            messages.append(message)


def counts(path):
    """Each call once: an answer, or a complaint that has one."""
    found = []
    for message in messages_of(path) if path.suffix == ".json" else ():
        extra = message.get("extra") or {}
        response = message if message.get("object") == "response" else extra.get("response")
        if message.get("role") == "assistant" or response is not None:
            found.append(response.get("usage", {}) if isinstance(response, dict) else {})
    return Counts(
        len(found),
        sum(usage.get("prompt_tokens", 0) + usage.get("input_tokens", 0) for usage in found),
        sum(usage.get("completion_tokens", 0) + usage.get("output_tokens", 0) for usage in found),
    )
