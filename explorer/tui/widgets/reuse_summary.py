"""How much of a node's prompts was there already, who had written it, and how its children started."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len

from explorer.tui import humanize
from explorer.tui.chart import apportion
from explorer.tui.mean_words import PARTS, SOME_PARTS
from explorer.tui.text import clean, crop, fit
from explorer.tui.widgets.sheet import Role, Row, Sheet, wrapped

if TYPE_CHECKING:
    from explorer.store.queries import ColdStart, ReuseTotals, SiblingMatrix
    from explorer.tui.state import Unit


class Share(NamedTuple):
    """One part of the bar."""

    letter: str
    label: str
    role: Role
    amount: int
    help: str


class ReuseSummary(Sheet):
    """The headline, the bar and the cold-start table."""


def lay_out_reuse(
    totals: ReuseTotals | None, group: tuple[SiblingMatrix, int] | None, unit: Unit, width: int
) -> Iterator[Row]:
    """Everything above the matrix."""
    if totals is None:
        yield from wrapped(
            "No step here has block ids, so what was reused cannot be told. Only formats that record the blocks of "
            "each prompt can show it.",
            width,
        )
    else:
        yield from _headline(totals, unit, width)
        yield []
        if parts := shares(totals, unit):
            yield from _bar(parts, width)
        else:
            each = "part" if _is_of_parts(totals) else "block"
            yield from wrapped(f"How many tokens a {each} holds was not recorded. b counts {each}s.", width, "note")
    if group is not None:
        yield []
        yield from _cold_starts(group[0], group[1], width)


def _headline(totals: ReuseTotals, unit: Unit, width: int) -> Iterator[Row]:
    parts: tuple[int | None, ...] = (totals.own, totals.ancestor, totals.sibling, totals.other)
    whole: int | None = totals.blocks
    if unit == "tokens":
        parts = (totals.own_tokens, totals.ancestor_tokens, totals.sibling_tokens, totals.other_tokens)
        whole = totals.input_tokens
    known = [part for part in parts if part is not None]
    hits = sum(known) if len(known) == len(parts) else None
    noun = "input tokens" if unit == "tokens" else "parts" if _is_of_parts(totals) else "blocks"
    share = humanize.percent(hits, whole, 1)
    if noun == "parts":
        yield [("There before: ", "plain"), (share, "strong"), (" of the recorded parts of prompts", "plain")]
    else:
        yield [("Could have hit ", "plain"), (share, "strong"), (f" of {noun}, on an endless cache", "plain")]
    if totals.part_blocks and unit == "blocks":
        yield from wrapped(PARTS if noun == "parts" else SOME_PARTS, width, "note", "  ")
    weight = "token" if unit == "tokens" else noun[:-1]
    sums = f"{weight}-weighted: {humanize.number(hits)} of {humanize.number(whole)} {noun} were there on arrival"
    yield from wrapped(sums, width, "note", "  ")
    mean = humanize.percent(totals.mean_step_share, 1, 1)
    yield from wrapped(
        f"mean over {humanize.plural(totals.steps, 'step')}, each counted alike: {mean}", width, "note", "  "
    )
    if hits is not None and parts[0] is not None and hits > parts[0]:
        alone = f"{humanize.percent(parts[0], whole, 1)}, {humanize.plural(hits - parts[0], noun[:-1])} fewer (w 4)"
        yield from wrapped(f"with a namespace for each agent, as some loaders have it: {alone}", width, "note", "  ")
    if totals.cache_read_tokens is None:
        yield from wrapped("Did hit: – (the recorder measured no cache reads)", width)
    elif totals.input_tokens is None:
        of = f"{humanize.number(totals.cache_read_tokens)} tokens, as the recorder measured"
        yield from wrapped(f"Did hit: {of}; of how many is unknown: input not recorded", width)
    else:
        measured = humanize.percent(totals.cache_read_tokens, totals.input_tokens, 1)
        of = f"{humanize.number(totals.cache_read_tokens)} of {humanize.number(totals.input_tokens)} input tokens"
        yield from wrapped(f"Did hit {measured}: {of}, as the recorder measured", width)


def _is_of_parts(totals: ReuseTotals) -> bool:
    return totals.part_blocks == totals.blocks > 0


def shares(totals: ReuseTotals, unit: Unit) -> list[Share]:
    """The parts of the whole, in the order in which a cache would find them; none when they are not known."""
    tokens = unit == "tokens"
    if tokens and totals.own_tokens is None:
        return []
    own = totals.own_tokens if tokens else totals.own
    ancestor = totals.ancestor_tokens if tokens else totals.ancestor
    sibling = totals.sibling_tokens if tokens else totals.sibling
    other = totals.other_tokens if tokens else totals.other
    found = [
        Share("O", "own", "own", own or 0, "its earlier steps"),
        Share("A", "ancestor", "ancestor", ancestor or 0, "parent or above"),
        Share("S", "sibling", "sibling", sibling or 0, "same parent"),
        Share("X", "other", "other", other or 0, "anybody else"),
    ]
    if tokens:
        rest = max(0, (totals.input_tokens or 0) - sum(share.amount for share in found))
        return [*found, Share("N", "not there", "fresh", rest, "new, or after a miss")]
    return [
        *found,
        Share("N", "new", "fresh", totals.fresh, "never seen before"),
        Share("B", "behind", "behind", totals.behind, "seen, after a miss"),
    ]


def _bar(parts: list[Share], width: int) -> Iterator[Row]:
    cells = apportion([part.amount for part in parts], max(10, width - 2))
    yield [(part.letter * count, part.role) for part, count in zip(parts, cells, strict=True) if count]
    whole = sum(part.amount for part in parts)
    amounts = [humanize.number(part.amount) for part in parts]
    amount_width = max(len(amount) for amount in amounts)
    for part, amount in zip(parts, amounts, strict=True):
        share = humanize.percent(part.amount, whole, 1)
        head: Row = [
            (f" {part.letter} ", part.role),
            (f" {part.label:<9} {share:>8}  {amount:>{amount_width}}", "plain"),
        ]
        room = width - 26 - amount_width
        yield [*head, ("  " + crop(part.help, room), "note")] if room >= 16 else head


def _cold_starts(matrix: SiblingMatrix, total: int, width: int) -> Iterator[Row]:
    runs = matrix.runs
    shown = f" (the first {len(runs)} of {total:,})" if total > len(runs) else ""
    children = "only child" if total == 1 else humanize.plural(total, "child", "children")
    title = f"First steps of the {children} of {clean(matrix.group)}{shown}"
    yield [(crop(title, width), "title")]
    number = len(str(len(runs)))
    names = [_name(run) for run in runs]
    cells = [_cold_start_cells(run) for run in runs]
    longest = max(cell_len(name) for name in names) + 1
    measured = any(run.cached_tokens is not None for run in runs)
    heads = _columns_that_fit(cells, width - number - 2 - min(longest, 18 if measured else 24), measured)
    words = "blocks of each first prompt, and who had written them"
    yield from wrapped(f"{words}; cached: tokens read, as measured" if measured else words, width, "note")
    name_width = min(longest, width - number - 2 - sum(_COLD_START[head] for head in heads))
    yield [(" " * (number + 2 + name_width) + "".join(fit(h, _COLD_START[h], "right") for h in heads), "note")]
    for index, (name, values) in enumerate(zip(names, cells, strict=True), 1):
        row = "".join(fit(values[head], _COLD_START[head], "right") for head in heads)
        yield [(f"{index:>{number}}  ", "note"), (fit(name, name_width) + row, "plain")]
    for index, run in enumerate(runs, 1):
        if run.why:
            yield from wrapped(f"{index} missed what its siblings had cached: {clean(run.why)}", width, "note")


_COLD_START = {"blocks": 7, "own": 6, "parent": 7, "sibling": 8, "other": 6, "new": 7, "cached": 7, "cache": 7}
"""Columns of the cold-start table and their widths."""


def _columns_that_fit(cells: list[dict[str, str]], room: int, measured: bool) -> list[str]:
    """Columns that say nothing give way first, then those that matter least; what a cache was measured to do stays.

    Where nothing was measured, it is parent, sibling and new that stay.
    """
    heads = [head for head in _COLD_START if head != "cache" or any(row[head] != "–" for row in cells)]
    mute = ("own", "other", "parent", "sibling") if measured else ("own", "other", "cached")
    empty = [head for head in mute if all(row[head] in ("0", "–") for row in cells)]
    last = ("new", "parent", "sibling") if measured else ("cached",)
    for victim in (*empty, "own", "other", "blocks", *last):
        if sum(_COLD_START[head] for head in heads) <= room:
            break
        if victim in heads:
            heads.remove(victim)
    return heads


def _name(run: ColdStart) -> str:
    name = clean(run.name) or "(no name)"
    return f"{name} {clean(run.label)}" if run.label and run.label != run.name else name


def _cold_start_cells(run: ColdStart) -> dict[str, str]:
    return {
        "blocks": humanize.number(run.blocks),
        "own": humanize.number(run.own),
        "parent": humanize.number(run.ancestor),
        "sibling": humanize.number(run.sibling),
        "other": humanize.number(run.other),
        "new": humanize.number(run.new),
        "cached": humanize.tokens(run.cached_tokens),
        "cache": run.cache or "–",
    }
