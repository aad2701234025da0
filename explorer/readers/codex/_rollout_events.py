"""The events of a rollout: turns begin and end, settings change, tools are told of, history is taken back."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from explorer.model import RunStatus
from explorer.readers._values import many
from explorer.readers.codex._draft import EventDraft
from explorer.readers.codex._json import text as text_in
from explorer.readers.codex._rollout_lines import Record
from explorer.readers.codex._rollout_notes import error_text
from explorer.readers.codex._rollout_state import State
from explorer.readers.codex._traffic import AgentCall, Final, edge_of, short

_TOLD = (
    "item_completed", "sub_agent_activity", "exec_command_end", "mcp_tool_call_end", "patch_apply_end",
    "collab_agent_spawn_end", "collab_agent_interaction_end", "collab_waiting_end", "collab_close_end",
    "collab_resume_end", "dynamic_tool_call_response",
)  # fmt: skip
"""Events that tell of a tool call."""


class Events:
    """Takes the events of one file."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._handlers: Mapping[str | None, Callable[[Record], None]] = {
            "task_started": self._started, "turn_started": self._started, "task_complete": self._complete,
            "turn_complete": self._complete, "turn_aborted": self._aborted, "token_count": state.tokens.count,
            "thread_settings_applied": self._settings, "thread_rolled_back": self._rolled_back,
            "thread_goal_updated": self._goal, "error": self._error, "stream_error": self._error,
            **dict.fromkeys(_TOLD, self._told),
        }  # fmt: skip

    def take(self, record: Record) -> None:
        """The next event."""
        handle = self._handlers.get(record.sub)
        if handle is None:
            self._state.notes.strange(f"event {record.sub}", record)
        else:
            handle(record)

    def _started(self, record: Record) -> None:
        turn = self._state.begin(text_in(record.payload, "turn_id"), record.at)
        window = record.payload.get("model_context_window")
        if isinstance(window, int):
            turn.extra["context_window"] = window

    def _complete(self, record: Record) -> None:
        state, payload = self._state, record.payload
        error, text = payload.get("error"), text_in(payload, "last_agent_message")
        status: RunStatus = "failed" if error else "completed"
        turn = state.turns.end(text_in(payload, "turn_id"), record.at, status, error_text(error))
        state.turns.settle(turn)
        for name in ("duration_ms", "time_to_first_token_ms"):
            if isinstance(payload.get(name), int):
                turn.extra[name] = payload[name]
        if error:
            turn.events.append(EventDraft("error", record.at, detail=error_text(error)))
        if text is not None and not turn.is_replay:
            state.traffic.finals.append(Final(turn, short(text), record.at, state.notes.where(record)))

    def _aborted(self, record: Record) -> None:
        turns, reason = self._state.turns, text_in(record.payload, "reason")
        turn = turns.end(text_in(record.payload, "turn_id"), record.at, "cancelled", reason)
        turns.settle(turn)
        turn.events.append(EventDraft("interrupt", record.at, trigger=reason))

    def _settings(self, record: Record) -> None:
        settings = record.payload.get("thread_settings")
        if isinstance(settings, dict):
            self._state.turns.model = text_in(settings, "model") or self._state.turns.model
            self._state.set(effort=settings.get("reasoning_effort"), cwd=settings.get("cwd"))

    def _rolled_back(self, record: Record) -> None:
        count = record.payload.get("num_turns")
        count = count if type(count) is int and count > 0 else 0
        self._state.history.roll_back(count)
        self._state.turns.event(
            EventDraft("note", record.at, "thread_rolled_back", f"{many(count, 'turn')} taken back")
        )

    def _goal(self, record: Record) -> None:
        goal = record.payload.get("goal")
        told = [text_in(goal, name) for name in ("status", "objective")]
        detail = ": ".join(filter(None, told))[:200] or None
        self._state.turns.event(EventDraft("note", record.at, "thread_goal_updated", detail))

    def _error(self, record: Record) -> None:
        detail = error_text(record.payload.get("message") or record.payload)
        self._state.turns.event(EventDraft("error", record.at, record.sub, detail))

    def _told(self, record: Record) -> None:
        """Of a tool call; one that is no item was made by code that the model wrote."""
        state, where = self._state, self._state.notes.where(record)
        tool, is_new = state.tools.told(record.payload, where, record.at)
        if tool is None:
            return
        if is_new:
            state.turns.tool(tool, None)
        if state.turns.is_replay:
            return
        calls, call_id = state.traffic.calls, tool.call_id or ""
        edge = edge_of(tool.name)
        if call_id not in calls and edge is not None:
            calls[call_id] = AgentCall(edge, tool, state.turns.latest(record.at), record.at, where)
        if call_id in calls:
            _name_other(calls[call_id], record.payload)


def _name_other(call: AgentCall, payload: Mapping[str, object]) -> None:
    """Take over which thread a call was about."""
    item = payload.get("item")
    item = item if isinstance(item, dict) else payload
    receivers = item.get("receiver_thread_ids")
    if isinstance(receivers, list) and receivers and isinstance(receivers[0], str):
        call.thread_id = receivers[0]
    for name in ("agent_thread_id", "new_thread_id", "receiver_thread_id"):
        call.thread_id = text_in(item, name) or call.thread_id
    call.path = text_in(item, "agent_path") or call.path
