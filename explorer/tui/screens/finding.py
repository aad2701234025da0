"""One finding: what was seen here, and the page of its code on what that means."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from explorer.tui.columns import SEVERITY_MARKS
from explorer.tui.screens.page import PageScreen
from explorer.tui.widgets.findings_list import place_of
from explorer.tui.widgets.sheet import Row, wrapped

if TYPE_CHECKING:
    from explorer.store.findings import Explanation
    from explorer.store.queries import FindingRow


class FindingScreen(PageScreen[bool]):
    """Answers whether to go to the finding's node."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "go", "go to its node", id="finding.go"),
        Binding("enter", "hand_off", "show the hand-off", id="finding.hand_off"),
        Binding("escape,q", "close", "close", id="finding.close"),
    ]

    def __init__(self, finding: FindingRow, page: Explanation | None) -> None:
        super().__init__()
        self.finding = finding
        self._page = page

    @property
    def heading(self) -> str:
        """The mark and the code."""
        return f"{SEVERITY_MARKS[self.finding.severity]} {self.finding.code}"

    def words(self, width: int) -> Iterator[Row]:
        """The page."""
        finding = self.finding
        yield [("Here", "title")]
        yield from wrapped(finding.message, width, "strong", "  ")
        if place := place_of(finding):
            yield from wrapped(place, width, "note", "  ")
        if finding.node_id is None:
            yield from wrapped("It belongs to a whole file, so there is no node to go to.", width, "note", "  ")
        page = self._page
        if page is None:
            return
        yield []
        yield from wrapped(page.title, width, "strong")
        for title, text in page.sections:
            yield []
            yield [(title, "title")]
            yield from wrapped(text, width, "plain", "  ")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only a finding with a node has somewhere to go; one about what never arrived, to both ends of that."""
        lost = self.finding.code.startswith("undelivered")
        return action not in ("go", "hand_off") or (self.finding.node_id is not None and lost == (action == "hand_off"))

    def action_go(self) -> None:
        """Go to the node."""
        self.dismiss(True)

    def action_hand_off(self) -> None:
        """Show the hand-off."""
        self.dismiss(True)

    def action_close(self) -> None:
        """Stay."""
        self.dismiss(False)
