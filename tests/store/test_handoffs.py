"""What was handed from run to run: the list, the two halves of one, and where their texts are."""

from __future__ import annotations

from pathlib import Path

import pytest

from explorer.model import Row
from explorer.store.database import Database
from explorer.store.queries import Exchange, HandOffs, Read, handoff, handoffs, overview, read_texts
from tests.store.world import agent, conversation, edge, make_database, run, source, step, tool_call

SENT, RECEIVED, ANSWER = '{"task":"count"}', '{"from":"plan","text":"count"}', "forty-two"
TEXT = f"{SENT}\n{RECEIVED}\n{ANSWER}\n"


def places(name: str, text: str) -> dict[str, object]:
    return {
        f"{name}_source_id": "a.json",
        f"{name}_offset": TEXT.index(text),
        f"{name}_length": len(text),
    }


def office() -> list[Row]:
    """A planner of two turns. In the first it spawns a counter and sends a note; the count comes back in the second.
    A scout's result gets lost."""
    return [
        source(bytes=len(TEXT)),
        conversation(),
        agent("plan", name="planner"),
        agent("count", "plan", name="counter", label="c1"),
        agent("scout", "plan", name="scout"),
        run("plan/1", "plan", ordinal=1, start_ms=0, end_ms=500),
        run("plan/2", "plan", ordinal=2, start_ms=600, end_ms=900),
        run("count/1", "count", "plan/1", start_ms=110, end_ms=700),
        run("scout/1", "scout", "plan/1", start_ms=200, end_ms=300),
        tool_call("plan/1", 1, step_ordinal=1, tool_call_id="t1", name="spawn_agent", offset=0, length=len(SENT)),
        tool_call("plan/1", 2, step_ordinal=1, name="Task", child_run_id="scout/1", offset=0, length=len(SENT)),
        step("plan/1", 1, start_ms=0),
        step("count/1", 1, start_ms=110, offset=1, length=2, is_replay=True, input_tokens=50),
        step("count/1", 2, start_ms=120, offset=3, length=4, input_tokens=70),
        step("scout/1", 1, start_ms=200, offset=5, length=6),
        step("scout/1", 2, start_ms=250, offset=7, length=8),
        edge("spawn-c", "spawn", "plan/1", "count/1", at_ms=100, tool_call_id="t1", resolution="item",
             **places("sent", SENT), **places("received", RECEIVED)),
        edge("spawn-s", "spawn", "plan/1", "scout/1", grade="derived"),
        edge("note", "message", "plan/1", "count/1", at_ms=150, delivered=True),
        edge("count", "result", "count/1", "plan/2", at_ms=700, delivered=True, **places("sent", ANSWER)),
        # Another conversation: several orders with one answer, and a result for nobody that is known.
        conversation("d"), agent("a", conversation_id="d"), agent("b", "a", conversation_id="d"),
        run("a/1", "a", conversation_id="d"), run("b/1", "b", "a/1", conversation_id="d"),
        *(edge(f"ask {ms}", "assign", "a/1", "b/1", at_ms=ms) for ms in (10, 30, 50)),
        edge("answer", "result", "b/1", "a/1", at_ms=40),
        edge("stray", "result", "a/1", None),
        edge("lost", "result", "scout/1", "plan/1", at_ms=300, delivered=False, resolution="pending"),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Database:
    path = tmp_path_factory.mktemp("office") / "a.json"
    path.write_text(TEXT)
    return make_database(office(), roots={"a.json": path})


def of(database: Database, node: str | None) -> HandOffs:
    with database.cursor() as cursor:
        return handoffs(cursor, node)


def ends(database: Database, edge_id: str) -> Exchange:
    with database.cursor() as cursor:
        found = handoff(cursor, edge_id)
    assert found is not None
    return found


def ids(exchange: Exchange) -> list[str | None]:
    return [half.edge_id if half else None for half in (exchange.asked, exchange.answered)]


class TestList:
    def test_a_node_has_those_from_and_to_its_runs_in_order_of_time(self, database: Database) -> None:
        found = of(database, "c")
        assert [one.edge_id for one in found.listed] == ["spawn-c", "note", "spawn-s", "lost", "count"]
        assert (found.total, found.undelivered) == (5, 1)
        assert [one.edge_id for one in of(database, "count").listed] == ["spawn-c", "note", "count"]
        assert of(database, None).total == 10
        assert of(database, "no such node") == HandOffs([], 0, 0)

    def test_a_line_says_who_when_with_what_and_whether_it_arrived(self, database: Database) -> None:
        spawn, _, scout, lost, count = of(database, "c").listed
        assert (spawn.sender, spawn.receiver, spawn.tool) == ("planner run 1", "counter c1", "spawn_agent")
        assert (count.sender, count.receiver, count.tool) == ("counter c1", "planner run 2", None)
        # A call that names the run is what started it, not what its result came by.
        assert lost.tool is None
        # Without a time of its own, a spawn is where the run starts.
        assert (scout.at_ms, scout.at_recorded, scout.tool, scout.grade) == (200, False, "Task", "derived")
        assert (lost.delivered, lost.resolution) == (False, "pending")
        assert (spawn.from_node, spawn.to_node) == ("plan/1", "count")

    def test_the_overview_counts_them_by_kind(self, database: Database) -> None:
        with database.cursor() as cursor:
            facts = overview(cursor, "c")
        told = [(fact.label, fact.value, fact.note) for fact in facts if fact.section == "Hand-offs"]
        assert told == [
            ("message", 1, "1 delivered; d shows both ends of each"),
            ("result", 2, "1 delivered, 1 never arrived; d shows both ends of each"),
            ("spawn", 2, "whether delivered is not recorded; d shows both ends of each"),
        ]


class TestHalves:
    @pytest.mark.parametrize("edge_id", ["spawn-c", "count"])
    def test_the_answer_of_a_run_is_found_in_a_later_run_of_who_asked(self, database: Database, edge_id: str) -> None:
        exchange = ends(database, edge_id)
        assert ids(exchange) == ["spawn-c", "count"]
        assert exchange.asker is not None and exchange.asker.run_id == "plan/1"
        assert exchange.doer is not None and exchange.doer.run_id == "count/1"
        # Its first step is a copy.
        assert exchange.doer.first_input == 70

    def test_a_message_has_no_answer(self, database: Database) -> None:
        exchange = ends(database, "note")
        assert ids(exchange) == ["note", None]
        assert (exchange.asked_received, exchange.answer_sent, exchange.answer_received) == (None, None, None)

    def test_nothing_has_an_unknown_id(self, database: Database) -> None:
        with database.cursor() as cursor:
            assert handoff(cursor, "no such edge") is None

    def test_an_end_that_nobody_is_known_of(self, database: Database) -> None:
        exchange = ends(database, "stray")
        assert ids(exchange) == [None, "stray"]
        assert exchange.asker is None and exchange.answer_received is None

    def test_of_several_orders_an_answer_takes_the_last_before_it(self, database: Database) -> None:
        assert ids(ends(database, "answer")) == ["ask 30", "answer"]
        assert ids(ends(database, "ask 30")) == ["ask 30", "answer"]


class TestTexts:
    def test_what_the_hand_off_names_is_read_as_it_stands(self, database: Database) -> None:
        exchange = ends(database, "spawn-c")
        texts = read_texts(database, exchange)
        assert exchange.asked_sent and texts[exchange.asked_sent] == Read(SENT)
        assert exchange.asked_received and texts[exchange.asked_received] == Read(RECEIVED)
        assert exchange.answer_sent and texts[exchange.answer_sent] == Read(ANSWER)
        # Where the receiver got it no record tells, but for the call that it came back by.
        assert exchange.answer_received is not None and exchange.answer_received.basis == "tool_call"

    def test_else_the_call_and_the_first_and_last_step_of_the_run_stand_for_it(self, database: Database) -> None:
        exchange = ends(database, "lost")
        found = [exchange.asked_sent, exchange.asked_received, exchange.answer_sent, exchange.answer_received]
        assert [place and (place.basis, place.offset) for place in found] == [
            ("tool_call", 0), ("first_step", 5), ("last_step", 7), None
        ]  # fmt: skip

    def test_a_source_that_is_gone_says_so(self, tmp_path: Path) -> None:
        database = make_database(office(), roots={"a.json": tmp_path / "gone"})
        texts = read_texts(database, ends(database, "spawn-c"))
        assert {read.text for read in texts.values()} == {None}
        assert all("could not be read" in read.problem for read in texts.values())
