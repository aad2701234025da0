"""The page about what is in use at once, in plots and words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from explorer.tui import chart, humanize
from explorer.tui.curve_words import columns_of, plot, plot_height
from explorer.tui.text import fit
from explorer.tui.time_scale import Window, ticks
from explorer.tui.widgets.sheet import Role, Row, wrapped

if TYPE_CHECKING:
    from explorer.store.queries import InUse, Load


def use_page(found: InUse | None, width: int, height: int) -> Iterator[Row]:
    """Working sets and the live footprint: over time of one conversation, else the peaks of each."""
    if found is None:
        yield from wrapped("No step has a time, so it cannot be told what was in use at once.", width)
        return
    if found.slots:
        yield from _use_over_time(found, width, height)
    name_width = max(12, min(40, width - 58))
    yield [(fit(f"peaks of {humanize.plural(found.conversations, 'conversation')}, in blocks", name_width), "title"),
           (f"{'1 min':>9}{'5 min':>9}{'15 min':>9}{'live':>9}{'apart':>9}{'agents':>8}", "note")]  # fmt: skip
    for title, load in found.peaks:
        figures = (load.one_minute, load.five_minutes, load.fifteen_minutes, load.live, load.apart)
        numbers = "".join(f"{humanize.tokens(figure):>9}" for figure in figures)
        yield [(fit(title, name_width) + numbers + f"{load.live_agents:>8}", "plain")]
    if found.conversations > len(found.peaks):
        yield [(f"… and {found.conversations - len(found.peaks):,} more", "note")]
    yield []
    size = f" (a block holds {found.block_tokens} tokens)" if found.block_tokens else ""
    yield from wrapped(
        "1, 5, 15 min: distinct blocks of all prompts that started within that time before a step. live: distinct "
        "blocks in the latest prompts of the agents at work, from their first call to the end of their last one; "
        f"apart: the same prompts added up, as if they shared nothing{size}. In SQL: working_set.",
        width, "note",
    )  # fmt: skip


def _use_over_time(found: InUse, width: int, height: int) -> Iterator[Row]:
    columns = columns_of(width)
    window = Window(0, -(-(found.slots[-1][0] + found.width_ms) // columns), columns)
    loads: list[Load | None] = [None] * columns
    for at, load in found.slots:
        column = window.cell(at)
        before = loads[column]
        loads[column] = load if before is None else type(load)(*map(max, before, load))
    highest = max(max(load.fifteen_minutes, load.apart) for load in loads if load is not None)
    axis = _time_axis(window)
    for legend, names in (
        ({"█": "1 minute", "▒": "5 minutes", "░": "15 minutes"}, ("one_minute", "five_minutes", "fifteen_minutes")),
        ({"█": "live footprint", "░": "what sharing saves: the same prompts added up"}, ("live", "apart")),
    ):
        words: list[tuple[str, Role]] = []
        for fill, name in legend.items():
            words += [(fill, "good" if fill == "█" else "info"), (f" {name}   ", "plain")]
        yield words
        levels = [[getattr(load, name) / highest if load else 0.0 for load in loads] for name in names]
        lines = chart.areas(levels, plot_height(height, 14) // 2, "".join(legend))
        yield from plot(lines, axis, None, top=humanize.tokens(highest))
    yield []


def _time_axis(window: Window) -> chart.Axis:
    line, labels = ["─"] * window.cells, [" "] * window.cells
    for tick in ticks(window, wall=False):
        line[tick.cell] = "┴"
        labels[tick.cell : tick.cell + len(tick.label)] = tick.label
    return chart.Axis("".join(line), "".join(labels))
