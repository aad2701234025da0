"""Whose figures count: the sums of steps, and what recorders sum up themselves; worked out by hand."""

import dataclasses
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.cli.summary import as_table
from explorer.model import Row, Run
from explorer.store.summary import summary
from tests.store.test_answers import facts
from tests.store.world import agent, ask, by_run, conversation, make_database, run, step, tool_call

FIGURES = ("input_tokens", "total_input_tokens", "output_tokens", "total_output_tokens")


def alone(*steps: Row, conversation_row: Row | None = None, **reported: object) -> list[Row]:
    """One run with these steps and these sums by the recorder."""
    return [conversation_row or conversation(), agent("a"), run("r", "a", **reported), *steps]


def team(**reported: object) -> list[Row]:
    """main with the sub-agents x and y, and z below x. No step has usage."""
    return [
        conversation(steps_recorded=False, tool_calls_recorded=False),
        agent("main", name="main"), agent("x", "main"), agent("y", "main"), agent("z", "x"),
        run("m", "main", **reported), run("x1", "x", "m"), run("y1", "y", "m"), run("z1", "z", "x1"),
        step("m"), step("x1"),
    ]  # fmt: skip


def with_sums(rows: list[Row], run_id: str, **reported: object) -> list[Row]:
    """The same with the recorder's sums at a run."""
    return [
        dataclasses.replace(row, **reported) if isinstance(row, Run) and row.run_id == run_id else row for row in rows
    ]


class TestOwn:
    def test_steps_that_all_have_usage_are_what_counts(self) -> None:
        rows = alone(step("r", 1, input_tokens=3), step("r", 2, input_tokens=4), reported_input_tokens=100)
        assert by_run(make_database(rows), "input_tokens", "total_input_tokens") == {"r": (7, 7)}

    def test_where_a_step_has_none_the_recorders_sum_counts(self) -> None:
        rows = alone(step("r", 1, input_tokens=3), step("r", 2), reported_input_tokens=100, reported_output_tokens=9)
        assert by_run(make_database(rows), *FIGURES, "coverage") == {"r": (100, 100, 9, 9, 0.5)}

    def test_where_the_recorder_has_no_sum_the_steps_that_have_usage_count(self) -> None:
        rows = alone(step("r", 1, input_tokens=3), step("r", 2))
        assert by_run(make_database(rows), "input_tokens", "total_input_tokens") == {"r": (3, 3)}

    def test_a_run_without_steps_has_the_recorders_sum(self) -> None:
        assert by_run(make_database(alone(reported_input_tokens=100)), *FIGURES) == {"r": (100, 100, None, None)}

    def test_each_figure_is_looked_at_by_itself(self) -> None:
        rows = alone(step("r", 1, input_tokens=3), reported_input_tokens=100, reported_output_tokens=9)
        assert by_run(make_database(rows), *FIGURES) == {"r": (3, 3, 9, 9)}

    def test_replayed_steps_do_not_make_it_incomplete(self) -> None:
        rows = alone(step("r", 1, is_replay=True), step("r", 2, input_tokens=3), reported_input_tokens=100)
        assert by_run(make_database(rows), "input_tokens") == {"r": 3}

    def test_tool_calls_are_those_written_down_else_the_recorders_count(self) -> None:
        sums = {"reported_tool_calls": 5, "reported_tool_errors": 2}
        names = ("tool_calls", "tool_errors", "total_tool_calls", "total_tool_errors")
        assert by_run(make_database(alone(**sums)), *names) == {"r": (5, 2, 5, 2)}
        rows = alone(tool_call("r", 1, is_error=False), tool_call("r", 2), **sums)
        assert by_run(make_database(rows), *names) == {"r": (2, 0, 2, 0)}
        rows = alone(tool_call("r", 1), **sums)
        assert by_run(make_database(rows), *names) == {"r": (1, 2, 1, 2)}

    def test_where_it_is_ambiguous_whose_the_steps_are_the_recorders_sums_come_first(self) -> None:
        """Two runs collided: one call of s lies with r, and only the ends tell how many each made."""
        rows: list[Row] = [conversation(), agent("a"), run("r", "a", reported_tool_calls=1, reported_input_tokens=10)]
        rows += [run("s", "a", ordinal=2, reported_tool_calls=2, reported_input_tokens=20)]
        rows += [step("r", 1, input_tokens=10), step("s", 1, input_tokens=12)]
        rows += [step("r", 2, input_tokens=8, grade="ambiguous", candidates='["r","s"]')]
        rows += [tool_call("r", 1), tool_call("s", 1), tool_call("r", 2, step_ordinal=2, grade="ambiguous")]
        database = make_database(rows)
        assert by_run(database, "tool_calls", "input_tokens") == {"r": (1, 10), "s": (2, 20)}
        assert ask(database, "SELECT code FROM findings") == []

    @pytest.mark.parametrize("candidates", ["not json", "3", '{"a":1}', "[null,5]"])
    def test_candidates_that_are_no_list_of_ids_are_none(self, candidates: str) -> None:
        rows = alone(step("r", 1, input_tokens=1, candidates=candidates), reported_input_tokens=7)
        assert by_run(make_database(rows), "input_tokens") == {"r": 1}

    def test_cost_is_the_recorders_and_adds_up_to_the_cent(self) -> None:
        rows = team(reported_cost_usd=0.1)
        rows = with_sums(with_sums(rows, "x1", reported_cost_usd=0.2), "z1", reported_cost_usd=float("nan"))
        database = make_database(rows)
        assert by_run(database, "cost_usd", "total_cost_usd") == {
            "m": (0.1, 0.3), "x1": (0.2, 0.2), "y1": (None, None), "z1": (None, None),
        }  # fmt: skip
        assert ask(database, "SELECT cost_usd FROM conversation_totals") == [(0.3,)]
        assert ask(database, "SELECT cost_usd, total_cost_usd FROM agent_totals WHERE agent_id = 'main'") == [
            (0.1, 0.3)
        ]


