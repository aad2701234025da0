"""The two sides of a hand-off, as places that ``record`` takes: the byte of a span, and what of it is meant.

A place is n * 2**48 + the byte at which the span begins; n = 0 stands for the span itself.
"""

from __future__ import annotations

from enum import IntEnum
from pathlib import Path

from explorer.readers._json_lines import recorded
from explorer.readers._records import MAX_RECORD, loads
from explorer.readers.otlp import _names as names
from explorer.readers.otlp._content import Content
from explorer.readers.otlp._values import Attributes, as_text, attributes_of

_SHIFT = 48


class Side(IntEnum):
    """What of a span is meant."""

    GIVEN = 1
    """The arguments of a tool call."""
    GAVE = 2
    """Its result."""
    SHOWN = 3
    """What users said in the prompt of a model's call."""
    SAID = 4
    """Its answer."""


def place(offset: int, side: Side) -> int:
    """Where a side of a hand-off stands."""
    return (side << _SHIFT) + offset


def passage(path: Path, offset: int, length: int, limit: int) -> bytes:
    """The text at a place, at most ``limit`` bytes of it.

    Raises:
        OSError: the file is gone, or not what it was.
    """
    side, at = divmod(offset, 1 << _SHIFT)
    if not side:
        return recorded(path, at, length, limit)
    fields = span_at(path, at, length)
    attributes = attributes_of(fields.get("attributes"))
    return _text(Side(side), fields, attributes).encode("utf-8", "replace")[:limit]


def span_at(path: Path, offset: int, length: int) -> dict[str, object]:
    """The fields of a span.

    Raises:
        OSError: the file is gone, or not what it was.
    """
    text = recorded(path, offset, length, MAX_RECORD)
    for each in (text, text.decode("utf-8", "replace").encode()):
        try:
            fields = loads(each)
        except ValueError:
            continue
        if isinstance(fields, dict):
            return fields
    raise OSError(f"{path.name} is not what it was")


def _text(side: Side, fields: dict[str, object], attributes: Attributes) -> str:
    if side in (Side.GIVEN, Side.GAVE):
        wanted = names.TOOL_ARGUMENTS if side is Side.GIVEN else names.TOOL_RESULT
        return as_text(next((attributes[name] for name in wanted if attributes.get(name) is not None), None))
    content = Content(fields, attributes)
    said = content.answer() if side is Side.SAID else [each for each in content.prompt() if each.role == "user"]
    return "\n\n".join(each.text for each in said if each.kind != "reasoning")
