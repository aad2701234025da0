"""Rows as table, JSON, JSON lines or CSV on stdout.

A table has JSON in at most ``MOST_JSON`` cells beside other columns, and in a terminal that its rows would fill line
after line every value on a line of its own; the other formats have everything whole. Whatever the rows hold, no
control sequence of theirs reaches a terminal: JSON is written in ASCII, tables show control characters as pictures,
and CSV does so when stdout is a terminal.
"""

from __future__ import annotations

import csv
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple, TypeAlias

from rich.cells import cell_len

from explorer.store.plain import as_cell, as_csv, as_json, told_apart
from explorer.tui.text import clean, crop, crop_middle, fit

SCHEMA_VERSION = 1
"""Raised when the shape of the JSON answers changes."""

MOST_CELLS = 72
"""Width of a column of a table in a terminal; the last one takes what it needs."""

MOST_JSON = 40
"""Cells of a JSON value beside other columns of a table."""

_MOST_LINES = 3
"""Lines of a terminal that a row of a table may take."""

_NUMBER_STARTS = frozenset("0123456789-–<")
"""A column whose every cell begins so is aligned to the right."""

Row: TypeAlias = Sequence[Any]


class Table(NamedTuple):
    """An answer to print."""

    columns: Sequence[str]
    batches: Iterator[Sequence[Row]]
    shown: Sequence[str] = ()
    """The columns that a table has, where it cannot show all."""


def write(table: Table, format_: str, omitted: dict[str, int]) -> int:
    """Print an answer; ``omitted`` counts what it leaves out, and stands in the JSON.

    Returns how many values a table shows the beginning of.
    """
    cut, table = 0, table._replace(columns=told_apart(table.columns))
    if format_ == "json":
        _json(table, omitted)
    elif format_ == "jsonl":
        for row in _rows(table):
            sys.stdout.write(as_json(dict(zip(table.columns, row, strict=True))) + "\n")
    elif format_ == "csv":
        _csv(table)
    else:
        cut = _table(table)
    sys.stdout.flush()
    return cut


def _rows(table: Table) -> Iterator[Row]:
    for batch in table.batches:
        yield from batch


def _json(table: Table, omitted: dict[str, int]) -> None:
    sys.stdout.write(f'{{"schema_version": {SCHEMA_VERSION}, "rows": [')
    separator = "\n"
    for row in _rows(table):
        sys.stdout.write(separator + as_json(dict(zip(table.columns, row, strict=True))))
        separator = ",\n"
    sys.stdout.write(f'\n], "omitted": {as_json(omitted)}}}\n')


def _csv(table: Table) -> None:
    watched = sys.stdout.isatty()
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(table.columns)
    for row in _rows(table):
        cells = map(as_csv, row)
        writer.writerow([clean(cell) if watched and isinstance(cell, str) else cell for cell in cells])


def _table(table: Table) -> int:
    """Columns as wide as the first batch of rows needs; later cells may be wider, and then push their line."""
    kept = [table.columns.index(name) for name in table.shown or table.columns]
    names = [clean(table.columns[index]) for index in kept]
    batches = ([[clean(as_cell(row[index])) for index in kept] for row in batch] for batch in table.batches)
    first = next(batches, [])
    watched = sys.stdout.isatty()
    widest = _widths(names, first)
    if (
        watched
        and sum(min(width, MOST_JSON) + 2 for width in widest) > _MOST_LINES * shutil.get_terminal_size().columns
    ):
        _records(names, chain([first], batches))
        return 0
    shorter = _Shorter(len(names))
    first = shorter(first)
    numeric = [all(row[i][:1] in _NUMBER_STARTS for row in first) for i in range(len(kept))]
    widths = _widths(names, first)
    if watched:
        widths = [min(width, MOST_CELLS) for width in widths[:-1]] + widths[-1:]
    else:
        widths[-1:] = [0 if widths and not numeric[-1] else width for width in widths[-1:]]
    _lines([names], widths, numeric)
    sys.stdout.write(
        "  ".join("-" * max(width, cell_len(name)) for width, name in zip(widths, names, strict=True)) + "\n"
    )
    _lines(first, widths, numeric)
    for batch in batches:
        _lines(shorter(batch), widths, numeric)
    return shorter.cut


def _widths(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    """Cells that the widest of each column takes."""
    return [max([cell_len(name), *(cell_len(row[i]) for row in rows)]) for i, name in enumerate(names)]


class _Shorter:
    """Cuts JSON in the cells of a table, unless it has nothing else, and counts what it cut."""

    def __init__(self, columns: int) -> None:
        self.cut = 0
        self._whole = columns == 1

    def __call__(self, rows: list[list[str]]) -> list[list[str]]:
        return rows if self._whole else [[self._short(cell) for cell in row] for row in rows]

    def _short(self, cell: str) -> str:
        if len(cell) <= MOST_JSON or cell[0] not in "{[":
            return cell
        self.cut += 1
        # A path in the tree is told by where it ends.
        return crop_middle(cell, MOST_JSON) if cell[0] == "[" else crop(cell, MOST_JSON)


def _records(names: Sequence[str], batches: Iterable[Sequence[Sequence[str]]]) -> None:
    """Each row as lines of a name and a value."""
    width = max(map(cell_len, names))
    number = 0
    for batch in batches:
        for row in batch:
            number += 1
            sys.stdout.write(f"--- row {number:,} {'-' * width}\n")
            for name, cell in zip(names, row, strict=True):
                sys.stdout.write(f"{fit(name, width)}  {cell}\n")


def _lines(rows: Iterable[Sequence[str]], widths: Sequence[int], numeric: Sequence[bool]) -> None:
    watched = sys.stdout.isatty()
    for row in rows:
        parts = []
        for cell, width, right in zip(row, widths, numeric, strict=True):
            shown = crop(cell, width) if watched else cell
            padding = " " * (width - cell_len(shown))
            parts.append(padding + shown if right else shown + padding)
        sys.stdout.write("  ".join(parts).rstrip() + "\n")
