"""Tool calls of a rollout: the item that asks, the item that answers, and what the recorder tells of it beside them.

Format: openai/codex codex-rs/protocol/src/{models,items,protocol}.rs @b3cc2173.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from explorer.readers.codex._draft import ToolDraft, Where
from explorer.readers.codex._items import call_id_of, kind_of, tool_of
from explorer.readers.codex._json import text as text_in

_NAMES = {
    "CommandExecution": "exec_command", "FileChange": "apply_patch", "WebSearch": "web_search",
    "ImageView": "view_image", "ImageGeneration": "image_generation", "Extension": "extension",
}  # fmt: skip
_PROVIDED = ("WebSearch", "ImageGeneration")
"""What the provider does itself, unless code that the model wrote asks for it."""

_ACTIVITIES = {"started": "spawn_agent", "interacted": "send_message", "interrupted": "interrupt_agent"}
_BAD_STATES = frozenset(("failed", "declined", "error", "errored"))
_SHELLS = re.compile(r"(?:.*\.)?(?:exec_command|write_stdin|shell|shell_command|local_shell|container\.exec)\Z")
_EXIT = re.compile(r"^(?:Exit code:|Process exited with code) (-?\d+)", re.MULTILINE)
_EXIT_IN_JSON = re.compile(r'"metadata":\s*\{\s*"exit_code":\s*(-?\d+)')
_HEADER = 400
_NEAR = 60_000


class Tools:
    """The calls of one file, by their ids."""

    def __init__(self) -> None:
        self.by_id: dict[str, ToolDraft] = {}
        self._open: set[str] = set()

    def call(self, item: Mapping[str, object], where: Where, at: int | None) -> tuple[ToolDraft, bool]:
        """The call that an item is, and whether another one has its id."""
        call_id = call_id_of(item) or text_in(item, "id")
        name = tool_of(item) or ("image_generation" if kind_of(item) == "image_generation_call" else kind_of(item))
        tool = ToolDraft(where, call_id, name, start=at)
        again = call_id in self.by_id
        if call_id:
            self.by_id[call_id] = tool
            self._open.add(call_id)
        if kind_of(item) in ("web_search_call", "image_generation_call"):  # the provider's: done when they are told
            tool.end = at
            self._open.discard(call_id or "")
        return tool, again

    def output(self, item: Mapping[str, object], at: int | None) -> tuple[ToolDraft | None, bool]:
        """The call whose output an item is, and whether it was still open; None for one that nobody made."""
        call_id = call_id_of(item) or ""
        tool, was_open = self.by_id.get(call_id), call_id in self._open
        self._open.discard(call_id)
        if tool is not None and was_open:
            tool.end = at if tool.end is None else tool.end
            if tool.is_error is None:
                tool.is_error = _is_error(item.get("output"), tool.name)
        return tool, was_open

    def told(self, payload: Mapping[str, object], where: Where, at: int | None) -> tuple[ToolDraft | None, bool]:
        """The call that an event tells of, and whether it is new: made by code that the model wrote, so no item."""
        item = payload.get("item")
        item = item if isinstance(item, dict) else payload
        call_id = text_in(item, "id") or text_in(item, "call_id") or text_in(item, "event_id")
        if call_id is None:
            return None, False
        tool, is_new = self.by_id.get(call_id), False
        if tool is None and kind_of(item) in _PROVIDED and not self._open:
            return None, False  # the item says it, under no id or another one
        if tool is None:
            tool, is_new = ToolDraft(where, call_id, _name(item), end=at), True
            self.by_id[call_id] = tool
        start, end = _time(payload.get("started_at_ms")), _time(payload.get("completed_at_ms"))
        near = end is not None and (at is None or abs(end - at) <= _NEAR)  # by the clock that writes the lines
        if near and start is not None and end is not None and start <= end:
            tool.start, tool.end = start, end
        failed = _failed(item)
        tool.is_error = tool.is_error if failed is None else failed
        return tool, is_new


def _name(item: Mapping[str, object]) -> str | None:
    kind = kind_of(item) or ""
    if kind in ("SubAgentActivity", "sub_agent_activity"):
        return _ACTIVITIES.get(str(item.get("kind")), f"agent:{item.get('kind')}")
    if kind in ("McpToolCall", "mcp_tool_call_end"):
        call = item.get("invocation")
        call = call if isinstance(call, dict) else item
        return ".".join(filter(None, (text_in(call, "server"), text_in(call, "tool")))) or None
    return _NAMES.get(kind) or text_in(item, "tool") or text_in(item, "name") or kind.removesuffix("_end") or None


def _failed(item: Mapping[str, object]) -> bool | None:
    """Whether an event says that a call failed."""
    code, success, result, status = (item.get(name) for name in ("exit_code", "success", "result", "status"))
    if type(code) is int:
        return code != 0
    if isinstance(success, bool):
        return not success
    if isinstance(result, dict) and ("Err" in result or "Ok" in result):
        fine = result.get("Ok")
        return not isinstance(fine, dict) or fine.get("isError", fine.get("is_error")) is True
    if isinstance(status, str) and status in ("completed", *_BAD_STATES):
        return status in _BAD_STATES
    return None


def _is_error(output: object, name: str | None) -> bool | None:
    """Whether an output says that the call failed: by its flag, or by the exit code that the recorder writes first."""
    if isinstance(output, dict):
        success = output.get("success")
        return not success if isinstance(success, bool) else None
    if isinstance(output, str) and name and _SHELLS.match(name):
        code = _EXIT.search(output, 0, _HEADER) or _EXIT_IN_JSON.search(output, max(len(output) - _HEADER, 0))
        return int(code[1]) != 0 if code else None
    return None


def _time(value: object) -> int | None:
    return value if type(value) is int and 0 < value < 10**14 else None
