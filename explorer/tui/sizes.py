"""Sizes as people write them: bytes of a token, and a cache in blocks, tokens or bytes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explorer.tui.curve_words import View

_NUMBER = r"([0-9]{1,15}(?:[.][0-9]{1,6})?)\s*"
_DECIMAL = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_BINARY = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_HOW = "Write 1228 (in {unit}), 1228 blocks, 1.2M tokens or 24 GiB."


def bytes_in(text: str) -> int | str:
    """A number of bytes: ``131072``, ``128k``, ``0.5 M``; else what is understood."""
    match = re.fullmatch(r"([0-9]{1,12}(?:[.][0-9]{1,6})?)\s*([km]?)i?b?", _bare(text))
    size = round(float(match[1]) * _BINARY[match[2]]) if match else 0
    return size if size > 0 else "Write a whole number of bytes above 0, or one with k or M behind it."


def blocks_in(text: str, view: View, block_tokens: int | None) -> int | str:
    """The whole blocks that a cache of a size holds: ``1228``, ``1.2M tokens``, ``24 GiB``; else what is understood.

    A number without a unit is in the unit of the view. kB to TB are decimal; KiB to TiB, and what is shorter, binary.
    """
    written = _bare(text)
    if match := re.fullmatch(_NUMBER + r"([kmgt]?)\s*(blocks?|tokens?|)", written):
        unit = match[3].rstrip("s") + "s" if match[3] else view.unit
        amount = float(match[1]) * (_BINARY if unit == "GiB" else _DECIMAL)[match[2]]
        amount *= 2**30 if unit == "GiB" and not match[2] else 1
    elif match := re.fullmatch(_NUMBER + r"([kmgt])(i?)b", written):
        unit = "GiB"
        amount = float(match[1]) * (_BINARY if match[3] else _DECIMAL)[match[2]]
    else:
        return _HOW.format(unit=view.unit)
    if unit != "blocks":
        if block_tokens is None:
            return "How many tokens a block holds was not recorded, or differs: write blocks, as in 1228."
        if unit == "GiB" and view.model is None:
            return "Bytes are those of the KV cache of a model: choose one first (escape, g)."
        amount /= block_tokens * (view.model[1] if unit == "GiB" and view.model else 1)
    return int(amount) or f"That is less than a block. {_HOW.format(unit=view.unit)}"


def _bare(text: str) -> str:
    return text.strip().replace(",", "").lower()
