"""Make the text of traces safe to draw: nothing in it may move the cursor, turn the line around or hide.

Traces hold whatever a model or a tool wrote: escape sequences that set the clipboard, bidirectional overrides that
swap digits, characters without width, halves of surrogate pairs. Everything drawn passes through here first. Markup
needs no care here, because no widget parses any: text reaches the screen as segments or as ``Content``.
"""

from __future__ import annotations

import re
from typing import Literal

from rich.cells import cell_len, chop_cells

REPLACEMENT = "\ufffd"
"""Stands for a character that cannot be shown as itself."""

ELLIPSIS = "…"

_UNSAFE = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # C0, DEL and C1: a terminal obeys them
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"  # soft hyphen, joiners and fillers that take no cell
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f"  # zero width, line separators, bidirectional controls
    "\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"  # signs drawn around what follows them
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3"  # controls of hieroglyphs and of shorthand
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff"  # fillers, variation selectors, byte order mark, annotations
    "\ud800-\udfff"  # halves of surrogate pairs: no encoding can write them
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"  # musical controls, invisible tags
    "]"
)

_PICTURES = {code: chr(0x2400 + code) for code in range(0x20)} | {0x7F: "\u2421"}
_IN_CELLS = _PICTURES | {0x0A: "⏎", 0x09: "⇥", 0x2028: "⏎", 0x2029: "⏎"}


def clean(text: str) -> str:
    """The text on one line with every harmful or invisible character made visible."""
    if text.isascii() and text.isprintable():
        return text
    return _UNSAFE.sub(_visible, text)


def clean_block(text: str) -> str:
    """Like ``clean`` for text of several lines: line ends stay, tabs become spaces."""
    text = text.replace("\r\n", "\n").expandtabs(4)
    return "\n".join(clean(line) for line in text.split("\n"))


def _visible(match: re.Match[str]) -> str:
    return _IN_CELLS.get(ord(match[0]), REPLACEMENT)


def crop(text: str, width: int) -> str:
    """Cleaned text in at most ``width`` cells, with … where something was cut off."""
    # A prompt of megabytes must not be cleaned to fill a cell of twenty.
    text = clean(text[: 4 * width + 16])
    if text.isascii():
        if len(text) <= width:
            return text
        return text[: width - 1] + ELLIPSIS if width > 0 else ""
    if cell_len(text) <= width:
        return text
    if width <= 1:
        return ELLIPSIS[:width]
    chopped = chop_cells(text, width - 1)
    return chopped[0] + ELLIPSIS if cell_len(chopped[0]) < width else ELLIPSIS


def crop_middle(text: str, width: int) -> str:
    """Like ``crop`` for names that are told apart by their ends: the middle gives way."""
    most = 4 * width + 16
    text = clean(text if len(text) <= 2 * most else text[:most] + text[-most:])
    if cell_len(text) <= width:
        return text
    head = crop(text, (width + 1) // 2)
    tail = text[-width:]
    while cell_len(tail) > width - cell_len(head):
        tail = tail[1:]
    return head + tail


def fit(text: str, width: int, align: Literal["left", "right"] = "left") -> str:
    """Cleaned text in exactly ``width`` cells."""
    text = crop(text, width)
    padding = " " * (width - (len(text) if text.isascii() else cell_len(text)))
    return padding + text if align == "right" else text + padding


def encodable(text: str) -> str:
    """The text with what UTF-8 cannot carry replaced, and nothing else: for the clipboard."""
    return text.encode("utf-8", "replace").decode("utf-8")
