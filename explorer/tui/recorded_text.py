"""A recorded text laid out to be read: JSON as names and values, texts with their lines, what is encrypted as such."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from typing import Any, TypeAlias

from rich.cells import cell_len

from explorer.tui.text import crop
from explorer.tui.widgets.sheet import Role, Row, wrap, wrapped

_SEALED = re.compile(r"gAAAA[\w-]{40,}={0,2}|MVKAR1:[\w+/-]+={0,2}")
"""A token of Fernet: version 0x80 and the high bytes of its time, in the Base64 of URLs. And what Maverick encrypts."""
_DECODER = json.JSONDecoder()
_ITEMS = 12
"""Plain values of a longer list that are shown; records hold thousands of block ids."""
_DEEP = 40
"""Levels that are laid out line by line."""
_SHOWN = 16
"""Characters of an encrypted text that are shown, to compare it with another by eye."""


def parsed(text: str) -> list[Any]:
    """The objects and lists of JSON in a text that begin a line, and the text between them as it stands."""
    found: list[Any] = []
    kept = at = 0
    while at < len(text):
        end = text.find("\n", at) + 1 or len(text)
        if text[at] in "{[" and (decoded := _decoded(text, at)) is not None:
            value, end = decoded
            found += [text[kept:at].strip("\n"), value]
            kept = end
        at = end
    return [value for value in [*found, text[kept:].strip("\n")] if value != ""] or [text]


def _decoded(text: str, at: int) -> tuple[Any, int] | None:
    """A JSON value that ends with its line, and where the next line begins."""
    try:
        value, end = _DECODER.raw_decode(text, at)
    except (ValueError, RecursionError):
        return None
    after = text.find("\n", end) + 1 or len(text)
    return (value, after) if not text[end:after].strip() else None


def sealed(values: Collection[Any]) -> set[str]:
    """The strings in parsed records that are encrypted: what the record calls so, and tokens that look like it."""
    found: set[str] = set()
    rest: list[tuple[bool, Any]] = [(False, value) for value in values]
    while rest:
        told, value = rest.pop()
        if isinstance(value, dict):
            rest += [(told or "encrypted" in str(name).lower(), item) for name, item in value.items()]
        elif isinstance(value, list):
            rest += [(told, item) for item in value]
        elif isinstance(value, str) and value:
            if (told and len(value) > 1) or _SEALED.fullmatch(value):
                found.add(value)
            elif (inner := _within(value)) is not None:
                rest.append((told, inner))
    return found


_BOTH_SAY = frozenset(("content", "encrypted_content", "message", "text"))
ASKED = _BOTH_SAY | {"brief", "goal", "instructions", "prompt", "task", "tasks"}
"""Names under which recorders keep what a run was asked."""
CAME_BACK = frozenset(("answer", "output", "result"))
"""Those that beside a call can only be its answer."""
ANSWERED = _BOTH_SAY | CAME_BACK
"""Names under which they keep what it answered."""


def spoken(values: Collection[Any], call: str | None, names: Collection[str]) -> list[str]:
    """The texts under these names in parsed records, each once; where a record has several calls, those of one."""
    parts = [value for value in values if isinstance(value, dict | list)]
    own = list(_of_call(parts, call, 0)) if call else []
    return list(dict.fromkeys(text for part in own or parts for text in _said(part, names, False, 0) if text.strip()))


def _of_call(value: Any, call: str, depth: int) -> Iterator[dict[str, Any]]:
    """The objects that name a call as theirs."""
    if depth > _DEEP:
        return
    if isinstance(value, dict):
        if any(item == call for item in value.values()):
            yield value
            return
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _of_call(item, call, depth + 1)


def _said(value: Any, names: Collection[str], told: bool, depth: int) -> Iterator[str]:
    """The strings that stand under such a name, or in a list under it."""
    if depth > _DEEP:
        return
    if isinstance(value, str):
        inner = _within(value)
        if inner is not None:
            yield from _said(inner, names, told, depth + 1)
        elif told:
            yield value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _said(item, names, str(name) in names, depth + 1)
    elif isinstance(value, list):
        for item in value:
            yield from _said(item, names, told, depth + 1)


def lay_out(values: Collection[Any], secret: Collection[str], width: int) -> Iterator[Row]:
    """Rows for parsed records. ``secret``: the strings that are encrypted, wherever they stand."""
    for number, value in enumerate(values):
        yield from [[]] if number else []
        for depth, name, text, role in _lines("", value, 0, secret):
            yield from _rows(" " * min(2 * depth, max(0, width // 3)), name, text, role, width)


def _within(text: str) -> Any:
    """The object or list that a string holds as JSON; None if it does not."""
    if text[:1] not in ("{", "["):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict | list) else None


_Line: TypeAlias = tuple[int, str, str, Role]
"""How deep, under which name, which text, which role."""


def _lines(name: str, value: Any, depth: int, secret: Collection[str]) -> Iterator[_Line]:
    if isinstance(value, str):
        if value in secret:
            yield depth, name, f"encrypted, {len(value):,} characters: {crop(value, _SHOWN)}", "info"
            return
        inner = _within(value)
        value = value if inner is None else inner
    items = _items(value) if depth < _DEEP else []
    if not items:
        yield depth, name, value if isinstance(value, str) else _plain(value), "plain"
    elif name:
        yield depth, name, "", "plain"
    for key, item in items:
        yield from _lines(key, item, depth + bool(name), secret)


def _items(value: Any) -> list[tuple[str, Any]]:
    """What is told line by line: what an object holds, and a list unless all of it is plain numbers and the like."""
    if isinstance(value, dict):
        return [(str(key), item) for key, item in value.items()]
    if isinstance(value, list) and any(isinstance(item, dict | list | str) for item in value):
        return [("-", item) for item in value]
    return []


def _plain(value: Any) -> str:
    if isinstance(value, list) and len(value) > _ITEMS:
        return f"{_plain(value[:_ITEMS])[:-1]}, … {len(value) - _ITEMS:,} more]"
    return json.dumps(value, ensure_ascii=False)


def _rows(indent: str, name: str, text: str, role: Role, width: int) -> Iterator[Row]:
    label = "" if not name else f"{indent}- " if name == "-" else f"{indent}{crop(name, max(8, width // 2))}: "
    if not label:
        yield from wrap(text, width, role, indent)
        return
    beside = [] if "\n" in text else wrapped(text, max(8, width - cell_len(label)), role)
    if len(beside) == 1:
        yield [(label if text else label.rstrip(), "note"), *beside[0]]
    else:
        yield [(label.rstrip(), "note")]
        yield from wrap(text, width, role, indent + "  ")
