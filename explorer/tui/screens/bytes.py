"""Enter how many bytes a token takes in a KV cache."""

from __future__ import annotations

import re
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static


class BytesScreen(ModalScreen["int | None"]):
    """Answers with the bytes that a token takes in the KV cache."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", "close", id="bytes.close")]

    def compose(self) -> ComposeResult:
        """A line to write in."""
        with Vertical(classes="dialog") as frame:
            frame.border_title = "Bytes that a token takes in the KV cache"
            yield Input(placeholder="131072, or 128k for 128 KiB", compact=True)
            yield Static("2 x layers x KV heads x head dimension x bytes of a value", classes="hint", markup=False)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        size = bytes_in(event.value)
        if size is None:
            self.query_one(Static).update("Write a whole number of bytes above 0, or one with k or M behind it.")
        else:
            self.dismiss(size)

    def action_close(self) -> None:
        """Enter nothing."""
        self.dismiss(None)


def bytes_in(text: str) -> int | None:
    """A number of bytes: ``131072``, ``128k``, ``0.5 M``; None where it is none."""
    match = re.fullmatch(r"([0-9]{1,12}(?:[.][0-9]{1,6})?)\s*([kKmM]?)i?[bB]?", text.strip().replace(",", ""))
    if match is None:
        return None
    size = round(float(match[1]) * {"": 1, "k": 2**10, "m": 2**20}[match[2].lower()])
    return size if size > 0 else None
