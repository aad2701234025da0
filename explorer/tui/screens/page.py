"""A dialog that is a page of text with the keys below: what findings, steps and troubles have in common."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen

from explorer.tui.text import clean
from explorer.tui.widgets.key_line import KeyLine
from explorer.tui.widgets.sheet import Row, Sheet

Result = TypeVar("Result")


class PageScreen(ModalScreen[Result]):
    """As tall as its text, but never taller than the screen."""

    CLASSES: ClassVar[str] = "dialog"

    @property
    def heading(self) -> str:
        """What stands in the frame."""
        raise NotImplementedError

    def words(self, width: int) -> Iterator[Row]:
        """The page, laid out for a width."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """The words in a frame."""
        with Vertical(classes=self.CLASSES) as frame:
            frame.border_title = Content(clean(self.heading))
            yield Sheet(self.words)
            yield KeyLine()

    def on_resize(self, event: events.Resize) -> None:
        """Leave room for the frame and the keys."""
        self.query_one(Sheet).styles.max_height = max(1, int(event.size.height * 0.92) - 3)
