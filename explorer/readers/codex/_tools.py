"""The tool calls of a bundle. Code cells, in which a model's code calls tools, are calls of the tool ``exec``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import orjson

from explorer.model import EdgeKind
from explorer.readers.codex._draft import ToolDraft, TurnDraft, Where
from explorer.readers.codex._inferences import Call, Inferences
from explorer.readers.codex._json import Record, inner, text
from explorer.readers.codex._ledger import Ledger
from explorer.readers.codex._log import Entry

HANDS_OFF: Final[Mapping[str, EdgeKind]] = {
    "spawn_agent": "spawn", "assign_agent_task": "assign", "followup_task": "assign", "assign_task": "assign",
    "send_message": "message", "send_input": "assign", "close_agent": "close", "interrupt_agent": "close",
    "resume_agent": "resume",
}  # fmt: skip
"""The tools by which an agent turns to another one; ``send_input`` and ``resume_agent`` are of the first version."""

_ACTIVITY: Mapping[EdgeKind, str] = {
    "spawn": "started", "assign": "interacted", "message": "interacted", "close": "interrupted",
}  # fmt: skip
_TERMINAL = ("exec_command", "write_stdin")
_TARGETS = ("agent_thread_id", "new_thread_id", "receiver_thread_id")
_LOST = frozenset(("failed", "cancelled", "aborted", "terminated"))


@dataclass(slots=True, eq=False)
class Tool:
    """A tool call and what it does to other agents."""

    thread_id: str
    turn: TurnDraft
    draft: ToolDraft
    entry: Entry
    kind: str
    cell: Tool | None = None
    """The code that called it."""
    edge: EdgeKind | None = None
    arguments: Record | None = None
    asked: Where | None = None
    """Where these stand."""
    to_thread: str | None = None
    to_path: str | None = None
    mcp_call_id: str | None = None

    @property
    def target(self) -> str | None:
        """The agent that it names, by a path, a name or an id."""
        names = ("target", "agent_path", "agent_id", "id", "task_name")
        return self.to_path or next(filter(None, (text(self.arguments, name) for name in names)), None)

    @property
    def message(self) -> str:
        """What it tells the other agent; may be encrypted."""
        return next(filter(None, (text(self.arguments, name) for name in ("message", "prompt", "input"))), "")


class Tools:
    """The tool calls of one bundle, in the order of its log."""

    def __init__(self, ledger: Ledger, inferences: Inferences) -> None:
        self._ledger = ledger
        self._inferences = inferences
        self.calls: dict[str, Tool] = {}
        self.all: list[Tool] = []
        self._cells: dict[str, Tool] = {}
        self._visible: dict[tuple[str, str], str] = {}
        self._terminals: dict[str, str] = {}

    def started(self, entry: Entry) -> None:
        """A tool is called."""
        ledger, fields = self._ledger, entry.fields
        turn = ledger.turn(entry)
        thread_id = ledger.thread(entry, entry.thread_id).thread_id
        call_id, visible = text(fields, "tool_call_id") or "", text(fields, "model_visible_call_id")
        kind = text(inner(fields, "kind"), "type") or "other"
        draft = ToolDraft(entry.where, visible or call_id or None, _name(fields, kind), entry.at)
        tool = Tool(thread_id, turn, draft, entry, kind)
        if call_id in self.calls:
            message = f"tool call {call_id} had been started before"
            ledger.remark("repeated-record", "warning", message, entry, thread_id, turn.turn_id)
        elif visible and self._visible.setdefault((thread_id, visible), call_id) != call_id:
            message = f"{visible} is the id of two tool calls"
            ledger.remark("repeated-call-id", "info", message, entry, thread_id, turn.turn_id)
        tool.cell = self._cells.get(text(inner(fields, "requester"), "runtime_cell_id") or "")
        tool.edge = HANDS_OFF.get(kind) or HANDS_OFF.get((draft.name or "").rpartition(".")[2])
        if tool.edge is not None:
            raw = ledger.raw(entry, "invocation_payload")
            invocation = ledger.parsed(entry, raw, inner(fields, "invocation_payload"))
            tool.asked = ledger.place(entry, "invocation_payload", raw)
            tool.arguments = _parsed(inner(invocation, "payload").get("arguments"))
        self._add(tool)
        self.calls[call_id] = tool

    def correlated(self, entry: Entry) -> None:
        """An MCP server's own id of a call."""
        tool, mcp_call_id = self._known(entry), text(entry.fields, "mcp_call_id")
        if tool is None:
            return
        if tool.mcp_call_id not in (None, mcp_call_id):
            message = f"a second MCP id for tool call {tool.draft.call_id}"
            self._ledger.remark("repeated-record", "warning", message, entry, tool.thread_id, tool.turn.turn_id)
        tool.mcp_call_id = mcp_call_id

    def runtime(self, entry: Entry) -> None:
        """What carries a tool out begins or ends its work."""
        tool = self._known(entry)
        if tool is None:
            return
        if text(entry.fields, "status") in _LOST:
            tool.draft.is_error = True
        if tool.edge is None and tool.kind not in _TERMINAL:
            return
        event = self._ledger.payload(entry, "runtime_payload") or {}
        if tool.kind in _TERMINAL:
            self._terminal(entry, tool, event)
            return
        tool.to_thread = next(filter(None, (text(event, name) for name in _TARGETS)), tool.to_thread)
        tool.to_path = text(event, "agent_path") or tool.to_path
        activity = text(event, "kind")
        wanted = _ACTIVITY.get(tool.edge) if tool.edge else None
        if activity is not None and wanted is not None and activity != wanted:
            message = f"activity {activity!r} of {tool.draft.name}, which is recorded as {wanted!r} elsewhere"
            self._ledger.remark("kind-mismatch", "warning", message, entry, tool.thread_id, tool.turn.turn_id)

    def ended(self, entry: Entry) -> None:
        """A tool call is over."""
        tool = self._known(entry)
        if tool is None:
            return
        status = text(entry.fields, "status")
        tool.draft.end = entry.at
        tool.draft.is_error = True if status in _LOST else (tool.draft.is_error or (False if status else None))
        if tool.edge == "spawn" and tool.to_thread is None:
            result = self._ledger.payload(entry, "result_payload")
            output = _parsed(inner(result, "response_item").get("output")) or {}
            tool.to_thread, tool.to_path = text(output, "agent_id"), text(output, "task_name") or tool.to_path

    # --- code cells --------------------------------------------------------------------------------------------------

    def cell_started(self, entry: Entry) -> None:
        """A model's code begins to run."""
        ledger = self._ledger
        turn = ledger.turn(entry)
        cell_id, call_id = text(entry.fields, "runtime_cell_id") or "", text(entry.fields, "model_visible_call_id")
        thread_id = ledger.thread(entry, entry.thread_id).thread_id
        if cell_id in self._cells:
            message = f"code cell {cell_id} had been started before"
            ledger.remark("repeated-record", "warning", message, entry, thread_id, turn.turn_id)
        cell = Tool(thread_id, turn, ToolDraft(entry.where, call_id, "exec", entry.at), entry, "code_cell")
        self._add(cell)
        self._cells[cell_id] = cell

    def cell_answered(self, entry: Entry) -> None:
        """Code has given its first answer, or is over."""
        cell_id = text(entry.fields, "runtime_cell_id") or ""
        cell = self._cells.get(cell_id)
        if cell is None:
            self._lost(entry, f"code cell {cell_id}")
            return
        status = text(entry.fields, "status")
        if status in ("completed", *_LOST):
            cell.draft.end, cell.draft.is_error = entry.at, status != "completed"

    # --- at the end --------------------------------------------------------------------------------------------------

    def give_steps(self) -> None:
        """Give every tool call the step whose answer asked for it, else the step of its code, else the last before."""
        for tool in self.all:
            asked = self._asker(tool.cell or tool)
            if asked is not None and asked.turn is tool.turn:
                tool.draft.step = asked.index
            elif asked is None:
                steps, line = tool.turn.steps, tool.entry.where.line
                before = (index for index in reversed(range(len(steps))) if steps[index].where.line < line)
                tool.draft.step, tool.draft.grade = next(before, None), "derived"

    def _asker(self, tool: Tool) -> Call | None:
        return self._inferences.asked_by.get((tool.thread_id, tool.draft.call_id or ""))

    def _add(self, tool: Tool) -> None:
        tool.turn.tools.append(tool.draft)
        self.all.append(tool)

    def _known(self, entry: Entry) -> Tool | None:
        call_id = text(entry.fields, "tool_call_id") or ""
        tool = self.calls.get(call_id)
        if tool is None:
            self._lost(entry, f"tool call {call_id}")
        return tool

    def _lost(self, entry: Entry, what: str) -> None:
        self._ledger.remark("missing-start", "warning", f"the start of {what} is not recorded", entry, entry.thread_id)

    def _terminal(self, entry: Entry, tool: Tool, event: Record) -> None:
        terminal = text(event, "process_id")
        if terminal and self._terminals.setdefault(terminal, tool.thread_id) != tool.thread_id:
            message = f"terminal {terminal} is one of thread {self._terminals[terminal]} elsewhere"
            self._ledger.remark("duplicate-id", "info", message, entry, tool.thread_id, tool.turn.turn_id)


def _name(fields: Record, kind: str) -> str:
    """The name of a tool as the model has it, else as the kind of its call tells it."""
    label = text(inner(fields, "summary"), "label")
    of_kind = inner(fields, "kind")
    told = ".".join(filter(None, (text(of_kind, "server"), text(of_kind, "tool")))) or text(of_kind, "name")
    return label or told or kind


def _parsed(arguments: object) -> Record | None:
    """The arguments of a call, or a result, which are JSON as text."""
    if not isinstance(arguments, str):
        return None
    try:
        parsed = orjson.loads(arguments)
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict) else None
