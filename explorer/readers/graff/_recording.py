"""The files of a source, read together: first everything that says who was at work, then the calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from explorer.model import Finding, Row
from explorer.readers.graff._calls import Calls
from explorer.readers.graff._file import File
from explorer.readers.graff._layout import BEHAVIOR, RETIRED, has_run
from explorer.readers.graff._lines import Loss, Record, records
from explorer.readers.graff._process import Process
from explorer.readers.graff._rows import Rows
from explorer.readers.graff._sessions import separate


class Recording:
    """One source: mostly one process, but a legacy file and files that were put together hold several."""

    def __init__(self, source_id: str, files: Sequence[File]) -> None:
        self.source_id = source_id
        self.files = files
        self.processes: dict[str, Process] = {}
        """By run id; of those without one, by their place in the file."""
        self.calls: dict[str, Calls] = {}
        self._latest: str | None = None
        self._legacy: list[Record] = []
        self._pending: list[Finding] = []
        """Findings whose conversation is not known yet; a hundred of a kind at most."""

    def rows(self) -> Iterator[Row]:
        """All rows, conversation after conversation at the end."""
        for file in self.files:
            if not file.is_trace:
                self._take_in(file)
        self._separate_legacy()
        for process in self.processes.values():
            self._pending.extend(process.settle())
        for file in self.files:
            yield from self._calls_of(file)
        known = {process.conversation_id for process in self.processes.values()}
        if not known:
            for file in self.files:
                self._pending.extend(file.findings.rest(self.source_id))
        for finding in self._pending:
            yield finding if finding.conversation_id in known else replace(finding, conversation_id=None)
        for key, process in self.processes.items():
            yield from Rows(process, self._calls(key), self.files).all()

    # --- who was at work ---------------------------------------------------------------------------------------------

    def _take_in(self, file: File) -> None:
        for item in records(file.buffer):
            if isinstance(item, Loss):
                self._lose(file, item)
            elif item.fields.get("schema") == BEHAVIOR:
                process = self._process(file, item)
                process.behavior_file = process.behavior_file or file
                self._complain(file, item, process.behavior.take(item))
            elif isinstance(item.fields.get("ev"), str):
                file.calls.extend((item.offset, item.end))
                self._process(file, item)
            elif not isinstance(item.fields.get("kind"), str):
                self._lose(file, Loss(item.offset, "bad-record", "an object that is no record of graff"))
            elif has_run(item.fields) or self._latest is not None:
                self._process(file, item).take_node(item)
            else:
                self._legacy.append(item)

    def _process(self, file: File, record: Record) -> Process:
        """Whose a record is; one that has lost its run id belongs to the process before it."""
        if has_run(record.fields):
            self._latest = self._run_of(file, record)
        elif self._latest is None:
            self._latest = file.run_id or RETIRED
        process = self.processes.get(self._latest)
        if process is None:
            first = not self.processes if file.run_id is None else self._latest == file.run_id
            here = self.source_id if first else f"{self.source_id}//{self._latest}"
            process = self.processes[self._latest] = Process(here, file, record.fields)
        return process

    def _run_of(self, file: File, record: Record) -> str:
        """The recorded run id, unless everything else says that the record is the file's own."""
        run_id, own = str(record.fields["run_id"]), self.processes.get(file.run_id or "")
        if own is None or run_id == file.run_id:
            return run_id
        session = record.fields.get("session_id")
        if session is not None and session != own.identity.get("session_id"):
            return run_id
        message = f"run_id is {run_id!r} in the file of {file.run_id}: counted to that"
        self._pending.extend(file.finding("bad-field", "warning", message, record.offset, own.conversation_id))
        return str(file.run_id)

    def _separate_legacy(self) -> None:
        """Make processes of the sessions of a legacy file."""
        if not self._legacy:
            return
        (file, *_), placed = self.files, separate(self._legacy)
        sessions: list[Process] = []
        for record, session, candidates, _ in placed:
            if session == len(sessions):
                line = file.lines.at(record.offset)
                here = f"{self.source_id}//{line}" if self.processes else self.source_id
                process = Process(here, file, {})
                process.grade = "derived"
                sessions.append(process)
                self.processes[f"line {line}"] = process
            node = sessions[session].take_node(record)
            if node and candidates:
                sessions[session].doubtful[node.offset] = [sessions[number].conversation_id for number in candidates]
        for number, process in enumerate(sessions):
            own = [row for row in placed if row.session == number]
            mixed = [row for row in own if row.interleaved]
            if mixed:
                unsure = sum(bool(row.candidates) for row in mixed)
                message = (
                    f"{len(mixed):,} of its {len(own):,} rows stand among those of another process that appended to "
                    f"the same file meanwhile, without a run id; {unsure:,} of them may as well be the other's"
                )
                offset = mixed[0].record.offset
                self._pending.extend(file.finding("run-collision", "warning", message, offset, process.conversation_id))

    # --- calls -------------------------------------------------------------------------------------------------------

    def _calls_of(self, file: File) -> Iterator[Row]:
        if file.is_trace:
            for item in records(file.buffer):
                if isinstance(item, Loss):
                    self._lose(file, item)
                elif isinstance(item.fields.get("ev"), str):
                    yield from self._call(file, item)
                else:
                    self._lose(file, Loss(item.offset, "bad-record", "not a call or a remark: left out"))
                file.forget(item.offset)
            return
        for place in range(0, len(file.calls), 2):
            start, end = file.calls[place], file.calls[place + 1]
            for item in records(file.buffer[start:end]):
                if isinstance(item, Record):
                    yield from self._call(file, Record(start, end, item.fields))

    def _call(self, file: File, record: Record) -> Iterator[Row]:
        process = self._process(file, record)
        if not process.settled:
            self._pending.extend(process.settle())
        assert self._latest is not None
        yield from self._calls(self._latest).rows(file, record)

    def _calls(self, key: str) -> Calls:
        if key not in self.calls:
            self.calls[key] = Calls(self.processes[key])
        return self.calls[key]

    # --- damage ------------------------------------------------------------------------------------------------------

    def _lose(self, file: File, loss: Loss) -> None:
        """A finding, of the conversation around it."""
        process = self.processes.get(self._latest or "")
        here = process.conversation_id if process else self.source_id
        self._pending.extend(file.finding(loss.code, "error", loss.message, loss.offset, here))

    def _complain(self, file: File, record: Record, complaints: Sequence[str]) -> None:
        here = self._process(file, record).conversation_id
        for complaint in complaints:
            self._pending.extend(file.finding("bad-field", "warning", complaint, record.offset, here))
