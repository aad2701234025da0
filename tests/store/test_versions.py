"""Versions of an agent beside each other; worked out by hand."""

import math

import pytest

from explorer.model import Row
from tests.store.test_answers import facts
from tests.store.world import agent, ask, conversation, make_database, run, step


def versions() -> list[Row]:
    """sage v1 ran three times, v2 twice; coder has one version, and a sage has none."""
    rows: list[Row] = [conversation(steps_recorded=False), conversation("k", steps_recorded=False)]
    rows += [agent("a", name="sage", version="v1"), agent("b", name="sage", version="v2", conversation_id="k")]
    rows += [agent("c", name="coder", version="v1"), agent("d", name="sage")]
    rows += [
        run("a1", "a", status="completed", reported_steps=2, reported_input_tokens=100, reported_output_tokens=10,
            reported_tool_errors=0, start_ms=0, end_ms=1000, reward=0.5, reported_cost_usd=0.1),
        run("a2", "a", ordinal=2, status="failed", reported_steps=4, reported_input_tokens=300,
            reported_tool_errors=3, start_ms=0, end_ms=3000, reward=1.0),
        run("a3", "a", ordinal=3, status="running", reported_scope="total", reported_steps=50,
            reported_input_tokens=900, reward=math.nan),
        run("b1", "b", status="completed", conversation_id="k", reported_steps=6, reported_input_tokens=50),
        run("b2", "b", status="cancelled", ordinal=2, conversation_id="k"),
        run("c1", "c"), run("d1", "d", status="unknown"),
        run("copy", "c", ordinal=2), step("copy", is_replay=True),
    ]  # fmt: skip
    return rows


def test_every_version_has_a_row_and_so_has_none() -> None:
    database = make_database(versions())
    columns = "agent_name, agent_version, runs, completed, failed, success_rate"
    assert ask(database, f"SELECT {columns} FROM agent_version_totals") == [
        ("coder", "v1", 1, 1, 0, 1.0),
        ("sage", "v1", 3, 1, 1, 0.5),
        ("sage", "v2", 2, 1, 0, 1.0),
        ("sage", None, 1, 0, 0, None),
    ]


def test_means_and_spreads_are_over_the_runs_that_have_the_figure() -> None:
    database = make_database(versions())

    def figures(name: str) -> list[tuple[object, ...]]:
        columns = f"runs_with_{name}, {name}, mean_{name}, spread_{name}"
        return ask(database, f"SELECT {columns} FROM agent_version_totals WHERE agent_name = 'sage'")

    # A sum over everything below is not the run's own.
    assert figures("model_calls") == [
        (2, 6, 3.0, pytest.approx(math.sqrt(2))), (1, 6, 6.0, None), (0, None, None, None),
    ]  # fmt: skip
    assert figures("input_tokens") == [
        (2, 400, 200.0, pytest.approx(100 * math.sqrt(2))), (1, 50, 50.0, None), (0, None, None, None),
    ]  # fmt: skip
    assert figures("output_tokens") == [(1, 10, 10.0, None), (0, None, None, None), (0, None, None, None)]
    assert figures("duration_ms")[0] == (2, 4000, 2000.0, pytest.approx(1000 * math.sqrt(2)))
    assert figures("cost_usd")[0] == (1, 0.1, 0.1, None)
    row = ask(
        database, "SELECT runs_with_reward, mean_reward, spread_reward FROM agent_version_totals LIMIT 1 OFFSET 1"
    )
    assert row == [(2, 0.75, pytest.approx(0.5 / math.sqrt(2)))]


def test_model_calls_that_were_written_down_are_counted_where_the_recorder_counts_none() -> None:
    rows: list[Row] = [conversation(), agent("a", name="x", version="1"), run("r", "a"), step("r", 1), step("r", 2)]
    database = make_database(rows)
    assert ask(database, "SELECT steps, model_calls, runs_with_tool_calls FROM agent_version_totals") == [(2, 2, 1)]


def test_the_overview_lists_versions_where_an_agent_has_several() -> None:
    found = facts(versions(), None)
    assert [label for section, label in found if section == "Versions"] == [
        "sage v1", "sage v2", "sage (no version)", "of a run",
    ]  # fmt: skip
    fact = found["Versions", "sage v1"]
    assert fact.value == 3
    assert fact.note == (
        "1 of 2 completed (50%), 3 ± 1.41 turns, 110 tokens, 1 ± 1.73 tool errors, 2 ± 1.41 s, 0.75 ± 0.354 reward"
    )
    assert not [section for section, _ in facts(versions(), "c") if section == "Versions"]
