"""One of the files that are read together."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from pathlib import Path

from explorer.model import Finding, Severity
from explorer.readers._findings import Findings
from explorer.readers._records import Buffer, Forget, Lines
from explorer.readers.graff._execution import Execution
from explorer.readers.graff._layout import is_of_run


class File:
    """Its bytes, and the findings in it."""

    def __init__(self, path: Path, source_id: str, buffer: Buffer) -> None:
        self.source_id = source_id
        self.buffer = buffer
        self.run_id = path.stem if is_of_run(path) else None
        """The process whose file it is, by its name."""
        self.is_trace = self.run_id is not None and path.parent.name == "traces"
        """Whether it has nothing but calls, so that it can be read once everything else is known."""
        self.lines = Lines(buffer)
        self.forget = Forget(buffer)
        self.findings = Findings(source_id)
        self.calls: array[int] = array("q")
        """start, end, start, end, … of the calls in a file that has other records too."""

    def finding(
        self, code: str, severity: Severity, message: str, offset: int | None, conversation_id: str,
        execution: Execution | None = None, step_ordinal: int | None = None,
    ) -> Iterator[Finding]:  # fmt: skip
        """A finding at a byte of the file, or about all of it."""
        line = None if offset is None else self.lines.at(offset)
        agent_id, run_id = (execution.agent.agent_id, execution.run_id) if execution else (None, None)
        return self.findings.at(code, severity, message, line, conversation_id, agent_id, run_id, step_ordinal)
