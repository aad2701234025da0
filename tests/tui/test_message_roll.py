"""A window over messages that come page by page, moved by hand."""

from __future__ import annotations

from threading import Event

import pytest

from explorer.store.queries import Message
from explorer.tui import message_roll
from explorer.tui.message_roll import Roll, Spot
from explorer.tui.reel import PAGE, Page, Reel

GO = Event()


def reel(count: int, text: str = "text") -> Reel:
    return Reel(lambda: (Message.of("user", "text", f"{text} {i}") for i in range(count)))


def shown(roll: Roll) -> list[str]:
    return ["".join(text for text, _ in row) for _, row in roll.visible()]


def fill(roll: Roll, source: Reel) -> None:
    while missing := roll.missing():
        for number in missing:
            roll.take(source.page(number, GO))


def test_pages_are_wanted_as_far_as_the_window_reaches_and_a_little_ahead() -> None:
    roll, source = Roll({}, 40, 6), reel(PAGE + 10)
    assert roll.missing() == [0]
    roll.take(source.page(0, GO))
    assert shown(roll) == ["› user", "  text 0", "", "› user", "  text 1", ""]
    assert roll.missing() == []
    roll.go_to(PAGE // 2)
    assert roll.missing() == [1]
    fill(roll, source)
    assert (roll.known, roll.is_all) == (PAGE + 10, True)


def test_the_cursor_walks_over_every_line_and_takes_the_window_along() -> None:
    roll = Roll({}, 40, 5)
    fill(roll, reel(3))
    seen = [roll.cursor]
    for _ in range(9):
        roll.move(1)
        seen.append(roll.cursor)
    assert seen == [Spot(at, row) for at in range(3) for row in range(3)] + [Spot(2, 2)]
    assert shown(roll) == ["  text 1", "", "› user", "  text 2", ""]
    roll.move(-8)
    assert (roll.cursor, roll.top) == (Spot(0, 0), Spot(0, 0))
    roll.page(1)
    assert (roll.cursor, roll.top) == (Spot(1, 1), Spot(1, 1))
    roll.scroll(-3)
    assert (roll.cursor, roll.top) == (Spot(1, 1), Spot(0, 1))


def test_what_is_not_here_yet_is_gone_to_once_it_comes() -> None:
    roll, source = Roll({}, 40, 6), reel(5 * PAGE)
    fill(roll, source)
    roll.go_to(4 * PAGE)
    assert roll.cursor == Spot(0, 0)
    fill(roll, source)
    assert roll.cursor == Spot(4 * PAGE, 0)
    # What stands above it is of a page that was not here when it came.
    assert f"  text {4 * PAGE - 1}" in shown(roll)
    assert roll.cursor in [spot for spot, _ in roll.visible()]


def test_behind_the_last_known_message_is_a_line_that_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    roll = Roll({}, 40, 400)
    roll.take(reel(2 * PAGE).page(0, GO))
    assert shown(roll)[-1] == "reading …"
    roll.go_to(PAGE - 1)
    roll.beside(1)
    roll.take(Page(1, [], PAGE, True))  # there are no more after all
    assert roll.cursor.at == PAGE - 1


def test_only_so_much_text_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(message_roll, "MOST_CHARACTERS", 100_000)
    roll, source = Roll({}, 40, 6), reel(6 * PAGE, "x" * 1_000)
    for number in range(6):
        roll.take(source.page(number, GO))
    assert [roll.message(PAGE * number) is None for number in range(6)] == [True] * 4 + [False] * 2
    roll.go_to(0)
    assert 0 in roll.missing()
    fill(roll, source)
    assert roll.cursor == Spot(0, 0)


def test_a_step_is_known_by_the_nearest_message_before() -> None:
    roll = Roll({}, 40, 6)
    messages = [Message.of("user", "text", "a"), Message.of("assistant", "text", "b", step_ordinal=7)]
    roll.take(Page(0, [*messages, Message.of("tool", "tool_result", "c")], 3, True))
    assert roll.step is None
    roll.go_to(2)
    assert roll.step == 7
