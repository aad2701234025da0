"""The items of a rollout: what the model was told and what it said, in the order of its history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from explorer.readers.codex._history import asked
from explorer.readers.codex._items import CALLS, OUTPUTS, call_id_of, is_known, kind_of, letter_of
from explorer.readers.codex._json import text as text_in
from explorer.readers.codex._rollout_lines import Record
from explorer.readers.codex._rollout_state import State
from explorer.readers.codex._traffic import AgentCall, Delivery, edge_of, object_of, results_in, short

_SAID: Final = frozenset(("reasoning", "image_generation_call", *CALLS))
_IGNORED: Final = frozenset(("ghost_snapshot", "other"))
_LETTERS: Final = frozenset(("agent_message", "message"))
_TITLE = 120
_MOST_PROMPTS = 1_000


def is_said(item: Mapping[str, object]) -> bool:
    """Whether the model said an item, and was not told it."""
    kind = kind_of(item)
    return kind in _SAID or (kind == "message" and item.get("role") == "assistant" and letter_of(item) is None)


class Items:
    """Takes the items of one file."""

    def __init__(self, state: State) -> None:
        self._state = state

    def take(self, record: Record) -> None:
        """The next item."""
        state, item, kind = self._state, record.payload, kind_of(record.payload)
        if kind in _IGNORED:
            return
        letter = letter_of(item) if kind in _LETTERS else None
        if letter is None and (kind in _SAID or (kind == "message" and item.get("role") == "assistant")):
            self._said(record, kind)
            return
        text = asked(item) if kind == "message" else None
        if kind in OUTPUTS:
            self._output(record)
        elif not is_known(item):
            state.notes.strange(f"item {kind}", record)
        state.turns.heard(record.at)
        state.history.add(item, text is not None or (letter is not None and state.triggered))
        state.triggered = False
        if state.turns.is_replay:
            return
        if letter is not None:
            delivery = Delivery(state.turns.latest(record.at), record.at, state.notes.where(record), letter)
            state.traffic.deliveries.append(delivery)
        elif kind == "message":
            self._message(record, text)

    def communication(self, record: Record) -> None:
        """A whole message between agents, as it was written for some days in June 2026."""
        item: dict[str, object] = {"type": "agent_message", **record.payload}
        text, sealed = item.get("content"), item.pop("encrypted_content", None)
        content = [{"type": "input_text", "text": text}] if isinstance(text, str) and text else []
        item["content"] = content + ([{"type": "encrypted_content", "encrypted_content": sealed}] if sealed else [])
        self.trigger(record)
        self.take(record._replace(payload=item))

    def trigger(self, record: Record) -> None:
        """What precedes a message between agents: whether it begins a turn."""
        self._state.triggered = record.payload.get("trigger_turn") is True

    def _said(self, record: Record, kind: str | None) -> None:
        state, where = self._state, self._state.notes.where(record)
        turns = state.turns
        answer = turns.said(where, record.at)
        state.history.add(record.payload)
        state.tokens.answered = state.tokens.answered or not turns.is_replay
        if kind not in CALLS and kind != "image_generation_call":
            return
        tool, again = state.tools.call(record.payload, where, record.at)
        if again:
            state.notes.remark("repeated-call-id", "info", f"{tool.call_id!r} names two calls", record.line.number)
        turns.tool(tool, answer)
        edge = edge_of(tool.name)
        if edge is not None and tool.call_id and not turns.is_replay:
            call = AgentCall(edge, tool, turns.latest(record.at), record.at, where)
            call.arguments = object_of(record.payload.get("arguments", record.payload.get("input")))
            state.traffic.calls[tool.call_id] = call

    def _output(self, record: Record) -> None:
        state, item = self._state, record.payload
        tool, was_open = state.tools.output(item, record.at)
        if tool is None and not state.turns.is_replay:
            message = f"an output of {call_id_of(item)!r}, which no call in this file is"
            state.notes.remark("unpaired-result", "warning", message, record.line.number)
        if tool is None or not was_open:
            return
        call = state.traffic.calls.get(tool.call_id or "")
        if call is not None:
            output = item.get("output")
            call.output = object_of(output.get("content") if isinstance(output, dict) else output)
            call.thread_id = call.thread_id or text_in(call.output, "agent_id")
            call.path = call.path or text_in(call.output, "task_name")
        elif not state.turns.is_replay:
            self._results(item, tool.name, record)

    def _message(self, record: Record, text: str | None) -> None:
        """What the user said, a parent in the user's place, or, without a text, the recorder."""
        state = self._state
        if text is None:
            self._results(record.payload, None, record)
        elif not state.head.spawned:
            state.draft.title = state.draft.title or " ".join(text.split())[:_TITLE] or None
        elif len(state.traffic.prompts) < _MOST_PROMPTS:
            state.traffic.prompts.append((short(text), state.notes.where(record), state.turns.latest(record.at)))

    def _results(self, item: Mapping[str, object], tool: str | None, record: Record) -> None:
        state = self._state
        for sender, answer in results_in(item, tool):
            text = None if answer is None else short(answer)
            turn, where = state.turns.latest(record.at), state.notes.where(record)
            state.traffic.deliveries.append(Delivery(turn, record.at, where, sender=sender, text=text))
