"""The two classic mistakes beside the truth, in words and lines; and what a figure of the report is made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.cells import cell_len

from explorer.store.figures import CORPUS
from explorer.tui import humanize
from explorer.tui.text import clean, crop, fit
from explorer.tui.widgets.picker import Aim, Line
from explorer.tui.widgets.sheet import Row, wrapped

if TYPE_CHECKING:
    from explorer.store.queries import Experiments, MadeOf, Merged, Scoped, Told

_NAME = 28
_SCOPED = (("agents", 7), ("blocks", 12), ("one scope", 12), ("", 8), ("private", 12), ("", 8), ("lost", 12))
_WIDE = 96
_MERGED = (("runs", 6), ("at once", 8), ("steps", 8), ("largest", 8), ("input", 8), ("largest", 8))


def lay_out_experiments(found: Experiments, width: int) -> Iterator[Line]:
    """Both experiments and the report."""
    yield from _heading(
        "Mistake 1: every agent on a namespace of its own",
        "Leading blocks of prompts that an endless cache would hit, with one scope per trace as recorded, and what is "
        "left when a loader keys blocks on the sub-agent. Only conversations that lose something.",
        width,
    )
    if not found.scoped:
        yield [("Nothing that is open has blocks.", "note")], None
    else:
        first = 0 if width >= _WIDE else 2  # agents and blocks give way
        name = min(_NAME, max(12, width - sum(cells for _, cells in _SCOPED[first:])))
        yield [(_cells("", name, [head for head, _ in _SCOPED[first:]], _SCOPED[first:]), "note")], None
        for scoped in found.scoped:
            yield _scoped(scoped, name, first)
        yield from _left_out(found.losing, sum(scoped.node_id is not None for scoped in found.scoped), "lose something")
    yield [("", "plain")], None
    yield from _heading(
        "Mistake 2: runs told apart by conversation and agent name alone",
        "Each line would be shown as one run. runs: how many it really is; at once: those that ran at the same time as "
        "another of them; steps, input: what the one would have; largest: what the largest of the runs really has.",
        width,
    )
    if not found.merged:
        yield [("No two runs of a conversation have the same name.", "note")], None
    else:
        name = min(2 * _NAME, max(12, width - sum(cells for _, cells in _MERGED)))
        yield [(_cells("", name, [head for head, _ in _MERGED], _MERGED), "note")], None
        for merged in found.merged:
            yield _merged(merged, name)
        yield from _left_out(found.merging, len(found.merged), "merge runs")
    yield [("", "plain")], None
    yield from _report(found, width)


def _heading(title: str, note: str, width: int) -> Iterator[Line]:
    yield [(crop(title, width), "title")], None
    for row in wrapped(note, width, "note"):
        yield row, None


def _left_out(all_: int, shown: int, what: str) -> Iterator[Line]:
    if all_ > shown:
        yield [(f"… {all_ - shown:,} more {what}", "note")], None


def _cells(name: str, room: int, values: list[str], columns: tuple[tuple[str, int], ...]) -> str:
    return fit(name, room) + "".join(
        fit(text, cells, "right") for text, (_, cells) in zip(values, columns, strict=True)
    )


def _scoped(scoped: Scoped, name: int, first: int) -> Line:
    lost = scoped.hit_shared - scoped.hit_private
    who = clean(scoped.title or "")
    if scoped.node_id is None:
        who = "all that is open" if scoped.title == "all" else "  its sub-agents alone"
    values = [
        humanize.number(scoped.agents), humanize.number(scoped.blocks), humanize.number(scoped.hit_shared),
        humanize.percent(scoped.hit_shared, scoped.blocks, 1), humanize.number(scoped.hit_private),
        humanize.percent(scoped.hit_private, scoped.blocks, 1), humanize.number(lost),
    ]  # fmt: skip
    tells = (
        f"{who}: {values[2]} of {values[1]} blocks hit ({values[3]}) with one scope for the trace; {values[4]} "
        f"({values[5]}) with a namespace for each of its {values[0]} agents. {values[6]} blocks that another agent had "
        'written would be computed again. --sql "FROM scope_experiment" has it all.'
    )
    text = _cells(crop(who, name - 1), name, values[first:], _SCOPED[first:])
    return [(text, "strong" if scoped.node_id is None else "plain")], Aim(tells, scoped.node_id)


def _report(found: Experiments, width: int) -> Iterator[Line]:
    yield from _heading(
        "Do sub-agents share the block ids of their trace?",
        "The figures by which it was shown that they do, for what is open, beside those of the report that showed it "
        f"for the public traces of kv-cache-tester ({CORPUS}). enter shows what one is made of. Resets, gaps and "
        "perfect orders are of ids that a recorder numbered: of hashes and prompt parts there is none.",
        width,
    )
    yield [(fit("", 26) + fit("here", 24, "right") + fit("the report", 12, "right"), "note")], None
    for told in found.told:
        head = fit(told.name, 26) + fit(value_of(told), 24, "right") + fit(told.report, 12, "right")
        room = width - cell_len(head) - 2
        row: Row = [(head, "plain"), ("  " + crop(told.note, room), "note")] if room >= 16 else [(head, "plain")]
        yield row, Aim(f"{told.name}: {told.note}.", figure=told.name)


def value_of(told: Told) -> str:
    """A figure with its numerator and denominator where it has them."""
    if told.denominator is not None:
        share = humanize.percent(told.numerator, told.denominator, 1)
        return f"{humanize.number(told.numerator)} / {humanize.number(told.denominator)}  {share}"
    if told.value is None:
        return humanize.NOT_RECORDED
    if told.name.startswith("share_"):
        return humanize.percent(told.value, 1, 1)
    return f"{told.value:,.1f}" if told.value % 1 else f"{told.value:,.0f}"


def _merged(merged: Merged, name: int) -> Line:
    who = f"{clean(merged.title or '')} › {clean(merged.agent_name or '(no name)')}"
    values = [
        humanize.number(merged.runs), humanize.number(merged.concurrent), humanize.number(merged.steps),
        humanize.number(merged.largest_steps), humanize.tokens(merged.input_tokens),
        humanize.tokens(merged.largest_input_tokens),
    ]  # fmt: skip
    at_once = (
        f", {values[1]} of which ran at the same time as another, so that their steps would be mixed"
        if merged.concurrent
        else ""
    )
    tells = (
        f"{who}: {values[0]} runs would be one with {humanize.plural(merged.steps, 'step')}{at_once}. The largest "
        f'has {humanize.plural(merged.largest_steps, "step")}. Here they are told apart. --sql "FROM merge_experiment".'
    )
    return [(_cells(crop(who, name - 1), name, values, _MERGED), "plain")], Aim(tells, merged.node_id)


def lay_out_figure(made: MadeOf | None, width: int) -> Iterator[Line]:
    """The page of a figure, and below it the rows that it is made of."""
    if made is None:
        yield [("There is no such figure.", "note")], None
        return
    here = value_of(made.told) if made.told else humanize.NOT_RECORDED
    yield [(crop(f"{made.page.name}: {here}", width), "strong")], None
    for title, text in made.page.sections:
        yield [(title, "title")], None
        for row in wrapped(text, width, "plain", "  "):
            yield row, None
    yield [("", "plain")], None
    texts = [[_text(value) for value in row] for row in made.rows]
    rooms = [max([len(name), *(cell_len(row[index]) for row in texts)]) + 2 for index, name in enumerate(made.columns)]
    rooms[:1] = [min(room, max(20, width - sum(rooms[1:]))) for room in rooms[:1]]
    yield [(_across(list(made.columns), rooms), "note")], None
    for row_, node in zip(texts, made.nodes, strict=True):
        yield [(_across(row_, rooms), "plain")], Aim(" ".join(row_), node)
    yield from _left_out(made.total, len(made.rows), "rows")


def _across(texts: list[str], rooms: list[int]) -> str:
    return "".join(
        fit(text, room, "left" if index == 0 else "right")
        for index, (text, room) in enumerate(zip(texts, rooms, strict=True))
    )


def _text(value: object) -> str:
    match value:
        case None:
            return humanize.NOT_RECORDED
        case bool():
            return "yes" if value else "no"
        case int():
            return humanize.number(value)
        case float():
            return humanize.percent(value, 1, 1)
        case _:
            return clean(str(value))
