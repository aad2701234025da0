"""What graff, the third generation of codegraff, keeps of a process: ``.graff/`` with a file of JSON lines per stream.

Format: justrach/codegraff src/trace.zig @1ba8bf4b, src/mainloop_trace.zig @72ef5358, src/subagent_run.zig @03454ce4,
docs/behavioral-trajectories.md @54627515.

A process is a conversation. The root agent's runs are its turns; every child is an agent with one run. Nodes
(``trajectories/``) say who was at work and when, calls (``traces/``) who asked a model or a tool, and the behavioral
stream (``behavior/``) when all that was and which turn is which node. How a call finds its run: ``_attribution``; how
the processes of the old common file are told apart: ``_sessions``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from explorer.model import Row
from explorer.readers import Message, Place, Report, SourceFile
from explorer.readers.graff._layout import claims, companions, part_of

__all__ = ["NAME", "SELF_CONTAINED", "VERSION", "claims", "companions", "messages", "part_of", "read"]

NAME = "graff"
VERSION = 2
SELF_CONTAINED = True


def read(source: SourceFile) -> Iterator[Row | Report]:
    """The rows of one process, or of the several that one file may hold."""
    from explorer.readers.graff._reading import rows

    yield from rows(source)


def messages(files: Mapping[str, Path], place: Place) -> Iterator[Message]:
    """What was said in a run."""
    from explorer.readers.graff._said import messages

    return messages(files, place)
