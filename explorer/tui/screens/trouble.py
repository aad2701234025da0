"""What went wrong, why, and what to do next: instead of a traceback."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from rich.text import Text
from textual.binding import Binding, BindingType

from explorer.tui.humanize import plural
from explorer.tui.screens.page import PageScreen
from explorer.tui.text import clean
from explorer.tui.widgets.sheet import Row, wrapped

if TYPE_CHECKING:
    from explorer.store.queries import Counts

NOTHING_READ = 3
"""Exit code when there is nothing to show."""


class Trouble(NamedTuple):
    """What a person needs to know."""

    title: str
    what: str
    steps: Sequence[str]
    """What can be done, one by one."""
    exit_code: int = NOTHING_READ


def causes(error: Exception) -> Trouble:
    """An error while reading, in words."""
    from explorer.store.ingest import IngestError
    from explorer.store.queries import FilterError

    if isinstance(error, IngestError):
        return Trouble("Nothing could be read", str(error), ())
    if isinstance(error, FilterError):
        return Trouble(
            "The filter cannot be used",
            str(error),
            (
                "Press r to read without it, then f to write the filter with completion.",
                "trace-explore --sql 'describe run_totals' lists the columns.",
            ),
            exit_code=2,
        )
    return Trouble(
        "Reading stopped with an error",
        f"{type(error).__name__}: {error}",
        (
            "Press r to try again: what was read already comes from the cache.",
            "Start with --no-cache if the cache might be damaged, or with --cache-dir DIR if its disk is full.",
            "If it stays, report the words above, and what trace-explore --version says.",
        ),
        exit_code=1,
    )


def nothing_read(counts: Counts, paths: Sequence[Path]) -> Trouble:
    """No conversation was found: say what was there instead."""
    files = counts.sources_read + counts.sources_partial + counts.sources_skipped + counts.sources_failed
    if not files:
        what = f"There are no files under {', '.join(map(str, paths))}."
    else:
        parts = [
            f"{plural(counts.sources_skipped, 'file')} of no known format, empty or beside the traces"
            if counts.sources_skipped
            else "",
            f"{plural(counts.sources_failed, 'file')} that could not be read" if counts.sources_failed else "",
            f"{plural(counts.sources_partial + counts.sources_read, 'file')} without a conversation"
            if counts.sources_partial + counts.sources_read
            else "",
        ]
        what = f"No conversation was found under {', '.join(map(str, paths))}: " + ", ".join(filter(None, parts)) + "."
    steps = (
        "trace-explore --check PATH says for each file why it was not read.",
        "Open the directory that holds the trace files themselves.",
        "trace-explore --help lists the formats.",
    )
    return Trouble("There is nothing to show", what, steps)


class TroubleScreen(PageScreen[None]):
    """The words, and the way on or out."""

    CLASSES = "dialog trouble"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "leave", "quit", id="trouble.quit"),
        Binding("escape,enter", "close", "close", id="trouble.close"),
        Binding("r", "retry", "try again", id="trouble.retry"),
    ]

    def __init__(self, trouble: Trouble, fatal: bool) -> None:
        super().__init__()
        self.trouble = trouble
        self._fatal = fatal
        """Whether there is nothing behind this screen to go back to."""

    @property
    def heading(self) -> str:
        """What went wrong."""
        return self.trouble.title

    def words(self, width: int) -> Iterator[Row]:
        """The page."""
        yield from wrapped(self.trouble.what, width, "strong")
        if self.trouble.steps:
            yield []
            yield [("What to do", "title")]
        for step in self.trouble.steps:
            yield from wrapped(step, width, "plain", "• ", "  ")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing to close where nothing is behind."""
        return not (action == "close" and self._fatal)

    def action_close(self) -> None:
        """Back to what there is."""
        self.dismiss()

    def action_leave(self) -> None:
        """Leave with a code that tells a script what happened."""
        if self._fatal:
            self.app.exit(return_code=self.trouble.exit_code, message=Text(clean(self.trouble.what)))
        else:
            self.app.exit(return_code=0)

    def action_retry(self) -> None:
        """Read again."""
        from explorer.tui.widgets.loading_line import LoadingLine

        self.dismiss()
        next(line for screen in self.app.screen_stack for line in screen.query(LoadingLine)).start_again()
