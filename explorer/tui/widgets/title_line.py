"""The first line: what is open and how much of it there is. It counts whatever is not shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text
from textual.reactive import reactive
from textual.widget import Widget

from explorer.tui.humanize import number, plural, tokens
from explorer.tui.text import ELLIPSIS, clean, crop

if TYPE_CHECKING:
    from explorer.store.queries import Counts


class TitleLine(Widget):
    """Product, path and counts, in as many words as there is room for."""

    counts: reactive[Counts | None] = reactive(None)
    complete: reactive[bool] = reactive(False)

    def __init__(self, path: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._path = clean(path)

    def render(self) -> Text:
        """The line, cut to the width."""
        width = self.size.width
        for right in counts_in_words(self.counts, self.complete):
            room = width - cell_len(right) - 4
            if room >= min(len(self._path), 12):
                break
        product = "trace-explore  "
        if room < len(product) + min(len(self._path), 20):
            product = ""
        path = _end_of(self._path, room - len(product))
        gap = width - len(product) - cell_len(path) - cell_len(right) - 2
        return Text.assemble(" ", (product, "bold"), path, " " * max(2, gap), right, no_wrap=True, end="")


def _end_of(path: str, width: int) -> str:
    """The end of a path says more than its beginning."""
    if cell_len(path) <= width:
        return path
    while path and cell_len(path) >= width:
        path = path[1:]
    return ELLIPSIS + path if width > 1 else ""


def counts_in_words(counts: Counts | None, complete: bool) -> Iterator[str]:
    """The counts from long words to short; the last is always short enough for 60 columns."""
    if counts is None:
        yield "nothing read yet"
        return
    so_far = "" if complete else "so far: "
    unread = counts.sources_skipped + counts.sources_failed
    found = counts.findings
    mark = " ✖" if counts.errors else " ▲" if counts.warnings else ""
    main = [
        plural(counts.conversations, "conversation"),
        plural(counts.sub_agents, "sub-agent"),
        plural(counts.steps, "step"),
    ]
    rest = [f"{number(counts.replayed_steps)} replayed, not counted"] if counts.replayed_steps else []
    rest += [f"{plural(counts.sources_partial, 'file')} read in part"] if counts.sources_partial else []
    rest += [f"{plural(unread, 'file')} skipped"] if unread else []
    rest += [f"{plural(found, 'finding')}{mark}"] if found else []
    yield so_far + " · ".join(main + rest)
    main = [
        f"{number(counts.conversations)} conv",
        f"{number(counts.sub_agents)} sub-agents",
        f"{tokens(counts.steps)} steps",
    ]
    rest = [f"{tokens(counts.replayed_steps)} replayed"] if counts.replayed_steps else []
    rest += [f"{number(counts.sources_partial)} partial"] if counts.sources_partial else []
    rest += [f"{number(unread)} skipped"] if unread else []
    rest += [f"{number(found)} findings{mark}"] if found else []
    yield so_far + " · ".join(main + rest)
    partial = counts.sources_partial
    main = [f"{tokens(counts.conversations)} conv", f"{tokens(counts.sub_agents)} sub", f"{tokens(counts.steps)} steps"]
    rest = [f"{tokens(counts.replayed_steps)} replayed"] if counts.replayed_steps else []
    rest += [f"{tokens(partial)} partial"] if partial else []
    rest += [f"{tokens(unread)} skipped"] if unread else []
    rest += [f"{tokens(found)}{mark or ' findings'}"] if found else []
    yield ("…" if so_far else "") + " · ".join(main + rest)
    main = [f"{tokens(counts.conversations)}c", f"{tokens(counts.sub_agents)}sub", f"{tokens(counts.steps)}st"]
    rest = [f"{tokens(counts.replayed_steps)}rep"] if counts.replayed_steps else []
    rest += [f"{tokens(partial)}part"] if partial else []
    rest += [f"{tokens(unread)}skip"] if unread else []
    rest += [f"{tokens(found)}{mark.strip() or ' findings'}"] if found else []
    yield crop(("…" if so_far else "") + " ".join(main + rest), 45)
