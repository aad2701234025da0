"""What was said in a run: the records of its agent, in the order of the file, from the last compaction before it on.

Where the user went back, what was said on the branch that was left is not in the prompt, and not told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import orjson

from explorer.readers import Message, MessageKind, MessageRole, Place, StepPlace
from explorer.readers._claude_code._content import INTERRUPTED, dumped, is_injected, text_of, word
from explorer.readers._claude_code._lines import Damage, Where, lines, parse

_COMPACTED = "a compaction: what was said before is replaced by a summary"


class _Record(NamedTuple):
    """Where a record of the agent stands, and which step it is of."""

    offset: int
    length: int
    step: int | None


def messages(files: Mapping[str, Path], place: Place) -> Iterator[Message]:
    """The messages of a run, lazily.

    Raises:
        OSError: the source is not there any more.
    """
    steps = [step for step in place.steps if place.until is None or step.ordinal <= place.until]
    if not steps:
        return
    source_id = steps[0].source_id
    if source_id not in files:
        raise OSError(f"{source_id} is not among the sources any more")
    path = files[source_id]
    last = max((step.offset or 0) for step in place.steps) if place.until is None else steps[-1].offset or 0
    found = _Prompt(steps, of_agent(place.agent_id), whole=place.until is None, last=last)
    for line in lines(path, source_id):
        if not isinstance(line, Damage) and not found.take(*line):
            break
    yield from _told(path, found.records)


def _told(path: Path, records: list[_Record]) -> Iterator[Message]:
    """The messages of records of a file."""
    names: dict[str, str | None] = {}
    with path.open("rb") as file:
        for offset, length, step in records:
            file.seek(offset)
            record = parse(file.read(length))
            if record is not None:
                yield from _messages(record, step, names)


def of_agent(agent_id: str) -> Callable[[dict[str, object]], bool]:
    """Whether a record of the right file may be of this agent; only of sidechains among others it is not sure."""
    name = agent_id.rpartition("/")[2]
    if name.startswith("sidechain-"):
        return lambda record: record.get("isSidechain") is True
    if name == "main":
        return lambda record: record.get("isSidechain") is not True and not record.get("agentId")
    return lambda record: record.get("agentId") in (None, name.removeprefix("agent-"))


class _Prompt:
    """The records that make the prompt of a run's last step, with what came of it."""

    def __init__(
        self, steps: list[StepPlace], is_own: Callable[[dict[str, object]], bool], whole: bool, last: int
    ) -> None:
        self.records: list[_Record] = []
        self._is_own = is_own
        self._whole, self._last = whole, last
        self._at = {step.offset: step.ordinal for step in steps}
        self._first = steps[0].offset or 0
        self._calls: dict[object, int] = {}
        self._behind: dict[str, int] = {}  # records up to this one, by its id
        self._over = False

    def take(self, where: Where, record: dict[str, object]) -> bool:
        """Look at the next record of the file; whether any more is wanted."""
        kind = record.get("type")
        if kind not in ("user", "assistant", "system", "attachment") or not self._is_own(record):
            return True
        ordinal = self._step(record, where)
        if where.offset > self._last and ordinal is None:
            results = kind == "user" and text_of(_content(record)) is None
            if kind == "assistant" or not (self._whole and results):
                return False
        if kind == "system" and record.get("subtype") != "compact_boundary":
            self._note(record)
            return True
        if where.offset <= self._first:
            self._branch(record, kind)
        self.records.append(_Record(where.offset, where.length, ordinal))
        self._note(record)
        return True

    def _note(self, record: dict[str, object]) -> None:
        uuid = word(record.get("uuid"))
        if uuid is not None:
            self._behind[uuid] = len(self.records)

    def _branch(self, record: dict[str, object], kind: object) -> None:
        """Forget what is not in the prompt of what comes: what was compacted, and what the user went back behind."""
        parent = record.get("parentUuid")
        if kind == "system" or (
            parent is None and (record.get("isSidechain") is True or record.get("isCompactSummary"))
        ):
            self.records.clear()
        elif kind == "user" and type(parent) is str and text_of(_content(record)) is not None:
            behind = self._behind.get(parent)
            if behind is not None:
                del self.records[behind:]

    def _step(self, record: dict[str, object], where: Where) -> int | None:
        """The step of the run that a record is of."""
        message = record.get("message")
        if record.get("type") != "assistant" or type(message) is not dict:
            return None
        key = (message.get("id"), record.get("requestId")) if message.get("id") else record.get("uuid")
        if where.offset in self._at:
            self._calls[key] = self._at[where.offset]
        return self._calls.get(key)