class TestTotal:
    def test_a_sum_over_everything_below_is_the_total_and_nobodys_own(self) -> None:
        rows = team(
            reported_scope="total", reported_input_tokens=900, reported_tool_calls=6, reported_tool_errors=1,
            reported_cost_usd=1.5,
        )  # fmt: skip
        database = make_database(rows)
        assert by_run(database, "input_tokens", "total_input_tokens", "total_output_tokens") == {
            "m": (None, 900, None), "x1": (None, None, None), "y1": (None, None, None), "z1": (None, None, None),
        }  # fmt: skip
        names = "input_tokens, tool_calls, tool_errors, cost_usd"
        assert ask(database, f"SELECT {names} FROM conversation_totals") == [(900, 6, 1, 1.5)]
        assert ask(database, "SELECT input_tokens, total_input_tokens FROM agent_totals") == [
            (None, 900), (None, None), (None, None), (None, None),
        ]  # fmt: skip

    def test_a_figure_anywhere_below_wins_and_nothing_is_added_twice(self) -> None:
        rows = [*team(reported_scope="total", reported_input_tokens=900), step("z1", input_tokens=40)]
        assert by_run(make_database(rows), "input_tokens", "total_input_tokens") == {
            "m": (None, 40), "x1": (None, 40), "y1": (None, None), "z1": (40, 40),
        }  # fmt: skip

    def test_of_sums_below_each_other_the_upper_one_is_over_all(self) -> None:
        rows = team(reported_scope="total", reported_input_tokens=900)
        rows = with_sums(rows, "z1", reported_scope="total", reported_input_tokens=40)
        rows = with_sums(rows, "y1", reported_scope="total", reported_input_tokens=5)
        assert by_run(make_database(rows), "total_input_tokens") == {"m": 900, "x1": 40, "y1": 5, "z1": 40}

    def test_sums_and_figures_of_different_runs_add_up(self) -> None:
        """Best of two: one attempt was summed up as a whole, the other step by step."""
        rows: list[Row] = [conversation(), agent("a"), run("r", "a", reported_scope="total", reported_input_tokens=50)]
        rows += [run("s", "a", ordinal=2, reported_scope="total", reported_input_tokens=9), step("s", input_tokens=7)]
        database = make_database(rows)
        assert by_run(database, "input_tokens", "total_input_tokens") == {"r": (None, 50), "s": (7, 7)}
        assert ask(database, "SELECT input_tokens, total_input_tokens FROM agent_totals") == [(7, 57)]
        assert ask(database, "SELECT input_tokens FROM conversation_totals") == [(57,)]

    def test_the_summary_has_what_was_summed_up_where_it_keeps_all_of_it(self) -> None:
        database = make_database(team(reported_scope="total", reported_input_tokens=900))
        with database.cursor() as cursor:
            assert [row.input_tokens for row in summary(cursor)] == [900, 900]
            assert [row.input_tokens for row in summary(cursor, "agent_name = 'main'")] == [None, None]

    @pytest.mark.parametrize("value", [2**63 - 1, 0])
    def test_sums_of_any_size_do_no_harm(self, value: int) -> None:
        rows = team(reported_scope="total", reported_input_tokens=value)
        rows = with_sums(rows, "x1", reported_scope="total", reported_input_tokens=2**63 - 1)
        assert by_run(make_database(rows), "total_input_tokens")["m"] == value


