"""Pages of messages: what is read, how often, and what is known by then."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event

import pytest

from explorer.store.queries import Message
from explorer.tui.reel import PAGE, Reel, Stopped

GO = Event()


class Source:
    """Twice user, then assistant by step 1, 2, …; counts what was read and how often it was opened."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.read = self.opened = self.closed = 0

    def open(self) -> Iterator[Message]:
        self.opened += 1
        try:
            for i in range(self.count):
                self.read += 1
                step = i // 3 + 1 if i % 3 == 2 else None
                yield Message.of("assistant" if step else "user", "text", f"text {i}", step_ordinal=step)
        finally:
            self.closed += 1


def test_pages_are_read_once_on_the_way_forward() -> None:
    source = Source(3 * PAGE)
    reel = Reel(source.open)
    first = reel.page(0, GO)
    assert (len(first.messages), first.known, first.is_all, source.read) == (PAGE, PAGE, False, PAGE)
    assert reel.page(1, GO).messages[0].text == f"text {PAGE}"
    assert (source.read, source.opened) == (2 * PAGE, 1)
    # Back: from the beginning again, and no farther than needed.
    assert reel.page(0, GO) == first._replace(known=2 * PAGE)
    assert (source.opened, source.closed) == (2, 1)
    reel.close()
    assert source.closed == 2


def test_the_end_is_known_once_it_was_reached() -> None:
    source = Source(PAGE + 1)
    reel = Reel(source.open)
    assert [m.text for m in reel.end(GO).messages] == [f"text {PAGE}"]
    page = reel.page(0, GO)
    assert (page.known, page.is_all, len(page.messages)) == (PAGE + 1, True, PAGE)
    assert reel.page(2, GO).messages == []


def test_steps_and_the_like_are_found_without_reading_twice() -> None:
    source = Source(10)
    reel = Reel(source.open)
    assert reel.of_step(2, GO) == 5
    assert source.read == 6
    assert (reel.alike(5, 1, GO), reel.alike(5, -1, GO), reel.alike(0, -1, GO)) == (8, 2, None)
    assert reel.of_step(9, GO) is None
    assert source.opened == 1


def test_a_search_says_in_which_messages() -> None:
    reel = Reel(Source(30).open)
    assert reel.search("text 2", GO) == [2, *range(20, 30)]
    assert reel.search("nothing", GO) == []


def test_whoever_does_not_wait_any_more_stops_it() -> None:
    stop = Event()
    source = Source(10**9)
    reel = Reel(source.open)
    reel.page(0, stop)
    stop.set()
    with pytest.raises(Stopped):
        reel.search("x", stop)
    assert source.read == PAGE