def _content(record: dict[str, object]) -> object:
    message = record.get("message")
    return message.get("content") if type(message) is dict else None


# --- records as messages ---------------------------------------------------------------------------------------------


def _messages(record: dict[str, object], step: int | None, names: dict[str, str | None]) -> Iterator[Message]:
    kind = record.get("type")
    if kind == "system":
        yield Message.of("system", "other", "", note=_COMPACTED)
        return
    if kind == "attachment":
        attachment = record.get("attachment")
        what = word(attachment.get("type")) if type(attachment) is dict else None
        prompt = attachment.get("prompt") if type(attachment) is dict else None
        text = text_of(prompt) or dumped(attachment).decode("utf-8", "replace")
        yield Message.of("user", "text" if prompt else "other", text, what, note="put in by the recorder")
        return
    content = _content(record)
    role: MessageRole = "assistant" if kind == "assistant" else "user"
    blocks = content if type(content) is list else [{"type": "text", "text": content}]
    for block in blocks:
        if type(block) is dict:
            yield _block(block, record, role, step, names)


def _block(
    block: dict[str, object], record: dict[str, object], role: MessageRole, step: int | None,
    names: dict[str, str | None],
) -> Message:  # fmt: skip
    kind = block.get("type")
    if kind == "text":
        text = block.get("text")
        text = text if type(text) is str else ""
        return Message.of(role, "text", text, step_ordinal=step, note=_note(record, text))
    if kind in ("thinking", "redacted_thinking"):
        text = word(block.get("thinking")) or ""
        return Message.of(role, "reasoning", text, step_ordinal=step, note=None if text else "encrypted")
    if kind in ("tool_use", "server_tool_use", "mcp_tool_use"):
        call_id, name = word(block.get("id")), word(block.get("name"))
        if call_id:
            names[call_id] = name
        return Message.of(
            role, "tool_call", dumped(block.get("input")).decode("utf-8", "replace"), name, call_id, step_ordinal=step
        )
    if kind == "tool_result" or (type(kind) is str and kind.endswith("_tool_result")):
        call_id = word(block.get("tool_use_id"))
        text, note = _result(block.get("content"))
        failed = block.get("is_error") is True
        return Message.of("tool", "tool_result", text, names.get(call_id or ""), call_id, is_error=failed, note=note)
    what: MessageKind = "image" if kind == "image" else "other"
    return Message.of(role, what, "", step_ordinal=step, note=None if kind == "image" else word(kind))


def _note(record: dict[str, object], text: str) -> str | None:
    if record.get("isCompactSummary") is True:
        return "a summary of what was said before"
    if record.get("isApiErrorMessage") is True:
        return "the model call failed"
    if text.startswith(INTERRUPTED) or record.get("isMeta") is True or is_injected(text):
        return "put in by the recorder"
    return None


def _result(content: object) -> tuple[str, str | None]:
    """The text of a tool's result, and what of it is none."""
    if type(content) is str:
        return content, None
    if type(content) is not list:
        return ("" if content is None else orjson.dumps(content).decode()), None
    texts = [block.get("text") for block in content if type(block) is dict]
    images = sum(type(block) is dict and block.get("type") == "image" for block in content)
    text = "\n".join(text for text in texts if type(text) is str)
    return text, f"{images} of its parts are images" if images else None
