"""The pages about caches in plots and words: what each size hits, and what each time that blocks are kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from explorer.tui import chart, humanize
from explorer.tui.text import crop
from explorer.tui.widgets.sheet import Role, Row, wrapped

if TYPE_CHECKING:
    from explorer.store.queries import Arrivals, CacheCurves, Curve, Misses

Unit: TypeAlias = Literal["blocks", "tokens", "GiB"]

UNITS: tuple[Unit, ...] = get_args(Unit)
GIB = 2**30
_MINUTE, _HOUR = 60_000, 3_600_000
MARKS = {5 * _MINUTE: "5m", _HOUR: "1h"}
"""How long services keep what is cached."""
TALL = 30
"""Lines from which there is room for the causes below a plot."""
_GUTTER = 6
"""Cells left of a plot, for its percents."""
_TIMES = (
    *MARKS.items(),
    *((1_000, "1s"), (10_000, "10s"), (_MINUTE, "1m"), (24 * _HOUR, "1d"), (15 * _MINUTE, "15m"), (6 * _HOUR, "6h")),
    *((30_000, "30s"), (5_000, "5s"), (30 * _MINUTE, "30m"), (2 * _MINUTE, "2m"), (2 * _HOUR, "2h"), (2_000, "2s")),
    *((7 * 24 * _HOUR, "7d"), (100, "0.1s"), (12 * _HOUR, "12h")),
)


@dataclass
class View:
    """What is looked at."""

    capacity: int
    """Of the cache, in blocks."""
    keep_ms: int | None = None
    """How long it keeps blocks after their last use; None is for ever."""
    unit: Unit = "blocks"
    model: tuple[str, int] | None = None
    """Whose KV cache, and the bytes that a token takes in it."""
    arrivals: Arrivals | None = None
    """How conversations begin that share a cache; None where each has its own."""


def plot_height(height: int, others: int) -> int:
    """Lines for a plot where so many others are wanted too; on a tall screen, why blocks miss as well."""
    return max(5, min(16, height - others - (9 if height >= TALL else 0)))


def scale_of(curve: Curve, columns: int) -> list[int]:
    """A column for each value from where the curve leaves the ground to where nothing more is hit."""
    return chart.log_scale(curve.reach(max(1, curve.hits(curve.most) // 100)), curve.most, columns)


def columns_of(width: int) -> int:
    """Columns that a plot has in so many cells."""
    return max(8, width - _GUTTER)


def size_page(
    view: View, curves: CacheCurves, shared: tuple[Curve, Curve] | None, misses: Misses | None, width: int, height: int
) -> Iterator[Row]:
    """What each capacity hits, and the exact figures at the cursor."""
    lru, optimal = shared or (curves.lru, curves.optimal)
    yield from wrapped(
        f"How much a prefix cache hits of {humanize.plural(curves.blocks, 'block')} in "
        f"{humanize.plural(curves.steps, 'prompt')}, by its size. {arrival_words(view, curves)}".rstrip(),
        width,
    )
    yield [("█", "good"), (" LRU, leaf first   ", "plain"), ("░", "info"),
           (" what the best choice adds, knowing the future", "plain")]  # fmt: skip
    yield []
    scale = scale_of(lru, columns_of(width))
    whole = curves.blocks
    levels = [[curve.hits(capacity) / whole for capacity in scale] for curve in (lru, optimal)]
    lines = chart.areas(levels, plot_height(height, 13), "█░")
    axis = chart.axis(scale, _capacity_labels(view, curves, scale[-1]), view.unit)
    yield from plot(lines, axis, chart.column_of(scale, view.capacity))
    yield [("▲ ", "key"), (capacity_words(view, curves, view.capacity), "strong")]
    for name, curve in (("LRU", lru), ("best", optimal)):
        yield from _figures(name, curve.hits(view.capacity), curve.tokens(view.capacity), curves, width)
    if shared is None:
        mean = humanize.percent(misses.total.mean_step_share, 1, 1) if misses and not view.keep_ms else None
        if mean:
            steps = humanize.plural(curves.steps, "step")
            yield [(f"  LRU, mean over {steps}, each counted alike: {mean}", "note")]
    most, blocks = lru.hits(lru.most), humanize.plural(lru.most, "block")
    yield from wrapped(
        f"LRU hits all that can be hit, {humanize.percent(most, whole, 1)}, from {blocks} on.",
        width, "note", "  ",
    )  # fmt: skip
    for doubt in _doubts(curves):
        yield from wrapped(doubt, width, "note", "  ")


def time_page(view: View, curves: CacheCurves, width: int, height: int) -> Iterator[Row]:
    """What each time hits that blocks are kept for."""
    kept = curves.kept
    if kept is None or not kept.most:
        why = "Some step has no time" if kept is None else "No block is used again"
        yield from wrapped(f"{why}, so it cannot be told what a cache hits that keeps blocks for a while.", width)
        return
    yield from wrapped(
        f"How much a prefix cache without bounds hits of {humanize.plural(curves.blocks, 'block')} in "
        f"{humanize.plural(curves.steps, 'prompt')}, by how long it keeps blocks after their last use.",
        width,
    )
    yield [
        ("█", "good"),
        (" hit   ", "plain"),
        ("┊", "warning"),
        (" 5 minutes and 1 hour, as services keep them", "plain"),
    ]
    yield []
    scale = time_scale(kept, columns_of(width))
    lines = chart.areas([[kept.hits(keep) / curves.blocks for keep in scale]], plot_height(height, 12), "█")
    marks = {chart.column_of(scale, mark) for mark in MARKS if scale[0] <= mark <= scale[-1]}
    axis = chart.axis(scale, [chart.Label(*label) for label in _TIMES])
    cursor = scale[-1] if view.keep_ms is None else view.keep_ms
    yield from plot(lines, axis, chart.column_of(scale, cursor), marks)
    yield [("▲ ", "key"), (f"blocks are kept {kept_words(view)}", "strong")]
    yield from _figures("hit", kept.hits(cursor), kept.tokens(cursor), curves, width)
    for mark, name in MARKS.items():
        yield from _figures(name, kept.hits(mark), kept.tokens(mark), curves, width)


def time_scale(kept: Curve, columns: int) -> list[int]:
    """A column for each time, the marks always among them; the last is for ever."""
    leaves_ground = kept.reach(max(1, kept.hits(kept.most) // 100))
    return chart.log_scale(max(100, min(leaves_ground, _MINUTE)), max(kept.most, 2 * _HOUR), columns)


def arrival_words(view: View, curves: CacheCurves) -> str:
    """Which conversations share a cache, and how they begin."""
    several = humanize.plural(curves.conversations, "conversation")
    if view.arrivals is None:
        return f"Each of {several} has a cache of its own." if curves.conversations > 1 else ""
    match view.arrivals.order:
        case "at_once":
            how = "all begin at once"
        case "in_turn":
            how = "each begins when the one before it has ended"
        case "poisson":
            gap = humanize.duration(view.arrivals.gap_ms)
            how = f"they begin at random (Poisson), one in {gap} on average (+ -), seed {view.arrivals.seed} (n)"
    return f"{several} on one cache: {how}."


def kept_words(view: View) -> str:
    """How long the cache keeps blocks."""
    return "for ever" if view.keep_ms is None else f"for {humanize.duration(view.keep_ms)} after their last use"


def capacity_words(view: View, curves: CacheCurves, capacity: int) -> str:
    """A capacity in every unit that is known."""
    words = [humanize.plural(capacity, "block")]
    if curves.block_tokens:
        words.append(humanize.plural(capacity * curves.block_tokens, "token"))
        if view.model:
            name, size = view.model
            words.append(f"{gib(capacity * curves.block_tokens * size)} GiB ({name})")
    return " = ".join(words)


def gib(size: int) -> str:
    """Bytes in GiB, to three digits."""
    amount = size / GIB
    return f"{amount:,.0f}" if amount >= 100 else f"{amount:.1f}" if amount >= 10 else f"{amount:.3g}"


def _figures(name: str, hits: int, tokens: int | None, curves: CacheCurves, width: int) -> Iterator[Row]:
    share = humanize.percent(hits, curves.blocks, 1)
    row: Row = [(f"  {name:<5}{share:>8}", "strong"),
                (f" of blocks  {humanize.number(hits)} of {humanize.number(curves.blocks)}", "plain")]  # fmt: skip
    if tokens is not None and curves.input_tokens:
        share = humanize.percent(tokens, curves.input_tokens, 1)
        more = f"   {share} of input tokens"
        full = f"{more}  {humanize.number(tokens)} of {humanize.number(curves.input_tokens)}"
        room = width - sum(len(text) for text, _ in row)
        row = [*row, (crop(full if len(full) <= room else more, room), "plain")]
    yield row


def _doubts(curves: CacheCurves) -> Iterator[str]:
    if not curves.is_whole:
        yield (
            "These are some of the prompts of their caches. The best choice is the best for all of them: LRU may hit "
            "more of these."
        )
    if not curves.chained:
        yield "Some ids stand for other prefixes at other places: what the best choice hits is a bound out of reach."


def plot(
    lines: Sequence[str],
    axis: chart.Axis,
    cursor: int | None,
    marks: set[int] | None = None,
    top: str = "100 %",
) -> Iterator[Row]:
    """The lines of a plot with its scale on the left, marks where nothing is drawn, and the cursor below."""
    for index, line in enumerate(lines):
        label = top if index == 0 else "50 %" if top == "100 %" and index == len(lines) // 2 else ""
        cells = [("┊" if column in (marks or ()) and char == " " else char) for column, char in enumerate(line)]
        yield [(f"{label:>5}┤" if label else "     │", "note"), *_pieces(cells, cursor)]
    yield [("   0 ┼" if top == "100 %" else "     ┼", "note"), (axis.line, "note")]
    yield [(" " * _GUTTER + axis.labels, "note")]
    if cursor is not None:
        yield [(" " * (_GUTTER + cursor), "plain"), ("▲", "key")]


_ROLES: dict[str, Role] = {"░": "info", "▒": "info", "┊": "warning", "│": "key", " ": "plain"}


def _pieces(cells: Sequence[str], cursor: int | None) -> Iterator[tuple[str, Role]]:
    text, role = "", None
    for column, char in enumerate(cells):
        shown = "│" if column == cursor and char in " ┊" else char
        its: Role = "key" if column == cursor else _ROLES.get(shown, "good")
        if its != role and text:
            yield text, role or "plain"
            text = ""
        text, role = text + shown, its
    if text:
        yield text, role or "plain"


def _capacity_labels(view: View, curves: CacheCurves, high: int) -> Iterator[chart.Label]:
    """Round capacities in the unit of the axis, as blocks."""
    size = curves.block_tokens or 1
    if view.unit == "GiB" and view.model:
        block = size * view.model[1]
        for power in (*range(30, 60, 10), *range(20, 60, 2), *range(20, 60)):
            amount = 2**power
            if block <= amount <= high * block:
                yield chart.Label(-(-amount // block), f"{amount / GIB:,.4g}")
    elif view.unit == "tokens":
        for number in chart.round_numbers(high * size):
            if number >= size:
                yield chart.Label(-(-number // size), _short(number))
    else:
        for number in chart.round_numbers(high):
            yield chart.Label(number, _short(number))


def _short(number: int) -> str:
    return humanize.tokens(number).replace(".0", "")
