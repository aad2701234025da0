"""Commands that answers ask for, each until its result is there."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from typing import NamedTuple

from explorer.model import ToolCall
from explorer.readers._openai._items import OUTPUTS, word
from explorer.readers.mini_swe_agent._calls import FORMAT_ERROR, extra_of


class _Command(NamedTuple):
    ordinal: int
    step_ordinal: int
    call_id: str | None
    name: str
    start_ms: int | None
    offset: int
    length: int


class Commands:
    """The tool calls of a run."""

    def __init__(self, run_id: str, source_id: str) -> None:
        self._run_id = run_id
        self._source_id = source_id
        self._open: dict[str | None, deque[_Command]] = defaultdict(deque)
        self._latest: _Command | None = None
        self.count = 0

    def ask(
        self, step: int, call_id: str | None, name: str, start_ms: int | None, offset: int, length: int
    ) -> None:  # fmt: skip
        """An answer asks for a command. Those without an id are answered in their order."""
        self.count += 1
        self._latest = _Command(self.count, step, call_id, name, start_ms, offset, length)
        self._open[call_id].append(self._latest)

    def answer(self, message: dict[str, object], end_ms: int | None) -> ToolCall | str | None:
        """The call that a message is the result of; an id of which no call is open; None for no result."""
        extra = extra_of(message)
        call_id = word(message.get("tool_call_id")) or word(message.get("call_id"))
        is_result = message.get("role") == "tool" or word(message.get("type")) in OUTPUTS
        if extra.get("interrupt_type") == FORMAT_ERROR or not (is_result or "returncode" in extra):
            return None
        queue = self._open.get(call_id) or (self._open.get(None) if call_id is None else None)
        if not queue:
            return call_id if is_result else None  # else a command of the user's own
        code, exception = extra.get("returncode"), extra.get("exception_info")
        is_error = None if exception is None and type(code) is not int else bool(exception) or code != 0
        return self._row(queue.popleft(), end_ms, is_error)

    def end(self, exit_ms: int | None) -> Iterator[ToolCall]:
        """Those without a result, of which the last one is what ended the run if it was left at ``exit_ms``."""
        left = sorted(command for queue in self._open.values() for command in queue)
        for command in left:
            yield self._row(command, exit_ms if command is self._latest else None, None)

    def _row(self, command: _Command, end_ms: int | None, is_error: bool | None) -> ToolCall:
        return ToolCall(
            run_id=self._run_id,
            ordinal=command.ordinal,
            step_ordinal=command.step_ordinal,
            tool_call_id=command.call_id,
            name=command.name,
            start_ms=command.start_ms,
            end_ms=end_ms,
            is_error=is_error,
            grade="exact" if command.call_id else "derived",
            source_id=self._source_id,
            offset=command.offset,
            length=command.length,
        )
