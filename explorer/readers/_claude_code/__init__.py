"""Transcripts of Claude Code, as its users have them and as orchestrators over it do; for the readers of both.

A transcript's lines (``_lines``) fill the sessions of a ``_family``, record by record (``_conversation``); sub-agents
find their parents (``_linking``), calls that stand in several transcripts their owner (``_ownership``). ``_gather``
does all of that for files that are read together; ``_rows`` writes it down, and ``_said`` tells what was said.
"""
