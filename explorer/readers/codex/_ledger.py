"""The threads and turns of one bundle as its log brings them up, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path

from explorer.model import Severity
from explorer.readers._records import loads
from explorer.readers.codex._bundle import Manifest
from explorer.readers.codex._draft import EventDraft, Remark, ThreadDraft, TurnDraft, Where
from explorer.readers.codex._json import Record, inner, text
from explorer.readers.codex._log import Entry
from explorer.readers.codex._payloads import Payloads, Unreadable, place_in

NOBODY = "unknown"
"""The thread of what no record gives a thread, in a bundle that does not name its root either."""

ROOT_PATH = "/root"


class Ledger:
    """What is known so far. A thread or turn that comes up before its start is opened, and remarked."""

    def __init__(self, path: Path, source_id: str, manifest: Manifest) -> None:
        self._payloads = Payloads(path)
        self.source_id = source_id
        self.root = manifest.root_thread_id
        self.remarks: list[Remark] = []
        self.threads: dict[str, ThreadDraft] = {}
        self.turns: dict[tuple[str, str], TurnDraft] = {}
        self.thread_of: dict[str, str] = {}
        """Of a turn."""
        self.open: dict[tuple[str, str], TurnDraft] = {}
        """Turns that go on."""

    def remark(
        self, code: str, severity: Severity, message: str, entry: Entry | None = None,
        thread_id: str | None = None, turn_id: str | None = None,
    ) -> None:  # fmt: skip
        """Note a finding."""
        line = entry.where.line if entry else None
        self.remarks.append(Remark(code, severity, message, self.source_id, line, thread_id, turn_id))

    def payload(self, entry: Entry, name: str) -> Record | None:
        """The payload that a field of an event refers to; None, with a remark, where there is none to be read."""
        return self.parsed(entry, self.raw(entry, name), inner(entry.fields, name))

    def raw(self, entry: Entry, name: str) -> bytes | None:
        """The bytes of a payload."""
        try:
            return self._payloads.read(entry.fields.get(name))
        except Unreadable as error:
            self.remark(error.code, "error", str(error), entry)
            return None

    def place(self, entry: Entry, name: str, raw: bytes | None) -> Where:
        """Where a payload stands; the line of its event, if it is not there or has no number."""
        offset = place_in(entry.fields.get(name), 0) if raw is not None else None
        return entry.where if offset is None or raw is None else entry.where._replace(offset=offset, length=len(raw))

    def parsed(self, entry: Entry, raw: bytes | None, reference: Record) -> Record | None:
        """The object that a payload is."""
        if raw is None:
            return None
        try:
            record = loads(raw)
        except ValueError as error:
            message = str(error)
        else:
            if isinstance(record, dict):
                return record
            message = "not an object"
        self.remark("bad-record", "error", f"{text(reference, 'path')}: {message}", entry)
        return None

    def thread(self, entry: Entry, thread_id: str | None) -> ThreadDraft:
        """A thread by its id; without one, the root."""
        thread_id = thread_id or self.root or NOBODY
        if thread_id not in self.threads:
            self.remark("missing-start", "warning", f"the start of thread {thread_id} is not recorded", entry)
            path = ROOT_PATH if thread_id == self.root else None
            self.threads[thread_id] = ThreadDraft(thread_id, self.source_id, path=path, start=entry.at)
        return self.threads[thread_id]

    def turn(self, entry: Entry, thread_id: str | None = None, turn_id: str | None = None) -> TurnDraft:
        """The turn of an event: the one that it names, else the last of its thread."""
        thread_id, turn_id = thread_id or entry.thread_id, turn_id or entry.turn_id
        if thread_id is None and turn_id is not None:
            thread_id = self.thread_of.get(turn_id)
        thread = self.thread(entry, thread_id)
        if turn_id is None:
            if not thread.turns:
                thread.turns.append(TurnDraft(None, entry.at))
            return thread.turns[-1]
        return self.turns.get((thread.thread_id, turn_id)) or self.begin(entry, thread, turn_id, is_recorded=False)

    def begin(self, entry: Entry, thread: ThreadDraft, turn_id: str, is_recorded: bool = True) -> TurnDraft:
        """A turn that comes up for the first time."""
        other = self.thread_of.setdefault(turn_id, thread.thread_id)
        if other != thread.thread_id:
            message = f"turn {turn_id} is of thread {other} elsewhere"
            self.remark("conflicting-thread", "warning", message, entry, thread.thread_id, turn_id)
        elif not is_recorded:
            message = f"the start of turn {turn_id} is not recorded"
            self.remark("missing-start", "warning", message, entry, thread.thread_id, turn_id)
        turn = TurnDraft(turn_id, entry.at, grade="exact" if is_recorded else "derived")
        thread.turns.append(turn)
        self.turns[thread.thread_id, turn_id] = self.open[thread.thread_id, turn_id] = turn
        return turn

    def note(self, turn: TurnDraft, event: EventDraft) -> None:
        """Something that happened in a turn."""
        turn.events.append(event)
