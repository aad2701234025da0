"""What was said in a run: the records of its agent, in the order of the file, from the last compaction before it on.

Of a conversation with branches, the one that the run's last step stands on is told: what was said on others, where the
user went back or somebody else writes, is not in the prompt.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import orjson

from explorer.readers import Message, MessageKind, MessageRole, Place, StepPlace
from explorer.readers._claude_code._content import (
    CALLS,
    CHAINED,
    INTERRUPTED,
    asks,
    dumped,
    envelopes,
    has_results,
    is_injected,
    text_of,
    word,
)
from explorer.readers._claude_code._draft import sidechain
from explorer.readers._claude_code._lines import Damage, Where, lines, parse
from explorer.readers._claude_code._prompt import Branch, Conversing
from explorer.readers._prompts import PromptParts
from explorer.readers._values import key_part

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
    found = _Telling(steps, place.agent_id, whole=place.until is None)
    for line in lines(path, source_id):
        if not isinstance(line, Damage) and not found.take(*line):
            break
    yield from _told(path, found.records())


def _told(path: Path, records: Iterator[_Record]) -> Iterator[Message]:
    """The messages of records of a file."""
    names: dict[str, str | None] = {}
    with path.open("rb") as file:
        for offset, length, step in records:
            file.seek(offset)
            record = parse(file.read(length))
            if record is not None:
                yield from _messages(record, step, names)


class _Whose:
    """Tells the records of an agent from those of others in the file, taken one by one."""

    def __init__(self, agent_id: str) -> None:
        self.name = agent_id.rpartition("/")[2]
        self._inside = self.name.startswith("sidechain-")
        self._of: dict[str, bool] = {}  # of the records of sidechains, whether they are its own
        self._latest: bool | None = None

    def is_own(self, record: dict[str, object], where: Where) -> bool:
        """Whether a record is the agent's: by its own word; of a sidechain, by what it hangs on."""
        if self._inside:
            return record.get("isSidechain") is True and not record.get("agentId") and self._of_sidechain(record, where)
        if self.name == "main" or self.name.startswith("teammate-"):
            return record.get("isSidechain") is not True and not record.get("agentId")
        return record.get("agentId") in (None, self.name.removeprefix("agent-"))

    def _of_sidechain(self, record: dict[str, object], where: Where) -> bool:
        uuid, parent = word(record.get("uuid")), record.get("parentUuid")
        found = self._of.get(parent, self._latest) if type(parent) is str else None
        if found is None:
            found = self._latest = self.name == key_part(sidechain(uuid, where))
        if uuid is not None:
            self._of.setdefault(uuid, found)
        return found


class _Telling:
    """Finds the records that make the prompt of a run's last step, with what came of it."""

    def __init__(self, steps: list[StepPlace], agent_id: str, whole: bool) -> None:
        self._whose, self._whole = _Whose(agent_id), whole
        self._at = {step.offset: step.ordinal for step in steps}
        self._first, self._last = steps[0].offset or 0, steps[-1].offset or 0
        self._calls: dict[object, int] = {}
        self._records: list[_Record] = []
        self._conversing = Conversing(PromptParts())  # whose parts are the numbers of the records
        self._branch: Branch | None = None
        """Where the last of the steps is."""
        self._boundary: str | None = None

    def records(self) -> Iterator[_Record]:
        """What was found, in order."""
        branch = self._branch or self._conversing.active
        return (self._records[number] for first, count in branch.stretches for number in range(first, first + count))

    def take(self, where: Where, record: dict[str, object]) -> bool:
        """Look at the next record of the file; whether any more is wanted."""
        kind = record.get("type")
        if kind not in CHAINED or not self._whose.is_own(record, where):
            return True
        conversing, uuid, parent = self._conversing, word(record.get("uuid")), record.get("parentUuid")
        content = _content(record)
        results = kind == "user" and has_results(content)
        prompt = kind == "user" and not results and asks(record, content, self._whose.name == "main")
        if type(parent) is str and parent != conversing.tip:
            conversing.move(uuid, parent, prompt, where.line)
        compaction = self._is_compaction(record, kind, uuid, parent)
        if compaction and where.offset <= self._first:
            conversing.begin()
        ordinal = self._step(record, where)
        if self._branch is None or ordinal is not None or (self._whole and results):
            if kind not in ("system", "progress") or compaction:
                conversing.active.add(len(self._records))
                self._records.append(_Record(where.offset, where.length, ordinal))
        elif conversing.active is self._branch and (prompt or kind == "assistant"):
            return False
        if where.offset == self._last:
            self._branch = conversing.active
        if uuid is not None:
            conversing.note(uuid, parent, prompt or kind == "assistant")
        return True

    def _is_compaction(self, record: dict[str, object], kind: object, uuid: str | None, parent: object) -> bool:
        """Whether a summary begins here: older versions write no boundary before it."""
        if kind == "system" and record.get("subtype") == "compact_boundary":
            self._boundary = uuid
            return True
        return record.get("isCompactSummary") is True and (parent is None or parent != self._boundary)

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
        letters = envelopes(text) if role == "user" else []
        if letters:
            between = ", ".join(dict.fromkeys(f"from {sender or 'somebody'}" for sender, _ in letters))
            return Message.of("agent", "text", "\n\n".join(body for _, body in letters), between)
        return Message.of(role, "text", text, step_ordinal=step, note=_note(record, text))
    if kind in ("thinking", "redacted_thinking"):
        text = word(block.get("thinking")) or ""
        return Message.of(role, "reasoning", text, step_ordinal=step, note=None if text else "encrypted")
    if kind in CALLS:
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
