"""What stands in a record: usage, parts of a message, and the texts by which the recorder says what happened."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

import orjson

from explorer.readers._claude_code._draft import Usage
from explorer.readers._claude_code._prompt import Part
from explorer.readers._values import EPOCH, MOST_TOKENS

FIELDS: Final = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")
"""The figures of a record's usage: of the input only what is neither read from the cache nor written to it."""

CHAINED: Final = frozenset(("user", "assistant", "system", "attachment", "progress"))
"""Records that have a place in a conversation."""

CALLS: Final = frozenset(("tool_use", "server_tool_use", "mcp_tool_use"))
"""Blocks of a message by which the model calls a tool."""

INTERRUPTED: Final = "[Request interrupted by user"
WARM_UP: Final = "Warmup"

_ENVELOPE: Final = "<teammate-message"
_INJECTED = (
    "<local-command-", "<bash-", "<system-reminder>", "<task-notification>", "<user-memory-input>",
    "Caveat: The messages below", _ENVELOPE, "Another Claude session sent a message:", "<user-prompt-submit-hook>",
)  # fmt: skip
"""How text begins that the recorder writes into a user's record, and the user did not."""

_BESIDE = ("<ide_", "<system-reminder>")
_COMMAND = ("<command-name>", "<command-message>")
AGENT_ID: Final = re.compile(r"agentId: ([0-9A-Za-z@_.-]+)")
NOTICE: Final = re.compile(r"<task-id>([^<]+)</task-id>")
_NOTICE_CALL = re.compile(r"<tool-use-id>([^<]+)</tool-use-id>")
_NOTICE_STATUS = re.compile(r"<status>([^<]+)</status>")
_LETTER = re.compile(rf"{_ENVELOPE}((?:\s+[\w-]+=\"[^\"]*\")*\s*|[^>]*)>\n?(.*?)\n?</teammate-message>", re.DOTALL)
_SENDER = re.compile(r'teammate_id="([^"]*)"')
_MILLISECOND = timedelta(milliseconds=1)
_minutes: dict[str, int] = {}
_MOST_MINUTES = 10_000


def milliseconds(stamp: object) -> int | None:
    """A recorded time in milliseconds since 1970; None for what is none."""
    if type(stamp) is not str:
        return None
    try:
        if len(stamp) == 24 and stamp[23] == "Z" and stamp[19] == ".":
            minute = _minutes.get(stamp[:17])
            if minute is not None:
                return minute + int(stamp[17:19] + stamp[20:23])
        moment = datetime.fromisoformat(stamp)
        moment = moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo is not None else moment
        ms = (moment - EPOCH) // _MILLISECOND
    except (ValueError, OverflowError):
        return None
    if len(stamp) == 24 and stamp[23] == "Z":
        if len(_minutes) > _MOST_MINUTES:
            _minutes.clear()
        _minutes[stamp[:17]] = ms - ms % 60_000
    return ms


def count(value: object) -> int | None:
    """A figure of a usage; some gateways write it as text."""
    if type(value) is int:
        return value if 0 <= value <= MOST_TOKENS else None
    return int(value) if type(value) is str and len(value) < 12 and value.isascii() and value.isdecimal() else None


def figures(usage: dict[str, object]) -> Usage:
    """``FIELDS`` of a usage, and what was written to the cache for five minutes and for an hour."""
    get = usage.get
    writes = get("cache_creation")
    short = long = None
    if type(writes) is dict:
        short, long = count(writes.get("ephemeral_5m_input_tokens")), count(writes.get("ephemeral_1h_input_tokens"))
    return (
        count(get("input_tokens")), count(get("cache_creation_input_tokens")), count(get("cache_read_input_tokens")),
        count(get("output_tokens")), short, long,
    )  # fmt: skip


def most(one: Usage, other: Usage) -> Usage:
    """The larger of each figure."""
    a, b, c, d, e, f = (y if x is None else x if y is None or y < x else y for x, y in zip(one, other, strict=True))
    return a, b, c, d, e, f


def least(one: Usage, other: Usage) -> Usage:
    """The smaller of each figure that both have."""
    a, b, c, d, e, f = (None if x is None or y is None else min(x, y) for x, y in zip(one, other, strict=True))
    return a, b, c, d, e, f


def part(role: str, block: object) -> Part:
    """A block of a message as a part of a prompt: equal for equal blocks, and one text is the same as a string."""
    if type(block) is dict:
        kind = block.get("type")
        if kind == "text" and type(text := block.get("text")) is str:
            return role, text
        if kind == "tool_result" and type(content := block.get("content")) is str:
            known = 4 if "is_error" in block else 3
            if len(block) == known and type(call := block.get("tool_use_id")) is str:
                return role, call, content, block.get("is_error") is True
    return role, dumped(block)


def dumped(value: object) -> bytes:
    """A value as JSON; nested too deeply, its kind."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return type(value).__name__.encode()


def text_of(content: object) -> str | None:
    """The text of a message: a string, or the first block of text that is not put in by an editor."""
    if type(content) is str:
        return content
    if type(content) is list:
        for block in content:
            text = block.get("text") if type(block) is dict and block.get("type") == "text" else None
            if type(text) is str and not text.startswith(_BESIDE):
                return text
    return None


def has_results(content: object) -> bool:
    """Whether a message gives results of tools."""
    blocks = content if type(content) is list else ()
    return any(type(block) is dict and block.get("type") == "tool_result" for block in blocks)


def is_injected(text: str | None) -> bool:
    """Whether the recorder wrote this in the user's name."""
    return text is not None and text.lstrip().startswith(_INJECTED)


def is_command(text: str | None) -> bool:
    """Whether it is a command, which the model may never hear of."""
    return text is not None and text.lstrip().startswith(_COMMAND)


def asks(record: dict[str, object], content: object, is_main: bool) -> bool:
    """Whether somebody asks the agent for something in a user's record, which has no result of a tool."""
    if record.get("isCompactSummary") is True or record.get("isMeta") is True:
        return False
    text = text_of(content)
    if text is None:
        return True
    return not text.startswith(INTERRUPTED) and not (is_main and (is_injected(text) or is_command(text)))


def envelopes(text: str) -> list[tuple[str, str]]:
    """Who wrote the letters of teammates that a text brings, and what; nothing for text without an envelope."""
    if _ENVELOPE not in text:
        return []
    found = ((_SENDER.search(each[1]), each[2]) for each in _LETTER.finditer(text))
    return [(sender[1] if sender else "", body) for sender, body in found]


def notice(text: str) -> tuple[str, str | None, str | None] | None:
    """Task, tool call and status of a notification that a background task ended."""
    task = NOTICE.search(text)
    if task is None:
        return None
    call, status = _NOTICE_CALL.search(text), _NOTICE_STATUS.search(text)
    return task[1].strip(), call[1].strip() if call else None, status[1].strip() if status else None


def word(value: object) -> str | None:
    """A string; an empty one counts as not recorded."""
    return value if type(value) is str and value else None