@given(
    st.lists(
        st.tuples(st.integers(-1, 5), st.none() | st.integers(0, 9), st.none() | st.integers(0, 9)),
        min_size=1,
        max_size=6,
    )
)
@settings(max_examples=settings.default.max_examples // 5)
def test_totals_are_what_the_rule_says_in_any_tree(runs: list[tuple[int, int | None, int | None]]) -> None:
    """Each run has a parent before it, or none, and maybe a figure of its own and maybe a sum of its subtree."""
    rows: list[Row] = [conversation()]
    parents = [parent if parent < index else -1 for index, (parent, _, _) in enumerate(runs)]
    for index, (_, own, report) in enumerate(runs):
        above = None if parents[index] < 0 else f"{parents[index]}"
        rows += [agent(f"{index}", above)]
        rows += [
            run(f"r{index}", f"{index}", above and f"r{above}", reported_scope="total", reported_input_tokens=report)
        ]
        rows += [step(f"r{index}", input_tokens=own)] if own is not None else []

    def figures(index: int) -> list[int]:
        below = [figure for child, parent in enumerate(parents) if parent == index for figure in figures(child)]
        return [*below, *([own] if (own := runs[index][1]) is not None else [])]

    def total(index: int) -> int | None:
        report = runs[index][2]
        if report is not None and not figures(index):
            return report
        return added([runs[index][1], *(total(child) for child, parent in enumerate(parents) if parent == index)])

    def added(parts: list[int | None]) -> int | None:
        known = [part for part in parts if part is not None]
        return sum(known) if known else None

    database = make_database(rows)
    assert by_run(database, "total_input_tokens") == {f"r{index}": total(index) for index in range(len(runs))}
    whole = added([total(index) for index, parent in enumerate(parents) if parent < 0])
    assert ask(database, "SELECT input_tokens FROM conversation_totals") == [(whole,)]


def found(rows: list[Row]) -> list[tuple[str, ...]]:
    return ask(make_database(rows), "SELECT finding_id, message FROM findings ORDER BY finding_id")


class TestMismatches:
    def test_model_calls_are_compared_where_they_are_written_down(self) -> None:
        rows = alone(step("r"), reported_steps=4)
        assert found(rows) == [("total-mismatch:r:steps", "recorded steps: 4; its steps sum to 1 (-3)")]
        assert found(alone(step("r"), conversation_row=conversation(steps_recorded=False), reported_steps=4)) == []

    def test_steps_without_usage_are_contradicted_by_no_larger_sum(self) -> None:
        steps = step("r", 1, input_tokens=70), step("r", 2)
        assert found(alone(*steps, reported_input_tokens=100)) == []
        assert found(alone(*steps, reported_input_tokens=60)) == [
            (
                "total-mismatch:r:input_tokens",
                "recorded input tokens: 60; its steps sum to 70 (+10); 1 of 2 steps has no usage",
            )
        ]

    def test_a_sum_over_all_is_compared_with_all_where_all_is_recorded(self) -> None:
        rows = team(reported_scope="total", reported_input_tokens=10, reported_steps=7, reported_tool_calls=3)
        assert found(rows) == []
        assert found([*rows, step("y1", input_tokens=50), step("z1", input_tokens=50)]) == []
        usage: list[Row] = [
            conversation(), agent("main"), agent("x", "main"), agent("y", "x"),
            run("m", "main", reported_scope="total", reported_input_tokens=10, reported_steps=4, reported_tool_calls=1),
            run("x1", "x", "m"), run("y1", "y", "x1", reported_input_tokens=5), run("n", "main", ordinal=2),
            step("m", input_tokens=1), step("x1", input_tokens=2), step("n", input_tokens=1000), tool_call("x1"),
        ]  # fmt: skip
        assert found(usage) == [
            (
                "total-mismatch:m:input_tokens",
                "recorded input tokens, with everything below: 10; the steps there sum to 8 (-2)",
            ),
            ("total-mismatch:m:steps", "recorded steps, with everything below: 4; the steps there sum to 2 (-2)"),
        ]
        assert found([*usage, step("y1")])[1:] == [
            ("total-mismatch:m:steps", "recorded steps, with everything below: 4; the steps there sum to 3 (-1)")
        ]


class TestOverview:
    def test_a_figure_of_the_recorder_says_so(self) -> None:
        found = facts(alone(step("r", 1, input_tokens=3), step("r", 2), reported_input_tokens=100), "a")
        assert found["Totals", "input"][2] == 100
        assert found["Totals", "input"].note == (
            "with what a cache served or stored; the recorder's own sum; 1 of 2 steps has usage"
        )
        assert found["As recorded", "recorded input tokens"].note == "its steps sum to 3 (-97)"

    def test_a_count_of_a_whole_swarm_is_its_total_though_some_of_its_agents_have_their_own(self) -> None:
        rows = with_sums(team(reported_scope="total", reported_steps=18), "x1", reported_steps=4)
        assert facts(rows, "main")["Totals", "model calls"][2] == 18
        assert facts(rows, "x")["Totals", "model calls"][2] == 4
        # A sum that is less than what its parts say is none.
        less = with_sums(rows, "m", reported_steps=3)
        assert facts(less, "main")["Totals", "model calls"][2] == 4

    def test_what_the_recorder_says_of_its_sum_is_said_instead_of_what_is_usual(self) -> None:
        rows = alone(step("r", 1), reported_input_tokens=100, reported_note="without cached input")
        assert facts(rows, "a")["Totals", "input"].note.startswith('what that includes: see "about these sums"; ')
        # A line above its run says it too.
        found = facts(team(reported_input_tokens=100, reported_note="without cached input"), "c")
        assert found["Totals", "input"].note.startswith(
            'what that includes: see "about these sums"; 100 own, the rest in sub-agents; of 1 run, '
        )
        assert found["Totals", "about these sums"].value == "without cached input"
        several = with_sums(
            with_sums(team(), "x1", reported_input_tokens=1, reported_note="without cached input; of two processes"),
            "z1", reported_input_tokens=2, reported_note="until the third step; without cached input",
        )  # fmt: skip
        assert facts(several, "c")["Totals", "about these sums"].value == (
            "without cached input; what else is to be known of them is said of each run"
        )

    def test_several_figures_of_recorders_are_counted(self) -> None:
        rows = with_sums(with_sums(team(), "x1", reported_tool_calls=2), "z1", reported_tool_calls=3)
        found = facts(rows, "main")
        assert found["Totals", "tool calls"][2:] == (
            5, "count", "exact", "not recorded as its own, the rest in sub-agents; of 2 runs, the recorder's own sum",
        )  # fmt: skip

    def test_a_sum_over_all_says_what_is_not_known_of_it(self) -> None:
        rows = team(reported_scope="total", reported_input_tokens=900, reported_note="cached input is left out")
        found = facts(rows, "main")
        assert found["Totals", "input"][2] == 900
        assert found["Totals", "input"].note.endswith(
            "the recorder's own sum for this run and everything below; what each sub-agent took is not recorded"
        )
        assert found["Totals", "about these sums"].value == "cached input is left out"
        assert found["As recorded", "recorded input tokens"].note == "its steps record none to compare with"
        below = facts(rows, "z")
        assert below["Totals", "input"][2:] == (
            None, "tokens", "not_recorded", "not recorded: the recorder only sums the whole of main",
        )  # fmt: skip
        assert below["Totals", "output"].note == "not recorded"
        assert facts(rows, None)["Totals", "input"].value == 900

    def test_model_calls_that_are_not_written_down_are_the_recorders_count(self) -> None:
        rows = with_sums(team(reported_steps=5), "x1", reported_steps=3)
        found = facts(rows, "main")
        assert found["Totals", "model calls"][2:] == (
            8, "count", "exact", "by the recorder's own count; 5 own, the rest in sub-agents",
        )  # fmt: skip
        assert found["Totals", "steps"].value == 2
        assert "this recorder writes no model calls" in found["Totals", "steps"].note
        assert found["As recorded", "recorded steps"].note == "model calls, which are not written down one by one"
        assert ("Totals", "model calls") not in facts(alone(step("r")), "a")

    def test_cost_is_shown_where_it_is_recorded(self) -> None:
        found = facts(with_sums(team(reported_cost_usd=0.25), "x1", reported_cost_usd=0.5), "main")
        assert found["Totals", "cost"][2:] == (
            0.75, "usd", "exact", "$0.2500 own, the rest in sub-agents; the recorder's own figure",
        )  # fmt: skip
        assert ("Totals", "cost") not in facts(team(), "main")


def test_a_run_that_another_one_started_counts_with_its_agent_and_both_say_so() -> None:
    # Two turns of the root; the second goes on with the agent that the first started.
    rows = [
        conversation(),
        agent("root"),
        agent("sub", "root"),
        run("1", "root", ordinal=1),
        run("2", "root", ordinal=2),
    ]
    rows += [run("s1", "sub", "1", ordinal=1), run("s2", "sub", "2", ordinal=2)]
    rows += [step(one, 1, input_tokens=10) for one in ("1", "2", "s1", "s2")]
    told = {at: {fact.label: fact.value for fact in facts(rows, at).values()} for at in ("1", "2", "root", "sub")}
    totals = dict(ask(make_database(rows), "SELECT run_id, total_input_tokens FROM run_totals"))
    assert totals == {"1": 30, "2": 10, "s1": 10, "s2": 10}
    assert {at: (of.get("started elsewhere"), of.get("counted elsewhere")) for at, of in told.items()} == {
        "1": (1, None), "2": (None, 1), "root": (None, None), "sub": (None, None)
    }  # fmt: skip


def test_a_run_that_goes_on_has_no_end_and_its_shares_of_nothing_are_not_told() -> None:
    rows = [agent("m"), agent("x", "m"), run("m", "m", status="running", start_ms=0, end_ms=10), run("x", "x", "m")]
    found = facts([conversation(), *rows, step("m", start_ms=0, offset=1)], "m")
    assert found["Time", "duration"].note == "so far: it had not ended when this was recorded"
    assert ("Time", "ended at") not in found
    assert found["Totals", "steps"].note == "model calls; 1 own, the rest in sub-agents"


def test_times_of_an_agent_are_those_of_its_own_runs_and_while_one_goes_on_it_has_no_end() -> None:
    day = [datetime(2026, 5, 4, hour, tzinfo=UTC).replace(tzinfo=None) for hour in range(5)]
    rows = [conversation(started_at=day[0], ended_at=day[4]), agent("m"), agent("x", "m"), run("m", "m")]
    rows += [
        run("x1", "x", "m", ordinal=1, started_at=day[1], ended_at=day[2]),
        run("x2", "x", "m", ordinal=2, started_at=day[2], ended_at=day[3], status="running"),
    ]
    found = facts(rows, "x")
    assert found["Time", "started at"].value == "2026-05-04 01:00:00 UTC"
    assert found["Time", "last seen at"].value == "2026-05-04 03:00:00 UTC"
    assert ("Time", "ended at") not in found


def test_the_summary_marks_more_cached_than_input() -> None:
    rows = [conversation(), agent("a"), run("r", "a"), step("r", 1, input_tokens=100, cache_read_tokens=90)]
    rows.append(step("r", 2, cache_read_tokens=1_000))
    with make_database(rows).cursor() as cursor:
        table = as_table(summary(cursor), "table")
    cached = table.columns.index("cached")
    assert [row[cached] for row in next(table.batches)] == ["1,090 *", "1,090 *"]
