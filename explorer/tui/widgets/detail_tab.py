"""What a tab of the detail pane offers: a question for a thread, and the drawing of its answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    from textual.widget import Widget

    from explorer.store.database import Cursor
    from explorer.store.queries import Node
    from explorer.tui.opened import Opened


class View(NamedTuple):
    """What is looked at."""

    opened: Opened
    node: Node | None
    """None for everything that is open."""
    own: bool
    """The node alone, or with everything below it."""

    @property
    def node_id(self) -> str | None:
        """The id of the node; None for everything."""
        return self.node.node_id if self.node else None


class DetailTab(Protocol):
    """A tab. ``Any`` is between ``question`` and ``answer`` of one class, which agree on it."""

    def question(self, view: View) -> Callable[[Cursor], Any]:
        """What to ask of the database; it runs in a thread."""

    async def answer(self, answer: Any, view: View, keep: bool) -> None:
        """Show what came back; ``keep`` cursor and scroll when the same was shown before."""

    def focus_target(self) -> Widget:
        """What takes the keys when the tab is entered."""


class Troubled(Protocol):
    """A tab of things that failed or are doubtful, findings or steps."""

    def aim_at_trouble(self, node: Node, first: bool) -> None:
        """Put the cursor on the first or the last of them that is a node's own, once they are here."""

    def step_trouble(self, node: Node, forward: bool) -> bool:
        """Go to the next or previous of these; False behind the last."""


@runtime_checkable
class Asking(Protocol):
    """A tab that asks more about what it shows, and so holds the data."""

    def let_go(self) -> None:
        """Ask no more of these data: others have come while the tab was hidden."""


@runtime_checkable
class OnStep(Protocol):
    """A widget with a step under its cursor."""

    @property
    def chosen(self) -> tuple[str, int] | None:
        """Run and ordinal of the step; None where there is none."""


@runtime_checkable
class OnHandOff(Protocol):
    """A widget with a hand-off under its cursor."""

    @property
    def handoff(self) -> tuple[str, str | None] | None:
        """The node it is at, and its id if there is one right there; None where there is no node."""
