"""Conversations that open with the same steps, and totals that count these once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from explorer.model import BlockRun, Row, StepReuse
from explorer.store import queries
from explorer.store.database import Database
from explorer.store.ingest import Options, ingest
from explorer.store.summary import summary
from tests.store.world import agent, ask, blocks, conversation, make_database, reuse, run, step

WEKA = Path(__file__).parents[3] / "shared" / "traces" / "weka"

Told = tuple[int, int | None, int | None, int]
"""Start, input tokens, output tokens, how long it took."""

OPENING: list[Told] = [(0, 100, 5, 70), (1000, 200, 6, 80), (1000, 150, 2, 80), (9000, 300, 7, 90)]


def recorded(name: str, steps: list[Told], split: int = 99) -> list[Row]:
    """A conversation, the steps from ``split`` on in a sub-agent; every prompt of as many blocks as its place."""
    rows: list[Row] = [conversation(name, title=name), agent(f"{name}.m", conversation_id=name)]
    rows += [run(f"{name}.m", f"{name}.m", conversation_id=name)]
    rows += [agent(f"{name}.x", f"{name}.m", conversation_id=name)]
    rows += [run(f"{name}.x", f"{name}.x", f"{name}.m", conversation_id=name)]
    for place, (start, input_tokens, output_tokens, took) in enumerate(steps, 1):
        of, ordinal = (f"{name}.m", place) if place < split else (f"{name}.x", place - split + 1)
        tokens = {"input_tokens": input_tokens, "output_tokens": output_tokens}
        rows += [step(of, ordinal, start_ms=start, end_ms=start + took, offset=place, **tokens)]
        rows += [*blocks(of, ordinal, (0, place), namespace=name), reuse(of, ordinal, place, fresh=place)]
    return rows


def grouped(*conversations: list[Row]) -> list[tuple[Any, ...]]:
    database = make_database([row for rows in conversations for row in rows])
    columns = "group_id, conversation_id, conversations, same_as, same_steps, steps, same_input_tokens, same_blocks"
    return ask(database, f"SELECT {columns} FROM forked_captures ORDER BY conversation_id")


def test_a_fork_repeats_what_it_opens_with_and_a_second_capture_all() -> None:
    longer = [*OPENING[:3], (9000, 301, 7, 90), (9500, 400, 8, 90)]
    assert grouped(
        recorded("a", OPENING, split=3), recorded("b", longer, split=4), recorded("c", longer),
        recorded("d", [(0, 100, 5, 70), (1000, 999, 6, 80)]),
    ) == [
        ("a", "a", 3, None, 0, 4, None, None),
        ("a", "b", 3, "a", 3, 5, 450, 6),
        ("a", "c", 3, "b", 5, 5, 1151, 15),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "other",
    [
        pytest.param([(0, 100, 5, 70), (1000, 200, 6, 81)], id="another duration"),
        pytest.param([(0, 100, 5, 70)], id="one step in common may be chance"),
        pytest.param([(0, None, 5, 70), (1000, 200, 6, 80)], id="without tokens nothing is the same"),
        pytest.param([(0, 100, 5, 70), (1000, None, 6, 80)], id="nor later on"),
    ],
)
def test_what_does_not_open_alike_is_in_no_group(other: list[Told]) -> None:
    assert grouped(recorded("a", OPENING), recorded("b", other)) == []


def test_steps_at_the_same_time_need_not_be_recorded_in_the_same_order() -> None:
    turned = [OPENING[0], OPENING[2], OPENING[1], OPENING[3]]

    def without_blocks(rows: list[Row]) -> list[Row]:
        return [row for row in rows if not isinstance(row, BlockRun | StepReuse)]

    both = without_blocks(recorded("a", OPENING)), without_blocks(recorded("b", turned))
    assert [row[4] for row in grouped(*both)] == [0, 4]


@pytest.fixture(scope="module")
def database() -> Database:
    return make_database([*recorded("a", OPENING), *recorded("b", OPENING[:3])])


def test_it_is_a_finding_with_the_steps_in_common(database: Database) -> None:
    assert ask(database, "SELECT code, severity, conversation_id, message FROM findings") == [
        ("forked-capture", "warning", "b", "all of its 3 steps are those of a: another capture of the same; sums over "
         "all conversations count them again"),
    ]  # fmt: skip


def test_totals_count_each_step_once(database: Database) -> None:
    with database.cursor() as cursor:
        total = summary(cursor)[-1]
        kept = summary(cursor, "conversation_id = 'a'")[-1]
        facts = {fact.label: fact.value for fact in queries.overview(cursor, None)}
        of_b = {fact.label: fact.value for fact in queries.overview(cursor, "b")}
    assert (total.steps, total.input_tokens, total.blocks) == (7, 1200, 16)
    assert (total.repeated_steps, total.repeated_input_tokens, total.repeated_blocks) == (3, 450, 6)
    assert (kept.repeated_steps, kept.repeated_input_tokens) == (0, None)
    assert (facts["steps once"], facts["input once"], facts["blocks once"]) == (4, 750, 10)
    assert (of_b["opens like"], of_b["steps in common"]) == ("a", 3)


@pytest.mark.skipif(not WEKA.is_dir(), reason="the recorded traces are not here")
def test_recorded_captures_of_one_session_are_grouped() -> None:
    opened = Database(ingest([WEKA / f"trace_{n}.json" for n in ("0413", "0416", "0277")], Options(use_cache=False)))
    query = "SELECT conversation_id, same_as, same_steps, steps FROM forked_captures ORDER BY conversation_id"
    assert ask(opened, query) == [
        ("trace_0413.json", None, 0, 67), ("trace_0416.json", "trace_0413.json", 35, 35),
    ]  # fmt: skip
    opened.close()
