"""The numbers of a node, each with how sure it is and where it comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from rich.cells import cell_len

from explorer.tui import humanize
from explorer.tui.text import clean, crop, fit
from explorer.tui.widgets.sheet import Row, Sheet, wrapped

if TYPE_CHECKING:
    from textual.widget import Widget

    from explorer.model import Grade
    from explorer.store.database import Cursor
    from explorer.store.queries import Fact
    from explorer.tui.widgets.detail_tab import View

GRADE_MARKS: dict[Grade, str] = {"exact": " ", "derived": "~", "ambiguous": "?", "not_recorded": "–"}
"""One character beside each number: nothing when the record says so itself."""

LEGEND = "no mark: recorded   ~ derived by a rule   ? several answers fit   – not recorded"

_BESIDE = 28
"""Cells from which a long note is broken beside its number rather than put below."""


class Overview(Sheet):
    """Facts by section."""

    def question(self, view: View) -> Callable[[Cursor], list[Fact]]:
        """The facts of the node."""

        def ask(cursor: Cursor) -> list[Fact]:
            from explorer.store import queries

            return queries.overview(cursor, view.node_id)

        return ask

    async def answer(self, answer: Sequence[Fact], view: View, keep: bool) -> None:
        """Show them."""
        self.show(lambda width: lay_out_facts(answer, width), keep)

    def focus_target(self) -> Widget:
        """The page itself."""
        return self


def lay_out_facts(facts: Sequence[Fact], width: int) -> Iterable[Row]:
    """Sections of label, value, grade and note; the note goes below where the line is too short for it."""
    shown = [(fact, show_value(fact)) for fact in facts]
    numbers = [cell_len(value) for fact, value in shown if not isinstance(fact.value, str)]
    value_width = min(max(numbers, default=0), max(8, width // 3))
    longest = max((cell_len(clean(fact.label)) for fact in facts), default=0)
    label_width = min(longest, max(12, width // 3))
    if width - label_width - value_width - 5 < _BESIDE:
        # Notes go below anyway, so labels may take their room, but half of the line is for values that are texts.
        label_width = min(longest, max(12, min(width - value_width - 6, width // 2)))
    beside = width - label_width - value_width - 5
    for section, members in groupby(shown, key=lambda pair: pair[0].section):
        yield [(crop(section, width), "title")]
        for fact, value in members:
            yield from _fact_rows(fact, value, label_width, value_width, beside, width)
        yield []
    yield from wrapped(LEGEND, width, "note")


def _fact_rows(fact: Fact, value: str, label_width: int, value_width: int, beside: int, width: int) -> Iterable[Row]:
    mark = GRADE_MARKS[fact.grade] if value != humanize.NOT_RECORDED else " "
    label = " " + fit(fact.label, label_width) + " "
    if cell_len(clean(fact.label)) > label_width:
        yield from wrapped(fact.label, width, indent=" ")
        label = " " * (label_width + 2)
    note = clean(fact.note)
    if value == humanize.NOT_RECORDED and note == "not recorded":
        note = ""  # the mark says so
    if cell_len(value) > value_width:
        # Names and models are as long as they please: they take the line, and more lines if they must.
        first, *more = wrapped(value, width - label_width - 4, "strong") or [[]]
        yield [(label, "plain"), *first, (f" {mark}", "note")]
        for row in more:
            yield [(" " * (label_width + 2), "plain"), *row]
        if note:
            yield from wrapped(note, width, "note", " " * 4)
        return
    head: Row = [(label, "plain"), (fit(value, value_width, "right"), "strong"), (f" {mark}", "note")]
    if not note:
        yield head
    elif cell_len(note) <= beside:
        yield [*head, (" " + note, "note")]
    elif beside >= _BESIDE:
        first, *more = wrapped(note, beside, "note")
        yield [*head, (" ", "note"), *first]
        for row in more:
            yield [(" " * (width - beside), "plain"), *row]
    else:
        yield head
        yield from wrapped(note, width, "note", " " * 4)


def show_value(fact: Fact) -> str:
    """The value in its unit."""
    value = fact.value
    if value is None:
        return humanize.NOT_RECORDED
    if isinstance(value, str):
        return clean(value) or humanize.NOT_RECORDED
    match fact.unit:
        case "ratio":
            return humanize.percent(value, 1, 1)
        case "ms":
            return humanize.duration(round(value))
        case "bytes":
            return humanize.size(round(value))
        case "usd":
            return f"${value:,.4f}"
        case _ if isinstance(value, int):
            return humanize.number(value)
        case _:
            return f"{value:,.2f}"
