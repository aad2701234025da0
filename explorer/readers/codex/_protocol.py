"""What Codex tells its user, as far as a bundle records it: errors, interruptions, how large the context may be.

Such an event bears no thread. It belongs to the turn that its payload names, else to the only turn that goes on.
"""

from __future__ import annotations

from explorer.readers.codex._draft import EventDraft, TurnDraft
from explorer.readers.codex._json import Record, count, inner, text
from explorer.readers.codex._ledger import Ledger
from explorer.readers.codex._log import Entry

_SILENT = frozenset(("session_configured", "shutdown_complete"))


class Protocol:
    """The protocol events of one bundle, in the order of its log."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.errors: dict[int, str] = {}
        """What went wrong in a turn, by its ``id``."""
        self.reasons: dict[int, str] = {}
        """Why a turn was aborted."""

    def observed(self, entry: Entry) -> None:
        """One event."""
        kind = text(entry.fields, "event_type")
        if kind in _SILENT:
            return
        event = self._ledger.payload(entry, "event_payload")
        if event is None:
            return
        turn = self._turn(event)
        if turn is not None:
            self._note(entry, kind, event, turn)
        elif kind in ("error", "warning"):
            turn = self._ledger.turn(entry, self._ledger.root)
            message = f"{_message(event)} (of which agent is not recorded)"
            turn.events.append(EventDraft("error" if kind == "error" else "note", entry.at, kind, message))

    def _note(self, entry: Entry, kind: str | None, event: Record, turn: TurnDraft) -> None:
        if kind == "turn_started" and (window := count(event, "model_context_window")):
            turn.extra["context_window"] = window
        elif kind == "turn_complete" and event.get("error"):
            self.errors[id(turn)] = _message(inner(event, "error")) or str(event["error"])[:1000]
        elif kind == "turn_aborted":
            self.reasons[id(turn)] = text(event, "reason") or "aborted"
            turn.events.append(EventDraft("interrupt", entry.at, kind, text(event, "reason")))
        elif kind == "thread_rolled_back":
            told = f"the last {event.get('num_turns')} turns were rolled back: what they cost remains"
            turn.events.append(EventDraft("note", entry.at, kind, told))
        elif kind == "error":
            self.errors[id(turn)] = _message(event)
            turn.events.append(EventDraft("error", entry.at, kind, _message(event)))
        elif kind == "warning":
            turn.events.append(EventDraft("note", entry.at, kind, _message(event)))

    def _turn(self, event: Record) -> TurnDraft | None:
        ledger, turn_id = self._ledger, text(event, "turn_id")
        if turn_id is not None:
            return ledger.turns.get((ledger.thread_of.get(turn_id, ""), turn_id))
        return next(iter(ledger.open.values())) if len(ledger.open) == 1 else None


def _message(event: Record) -> str:
    return text(event, "message") or "without a message"
