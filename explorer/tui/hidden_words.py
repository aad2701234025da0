"""Agents that seem to be hidden among the calls of a run, in words and lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from explorer.tui import humanize
from explorer.tui.prefix_words import guides, words
from explorer.tui.text import crop, fit
from explorer.tui.widgets.picker import Aim, Line
from explorer.tui.widgets.sheet import wrapped

if TYPE_CHECKING:
    from explorer.model import HiddenKind
    from explorer.store.queries import Proposed

KINDS: dict[HiddenKind, str] = {
    "main": "seems to be the main agent",
    "worker": "one of at least three that part at one place, some at the same time",
    "solo": "another agent by itself",
    "sidecar": "a single call aside",
}
"""What a chain of prompts seems to be, in words."""

_COLUMNS = (("steps", 8), ("from", 9), ("to", 9), ("in common", 11))


def lay_out_hidden(proposed: Sequence[Proposed], width: int) -> Iterator[Line]:
    """The proposal, run by run: each chain below the one that it left."""
    if not proposed:
        yield [("No run at the top has prompts of several agents in turn.", "plain")], None
        return
    note = (
        "A proposal, graded derived: the recording has one run where the prompts are those of several agents in turn. "
        "a tells them apart on the pages 1 to 3. in common: blocks with the prompt that it left."
    )
    for row in wrapped(note, width, "note"):
        yield row, None
    for run, chains in groupby(proposed, key=lambda each: each.run):
        listed = list(chains)
        yield [("", "plain")], None
        title = f"{words(run)}: {humanize.plural(listed[0].steps_of_run, 'step')} of {len(listed):,} chains"
        yield [(crop(title, width), "title")], None
        yield [("".join(fit(name, cells, "right") for name, cells in _COLUMNS) + "  chain", "note")], None
        for chain, guide in _below(listed):
            yield _line(chain, guide, width)


def _below(chains: Sequence[Proposed]) -> Iterator[tuple[Proposed, str]]:
    """The chains as a tree, each below the one that it left."""
    numbers = {chain.chain for chain in chains}
    found: list[Proposed] = []
    above: list[int | None] = []
    waiting: list[tuple[Proposed, int | None]] = [(c, None) for c in reversed(chains) if c.left_chain not in numbers]
    while waiting:
        chain, parent = waiting.pop()
        found.append(chain)
        above.append(parent)
        waiting += [(each, len(found) - 1) for each in reversed(chains) if each.left_chain == chain.chain]
    yield from zip(found, guides(above), strict=True)


def _line(chain: Proposed, guide: str, width: int) -> Line:
    values = (
        humanize.number(chain.steps), humanize.duration(chain.start_ms), humanize.duration(chain.end_ms),
        humanize.number(chain.position) if chain.left_chain else humanize.NOT_RECORDED,
    )  # fmt: skip
    numbers = "".join(fit(text, cells, "right") for text, (_, cells) in zip(values, _COLUMNS, strict=True)) + "  "
    told = f"{chain.chain} {chain.kind}"
    left = (
        f"It left chain {chain.left_chain} after {humanize.plural(chain.position, 'block')} in common"
        if chain.left_chain
        else "It has nothing in common with a chain before it"
    )
    tells = (
        f"Chain {chain.chain} of {words(chain.run)}: {KINDS[chain.kind]}. {humanize.plural(chain.steps, 'step')} of "
        f"{chain.steps_of_run:,}, the first is step {chain.first_ordinal:,}. {left}. --explain hidden-agents says how "
        "chains are found."
    )
    room = max(8, width - len(numbers) - len(guide))
    return [(numbers, "plain"), (guide, "note"), (crop(told, room), "plain")], Aim(tells, chain.run.node_id)
