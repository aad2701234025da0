"""The page about why blocks miss in a cache: in all, per agent, over time; letters as well as colours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from explorer.tui import humanize
from explorer.tui.chart import apportion
from explorer.tui.curve_words import View, arrival_words, capacity_words, kept_words
from explorer.tui.text import crop, crop_middle, fit
from explorer.tui.time_scale import offset
from explorer.tui.widgets.sheet import Role, Row, wrapped

if TYPE_CHECKING:
    from explorer.store.queries import CacheCurves, Causes, Misses


class Cause(NamedTuple):
    """One reason for which a block misses."""

    letter: str
    name: str
    role: Role
    help: str


CAUSES: dict[str, Cause] = {
    "expired": Cause("X", "expired", "ancestor", "not used for longer than they are kept"),
    "evicted": Cause("E", "evicted", "sibling", "the cache is too small, others took the place"),
    "diverged": Cause("D", "diverged", "other", "the prompt changed there or before"),
    "tail": Cause("T", "tail", "behind", "the end of the last prompt, filled up since"),
    "cold": Cause("C", "cold", "fresh", "behind what the agent's last prompt had"),
}
"""By the field of ``Causes``, in the order in which a prompt meets them."""


def misses_page(view: View, curves: CacheCurves, found: Misses | None, width: int) -> Iterator[Row]:
    """Why blocks miss in the cache that the cursors of the curves chose."""
    yield from wrapped(
        f"Why blocks miss in an LRU cache of {capacity_words(view, curves, view.capacity)} that keeps them "
        f"{kept_words(view)}. "
        "The cursors of the pages 1 and 2 choose both.",
        width,
    )
    if found is None:
        yield [("counting …", "note")]
        return
    if view.arrivals is not None:
        alone = arrival_words(View(0), curves)
        yield from wrapped(f"Here {alone[:1].lower()}{alone[1:]}", width)
    yield []
    yield from total_rows(found.total, width)
    if found.total.hit is None:
        return
    yield []
    named = found.agents
    more = f", the {len(named)} that miss most" if found.agent_count > len(named) else ""
    yield from _bars(f"{humanize.plural(found.agent_count, 'agent')}{more}", named, width)
    if found.changes:
        yield []
        yield [("prompts that changed most", "title")]
        for change in found.changes:
            yield from wrapped(
                f"{change.name}, step {change.ordinal:,}: from block {change.diverged_at:,} of {change.blocks:,} not "
                f"what the prompt before had; {humanize.plural(change.diverged, 'block')} missed for it",
                width, "plain", "  ", "    ",
            )  # fmt: skip
    yield []
    since = "since the start of each conversation" if curves.conversations > 1 else "since the start"
    slots = [("no time" if at is None else offset(at, 1_000), causes) for at, causes in found.slots]
    yield from _bars(f"over time, {since}", slots, width)


def total_rows(total: Causes, width: int) -> Iterator[Row]:
    """Why blocks miss, in all."""
    if total.hit is None:
        yield from wrapped(
            "Some step has no time, so it is not known what expires. Keep blocks for ever: page 2.", width
        )
        return
    yield from _bar(total, max(10, width - 2))
    shown = {"hit": total.hit, **_amounts(total)}
    longest = max(len(humanize.number(amount)) for amount in shown.values())
    mean = f"mean over {humanize.plural(total.steps, 'step')} {humanize.percent(total.mean_step_share, 1, 1)}"
    yield [("   ", "plain"), (_line("hit", total.hit, total.blocks, longest) + f"   {mean}", "plain")]
    for name, cause in CAUSES.items():
        row: Row = [(f" {cause.letter} ", cause.role), (_line(cause.name, shown[name], total.blocks, longest), "plain")]
        room = width - sum(len(text) for text, _ in row) - 3
        yield [*row, ("   " + crop(cause.help, room), "note")] if room > 8 else row


def _amounts(causes: Causes) -> dict[str, int]:
    return {name: getattr(causes, name) or 0 for name in CAUSES}


def _line(name: str, amount: int, whole: int, longest: int) -> str:
    return f"{name:<9}{humanize.percent(amount, whole, 1):>8}  {humanize.number(amount):>{longest}}"


def _bar(causes: Causes, cells: int) -> Iterator[Row]:
    amounts = _amounts(causes)
    counts = apportion(list(amounts.values()), cells)
    yield [
        (cause.letter * count, cause.role) for cause, count in zip(CAUSES.values(), counts, strict=True) if count
    ] or [("nothing misses", "note")]


def _bars(title: str, named: list[tuple[str, Causes]], width: int) -> Iterator[Row]:
    """A bar for each of what it missed, with how much that is."""
    longest = max((len(name) for name, _ in named), default=0)
    name_width = max(10, min(longest + 1, width // 3))
    room = width - name_width - 20
    yield [(fit(title, name_width + room), "title"), (f"{'missed':>10}{'of blocks':>10}", "note")]
    for name, causes in named:
        missed = causes.blocks - (causes.hit or 0)
        bar = next(_bar(causes, room))
        used = sum(len(text) for text, _ in bar)
        numbers = f"{humanize.percent(missed, causes.blocks, 1):>10}{humanize.tokens(causes.blocks):>10}"
        yield [
            (fit(crop_middle(name, name_width - 1), name_width), "plain"),
            *bar,
            (" " * (room - used) + numbers, "plain"),
        ]
