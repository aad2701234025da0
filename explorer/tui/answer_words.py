"""An answer in words: its columns as a grid has them, how much of it there is, where a row leads, what went wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.cells import cell_len

from explorer.store.plain import as_cell, as_json
from explorer.tui import humanize
from explorer.tui.text import clean, clean_block, crop, crop_middle, fit
from explorer.tui.widgets.sheet import Row, wrapped

if TYPE_CHECKING:
    from explorer.store.queries import Answer

_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
            "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL")  # fmt: skip
_MEASURED = 20_000
"""Values that say how wide the columns are: those of the first rows."""
_WIDEST = 36
"""Cells of a column that has others beside it, unless there is room."""

_LONGEST = 100_000
"""Characters of a value that are laid out."""


class Shown(NamedTuple):
    """A column as it is drawn."""

    name: str
    width: int
    is_number: bool
    ends_tell: bool
    """Whether its values are told apart by their ends, so that the middle gives way."""

    def cell(self, value: object) -> str:
        """A value, or the name, in the width of the column and a gap."""
        return self._fitted(as_cell(value))

    @property
    def header(self) -> str:
        """The name in the width of the column and a gap."""
        return self._fitted(self.name)

    def _fitted(self, text: str) -> str:
        text = crop_middle(text, self.width) if self.ends_tell else text
        return fit(text, self.width, "right" if self.is_number else "left") + " "


def lay_out(answer: Answer, room: int) -> list[Shown]:
    """The columns of an answer: as wide as what is in them, within limits; what is left of the room is theirs too."""
    wanted = [max([_cells(name), *map(_cells, values)]) for name, values in _measured(answer)]
    widths = [min(width, _WIDEST) for width in wanted]
    left = room - sum(widths) - len(widths)
    for index in sorted(range(len(wanted)), key=lambda index: wanted[index]):
        more = max(0, min(wanted[index] - widths[index], left))
        widths[index] += more
        left -= more
    return [
        Shown(name, max(1, width), type_.startswith(_NUMBERS) and "[" not in type_, name.endswith(("_id", "path")))
        for name, width, type_ in zip(answer.columns, widths, answer.types, strict=True)
    ]


def _measured(answer: Answer) -> Iterator[tuple[str, list[str]]]:
    rows = answer.rows[: max(20, _MEASURED // len(answer.columns))]
    for index, name in enumerate(answer.columns):
        yield name, [as_cell(row[index]) for row in rows]


def _cells(text: str) -> int:
    return cell_len(clean(text[:400]))


def starts(columns: Sequence[Shown]) -> list[int]:
    """The cell at which each column begins, and the one behind the last."""
    return [0, *accumulate(column.width + 1 for column in columns)]


def summary(answer: Answer, notes: Sequence[str] = ()) -> str:
    """How much there is and whether that is all, what else is to be said of it, and how long it took.

    What can be done without stands last, as a narrow line loses its end.
    """
    rows = humanize.plural(len(answer.rows), "row")
    took = humanize.duration(round(answer.seconds * 1000) or 1)
    columns = humanize.plural(len(answer.columns), "column")
    size = f"the first {rows} of more: x writes all" if answer.is_cut else f"{rows}, {columns}"
    return " · ".join((size, *notes, took))


class Way(NamedTuple):
    """Where a row leads."""

    place: str
    """As ``--at`` takes it."""
    kind: str
    """What is there: ``run``, ``step``, ``agent``, ``conversation``."""


_WAYS = (("run_id", "run"), ("run_a", "run"), ("agent_id", "agent"), ("conversation_id", "conversation"))


def way(columns: Sequence[str], row: Sequence[Any]) -> Way | None:
    """Where a row leads by the ids in it, the nearest to a run first: its own ids, else those of others it names."""
    values = dict(zip(columns, row, strict=True))
    for name, kind in _WAYS:
        found = [values.get(name), *(value for column, value in values.items() if column.endswith(f"_{name}"))]
        place = next((value for value in found if value and isinstance(value, str)), None)
        if place is None:
            continue
        step = values.get("step_ordinal")
        if name == "run_id" and place == values.get(name) and isinstance(step, int):
            return Way(f"{place}#{step}", "step")
        return Way(place, kind)
    return None


def row_as_json(answer: Answer, row: int) -> str:
    """A row as one JSON object, the same as ``--sql … --format jsonl`` writes."""
    return as_json(dict(zip(answer.columns, answer.rows[row], strict=True)))


def row_words(answer: Answer, row: int, width: int) -> Iterator[Row]:
    """Every value of a row as a whole, below each other."""
    label = min(max(map(cell_len, map(clean, answer.columns))), width // 2) + 2
    for name, value in zip(answer.columns, answer.rows[row], strict=True):
        head: Row = [(fit(name, label), "note")]
        text = as_cell(value)
        lines = wrapped(text[:_LONGEST], width - label)
        if len(text) > _LONGEST:
            lines += wrapped(f"… {len(text) - _LONGEST:,} characters more; y copies them", width - label, "note")
        for line in lines or [[]]:
            yield [*head, *line]
            head = [(" " * label, "note")]


_ADVICE = (
    ("there is no column", "Its columns are in the list of tables (tab); enter there writes a name here."),
    ("does not exist", "The tables, views and functions are in the list (tab); enter there writes a name here."),
    ("cannot be understood", "Look at what stands just before the mark: a comma, a bracket, a quote, or an alias "
     "that is a word of SQL and has to stand in \"double quotes\"."),
    ("must appear in the GROUP BY", "Add it to GROUP BY, or GROUP BY ALL, or sum it up: sum(…), any_value(…)."),
    ("only queries that read", "The data are never changed from here; x writes an answer to a file."),
    ("statements: give one", "Select the one to ask, or remove the others: what is selected is asked alone."),
    ("not available here", "The tables and views are all there is: files are opened by trace-explore FILE."),
    ("more memory", "Name the columns you need in place of *, or add WHERE … or LIMIT …"),
    ("Could not convert", "TRY_CAST(… AS …) makes NULL of what cannot be converted."),
    ("nothing to run", "Choose one of the questions in the list (tab), or write a query."),
)  # fmt: skip
"""What to do next, by what DuckDB says, or we."""


def error_words(message: str, position: int | None, query: str, width: int) -> Iterator[Row]:
    """What is wrong with a query, the line with a mark below it, and what to do next."""
    yield from wrapped(f"✗ {clean_block(message)}", width, "error")
    if position is not None:
        line, column = place_of(query, position)
        before, text = query[:position].rpartition("\n")[2], query.split("\n")[line]
        # What is shown must have the mark in it, with some of what stands before.
        skipped = max(0, cell_len(clean(before)) - width * 2 // 3)
        lead = clean(before)[skipped:]
        yield []
        yield [(f"line {line + 1}, column {column + 1}", "note")]
        yield [(crop(lead + clean(text[column:]), width), "plain")]
        yield [(" " * cell_len(lead) + "↑ here", "warning")]
    advice = next((words for said, words in _ADVICE if said in message), None)
    if advice is not None:
        yield []
        yield from wrapped(advice, width, "plain")


def place_of(query: str, position: int) -> tuple[int, int]:
    """Line and column of a character of a query, from 0."""
    before = query[:position]
    return before.count("\n"), len(before) - (before.rfind("\n") + 1)


_WELCOME = (
    ("ctrl+j", "asks what is written; F5 does too, and enter behind a semicolon or while all of it is chosen"),
    ("ctrl+l", "begins a new query; ctrl+z brings back what was there"),
    ("tab", "goes on to the list of questions, tables and columns, and back; where there is an answer, to its rows"),
    ("→", "takes the rest of a name, which stands dim behind the cursor"),
    ("ctrl+↑", "brings back what was asked before"),
    ("esc", "stops a query that runs; then leaves"),
)


def welcome(width: int) -> Iterator[Row]:
    """The keys that somebody needs at first."""
    for key, text in _WELCOME:
        lead = f"{key:<8} "
        for row in wrapped(text, width - len(lead)):
            yield [(lead, "key"), *row]
            lead = " " * len(lead)
