"""Prefix trees in words and lines: where prompts part, who wrote what they share, what each has for itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from explorer.tui import humanize
from explorer.tui.text import clean, crop, fit
from explorer.tui.widgets.picker import Aim, Line
from explorer.tui.widgets.sheet import Role, Row, wrapped

if TYPE_CHECKING:
    from explorer.store.queries import Limb, Named, Piece, PrefixTree, Use

_COLUMNS = (("at", 8), ("blocks", 8), ("tokens", 8), ("since", 8))
_MOST_NAMES = 5

MEANINGS = {
    "at": "how many blocks of the prompt are ahead of this branch: where it leaves what is above it",
    "blocks": "how many blocks follow each other on it in the prompts of the very same runs",
    "tokens": "in these blocks; behind where a first prompt leaves the others, all that is left of it",
    "since": "when the first of its runs had it",
}
"""The columns of a prefix tree in words."""


def lay_out_prefixes(tree: PrefixTree | None, first: bool, width: int) -> Iterator[Line]:
    """A prefix tree, drawn as a ladder: each step down is where some prompts leave the others."""
    if tree is None:
        for row in wrapped(
            "Nobody here to compare: neither two children of this node nor two of its parent have prompts with blocks. "
            "3 shows the prompts of the whole conversation, if they have any.", width, "note"
        ):  # fmt: skip
            yield row, None
        return
    yield [(crop(_title(tree, first), width), "title")], None
    note = (
        "Each sibling's first prompt down to where it leaves the others: what is behind cannot be shared any more."
        if first
        else "Prompts run together as far as they are the same. What a run has for itself is one line, its leaf."
    )
    for row in wrapped(note, width, "note"):
        yield row, None
    yield [("".join(fit(name, cells, "right") for name, cells in _COLUMNS) + "  runs", "note")], None
    for limb, guide in zip(tree.limbs, guides([limb.above for limb in tree.limbs]), strict=True):
        yield _line(tree, limb, guide, first, width)


def _title(tree: PrefixTree, first: bool) -> str:
    what = "First prompts of" if first else "All prompts of"
    left_out = f" ({tree.runs:,} of {tree.total:,} runs have blocks and are shown)" if tree.total != tree.runs else ""
    proposed = f", {humanize.plural(tree.proposed, 'hidden agent')} told apart: a proposal" if tree.proposed else ""
    return f"{what} {clean(tree.whose)}: {humanize.plural(tree.runs, 'run')}{left_out}{proposed}"


def guides(above: Sequence[int | None]) -> Iterator[str]:
    """Lines of a tree in depth-first order, from the number of each line's parent."""
    last = {parent: number for number, parent in enumerate(above)}
    lines: list[str] = []
    for number, parent in enumerate(above):
        if parent is None:
            lines.append("")
            yield ""
            continue
        is_last = last[parent] == number
        yield lines[parent] + ("└ " if is_last else "├ ")
        lines.append(lines[parent] + ("  " if is_last else "│ "))


def _line(tree: PrefixTree, limb: Limb, guide: str, first: bool, width: int) -> Line:
    since = humanize.duration(limb.holders[0].at_ms)
    cells = humanize.number(limb.position), humanize.number(limb.blocks), humanize.tokens(limb.tokens), since
    numbers = "".join(fit(text, room, "right") for text, (_, room) in zip(cells, _COLUMNS, strict=True))
    room = max(8, width - len(numbers) - len(guide) - 2)
    row: Row = [(numbers + "  ", "plain"), (guide, "note"), (crop(_who(limb, first), room), _role(limb))]
    own = limb.holders[0].run.node_id if limb.ends else None
    block = (tree.namespace, limb.pieces[0].first) if limb.pieces else None
    return row, Aim(" ".join(_tells(limb, first)), own, block)


def _role(limb: Limb) -> Role:
    return "plain" if limb.ends else "sibling"


