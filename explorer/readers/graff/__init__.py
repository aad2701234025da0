"""What graff, the third generation of codegraff, keeps of a process: ``.graff/`` with a file of JSON lines per stream.

Format: justrach/codegraff src/trace.zig @1ba8bf4b, src/mainloop_trace.zig @72ef5358, src/subagent_run.zig @03454ce4,
docs/behavioral-trajectories.md @54627515.

A process is a conversation. The root agent's runs are its turns; every child is an agent with one run. Nodes
(``trajectories/``) say who was at work and when, calls (``traces/``) who asked a model or a tool, and the behavioral
stream (``behavior/``) when all that was and which turn is which node. How a call finds its run: ``_attribution``; how
the processes of the old common file are told apart: ``_sessions``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from explorer.model import Finding, Row
from explorer.readers import Report, SourceFile
from explorer.readers._records import open_bytes
from explorer.readers.graff._file import File
from explorer.readers.graff._layout import claims, companions, part_of, source_id_of
from explorer.readers.graff._recording import Recording
from explorer.readers.graff._said import messages

__all__ = ["NAME", "SELF_CONTAINED", "VERSION", "claims", "companions", "messages", "part_of", "read"]

NAME = "graff"
VERSION = 2
SELF_CONTAINED = True


def read(source: SourceFile) -> Iterator[Row | Report]:
    """The rows of one process, or of the several that one file may hold."""
    with ExitStack() as opened:
        files = [File(source.path, source.source_id, opened.enter_context(open_bytes(source.path)))]
        for path in companions(source.path):
            source_id = source_id_of(source.source_id, path)
            try:
                buffer = opened.enter_context(open_bytes(path))
            except OSError as error:
                message = f"what is recorded in it is missing: {error.strerror or error}"
                key = f"unreadable-source:{source_id}"
                yield Finding(key, "unreadable-source", "error", source_id, None, None, None, None, None, message)
                continue
            files.append(File(path, source_id, buffer))
        yield from Recording(source.source_id, files).rows()
        for file in files:
            yield from file.findings.rest()
        yield Report(sum(file.findings.bad_records for file in files))
