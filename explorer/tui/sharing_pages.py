"""The pages about who wrote blocks and who read them: each a question for a thread and the lines of its answer.

They are imported when the first of them is opened, as the queries bring the database library with them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from explorer.store import queries
from explorer.tui.hidden_words import lay_out_hidden
from explorer.tui.pair_words import lay_out_pair, lay_out_passport
from explorer.tui.prefix_words import lay_out_prefixes
from explorer.tui.scope_words import lay_out_experiments, lay_out_figure
from explorer.tui.widgets.picker import Aim, Line

if TYPE_CHECKING:
    from explorer.store.database import Cursor


def _from_the_top(_: Sequence[Aim]) -> int:
    return 0


class Page(NamedTuple):
    """One thing to look at. ``Any`` is between two of its functions, which agree on it."""

    title: str
    ask: Callable[[Cursor], Any]
    lines: Callable[[Any, int], Iterable[Line]]
    start: Callable[[Sequence[Aim]], int] = _from_the_top
    """Which of its lines to begin on."""


def sharing_pages(node_id: str | None, apart: bool = False) -> dict[str, Page]:
    """Key -> page about a node, hidden agents told apart or not; for everything that is open, those that need none."""
    mistakes = Page("Mistakes", queries.experiments, lay_out_experiments)
    if node_id is None:
        return {"4": mistakes}

    def at_node(aims: Sequence[Aim]) -> int:
        return next((index for index, aim in enumerate(aims) if aim.node_id == node_id), 0)

    return {
        "1": Page(
            "Ladder",
            lambda cursor: queries.sibling_prefixes(cursor, node_id, "first", apart),
            lambda tree, width: lay_out_prefixes(tree, True, width),
            at_node,
        ),
        "2": Page(
            "Siblings",
            lambda cursor: queries.sibling_prefixes(cursor, node_id, "all", apart),
            lambda tree, width: lay_out_prefixes(tree, False, width),
            at_node,
        ),
        "3": Page(
            "Conversation",
            lambda cursor: queries.conversation_prefixes(cursor, node_id, apart),
            lambda tree, width: lay_out_prefixes(tree, False, width),
            at_node,
        ),
        "4": mistakes,
        "5": Page("Hidden agents", lambda cursor: queries.hidden_agents(cursor, node_id), lay_out_hidden),
    }


def figure_page(name: str) -> Page:
    """A figure of the report, and what it is made of."""
    return Page(f"The figure {name}", lambda cursor: queries.figure(cursor, name), lay_out_figure)


def pair_page(run_a: str, run_b: str) -> Page:
    """Two runs, aligned."""
    return Page(
        "Two runs along the blocks of their prompts",
        lambda cursor: queries.pair_prefixes(cursor, run_a, run_b),
        lambda tree, width: lay_out_pair(tree, run_a, run_b, width),
    )


def passport_page(namespace: str, block: int) -> Page:
    """One block."""
    return Page(
        f"Block {block:,} of {namespace}", lambda cursor: queries.passport(cursor, namespace, block), lay_out_passport
    )
