"""The first line: what is open and how much of it there is. It counts whatever is not shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text
from textual.reactive import reactive
from textual.widget import Widget

from explorer.tui.humanize import number, plural, tokens
from explorer.tui.text import ELLIPSIS, clean

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
    """The counts from long words to short; the last is always short enough for 60 columns.

    What there is no room for is left out rather than abbreviated beyond words, what matters least first: findings are
    in the end those of the worst severity, by their own count.
    """
    if counts is None:
        yield "nothing read yet"
        return
    so_far = "" if complete else "so far: "
    found, partial = counts.findings, counts.sources_partial
    unread = counts.sources_skipped + counts.sources_failed
    mark = " ✖" if counts.errors else " ▲" if counts.warnings else ""
    whole = [
        plural(counts.conversations, "conversation"),
        plural(counts.sub_agents, "sub-agent"),
        plural(counts.steps, "step"),
        f"{number(counts.replayed_steps)} replayed, not counted" if counts.replayed_steps else "",
        f"{plural(partial, 'file')} read in part" if partial else "",
        f"{plural(unread, 'file')} skipped" if unread else "",
        f"{plural(found, 'finding')}{mark}" if found else "",
    ]
    yield so_far + " · ".join(filter(None, whole))
    short = {
        "conversations": f"{tokens(counts.conversations)} conv",
        "sub_agents": f"{tokens(counts.sub_agents)} sub-agents",
        "steps": f"{tokens(counts.steps)} steps",
        "replayed": f"{tokens(counts.replayed_steps)} replayed" if counts.replayed_steps else "",
        "partial": f"{tokens(partial)} partial" if partial else "",
        "skipped": f"{tokens(unread)} skipped" if unread else "",
        "findings": f"{tokens(found)} findings{mark}" if found else "",
    }
    yield so_far + " · ".join(filter(None, short.values()))
    short["findings"] = _worst(counts)
    for left_out in ("", "replayed", "partial", "sub_agents", "steps"):
        short.pop(left_out, None)
        yield ("" if complete else "… ") + " · ".join(filter(None, short.values()))


def _worst(counts: Counts) -> str:
    """How many findings of the worst severity there are."""
    by_severity = (("error", counts.errors), ("warning", counts.warnings), ("info", counts.infos))
    return next((f"{tokens(found)} {name}{'' if found == 1 else 's'}" for name, found in by_severity if found), "")
