"""The pages about who wrote blocks and who read them: each a question for a thread and the lines of its answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from explorer.tui.widgets.picker import Aim, Line

if TYPE_CHECKING:
    from explorer.store.database import Cursor
    from explorer.store.queries import Experiments, MadeOf, Passport, PrefixTree, Proposed


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
    if node_id is None:
        return {"4": experiments_page()}

    def at_node(aims: Sequence[Aim]) -> int:
        return next((index for index, aim in enumerate(aims) if aim.node_id == node_id), 0)

    def prefixes(first: bool) -> Page:
        def ask(cursor: Cursor) -> PrefixTree | None:
            from explorer.store import queries

            return queries.sibling_prefixes(cursor, node_id, "first" if first else "all", apart)

        def lines(tree: PrefixTree | None, width: int) -> Iterable[Line]:
            from explorer.tui.prefix_words import lay_out_prefixes

            return lay_out_prefixes(tree, first, width)

        return Page("Ladder" if first else "Siblings", ask, lines, at_node)

    def whole(cursor: Cursor) -> PrefixTree | None:
        from explorer.store import queries

        return queries.conversation_prefixes(cursor, node_id, apart)

    def whole_lines(tree: PrefixTree | None, width: int) -> Iterable[Line]:
        from explorer.tui.prefix_words import lay_out_prefixes

        return lay_out_prefixes(tree, False, width)

    return {
        "1": prefixes(first=True),
        "2": prefixes(first=False),
        "3": Page("Conversation", whole, whole_lines, at_node),
        "4": experiments_page(),
        "5": hidden_page(node_id),
    }


def experiments_page() -> Page:
    """The two classic mistakes, over everything open."""

    def ask(cursor: Cursor) -> Experiments:
        from explorer.store import queries

        return queries.experiments(cursor)

    def lines(found: Experiments, width: int) -> Iterable[Line]:
        from explorer.tui.scope_words import lay_out_experiments

        return lay_out_experiments(found, width)

    return Page("Mistakes", ask, lines)


def hidden_page(node_id: str) -> Page:
    """The agents that seem to be hidden in the runs of a conversation."""

    def ask(cursor: Cursor) -> list[Proposed]:
        from explorer.store import queries

        return queries.hidden_agents(cursor, node_id)

    def lines(proposed: list[Proposed], width: int) -> Iterable[Line]:
        from explorer.tui.hidden_words import lay_out_hidden

        return lay_out_hidden(proposed, width)

    return Page("Hidden agents", ask, lines)


def figure_page(name: str) -> Page:
    """A figure of the report, and what it is made of."""

    def ask(cursor: Cursor) -> MadeOf | None:
        from explorer.store import queries

        return queries.figure(cursor, name)

    def lines(made: MadeOf | None, width: int) -> Iterable[Line]:
        from explorer.tui.scope_words import lay_out_figure

        return lay_out_figure(made, width)

    return Page(f"The figure {name}", ask, lines)


def pair_page(run_a: str, run_b: str) -> Page:
    """Two runs, aligned."""

    def ask(cursor: Cursor) -> PrefixTree | None:
        from explorer.store import queries

        return queries.pair_prefixes(cursor, run_a, run_b)

    def lines(tree: PrefixTree | None, width: int) -> Iterable[Line]:
        from explorer.tui.pair_words import lay_out_pair

        return lay_out_pair(tree, run_a, run_b, width)

    return Page("Two runs along the blocks of their prompts", ask, lines)


def passport_page(namespace: str, block: int) -> Page:
    """One block."""

    def ask(cursor: Cursor) -> Passport | None:
        from explorer.store import queries

        return queries.passport(cursor, namespace, block)

    def lines(found: Passport | None, width: int) -> Iterable[Line]:
        from explorer.tui.pair_words import lay_out_passport

        return lay_out_passport(found, width)

    return Page(f"Block {block:,} of {namespace}", ask, lines)
