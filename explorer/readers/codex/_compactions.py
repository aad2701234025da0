"""The compactions of a bundle: events of the turn in which they were made. What they cost is in no bundle."""

from __future__ import annotations

from dataclasses import dataclass, field

from explorer.readers._values import many
from explorer.readers.codex._draft import EventDraft, TurnDraft
from explorer.readers.codex._json import text
from explorer.readers.codex._ledger import Ledger
from explorer.readers.codex._log import Entry


@dataclass(slots=True)
class _Compaction:
    turn: TurnDraft
    event: EventDraft
    asked: int = 0
    """Requests made for it."""
    told: list[str] = field(default_factory=list)
    is_installed: bool = False


class Compactions:
    """The compactions of one bundle, in the order of its log."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._all: dict[str, _Compaction] = {}
        self._requests: set[str] = set()

    def asked(self, entry: Entry) -> None:
        """A request for a summary goes out."""
        request_id = text(entry.fields, "compaction_request_id") or ""
        if request_id in self._requests:
            message = f"{request_id} had been started before"
            self._ledger.remark("repeated-record", "warning", message, entry, entry.thread_id, entry.turn_id)
        self._requests.add(request_id)
        found = self._of(entry, text(entry.fields, "thread_id"), text(entry.fields, "codex_turn_id"))
        found.asked += 1
        if found.asked == 1:
            found.told.append(f"by {text(entry.fields, 'model') or 'a model that is not recorded'}")

    def ended(self, entry: Entry) -> None:
        """A request was answered, or failed."""
        request_id = text(entry.fields, "compaction_request_id") or ""
        if request_id not in self._requests:
            message = f"the start of {request_id} is not recorded"
            self._ledger.remark("missing-start", "warning", message, entry, entry.thread_id)
        found = self._of(entry)
        if not found.is_installed:
            found.event.at = entry.at
        if error := text(entry.fields, "error"):
            found.told.append(f"request failed: {error}")

    def installed(self, entry: Entry) -> None:
        """The history was replaced."""
        found = self._of(entry)
        if found.is_installed:
            message = f"compaction {text(entry.fields, 'compaction_id')} had been installed before"
            self._ledger.remark("repeated-record", "warning", message, entry, entry.thread_id, entry.turn_id)
        found.is_installed, found.event.at = True, entry.at
        checkpoint = self._ledger.payload(entry, "checkpoint_payload") or {}
        before, after = (checkpoint.get(name) for name in ("input_history", "replacement_history"))
        if isinstance(before, list) and isinstance(after, list):
            found.told.append(f"{many(len(before), 'item')} became {len(after):,}")

    def finish(self) -> None:
        """Say of each what became of it."""
        for found in self._all.values():
            told = found.told if found.is_installed else [*found.told, "not installed"]
            found.event.detail = ", ".join(told) or None

    def _of(self, entry: Entry, thread_id: str | None = None, turn_id: str | None = None) -> _Compaction:
        compaction_id = text(entry.fields, "compaction_id") or ""
        if compaction_id not in self._all:
            turn = self._ledger.turn(entry, thread_id, turn_id)
            event = EventDraft("compaction", entry.at)
            turn.events.append(event)
            self._all[compaction_id] = _Compaction(turn, event)
        return self._all[compaction_id]
