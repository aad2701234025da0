"""Two runs side by side, and one block by itself, in words and lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from explorer.tui import humanize
from explorer.tui.prefix_words import span, words
from explorer.tui.text import clean, crop, fit
from explorer.tui.widgets.picker import Aim, Line
from explorer.tui.widgets.sheet import Role, Row, wrapped

if TYPE_CHECKING:
    from explorer.store.queries import Limb, Passport, Piece, PrefixTree, Reader, Use


def lay_out_pair(tree: PrefixTree | None, run_a: str, run_b: str, width: int) -> Iterator[Line]:
    """Two runs side by side along the positions of their prompts, with the exact ranges of ids."""
    if tree is None:
        yield [("Neither of the two has blocks.", "note")], None
        return
    runs = {use.run.run_id: use.run for limb in tree.limbs for use in limb.holders}
    both = sum(limb.blocks for limb in tree.limbs if not limb.ends)
    for letter, run in (("A", run_a), ("B", run_b)):
        if run in runs:
            of = both + sum(x.blocks for x in tree.limbs if x.ends and x.holders[0].run.run_id == run)
            sentence = (
                f"{letter}  {words(runs[run])}: {humanize.number(both)} of its {humanize.plural(of, 'block')} "
                f"({humanize.percent(both, of)}) are the other's too, behind the same prefix"
            )
            yield [(crop(sentence, width), "strong")], None
    yield [("", "plain")], None
    head = f"{'at':>8}{'blocks':>8}{'tokens':>8}  {'block ids':<22}"
    room = max(12, (width - len(head)) // 2)
    yield [(head + fit("A", room) + fit("B", room), "note")], None
    for limb in tree.limbs:
        for piece in limb.pieces:
            yield _aligned(tree, limb, piece, (run_a, run_b), room)


def _aligned(tree: PrefixTree, limb: Limb, piece: Piece, runs: tuple[str, str], room: int) -> Line:
    size = limb.tokens // limb.blocks if limb.tokens is not None and limb.blocks else None
    tokens = humanize.tokens(None if size is None else size * piece.blocks)
    ids = span(piece.first, piece.blocks)
    numbers = f"{piece.position:>8,}{piece.blocks:>8,}{fit(tokens, 8, 'right')}  {fit(ids, 22)}"
    seen = {use.run.run_id: use for use in limb.holders}
    cells = [_side(seen.get(run), piece, bool(limb.ends)) for run in runs]
    role: Role = "plain" if limb.ends else "sibling"
    row: Row = [(numbers, "plain"), *((fit(cell, room - 1) + " ", role if cell else "note") for cell in cells)]
    writer = piece.writer
    tells = (
        f"Blocks {ids} of {clean(tree.namespace)}: first written by {words(writer.run)} in step {writer.ordinal:,} "
        f"at {humanize.duration(writer.at_ms)}."
    )
    return row, Aim(tells, writer.run.node_id, (tree.namespace, piece.first))


def _side(use: Use | None, piece: Piece, alone: bool) -> str:
    if use is None:
        return ""
    if piece.writer.run.run_id == use.run.run_id:
        return f"█ wrote, step {piece.writer.ordinal:,} at {humanize.duration(piece.writer.at_ms)}"
    if alone:
        return f"█ has it alone, {clean(piece.writer.run.label or piece.writer.run.name)} wrote"
    return f"█ reads from step {use.ordinal:,} on, {humanize.duration(use.at_ms)}"


_COLUMNS = (("steps", 7), ("first", 7), ("at", 9), ("last", 7), ("at", 9), ("longest unused", 16))
_WIDE = 90


def lay_out_passport(found: Passport | None, width: int) -> Iterator[Line]:
    """One block: who wrote it, who read it, for how long it was in use."""
    if found is None:
        yield [("No prompt holds this block.", "note")], None
        return
    writer = found.readers[0]
    alike = found.last - found.first + 1
    kept = (
        f"In use for {humanize.duration(found.life_ms)}, by {humanize.plural(found.uses, 'step')} of "
        f"{humanize.plural(len(found.readers), 'run')}; unused for {humanize.duration(found.longest_gap_ms)} at the "
        "longest: a cache that forgets sooner must compute it again."
    )
    if found.uses == 1:
        kept = "No other prompt holds it: keeping it would have served nobody."
    elif found.life_ms is None:
        kept = f"Used by {humanize.plural(found.uses, 'step')} of {humanize.plural(len(found.readers), 'run')}; " + (
            "for how long is not known, as not every step has a time."
        )
    for sentence in (
        f"Written by {words(writer.run)} in step {writer.first:,} at {humanize.duration(writer.first_ms)}, as block "
        f"{found.position:,} of the prompt (the first is 0).",
        kept,
        f"Blocks {span(found.first, alike)} have the same history." if alike > 1 else "Its history is its own.",
    ):
        for row in wrapped(sentence, width, "plain", "", "  "):
            yield row, None
    yield [("", "plain")], None
    columns = _COLUMNS if width >= _WIDE else _COLUMNS[:3] + _COLUMNS[-1:]  # the last use gives way
    room = max(12, width - sum(cells for _, cells in columns))
    yield [(fit("run", room) + "".join(fit(name, cells, "right") for name, cells in columns), "note")], None
    for reader in found.readers:
        values = [
            humanize.number(reader.steps), humanize.number(reader.first), humanize.duration(reader.first_ms),
            humanize.number(reader.last), humanize.duration(reader.last_ms), humanize.duration(reader.longest_gap_ms),
        ]  # fmt: skip
        if width < _WIDE:
            del values[3:5]
        wrote = reader is writer
        cells = fit(words(reader.run), room - 6) + "".join(
            fit(text, cells, "right") for text, (_, cells) in zip(values, columns, strict=True)
        )
        mark: tuple[str, Role] = ("wrote ", "strong") if wrote else ("read  ", "note")
        yield [mark, (cells, "plain")], Aim(_told(reader, wrote), reader.run.node_id)


def _told(reader: Reader, wrote: bool) -> str:
    told = f"{words(reader.run)} holds it in {humanize.plural(reader.steps, 'prompt')}"
    if wrote:
        return f"{told}, the first of all among them."
    if reader.ended_before is None:
        return f"{told}."
    when = "after the step that wrote it had ended, so that a cache could have had it"
    early = "before the step that wrote it had ended, so that it had to be computed once more"
    return f"{told}. It first came {when if reader.ended_before else early}."