def _who(limb: Limb, first: bool) -> str:
    if limb.ends:
        name = words(limb.holders[0].run)
        if not limb.blocks:
            return f"{name}  has nothing for itself"
        if first:
            alone = "a single block: cannot be told" if limb.blocks == 1 else "shares nothing"
            return f"{name}  {'leaves here' if limb.position else alone}"
        return f"{name}  {_ends(limb)}" if limb.ends > 1 else name
    names = [clean(use.run.label or use.run.name) for use in limb.holders]
    more = f" and {len(names) - _MOST_NAMES:,} more" if len(names) > _MOST_NAMES else ""
    return f" {len(names)} together: {', '.join(names[:_MOST_NAMES])}{more} "


def _ends(limb: Limb) -> str:
    return f"with {limb.ends:,} ends, as its own prompts part too"


def words(run: Named) -> str:
    """Name and label of a run."""
    name = clean(run.name) or "(no name)"
    return f"{name} {clean(run.label)}" if run.label and run.label != run.name else name


def span(first: int, count: int) -> str:
    """Consecutive numbers."""
    return f"{first:,}" if count == 1 else f"{first:,} to {first + count - 1:,}"


def _tells(limb: Limb, first: bool) -> Iterator[str]:
    tokens = f" ({humanize.number(limb.tokens)} tokens)" if limb.tokens is not None else ""
    if limb.ends:
        use = limb.holders[0]
        after = f"after {humanize.plural(limb.position, 'block')} in common with others"
        if not limb.blocks:
            yield f"{words(use.run)} goes no further than what it has in common with others, {limb.position:,} blocks."
        elif first and not limb.position and limb.blocks == 1:
            yield (
                f"The first prompt of {words(use.run)} is a single block{tokens} of its own: whether it begins like "
                "those of others cannot be told from this recording. What a cache served of it, where that was "
                f"measured, is in Reuse (r). Step {use.ordinal:,} at {humanize.duration(use.at_ms)}."
            )
        elif first and not limb.position:
            yield (
                f"{words(use.run)} shares nothing with others: {humanize.plural(limb.blocks, 'block')}{tokens}, all "
                f"its own. Step {use.ordinal:,} at {humanize.duration(use.at_ms)}."
            )
        elif first:
            yield (
                f"{words(use.run)} leaves {after}: the {humanize.plural(limb.blocks, 'block')}{tokens} behind are lost "
                f"to its siblings, and theirs to it. Step {use.ordinal:,} at {humanize.duration(use.at_ms)}."
            )
        else:
            parts = f", {_ends(limb)}" if limb.ends > 1 else ""
            yield f"{humanize.plural(limb.blocks, 'block')}{tokens} that only {words(use.run)} has, {after}{parts}."
        if limb.pieces and any(piece.writer.run.run_id != use.run.run_id for piece in limb.pieces):
            yield from _writers(limb.pieces)
        return
    yield f"Blocks {span(limb.position, limb.blocks)} of these prompts{tokens} are the same."
    yield from _writers(limb.pieces)
    writer = limb.pieces[0].writer if limb.pieces else None
    readers = [use for use in limb.holders if writer is None or use.run.run_id != writer.run.run_id]
    if readers:
        told = [_read(use, writer) for use in readers[:_MOST_NAMES]]
        more = f" and {len(readers) - _MOST_NAMES:,} more" if len(readers) > _MOST_NAMES else ""
        yield f"Then read by {', '.join(told)}{more}."


def _writers(pieces: Sequence[Piece]) -> Iterator[str]:
    shown: list[tuple[Use, int]] = []
    for piece in pieces:
        if shown and shown[-1][0].run.run_id == piece.writer.run.run_id:
            shown[-1] = shown[-1][0], shown[-1][1] + piece.blocks
        else:
            shown.append((piece.writer, piece.blocks))
    told = [
        f"{words(use.run)} in step {use.ordinal:,} at {humanize.duration(use.at_ms)}"
        + (f" ({humanize.plural(count, 'block')})" if len(shown) > 1 else "")
        for use, count in shown[:3]
    ]
    more = f", and {len(shown) - 3:,} more" if len(shown) > 3 else ""
    yield f"First written by {'; then '.join(told)}{more}."


def _read(use: Use, writer: Use | None) -> str:
    told = f"{clean(use.run.label or use.run.name)} at {humanize.duration(use.at_ms)}"
    if writer is None or use.at_ms is None or writer.end_ms is None or use.at_ms >= writer.end_ms:
        return told
    return f"{told} before that had ended"
