"""Questions in threads, asked on a host that keeps its threads and messages until they are wanted."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from explorer.store.database import Cursor, Database
from explorer.tui.questions import Dropped, Questions
from tests.store.world import family, make_database
from tests.tui.conftest import Opener, drive, main_screen, press, settle


class Host:
    """What questions need of a screen: ``work`` is what would run in threads, ``messages`` what comes of it."""

    is_attached = True

    def __init__(self) -> None:
        self.app = self
        self.screen_stack = [self]
        self.work: list[Callable[[], None]] = []
        self.messages: list[Callable[[], None]] = []

    def run_worker(self, work: Callable[[], None], **_: object) -> None:
        self.work.append(work)

    def call_later(self, callback: Callable[..., None], *arguments: object) -> None:
        self.messages.append(lambda: callback(*arguments))

    def settle(self) -> None:
        for waiting in (self.work, self.messages):
            while waiting:
                waiting.pop(0)()


class Asked:
    """Questions on such a host, and everything that was told."""

    def __init__(self) -> None:
        self.host = Host()
        self.told: list[Any] = []
        self.let_go: list[Any] = []
        self.questions = Questions(self.host, self.told.append)  # type: ignore[arg-type]

    def ask(self, database: Database, question: Callable[[Cursor], Any]) -> None:
        self.questions.ask("group", database, question, self.told.append, let_go=self.let_go.append)

    def ask_other(self, database: Database, question: Callable[[Cursor], Any]) -> None:
        self.questions.ask("other", database, question, self.told.append)


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture(scope="module")
def database() -> Database:
    return make_database(family())


def one(cursor: Cursor) -> Any:
    return cursor.execute("SELECT 1").fetchall()


def test_only_the_latest_of_a_group_is_answered(asked: Asked, database: Database) -> None:
    asked.ask(database, one)
    asked.ask(database, lambda cursor: cursor.execute("SELECT 2").fetchall())
    asked.host.settle()
    assert asked.told == [[(2,)]]


def test_no_query_is_begun_once_the_question_is_dropped(asked: Asked, database: Database) -> None:
    """DuckDB interrupts only what is running: what is dropped between two queries must not begin the second."""
    raised: list[type[Exception]] = []

    def question(cursor: Cursor) -> Any:
        one(cursor)
        asked.questions.drop("group")
        with pytest.raises(Dropped) as error:
            one(cursor)
        raised.append(error.type)
        raise error.value

    asked.ask(database, question)
    asked.host.settle()
    assert raised == [Dropped]
    assert asked.told == asked.let_go == []


def test_a_query_that_begins_just_behind_its_interruption_is_interrupted_too(asked: Asked, database: Database) -> None:
    ended: list[bool] = []

    def question(cursor: Cursor) -> Any:
        begin = cursor.execute
        asked.questions.drop("group")
        try:
            begin("SELECT sum(range) FROM range(1000000000000)")
        finally:
            ended.append(True)

    asked.ask(database, question)
    asked.host.settle()
    assert (ended, asked.told, asked.let_go) == ([True], [], [])


def test_an_answer_that_comes_too_late_is_let_go_of(asked: Asked, database: Database) -> None:
    asked.ask(database, one)
    asked.host.work.pop()()
    asked.questions.drop("group")
    asked.host.settle()
    assert (asked.told, asked.let_go) == ([], [[(1,)]])


def test_a_screen_that_was_left_is_told_nothing(asked: Asked, database: Database) -> None:
    """It still has its messages for a while, but no widgets any more."""
    asked.ask(database, one)
    asked.ask_other(database, lambda cursor: cursor.execute("SELECT nothing FROM runs"))
    asked.host.screen_stack.clear()
    asked.host.settle()
    assert (asked.told, asked.let_go) == ([], [[(1,)]])


def test_what_the_database_says_is_told_in_words(asked: Asked, database: Database) -> None:
    asked.ask(database, lambda cursor: cursor.execute("SELECT nothing FROM runs"))
    asked.host.settle()
    assert str(asked.told[0]).startswith("there is no column nothing")


def test_what_was_told_is_held_no_longer(asked: Asked, database: Database) -> None:
    class Held:
        pass

    held = Held()
    gone = weakref.ref(held)

    def ask(what: Held) -> None:
        asked.ask(database, lambda _: repr(what))

    ask(held)
    del held
    asked.host.settle()
    gc.collect()
    assert len(asked.told) == 1
    assert gone() is None


def test_a_dialog_may_be_left_before_its_page_is_there(opener: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    left = threading.Event()
    monkeypatch.setattr(Database, "define_laboratory", lambda _: left.wait(10))

    async def script(pilot: Pilot[int]) -> None:
        main = main_screen(pilot)
        main.action_sharing()
        dialog: Any = pilot.app.screen
        await pilot.pause()
        dialog.dismiss()
        left.set()
        await settle(pilot)
        assert pilot.app.screen is main
        await press(pilot, "question_mark")
        assert pilot.app.screen is not main

    drive(opener(family()), script)
