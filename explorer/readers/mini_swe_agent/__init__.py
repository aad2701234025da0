"""Trajectories of mini-swe-agent, ``<instance>/<instance>.traj.json``: the messages of one agent and what they cost.

Format: SWE-agent/mini-swe-agent src/minisweagent/agents/default.py, models/litellm_model.py,
models/litellm_response_model.py and run/benchmarks/swebench.py @a83fcae8; ``trajectory_format`` mini-swe-agent-1.1,
and 1 as older versions wrote it.

A file is a conversation of one agent with one run; it is written anew after every step, so that it may be met half
written. A model call is an assistant's message, the answer of the Responses API that stands in its place, or a user's
message that complains of the format of an answer: that answer was billed, and is kept with the complaint, if at all.
The time of a message is when it was added, which ends a call; it began when the message before it was there. Usage
includes what caches held; older versions write the cost alone. The tools of mini-swe-agent are shell commands: one
whose return code is not 0, or that was not carried out, counts as failed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from explorer.model import Row
from explorer.readers import Message, Place, Report, SourceFile
from explorer.readers.mini_swe_agent._layout import claims

__all__ = ["NAME", "SELF_CONTAINED", "VERSION", "claims", "messages", "read"]

NAME = "mini-swe-agent"
VERSION = 1
SELF_CONTAINED = True


def read(source: SourceFile) -> Iterator[Row | Report]:
    """The rows of one file."""
    from explorer.readers.mini_swe_agent._reading import rows

    yield from rows(source)


def messages(files: Mapping[str, Path], place: Place) -> Iterator[Message]:
    """What was said in a run."""
    from explorer.readers.mini_swe_agent._said import messages

    return messages(files, place)
