"""Plots of blocks of characters: a scale of one value per column, labels at round values, areas on top of each other.

Areas are told apart by their fill, so that no colour is needed. Plain arithmetic and text.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import NamedTuple

_EIGHTHS = " ▁▂▃▄▅▆▇█"
SHADES = "█▒░"
"""The fill of each area, the lowest first. The lowest ends at an eighth of a character, others at whole ones."""


class Axis(NamedTuple):
    """The line below a plot, and its labels."""

    line: str
    labels: str


class Label(NamedTuple):
    """A value that the axis may name. Those that come first have their place before others."""

    value: int
    text: str


def log_scale(low: int, high: int, columns: int) -> list[int]:
    """Values from the lowest to the highest, each as many times the one before it; whole, so some may be alike."""
    low = max(low, 1)
    high = max(high, low)
    steps = max(columns - 1, 1)
    return [*(round(low * (high / low) ** (column / steps)) for column in range(columns - 1)), high]


def column_of(scale: Sequence[int], value: int) -> int:
    """The first column of a value, or the one that comes nearest above it."""
    return min(bisect_left(scale, value), len(scale) - 1)


def moved(scale: Sequence[int], value: int, by: int) -> int:
    """The value so many columns away; at least the next one that differs, where there is one."""
    column = max(0, min(column_of(scale, value) + by, len(scale) - 1))
    while 0 < column < len(scale) - 1 and scale[column] == value:
        column += 1 if by > 0 else -1
    return scale[column]


def axis(scale: Sequence[int], labels: Iterable[Label], unit: str = "") -> Axis:
    """The labels that fit; at the right end, the unit."""
    line = ["─"] * len(scale)
    room = len(scale) - (len(unit) + 1 if unit else 0)
    text = [" "] * len(scale)
    for value, name in labels:
        column = column_of(scale, value)
        if not scale[0] <= value <= scale[-1] or column + len(name) > room:
            continue
        around = text[max(0, column - 2) : column + len(name) + 2]
        if any(char != " " for char in around):
            continue
        text[column : column + len(name)] = name
        line[column] = "┴"
    if unit and room >= 0:
        text[room + 1 :] = unit
    return Axis("".join(line), "".join(text))


def areas(levels: Sequence[Sequence[float]], height: int, fills: str = SHADES) -> list[str]:
    """The lines of a plot, from its top: of each level, a share of the height per column, on top of the ones before.

    A level that is lower than one before it is hidden there. Something is never drawn as nothing.
    """
    rows = []
    for row in reversed(range(height)):
        line = []
        for shares in zip(*levels, strict=True):
            filled = [round(share * height * 8) or (1 if share > 0 else 0) for share in shares]
            lowest = min(max(filled[0] - 8 * row, 0), 8)
            fill = _EIGHTHS[lowest]
            if not lowest:
                fill = next((fills[n] for n, top in enumerate(filled) if n and top > 8 * row + 3), " ")
            line.append(fill)
        rows.append("".join(line))
    return rows


def round_numbers(high: int) -> list[int]:
    """1, 10, 100 … up to a number, then the fives between them, then the twos."""
    powers = [10**power for power in range(len(str(max(high, 1))))]
    return [factor * power for factor in (1, 5, 2) for power in powers if factor * power <= high]


def apportion(amounts: list[int], cells: int) -> list[int]:
    """Cells for each amount: in proportion, summing up exactly, and one at least for anything that is not nothing."""
    whole = sum(amounts)
    if whole == 0:
        return [0] * len(amounts)
    exact = [amount * cells / whole for amount in amounts]
    result = [max(1, int(part)) if amount else 0 for part, amount in zip(exact, amounts, strict=True)]
    while (left := cells - sum(result)) != 0:
        sign = 1 if left > 0 else -1
        candidates = [index for index, count in enumerate(result) if amounts[index] and (sign > 0 or count > 1)]
        if not candidates:
            break
        index = max(candidates, key=lambda index: sign * (exact[index] - result[index]))
        result[index] += sign
    return result
