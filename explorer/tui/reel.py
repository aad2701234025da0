"""The messages of a run, page by page in constant memory: what is not on the screen is read again when it is wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Event
from typing import TYPE_CHECKING, NamedTuple

from explorer.tui.message_rows import ERROR, voice_of

if TYPE_CHECKING:
    from explorer.store.queries import Message

PAGE = 64
"""Messages that are read at once."""

MOST_HITS = 10_000


class Stopped(Exception):
    """Nobody waits for the answer any more."""


class Page(NamedTuple):
    """Some messages, one after the other."""

    number: int
    """Its place among the pages, from 0."""
    messages: list[Message]
    known: int
    """How many messages there are at least."""
    is_all: bool
    """Whether there are no more."""


class Reel:
    """Reads forward as far as it is asked to, and begins again to go back. To be used in one thread only."""

    def __init__(self, open_: Callable[[], Iterator[Message]]) -> None:
        self._open = open_
        self._messages: Iterator[Message] | None = None
        self._at = 0
        """Which message comes next."""
        self._voices: list[str] = []
        """Who speaks in each message that was passed, and ``_steps`` by which step."""
        self._steps: list[int | None] = []
        self._failed: list[bool] = []
        """Whether each is a result that tells of an error."""
        self._is_all = False

    def again(self) -> Reel:
        """Another one over the same messages, for another thread."""
        return Reel(self._open)

    def page(self, number: int, stop: Event) -> Page:
        """Messages ``PAGE * number`` and following."""
        first = PAGE * number
        messages = list(self._run(first, first + PAGE, stop))
        return Page(number, messages, len(self._voices), self._is_all)

    def end(self, stop: Event) -> Page:
        """The last page."""
        self._pass_all(stop)
        return self.page(max(0, len(self._voices) - 1) // PAGE, stop)

    def of_step(self, ordinal: int, stop: Event) -> int | None:
        """The first message that a step wrote."""
        return self._first(lambda index: self._steps[index] == ordinal, 0, stop)

    def alike(self, index: int, by: int, stop: Event) -> int | None:
        """The next message (the one before, for -1) in which the same one speaks."""
        if not self._reach(index, stop):
            return None
        voice = self._voices[index]
        return self._beside(lambda at: self._voices[at] == voice, index, by, stop)

    def failed(self, index: int, by: int, stop: Event) -> int | None:
        """The next result (the one before, for -1) that tells of an error."""
        return self._beside(lambda at: self._failed[at], index, by, stop)

    def _beside(self, is_it: Callable[[int], bool], index: int, by: int, stop: Event) -> int | None:
        if by < 0:
            return next((at for at in range(min(index, len(self._voices)) - 1, -1, -1) if is_it(at)), None)
        return self._first(is_it, index + 1, stop)

    def search(self, needle: str, stop: Event) -> list[int]:
        """The messages in which a text stands, or above them a name, a note or that they failed, whatever its case."""
        hits = []
        try:
            for index, message in enumerate(self._run(0, None, stop)):
                heading = f"{message.name or ''}\n{message.note or ''}\n{ERROR if message.is_error else ''}"
                if needle in message.text.lower() or needle in heading.lower():
                    hits.append(index)
                    if len(hits) == MOST_HITS:
                        break
        finally:
            self.close()
        return hits

    def close(self) -> None:
        """Let go of the sources."""
        close = getattr(self._messages, "close", None)
        if close is not None:
            close()
        self._messages = None

    def _first(self, is_it: Callable[[int], bool], index: int, stop: Event) -> int | None:
        while self._reach(index, stop):
            if is_it(index):
                return index
            index += 1
        return None

    def _reach(self, index: int, stop: Event) -> bool:
        """Whether there is such a message; whoever speaks in it is known then."""
        if index < len(self._voices):
            return True
        if not self._is_all:
            for _ in self._run(len(self._voices), index + 1, stop):
                pass
        return index < len(self._voices)

    def _pass_all(self, stop: Event) -> None:
        if not self._is_all:
            for _ in self._run(len(self._voices), None, stop):
                pass

    def _run(self, first: int, end: int | None, stop: Event) -> Iterator[Message]:
        """Messages from one on, up to another."""
        if self._messages is None or self._at > first:
            self.close()
            self._messages, self._at = iter(self._open()), 0
        while end is None or self._at < end:
            if stop.is_set():
                raise Stopped
            message = next(self._messages, None)
            if message is None:
                self._is_all = True
                self.close()
                return
            if self._at == len(self._voices):
                self._voices.append(voice_of(message))
                self._steps.append(message.step_ordinal)
                self._failed.append(bool(message.is_error))
            self._at += 1
            if self._at > first:
                yield message
