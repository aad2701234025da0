"""Reading the traces: the thread that does it, and the line that shows how far it is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from explorer.tui.humanize import number, size
from explorer.tui.pace import Pace
from explorer.tui.text import crop

if TYPE_CHECKING:
    from textual.timer import Timer

    from explorer.store.ingest import Options, Progress
    from explorer.store.ingest.followed import Followed
    from explorer.store.opening import Batch, Opening
    from explorer.tui.opened import Opened

    Read = Callable[
        [Sequence[Path], Options, Callable[[Progress], None], Callable[[Opening], object], threading.Event], Opening
    ]

_EVERY = 0.1
"""Seconds between two reports of progress; more often nobody can read."""
_BAR = 16


class LoadingLine(Widget):
    """One line with a bar, counts and the file being read; it starts, stops and restarts the reading."""

    PAUSE: ClassVar[float] = 0.03
    """Seconds between the first frame and the start of the reading."""

    progress: reactive[Progress | None] = reactive(None)
    stopped: reactive[bool] = reactive(False)

    class Loaded(Message):
        """More can be shown."""

        def __init__(self, opened: Opened) -> None:
            super().__init__()
            self.opened = opened

    class Finished(Message):
        """Everything is read."""

    class Stopped(Message):
        """Reading was stopped before its end."""

        def __init__(self, progress: Progress | None) -> None:
            super().__init__()
            self.progress = progress

    class Failed(Message):
        """Reading ended with an error."""

        def __init__(self, error: Exception) -> None:
            super().__init__()
            self.error = error

    def __init__(
        self, paths: Sequence[Path], options: Options, read: Read | None = None, *, id: str | None = None
    ) -> None:
        super().__init__(id=id)
        self._paths = paths
        self._read = read
        self._options = options
        self._cancelled = threading.Event()
        self._left = False
        self._where: str | None = None
        self._shown: tuple[list[Batch], bool, str | None] | None = None
        """The parts that are shown, whether these are all, and through which filter."""
        self._told = 0.0
        self._unfollow: threading.Event | None = None
        self._again = False
        """Whether another reading is to follow the one under way."""
        self._followed: Followed | None = None
        """What reads while what changes is read."""
        self._pace = Pace()
        """Of the readings of what has changed."""
        self._rest: Timer | None = None
        """Until what changed may be read."""
        self.loading_now = False
        """Whether a reading is under way."""
        self._quietly = False
        """Whether the latest reading was not in view: what is shown is all of an earlier one."""

    def start_soon(self, where: str | None) -> None:
        """Start once the first frame is on the terminal: reading imports so much that it would hold the frame up."""
        if self.PAUSE:
            self.set_timer(self.PAUSE, lambda: self.start(where))
        else:
            self.start(where)

    def start(self, where: str | None, *, quietly: bool = False) -> None:
        """Read the paths in a thread, showing what there is through a filter; ``quietly`` without this line."""
        if self.loading_now:
            return
        self.loading_now, self.stopped, self._again, self._where = True, False, False, where
        self._cancelled = threading.Event()
        self._quietly, self.display = quietly, not quietly
        load = partial(self._load, quietly)
        self.run_worker(load, name="ingest", group="ingest", thread=True, exit_on_error=False)

    def start_again(self) -> None:
        """Read once more, behind any reading under way, through the same filter; the cache has what did not change."""
        self._again = self.loading_now
        self.start(self._where)

    def stop(self) -> None:
        """Stop reading; what was read stays."""
        self._cancelled.set()

    @property
    def escape_stops(self) -> bool:
        """Whether escape, meant for a dialog perhaps, stops reading: never what nobody sees, nor following."""
        return self.loading_now and not self._quietly and not self.following

    @property
    def following(self) -> bool:
        """Whether what changes is read."""
        return self._unfollow is not None

    def follow(self, on: bool) -> None:
        """Read what changes from now on, as it is written; or no longer."""
        self._options = self._options._replace(follow=on)
        if self._unfollow is not None:
            self._unfollow.set()
            self._unfollow = None
        if self._rest is not None:
            self._rest.stop()
            self._rest = None
        self._let_go()
        if on:
            self._unfollow = threading.Event()
            watch = partial(self._watch, self._unfollow)
            self.run_worker(watch, name="follow", group="follow", thread=True, exit_on_error=False)

    def _watch(self, stop: threading.Event) -> None:
        from explorer.store.follow import changes

        def note(text: str) -> None:
            self.notify(text, severity="warning", timeout=15)

        try:
            for written in changes(self._paths, stop, note):
                self.app.call_later(self._changed, written)
        except Exception as error:
            if not stop.is_set():
                self.app.call_later(self._cannot_follow, error)

    def _changed(self, written: Collection[str] | None) -> None:
        """Some files, or whatever, have changed."""
        if self.following:
            if self._followed is not None:
                self._followed.note(written)
            self._renew()

    def _renew(self) -> None:
        """Read what has changed: behind a reading under way, and so late that not all of the time goes into that."""
        if self.loading_now:
            self._again = True
        elif wait := self._pace.wait(monotonic()):
            self._rest = self._rest or self.set_timer(wait, self._rested)
        else:
            self._pace.begin(monotonic())
            self.start(self._where, quietly=True)

    def _rested(self) -> None:
        self._rest = None
        self._renew()

    def _let_go(self) -> None:
        """Of what reads while it follows; it must not be reading."""
        if self._followed is not None and not self.loading_now:
            self._followed.close()
            self._followed = None

    def _cannot_follow(self, error: Exception) -> None:
        self.follow(False)
        self.post_message(self.Failed(error))

    def filter_by(self, where: str | None) -> None:
        """Show what comes from now on through another filter."""
        self._where = where

    def on_unmount(self) -> None:
        """The thread must not outlive the screen."""
        self._left = True
        self._cancelled.set()
        if self._unfollow is not None:
            self._unfollow.set()

    def _load(self, quietly: bool) -> None:
        """Read, in the thread; ``quietly`` what is shown stays until all is read."""
        # Imported here, in the thread: together they take longer than the first frame may.
        cancelled = self._cancelled
        try:
            from explorer.store import ingest

            try:
                some = (lambda _: None) if quietly else self._show
                again = partial(self._reader(), self._paths, self._options, self._report, some, cancelled)
                opened = ingest.mended(again, self._show)
            except ingest.Cancelled:
                self._end(self.Stopped(self.progress))
            else:
                self._end(self.Finished())
                if opened is not None:
                    opened.database.keep()
        except Exception as error:
            # Whatever went wrong, a person has to read it on the screen and not as a traceback.
            self._end(self.Failed(error))

    def _reader(self) -> Read:
        """What reads."""
        from explorer.store.ingest import ingest
        from explorer.store.ingest.followed import Followed

        if self._read is not None:
            return self._read
        if not self.following:
            return ingest
        if self._followed is None:
            self._followed = Followed()
        return self._followed

    def _show(self, opening: Opening) -> Opened | None:
        from explorer.store.queries import FilterError
        from explorer.tui.opened import open_up

        shown = opening.batches, opening.complete, self._where
        if self._left or shown == self._shown:
            return None
        try:
            opened = open_up(opening, self._where)
        except FilterError:
            # The columns are the same from the first file on, so a filter that fails now will always fail.
            if opening.complete:
                self._where = None  # for whoever tries again
                raise
            return None
        self._shown = shown
        self.post_message(self.Loaded(opened))
        return opened

    def _report(self, progress: Progress) -> None:
        now = monotonic()
        if progress.phase != "done" and now - self._told < _EVERY:
            return
        self._told = now
        self.app.call_later(self._set_progress, progress)

    def _set_progress(self, progress: Progress) -> None:
        if progress.note and (self.progress is None or self.progress.note != progress.note):
            self.notify(progress.note, severity="warning", timeout=15)
        self.progress = progress

    def _end(self, message: Message) -> None:
        def end() -> None:
            self.loading_now = False
            self.stopped = isinstance(message, self.Stopped)
            self.display = self.stopped
            if self.following and not isinstance(message, self.Finished):
                # Else the next change would go on with what was stopped, or fail once more.
                self.follow(False)
                self.notify("What changes is no longer read: F follows again.", severity="warning")
            self.post_message(message)
            self._pace.end(monotonic())
            if self._again and isinstance(message, self.Finished):
                if self.following:
                    self._renew()
                else:
                    self.start(self._where)
            if not self.following:
                self._let_go()

        self.app.call_later(end)

    def render(self) -> Text:
        """The line for what is going on now."""
        progress, width = self.progress, self.size.width
        stops = f"{'ctrl+c' if self.following else 'esc'} stops"
        if self.stopped and self._quietly:
            return Text(
                crop(" ■ stopped: what has changed since the last reading is not shown. ctrl+r reads it.", width)
            )
        if progress is None:
            return Text(crop(f" starting to read …   {stops}", width))
        of_files = f"{number(progress.files_done)} of {number(progress.files_total)} files"
        if self.stopped:
            return Text(crop(f" ■ stopped: {of_files} read; only they are shown. ctrl+r goes on.", width))
        if progress.phase == "walking":
            return Text(crop(f" looking for files: {number(progress.files_total)} found   {stops}", width))
        share = progress.bytes_done / progress.bytes_total if progress.bytes_total else 0.0
        full = int(share * _BAR)
        bar = "█" * full + "░" * (_BAR - full)
        what = f"{size(progress.bytes_done)} of {size(progress.bytes_total)}"
        if progress.phase == "finishing":
            told = f" {bar}  {of_files} · putting the parts together"
        else:
            told = f" {bar}  {of_files} · {what}   {stops}"
            if progress.current:
                told += f"   {progress.current}"
        return Text(crop(told, width), no_wrap=True, end="")
