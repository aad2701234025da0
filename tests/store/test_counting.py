"""What a sum over all records would be, and how siblings met the cache."""

import json

import pytest

from explorer.store.queries import build_tree, overview, usual_filter
from tests.store.world import (
    agent,
    ask,
    beside,
    conversation,
    make_database,
    pair,
    run,
    step,
    tool_call,
    uncounted,
    within,
)

USAGE = {"input_tokens": 100, "cache_read_tokens": 40, "cache_write_tokens": 50, "output_tokens": 7}


def noted(**extra):
    return json.dumps(extra)


@pytest.fixture(scope="module")
def audited():
    writes = {"cache_write_5m_tokens": 20, "cache_write_1h_tokens": 30}
    return make_database([
        conversation(), agent("main"), agent("warm", helper="warm-up"), run("main/1", "main"), run("warm/1", "warm"),
        step("main/1", 1, **USAGE, extra=noted(output_unconfirmed=True, **writes)),
        step("main/1", 2, **USAGE, is_replay=True), step("warm/1", 1, **USAGE),
        uncounted("main", "repeated lines", 3, input_tokens=300, cache_read_tokens=1, cache_write_tokens=2,
                  output_tokens=9),
    ])  # fmt: skip


def test_naive_sums_stand_beside_the_true_ones_with_the_reasons(audited):
    figures = "steps, unconfirmed_steps, input_tokens, output_tokens, naive_input_tokens, naive_output_tokens, reasons"
    assert ask(audited, f"SELECT agent_id, {figures} FROM counting_audit ORDER BY agent_id NULLS FIRST") == [
        (None, 2, 1, 200, 14, 600, 30, "repeated lines ×3, replayed copy ×1, warm-up agent ×1"),
        ("main", 1, 1, 100, 7, 500, 23, "repeated lines ×3, replayed copy ×1"),
        ("warm", 1, 0, 100, 7, 100, 7, "warm-up agent ×1"),
    ]
    writes = "cache_write_tokens, cache_write_5m_tokens, cache_write_1h_tokens"
    assert ask(audited, f"SELECT {writes} FROM counting_audit WHERE agent_id = 'main'") == [(50, 20, 30)]


def test_the_overview_says_how_it_counted(audited):
    with audited.cursor() as cursor:
        facts = {fact.label: fact for fact in overview(cursor, "main") if fact.section == "Counting"}
    assert facts["written for an hour"].value == 30
    assert facts["output at least"].value == 1
    assert facts["input of every record"].value == 500


def test_what_a_recorder_started_by_itself_is_left_out_at_first(audited):
    with audited.cursor() as cursor:
        assert usual_filter(cursor) == "agent_helper IS NULL"
        tree = build_tree(audited, usual_filter(cursor))
    assert (tree.runs_kept, tree.runs) == (1, 2)
    without = make_database([conversation(), agent("main"), run("main/1", "main")])
    with without.cursor() as cursor:
        assert usual_filter(cursor) is None


def test_figures_that_another_format_calls_the_same_and_that_are_none_count_as_not_recorded():
    rows = [conversation(), agent("a"), run("a", "a"), step("a", 1, extra=noted(cache_write_5m_tokens="many"))]
    asked = "SELECT cache_write_5m_tokens FROM counting_audit WHERE agent_id = 'a'"
    assert ask(make_database(rows), asked) == [(None,)]


def siblings(*first_steps, prefix=2):
    """Agents of one answer, from (start, answer, model, read, written, extra)."""
    rows = [conversation(), agent("main"), run("main/1", "main"), step("main/1", 1)]
    for number, (start, answer, model, read, written, extra) in enumerate(first_steps, 1):
        name = f"s{number}"
        rows += [
            agent(name, "main"), run(f"{name}/1", name, "main/1", start_ms=start),
            tool_call("main/1", number, step_ordinal=1, child_run_id=f"{name}/1"),
            step(f"{name}/1", 1, start_ms=start, end_ms=answer + 500, model=model, input_tokens=9_000,
                 cache_read_tokens=read, cache_write_tokens=written, extra=noted(first_record_ms=answer, **extra)),
        ]  # fmt: skip
    return [*rows, pair("s1/1", "s2/1", 3, prefix)]


WRITER = (0, 2_000, "m", 0, 8_000, {})
FOR_AN_HOUR = (0, 2_000, "m", 0, 8_000, {"cache_write_1h_tokens": 8_000})
LATE = (400_000, 401_000, "m", 0, 8_000, {})
SIBLINGS = {
    "it reads": ([WRITER, (3_000, 4_000, "m", 7_000, 900, {})], ("read", None)),
    "asked at once": ([WRITER, (1_000, 4_000, "m", 0, 8_000, {})], ("missed", "asked before the first answer began")),
    "another model": ([WRITER, (3_000, 4_000, "n", 0, 8_000, {})], ("missed", "another model than its siblings")),
    "too late": ([WRITER, LATE], ("missed", "last used 400 s before")),
    "too late for five minutes, but not for the hour it was written for": (
        [FOR_AN_HOUR, LATE], ("missed", "its prompt differs at part 3"),
    ),
    "another prompt": ([WRITER, (3_000, 4_000, "m", 0, 8_000, {})], ("missed", "its prompt differs at part 3")),
    "nothing recorded": ([WRITER, (3_000, 4_000, "m", None, None, {})], (None, None)),
}  # fmt: skip


@pytest.fixture(scope="module")
def cold_starts():
    worlds = {world: siblings(*steps) for world, (steps, _) in SIBLINGS.items()}
    database = make_database(beside({**worlds, "alone": siblings(WRITER)}))
    return ask(database, "SELECT run_id, cache, why FROM sibling_cold_starts ORDER BY run_id")


@pytest.mark.parametrize("world", SIBLINGS)
def test_a_sibling_reads_what_the_first_one_wrote_or_it_is_said_why_not(world, cold_starts):
    assert within(world, cold_starts) == [("s1/1", "wrote", None), ("s2/1", *SIBLINGS[world][1])]


def test_agents_of_different_answers_are_no_siblings_here(cold_starts):
    assert within("alone", cold_starts) == [("s1/1", "wrote", None)]
