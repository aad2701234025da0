"""The command palette (ctrl+p): every action of the main screen, and the way to any node by its name."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, cast

from rich.text import Text
from textual.app import SystemCommand
from textual.binding import Binding
from textual.command import DiscoveryHit, Hit, Hits, Provider

from explorer.tui.text import clean

if TYPE_CHECKING:
    from explorer.store.queries import Node
    from explorer.tui.opened import Opened
    from explorer.tui.screens.main import MainScreen

_HITS = 20


def actions(screen: MainScreen) -> Iterator[SystemCommand]:
    """The keys of the main screen as commands."""
    for binding in type(screen).BINDINGS:
        if isinstance(binding, Binding) and binding.description:
            title = binding.tooltip or binding.description
            keys = f"key {screen.app.get_key_display(binding)}"
            yield SystemCommand(title[:1].upper() + title[1:], keys, partial(screen.run_action, binding.action))


class NodeProvider(Provider):
    """Finds nodes by what search finds: name, label, id, title, model."""

    @property
    def _main(self) -> MainScreen:
        return cast("MainScreen", self.screen)

    async def search(self, query: str) -> Hits:
        """Nodes that match, in the order of the tree."""
        opened = self._main.opened
        if opened is None:
            return
        for rank, node in enumerate(await asyncio.to_thread(_find, opened, query)):
            name = f"{clean(node.name)} {clean(node.label or '')}".strip()
            yield Hit(
                1 - rank / (2 * _HITS),
                Text(f"Go to {name}"),
                partial(self._main.tree_pane.go_to, node.node_id),
                text=name,
                help=clean(node.node_id),
            )

    async def discover(self) -> Hits:
        """Say that nodes can be searched."""
        yield DiscoveryHit(
            Text("Go to …"), self._main.action_search, text="Go to", help="type a name, a label or an id"
        )


def _find(opened: Opened, query: str) -> list[Node]:
    from explorer.store import queries

    with opened.database.cursor() as cursor:
        ids = queries.search(cursor, opened.tree, query, _HITS)
        nodes = (queries.node(cursor, opened.tree, node_id) for node_id in ids)
        return [node for node in nodes if node is not None]
