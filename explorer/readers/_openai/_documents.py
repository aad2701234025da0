"""JSON that holds lists of messages: each message with its place, and what is damaged costs the message it is in.

What is whole is parsed at once, and the places of its messages are found by the parser of the standard library; only
where that fails is the text walked as ``_outlines`` does, many times slower.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from json import JSONDecoder
from pathlib import Path
from typing import NamedTuple

from explorer.model import Finding
from explorer.readers._findings import Findings
from explorer.readers._json_lines import TextLine, text_lines
from explorer.readers._outlines import Outline, outlines
from explorer.readers._records import MAP_ABOVE, Buffer, Lines, loads, open_bytes

KEY = "messages"

_DECODER = JSONDecoder()
_OPENING = re.compile(r'"messages"[ \t\r\n]*:[ \t\r\n]*\[')
_BETWEEN = re.compile(r"[ \t\r\n,]*")


class Entry(NamedTuple):
    """A message as it was parsed, and its bytes."""

    offset: int
    length: int
    message: object


class Document(NamedTuple):
    """An object that holds messages, or a bare list of them."""

    line: int
    offset: int
    fields: dict[str, object]
    """What it holds beside its messages; nothing for a bare list."""
    entries: Iterator[Entry]
    """To be read before the next document."""
    line_at: Callable[[int], int]
    """The line of a byte."""
    is_damaged: bool = False
    """Whether something of it could not be read; findings say what."""


def whole_file(path: Path, findings: Findings) -> Iterator[Document | Finding]:
    """The documents of a file that is one JSON value: an object with messages, a list of such, a list of messages.

    Raises:
        OSError: the file cannot be read.
    """
    with open_bytes(path) as buffer:
        if len(buffer) <= MAP_ABOVE:
            yield from _documents(bytes(buffer), 0, 1, findings)
        else:
            yield from _walked(buffer, 0, 1, findings)


def lines_of(path: Path, findings: Findings) -> Iterator[Document | Finding]:
    """The documents of a file that has one on each line.

    Raises:
        OSError: the file cannot be read.
    """
    for line in text_lines(path, findings):
        if isinstance(line, TextLine):
            yield from _documents(line.text, line.offset, line.number, findings)
        else:
            yield line


def _documents(text: bytes, at: int, line: int, findings: Findings) -> Iterator[Document | Finding]:
    """What a text holds that begins at a byte and a line of its file."""
    try:
        found = loads(text.removeprefix(b"\xef\xbb\xbf"))
    except ValueError:
        yield from _walked(text, at, line, findings)
        return

    line_at = _line_at(text, at, line)
    if isinstance(found, dict) and isinstance(messages := found.pop(KEY, None), list):
        yield Document(line, at, found, _placed(text, at, messages, False), line_at)
    elif isinstance(found, list) and not any(isinstance(each, dict) and KEY in each for each in found):
        yield Document(line, at, {}, _placed(text, at, found, True), line_at)
    elif isinstance(found, list):
        yield from _walked(text, at, line, findings)
    else:
        yield from findings.at("bad-record", "error", "an object without messages; it is left out", line)


def _placed(text: bytes, at: int, messages: list[object], is_bare: bool) -> Iterator[Entry]:
    """Messages with their places; where these cannot be told, each has the place of the whole."""
    characters = text.decode("latin-1")  # a character for a byte
    openings = re.compile(r"\[") if is_bare else _OPENING
    for opening in openings.finditer(characters):
        places = _places(characters, opening.end(), len(messages))
        if places is not None and (not places or _is_at(text, places[0], messages[0])):
            for (begin, end), message in zip(places, messages, strict=True):
                yield Entry(at + begin, end - begin, message)
            return
        if is_bare:
            break
    for message in messages:
        yield Entry(at, len(text), message)


def _is_at(text: bytes, place: tuple[int, int], message: object) -> bool:
    try:
        return loads(text[slice(*place)]) == message
    except ValueError:
        return False


def _places(characters: str, at: int, count: int) -> list[tuple[int, int]] | None:
    """Where so many values of a list begin and end; None if there are not as many."""
    found = []
    for _ in range(count):
        begin = _after(characters, at)
        try:
            at = _DECODER.raw_decode(characters, begin)[1]
        except (ValueError, RecursionError):
            return None
        found.append((begin, at))
    return found if characters.startswith("]", _after(characters, at)) else None


def _after(characters: str, at: int) -> int:
    between = _BETWEEN.match(characters, at)
    return between.end() if between else at


def _walked(buffer: Buffer, at: int, line: int, findings: Findings) -> Iterator[Document | Finding]:
    """What is whole in a text that is not, or that is too large to be parsed at once."""
    line_at = _line_at(buffer, at, line)
    bare: list[Entry] = []
    for outline in outlines(buffer, KEY):
        for damage in outline.damage:
            message = f"byte {at + damage.offset:,}: {damage.reason}; what is whole beside it is read"
            yield from findings.at(damage.code, "error", message, line_at(at + damage.offset))
        here = at + outline.offset
        if outline.has_array:
            entries = _spans(buffer, at, outline)
            yield Document(line_at(here), here, outline.fields, entries, line_at, bool(outline.damage))
        elif outline.fields:
            bare.append(Entry(here, outline.end - outline.offset, outline.fields))
    if bare:
        yield Document(line, at, {}, iter(bare), line_at, True)


def _line_at(buffer: Buffer, at: int, line: int) -> Callable[[int], int]:
    """The lines of the bytes of a text that begins at a byte and a line of its file; asked in rising order."""
    lines = Lines(buffer)
    return lambda offset: line - 1 + lines.at(offset - at)


def _spans(buffer: Buffer, at: int, outline: Outline) -> Iterator[Entry]:
    for number in range(len(outline)):
        start, end = outline.span(number)
        try:
            yield Entry(at + start, end - start, loads(buffer[start:end]))
        except ValueError:
            yield Entry(at + start, end - start, None)  # damage inside it, which the walk took for a value
