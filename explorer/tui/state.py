"""What the screen is set to: plain values, so that it can be tested, restored and written as a command."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Literal, TypeAlias, TypeVar, get_args

from explorer.tui.asked import Asked

if TYPE_CHECKING:
    from explorer.store.queries import SortKey
    from explorer.tui.lines import Part

Tab: TypeAlias = Literal["overview", "steps", "timeline", "reuse", "messages", "findings"]
Unit: TypeAlias = Literal["blocks", "tokens"]
Hit = TypeVar("Hit")
Measure: TypeAlias = Literal["containment", "jaccard", "shared", "prefix"]

TABS: dict[Tab, tuple[str, str]] = {
    "overview": ("1", "Overview"),
    "steps": ("2", "Steps"),
    "timeline": ("3", "Timeline"),
    "reuse": ("4", "Reuse"),
    "messages": ("5", "Messages"),
    "findings": ("6", "Findings"),
}
"""Each tab with its key."""

SHORT_TABS: dict[Tab, str] = {"messages": "Msgs", "timeline": "Time", "overview": "Sums"}
"""What tabs are called where there is no room for their names, those that are cut first in front."""

SORTS: dict[SortKey, tuple[str, bool]] = {
    "order": ("recorded order", False),
    "start": ("start", True),
    "name": ("name", False),
    "steps": ("steps", True),
    "tools": ("tool calls", True),
    "input": ("input tokens", True),
    "output": ("output tokens", True),
    "reuse": ("reuse", True),
    "time": ("duration", True),
    "findings": ("findings", True),
}
"""Each sort key with its words, and whether the largest comes first unless asked otherwise."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where somebody stood: which node was the root, where the cursor was, how far it was scrolled."""

    root: str | None = None
    cursor: str | None = None
    scroll: int = 0
    opened: Mapping[str | None, Part] = field(default_factory=dict)
    """What was open, and which children of it were read."""


@dataclass(slots=True)
class Search(Generic[Hit]):
    """A search and where it stands among its hits."""

    text: str = ""
    hits: Sequence[Hit] = ()
    at: int | None = None
    capped: bool = False
    """Whether there may be more hits than were asked for."""

    def found(self, hits: Sequence[Hit], limit: int, is_here: Callable[[Hit], bool]) -> Hit | None:
        """Take new hits, at most ``limit``; stand on the first where the cursor is, else on the first of all."""
        self.hits, self.capped = hits, len(hits) >= limit
        self.at = next((number for number, hit in enumerate(hits) if is_here(hit)), 0) if hits else None
        return hits[self.at] if self.at is not None else None

    def step(self, by: int) -> Hit | None:
        """Go to the next hit, or the one before; round the end."""
        if not self.hits:
            return None
        self.at = ((self.at if self.at is not None else -1 if by > 0 else 0) + by) % len(self.hits)
        return self.hits[self.at]

    @property
    def summary(self) -> str:
        """``3 of 17``, or that there is nothing."""
        if not self.text:
            return ""
        if not self.hits:
            return "no match"
        more = "+" if self.capped else ""
        return f"{(self.at or 0) + 1:,} of {len(self.hits):,}{more}"


@dataclass(slots=True)
class State:
    """The explorer's settings and its way back."""

    where: str | None = None
    sort: SortKey = "order"
    descending: bool = False
    own: bool = False
    """Numbers of each node alone, or (total) with everything below it."""
    apart: bool = False
    """Whether agents that seem to be hidden in runs have lines of their own."""
    tab: Tab = "overview"
    unit: Unit = "blocks"
    measure: Measure = "containment"
    root: str | None = None
    trail: list[Spot] = field(default_factory=list)
    search: Search[str] = field(default_factory=Search)
    asked: Asked = field(default_factory=Asked)

    def drill(self, root: str, came_from: Spot) -> None:
        """Make a node the root, remembering where we came from."""
        self.trail.append(came_from)
        self.root = root

    def back(self) -> Spot | None:
        """Leave the root for where we were before; None at the top."""
        if self.trail:
            spot = self.trail.pop()
        elif self.root is not None:
            spot = Spot(None, self.root)
        else:
            return None
        self.root = spot.root
        return spot

    def top(self) -> None:
        """Forget the root and the way back."""
        self.root = None
        self.trail.clear()

    def sort_by(self, key: SortKey) -> None:
        """Sort by a key, its natural way round first; the same key again turns it round."""
        if key == self.sort:
            self.descending = not self.descending
        else:
            self.sort, self.descending = key, SORTS[key][1]

    def cycle_measure(self) -> Measure:
        """The next way to compare siblings."""
        measures: tuple[Measure, ...] = get_args(Measure)
        self.measure = measures[(measures.index(self.measure) + 1) % len(measures)]
        return self.measure

    @property
    def sort_words(self) -> str:
        """The sort as words: ``input tokens ↓``."""
        if self.sort == "order" and not self.descending:
            return SORTS["order"][0]
        return f"{SORTS[self.sort][0]} {'↓' if self.descending else '↑'}"


def command(
    paths: Sequence[Path], *, where: str | None = None, place: str | None = None, sql: str | None = None
) -> str:
    """The shell command that opens this view again, or that answers a query."""
    parts = ["trace-explore", *(str(path) for path in paths)]
    if where:
        parts += ["--where", where]
    if place:
        parts += ["--at", place]
    if sql:
        parts += ["--sql", sql]
    return shlex.join(parts)
