"""The model calls of a bundle: steps with the tokens that their answers name."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.readers._prompts import PromptParts
from explorer.readers.codex._draft import StepDraft, TurnDraft, Usage
from explorer.readers.codex._items import CALLS, call_id_of, fingerprint, kind_of, title_of
from explorer.readers.codex._json import Record, count, inner, text
from explorer.readers.codex._ledger import Ledger
from explorer.readers.codex._log import Entry
from explorer.readers.codex._requests import Requests, Seen

UNFINISHED = "unfinished"
"""The finish reason of a call that was open when its turn ended."""

PROMPT = "prompt"
"""What a step notes of a prompt that is not whole."""

_COUNTERS = (
    "input_tokens", "cached_input_tokens", "cache_write_input_tokens", "output_tokens", "reasoning_output_tokens",
)  # fmt: skip


@dataclass(slots=True, eq=False)
class Call:
    """A model call and whose it is."""

    thread_id: str
    turn: TurnDraft
    step: StepDraft
    index: int
    """Of the step in its turn."""
    seen: Seen | None
    is_completed: bool = False


class Inferences:
    """The model calls of one bundle, in the order of its log."""

    def __init__(self, ledger: Ledger, parts: PromptParts) -> None:
        self._ledger = ledger
        self.requests = Requests(ledger, parts)
        self.calls: dict[str, Call] = {}
        self.last: dict[int, Call] = {}
        """Of a turn, by its ``id``."""
        self.asked_by: dict[tuple[str, str], Call] = {}
        """The call whose answer asked for a tool, by thread and the id of that."""
        self._open_calls: dict[str, Call] = {}
        self._contents: dict[tuple[str, str], int] = {}

    def started(self, entry: Entry) -> None:
        """A request goes out."""
        ledger, fields = self._ledger, entry.fields
        call_id = text(fields, "inference_call_id") or ""
        thread_id, turn_id = text(fields, "thread_id"), text(fields, "codex_turn_id")
        if entry.thread_id and thread_id and entry.thread_id != thread_id:
            message = f"a model call of thread {thread_id} in the name of thread {entry.thread_id}"
            ledger.remark("conflicting-thread", "warning", message, entry, thread_id, turn_id)
        thread = ledger.thread(entry, thread_id or entry.thread_id)
        turn = ledger.turn(entry, thread.thread_id, turn_id)
        if call_id in self.calls:
            message = f"model call {call_id} had been started before"
            ledger.remark("repeated-record", "warning", message, entry, thread.thread_id, turn_id)
        raw = ledger.raw(entry, "request_payload")
        request, seen = self.requests.asked(entry, thread.thread_id, turn.turn_id, raw)
        items = request.get("input")
        if thread.title is None and isinstance(items, list):
            thread.title = title_of(items)
        step = StepDraft(entry.where, entry.at, model=text(fields, "model"), provider=text(fields, "provider_name"))
        step.extra = {
            "inference_call_id": call_id or None,
            "effort": text(inner(request, "reasoning"), "effort"),
            "service_tier": text(request, "service_tier"),
            "previous_response_id": text(request, "previous_response_id"),
            PROMPT: None if seen else "partial" if "input" in request else "not recorded",
        }
        step.prompt = seen.stretches if seen else []
        self._open(call_id, Call(thread.thread_id, turn, step, len(turn.steps), seen))

    def completed(self, entry: Entry) -> None:
        """The answer is there."""
        call = self._ended(entry)
        call.is_completed = True
        response = self._answered(entry, call, "response_payload")
        usage = inner(response, "token_usage")
        counts = Usage(*(count(usage, name) for name in _COUNTERS))
        for name in _COUNTERS:
            if usage.get(name) is not None and count(usage, name) is None:
                message = f"{name} is {str(usage[name])[:40]!r}, not a number of tokens: counted as not recorded"
                self._ledger.remark("bad-field", "warning", message, entry, call.thread_id, call.turn.turn_id)
        if any(each is not None for each in counts):
            call.step.usage, call.step.usage_source, call.step.usage_grade = counts, "response", "exact"

    def failed(self, entry: Entry) -> None:
        """The call came to nothing; what it cost is not recorded."""
        call = self._ended(entry)
        self._answered(entry, call, "partial_response_payload")
        call.step.finish_reason = "failed"
        call.step.error = text(entry.fields, "error") or "failed, without a reason"

    def cancelled(self, entry: Entry) -> None:
        """The call was given up."""
        call = self._ended(entry)
        self._answered(entry, call, "partial_response_payload")
        call.step.finish_reason = "cancelled"
        call.step.extra["reason"] = text(entry.fields, "reason")

    def turn_ended(self, turn: TurnDraft) -> None:
        """Close the calls of a turn that are open."""
        for call_id in [call_id for call_id, call in self._open_calls.items() if call.turn is turn]:
            self._open_calls.pop(call_id).step.finish_reason = UNFINISHED

    def _open(self, call_id: str, call: Call) -> None:
        call.turn.steps.append(call.step)
        self.calls[call_id] = self.last[id(call.turn)] = self._open_calls[call_id] = call

    def _ended(self, entry: Entry) -> Call:
        """The call that an event ends; one of its own, where the start is lost."""
        call_id = text(entry.fields, "inference_call_id") or ""
        call = self.calls.get(call_id)
        if call is None:
            ledger = self._ledger
            turn = ledger.turn(entry)
            thread_id = entry.thread_id or ledger.root or ""
            message = f"the start of model call {call_id} is not recorded: its model and its prompt are not known"
            ledger.remark("missing-start", "warning", message, entry, thread_id, turn.turn_id)
            call = Call(ledger.thread(entry, thread_id).thread_id, turn, StepDraft(entry.where), len(turn.steps), None)
            call.step.extra["inference_call_id"] = call_id
            self._open(call_id, call)
        self._open_calls.pop(call_id, None)
        call.step.end, call.step.finish_reason = entry.at, None
        call.step.extra["upstream_request_id"] = text(entry.fields, "upstream_request_id")
        return call

    def _answered(self, entry: Entry, call: Call, name: str) -> Record:
        response = self._ledger.payload(entry, name) or {}
        items = response.get("output_items")
        if response and not isinstance(items, list):
            path = text(inner(entry.fields, name), "path")
            self._ledger.remark("bad-record", "error", f"{path}: no list of output_items", entry, call.thread_id)
        output = items if isinstance(items, list) else []
        call.step.response_id = text(entry.fields, "response_id") or text(response, "response_id")
        self.requests.answered(entry, call.thread_id, call.step.response_id, call.seen, output)
        for item in output:
            asked = call_id_of(item)
            if asked and kind_of(item) in CALLS:
                self._asks(entry, call, asked, item)
        return response

    def _asks(self, entry: Entry, call: Call, asked: str, item: object) -> None:
        """An answer asks for a tool."""
        key, content = (call.thread_id, asked), fingerprint(item)
        if self._contents.setdefault(key, content) != content:
            message = f"{asked} is the id of two different tool calls"
            self._ledger.remark("repeated-call-id", "info", message, entry, call.thread_id, call.turn.turn_id)
        self.asked_by[key] = call
