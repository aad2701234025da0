"""Whose figures count: the sums of steps, and what recorders sum up themselves; worked out by hand."""

import dataclasses
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.cli.summary import as_table
from explorer.model import Row, Run
from explorer.store.database import Database
from explorer.store.summary import summary
from tests.store.test_answers import facts, facts_of
from tests.store.world import agent, ask, beside, by_run, conversation, make_database, run, step, tool_call, within

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


SUMS = {"reported_tool_calls": 5, "reported_tool_errors": 2}
CALLS = ("tool_calls", "tool_errors", "total_tool_calls", "total_tool_errors")
COUNTED: dict[str, tuple[list[Row], tuple[str, ...], dict[str, Any]]] = {
    "steps that all have usage are what counts": (
        alone(step("r", 1, input_tokens=3), step("r", 2, input_tokens=4), reported_input_tokens=100),
        FIGURES[:2], {"r": (7, 7)},
    ),
    "where a step has none the recorder's sum counts": (
        alone(step("r", 1, input_tokens=3), step("r", 2), reported_input_tokens=100, reported_output_tokens=9),
        (*FIGURES, "coverage"), {"r": (100, 100, 9, 9, 0.5)},
    ),
    "where the recorder has no sum the steps that have usage count": (
        alone(step("r", 1, input_tokens=3), step("r", 2)),
        FIGURES[:2], {"r": (3, 3)},
    ),
    "a run without steps has the recorder's sum": (
        alone(reported_input_tokens=100),
        FIGURES, {"r": (100, 100, None, None)},
    ),
    "each figure is looked at by itself": (
        alone(step("r", 1, input_tokens=3), reported_input_tokens=100, reported_output_tokens=9),
        FIGURES, {"r": (3, 3, 9, 9)},
    ),
    "replayed steps do not make it incomplete": (
        alone(step("r", 1, is_replay=True), step("r", 2, input_tokens=3), reported_input_tokens=100),
        ("input_tokens",), {"r": 3},
    ),
    "tool calls that are not written down are the recorder's count": (alone(**SUMS), CALLS, {"r": (5, 2, 5, 2)}),
    "tool calls that are written down are those": (
        alone(tool_call("r", 1, is_error=False), tool_call("r", 2), **SUMS),
        CALLS, {"r": (2, 0, 2, 0)},
    ),
    "tool calls without an outcome leave the errors to the recorder": (
        alone(tool_call("r", 1), **SUMS),
        CALLS, {"r": (1, 2, 1, 2)},
    ),
    **{
        f"candidates that are no list of ids are none: {candidates}": (
            alone(step("r", 1, input_tokens=1, candidates=candidates), reported_input_tokens=7),
            ("input_tokens",), {"r": 1},
        )
        for candidates in ("not json", "3", '{"a":1}', "[null,5]")
    },
    (WHOLE := "a sum over everything below is the total and the own one of nobody"): (
        team(reported_scope="total", reported_input_tokens=900, reported_tool_calls=6, reported_tool_errors=1,
             reported_cost_usd=1.5),
        FIGURES[:2], {"m": (None, 900), "x1": (None, None), "y1": (None, None), "z1": (None, None)},
    ),
    "a figure anywhere below wins and nothing is added twice": (
        [*team(reported_scope="total", reported_input_tokens=900), step("z1", input_tokens=40)],
        FIGURES[:2], {"m": (None, 40), "x1": (None, 40), "y1": (None, None), "z1": (40, 40)},
    ),
    "a sum over everything below has the own ones of runs without steps in it": (
        with_sums(
            with_sums(team(reported_scope="total", reported_input_tokens=900), "x1", reported_input_tokens=400),
            "y1", reported_input_tokens=450,
        ),
        FIGURES[:2], {"m": (None, 900), "x1": (400, 400), "y1": (450, 450), "z1": (None, None)},
    ),
    "a sum over everything below that is less than the own ones there does not count": (
        with_sums(
            with_sums(team(reported_scope="total", reported_input_tokens=800), "x1", reported_input_tokens=400),
            "y1", reported_input_tokens=450,
        ),
        FIGURES[:2], {"m": (None, 850), "x1": (400, 400), "y1": (450, 450), "z1": (None, None)},
    ),
    "of sums below each other the upper one is over all": (
        with_sums(
            with_sums(
                team(reported_scope="total", reported_input_tokens=900),
                "z1", reported_scope="total", reported_input_tokens=40,
            ),
            "y1", reported_scope="total", reported_input_tokens=5,
        ),
        ("total_input_tokens",), {"m": 900, "x1": 40, "y1": 5, "z1": 40},
    ),
    **{
        f"sums of any size do no harm: {value}": (
            with_sums(
                team(reported_scope="total", reported_input_tokens=value),
                "x1", reported_scope="total", reported_input_tokens=2**63 - 1,
            ),
            ("total_input_tokens",), {"m": value, "x1": 2**63 - 1, "y1": None, "z1": None},
        )
        for value in (2**63 - 1, 0)
    },
}  # fmt: skip
"""What counts of the sums of steps and of those of the recorder: columns of ``run_totals``, by run."""


@pytest.fixture(scope="module")
def counted() -> Database:
    return make_database(beside({case: rows for case, (rows, *_) in COUNTED.items()}))


@pytest.mark.parametrize("case", COUNTED)
def test_of_two_sums_the_one_that_knows_all_counts(case: str, counted: Database) -> None:
    _, names, expected = COUNTED[case]
    assert by_run(counted, *names, world=case) == expected


def test_a_sum_over_everything_below_is_that_of_conversation_and_agent_too(counted: Database) -> None:
    assert set(by_run(counted, "total_output_tokens", world=WHOLE).values()) == {None}
    of_conversation = "SELECT conversation_id, input_tokens, tool_calls, tool_errors, cost_usd FROM conversation_totals"
    assert within(WHOLE, ask(counted, of_conversation)) == [("c", 900, 6, 1, 1.5)]
    of_agents = "SELECT agent_id, input_tokens, total_input_tokens FROM agent_totals"
    assert within(WHOLE, ask(counted, of_agents)) == [
        ("main", None, 900), ("x", None, None), ("z", None, None), ("y", None, None),
    ]  # fmt: skip
    with counted.cursor() as cursor:
        of_summary = [(row.conversation_id, row.input_tokens) for row in summary(cursor)]
        kept = summary(cursor, f"starts_with(run_id, '{WHOLE}') AND agent_name = 'main'")
    assert within(WHOLE, of_summary) == [("c", 900)]
    assert [row.input_tokens for row in kept] == [None, None]


def test_where_it_is_ambiguous_whose_the_steps_are_the_recorders_sums_come_first() -> None:
    """Two runs collided: one call of s lies with r, and only the ends tell how many each made."""
    rows: list[Row] = [conversation(), agent("a"), run("r", "a", reported_tool_calls=1, reported_input_tokens=10)]
    rows += [run("s", "a", ordinal=2, reported_tool_calls=2, reported_input_tokens=20)]
    rows += [step("r", 1, input_tokens=10), step("s", 1, input_tokens=12)]
    rows += [step("r", 2, input_tokens=8, grade="ambiguous", candidates='["r","s"]')]
    rows += [tool_call("r", 1), tool_call("s", 1), tool_call("r", 2, step_ordinal=2, grade="ambiguous")]
    database = make_database(rows)
    assert by_run(database, "tool_calls", "input_tokens") == {"r": (1, 10), "s": (2, 20)}
    assert ask(database, "SELECT code FROM findings") == []


class TestHigher:
    """Sums of conversations and agents, over what was summed up in different ways."""

    @pytest.fixture(scope="class")
    def database(self) -> Database:
        cents = with_sums(team(reported_cost_usd=0.1), "x1", reported_cost_usd=0.2)
        # Best of two: one attempt was summed up as a whole, the other step by step.
        rows: list[Row] = [conversation(), agent("a"), run("r", "a", reported_scope="total", reported_input_tokens=50)]
        rows += [run("s", "a", ordinal=2, reported_scope="total", reported_input_tokens=9), step("s", input_tokens=7)]
        return make_database(
            beside({"cents": with_sums(cents, "z1", reported_cost_usd=float("nan")), "best of two": rows})
        )

    def test_cost_is_the_recorders_and_adds_up_to_the_cent(self, database: Database) -> None:
        assert by_run(database, "cost_usd", "total_cost_usd", world="cents") == {
            "m": (0.1, 0.3), "x1": (0.2, 0.2), "y1": (None, None), "z1": (None, None),
        }  # fmt: skip
        of_conversation = ask(database, "SELECT conversation_id, cost_usd FROM conversation_totals")
        assert within("cents", of_conversation) == [("c", 0.3)]
        of_agents = ask(database, "SELECT agent_id, cost_usd, total_cost_usd FROM agent_totals")
        assert ("main", 0.1, 0.3) in within("cents", of_agents)

    def test_sums_and_figures_of_different_runs_add_up(self, database: Database) -> None:
        world = "best of two"
        assert by_run(database, *FIGURES[:2], world=world) == {"r": (None, 50), "s": (7, 7)}
        of_agents = ask(database, "SELECT agent_id, input_tokens, total_input_tokens FROM agent_totals")
        assert within(world, of_agents) == [("a", 7, 57)]
        of_conversation = ask(database, "SELECT conversation_id, input_tokens FROM conversation_totals")
        assert within(world, of_conversation) == [("c", 57)]


trees = st.lists(
    st.tuples(st.integers(-1, 5), st.none() | st.integers(0, 9), st.none() | st.integers(0, 9)), min_size=1, max_size=6
)
"""Each run has a parent before it, or none, and maybe a figure of its own and maybe a sum of its subtree."""
Tree = list[tuple[int, int | None, int | None]]


@given(st.lists(trees, min_size=4, max_size=8))
@settings(max_examples=settings.default.max_examples // 20)
def test_totals_are_what_the_rule_says_in_any_tree(drawn: list[Tree]) -> None:
    database = make_database(beside({f"{number}": rows_of(tree) for number, tree in enumerate(drawn)}))
    wholes = ask(database, "SELECT conversation_id, input_tokens FROM conversation_totals")
    for number, tree in enumerate(drawn):
        totals, whole = totals_of(tree)
        assert by_run(database, "total_input_tokens", world=f"{number}") == totals
        assert within(f"{number}", wholes) == [("c", whole)]


def rows_of(tree: Tree) -> list[Row]:
    rows: list[Row] = [conversation()]
    for index, (parent, own, report) in enumerate(tree):
        above = f"{parent}" if 0 <= parent < index else None
        rows += [agent(f"{index}", above)]
        rows += [
            run(f"r{index}", f"{index}", above and f"r{above}", reported_scope="total", reported_input_tokens=report)
        ]
        rows += [step(f"r{index}", input_tokens=own)] if own is not None else []
    return rows


def totals_of(tree: Tree) -> tuple[dict[str, int | None], int | None]:
    """The total of each run and that of all."""
    parents = [parent if parent < index else -1 for index, (parent, _, _) in enumerate(tree)]

    def figures(index: int) -> list[int]:
        below = [figure for child, parent in enumerate(parents) if parent == index for figure in figures(child)]
        return [*below, *([own] if (own := tree[index][1]) is not None else [])]

    def total(index: int) -> int | None:
        report = tree[index][2]
        if report is not None and not figures(index):
            return report
        return added([tree[index][1], *(total(child) for child, parent in enumerate(parents) if parent == index)])

    def added(parts: list[int | None]) -> int | None:
        known = [part for part in parts if part is not None]
        return sum(known) if known else None

    whole = added([total(index) for index, parent in enumerate(parents) if parent < 0])
    return {f"r{index}": total(index) for index in range(len(tree))}, whole


USAGE: list[Row] = [
    conversation(), agent("main"), agent("x", "main"), agent("y", "x"),
    run("m", "main", reported_scope="total", reported_input_tokens=10, reported_steps=4, reported_tool_calls=1),
    run("x1", "x", "m"), run("y1", "y", "x1", reported_input_tokens=5), run("n", "main", ordinal=2),
    step("m", input_tokens=1), step("x1", input_tokens=2), step("n", input_tokens=1000), tool_call("x1"),
]  # fmt: skip
SWARM = team(reported_scope="total", reported_input_tokens=10, reported_steps=7, reported_tool_calls=3)
PARTLY = step("r", 1, input_tokens=70), step("r", 2)
MISMATCHES: dict[str, tuple[list[Row], dict[str, str]]] = {
    "model calls are compared where they are written down": (
        alone(step("r"), reported_steps=4),
        {"r:steps": "recorded steps: 4; its steps sum to 1 (-3)"},
    ),
    "model calls are not compared where they are not": (
        alone(step("r"), conversation_row=conversation(steps_recorded=False), reported_steps=4), {},
    ),
    "steps without usage are contradicted by no larger sum": (alone(*PARTLY, reported_input_tokens=100), {}),
    "steps without usage are contradicted by a smaller sum": (
        alone(*PARTLY, reported_input_tokens=60),
        {"r:input_tokens": "recorded input tokens: 60; its steps sum to 70 (+10); 1 of 2 steps has no usage"},
    ),
    "a sum over all is not compared with nothing": (SWARM, {}),
    "a sum over all is not compared with a part": (
        [*SWARM, step("y1", input_tokens=50), step("z1", input_tokens=50)], {},
    ),
    "a sum over all is compared with all where all is recorded": (
        USAGE,
        {
            "m:input_tokens": "recorded input tokens, with everything below: 10; the steps there sum to 8 (-2)",
            "m:steps": "recorded steps, with everything below: 4; the steps there sum to 2 (-2)",
        },
    ),
    "figures that are not all recorded leave the others to be compared": (
        [*USAGE, step("y1")],
        {
            "m:input_tokens": "recorded input tokens, with everything below: 10; the steps there sum to 8 (-2)",
            "m:steps": "recorded steps, with everything below: 4; the steps there sum to 3 (-1)",
        },
    ),
}  # fmt: skip
"""Sums of recorders beside ours, and the messages of the findings."""


@pytest.fixture(scope="module")
def compared() -> Database:
    return make_database(beside({case: rows for case, (rows, _) in MISMATCHES.items()}))


@pytest.mark.parametrize("case", MISMATCHES)
def test_a_sum_that_differs_is_a_finding(case: str, compared: Database) -> None:
    found = within(case, ask(compared, "SELECT finding_id, message FROM findings"))
    assert dict(found) == {f"total-mismatch:{what}": message for what, message in MISMATCHES[case][1].items()}


class TestOverview:
    @pytest.fixture(scope="class")
    def database(self) -> Database:
        swarm = with_sums(team(reported_scope="total", reported_steps=18), "x1", reported_steps=4)
        several = with_sums(
            with_sums(team(), "x1", reported_input_tokens=1, reported_note="without cached input; of two processes"),
            "z1", reported_input_tokens=2, reported_note="until the third step; without cached input",
        )  # fmt: skip
        worlds = {
            "half": alone(step("r", 1, input_tokens=3), step("r", 2), reported_input_tokens=100),
            "swarm": swarm,
            "less": with_sums(swarm, "m", reported_steps=3),
            "note": alone(step("r", 1), reported_input_tokens=100, reported_note="without cached input"),
            "note below": team(reported_input_tokens=100, reported_note="without cached input"),
            "several notes": several,
            "calls": with_sums(with_sums(team(), "x1", reported_tool_calls=2), "z1", reported_tool_calls=3),
            "steps": with_sums(team(reported_steps=5), "x1", reported_steps=3),
            "one step": alone(step("r")),
            "cost": with_sums(team(reported_cost_usd=0.25), "x1", reported_cost_usd=0.5),
        }
        return make_database(beside(worlds))

    def test_a_figure_of_the_recorder_says_so(self, database: Database) -> None:
        found = facts_of(database, "half/a")
        assert found["Totals", "input"][2] == 100
        assert found["Totals", "input"].note == (
            "with what a cache served or stored; the recorder's own sum; 1 of 2 steps has usage"
        )
        assert found["As recorded", "recorded input tokens"].note == "its steps sum to 3 (-97)"

    def test_a_count_of_a_whole_swarm_is_its_total_though_some_of_its_agents_have_their_own(
        self, database: Database
    ) -> None:
        assert facts_of(database, "swarm/main")["Totals", "model calls"][2] == 18
        assert facts_of(database, "swarm/x")["Totals", "model calls"][2] == 4
        # A sum that is less than what its parts say is none.
        assert facts_of(database, "less/main")["Totals", "model calls"][2] == 4

    def test_what_the_recorder_says_of_its_sum_is_said_instead_of_what_is_usual(self, database: Database) -> None:
        input_ = facts_of(database, "note/a")["Totals", "input"]
        assert input_.note.startswith('what that includes: see "about these sums"; ')
        # A line above its run says it too.
        found = facts_of(database, "note below/c")
        assert found["Totals", "input"].note.startswith(
            'what that includes: see "about these sums"; 100 own, the rest in sub-agents; of 1 run, '
        )
        assert found["Totals", "about these sums"].value == "without cached input"
        assert facts_of(database, "several notes/c")["Totals", "about these sums"].value == (
            "without cached input; what else is to be known of them is said of each run"
        )

    def test_several_figures_of_recorders_are_counted(self, database: Database) -> None:
        assert facts_of(database, "calls/main")["Totals", "tool calls"][2:] == (
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

    def test_model_calls_that_are_not_written_down_are_the_recorders_count(self, database: Database) -> None:
        found = facts_of(database, "steps/main")
        assert found["Totals", "model calls"][2:] == (
            8, "count", "exact", "by the recorder's own count; 5 own, the rest in sub-agents",
        )  # fmt: skip
        assert found["Totals", "steps"].value == 2
        assert "this recorder writes no model calls" in found["Totals", "steps"].note
        assert found["As recorded", "recorded steps"].note == "model calls, which are not written down one by one"
        assert ("Totals", "model calls") not in facts_of(database, "one step/a")

    def test_cost_is_shown_where_it_is_recorded(self, database: Database) -> None:
        assert facts_of(database, "cost/main")["Totals", "cost"][2:] == (
            0.75, "usd", "exact", "$0.2500 own, the rest in sub-agents; the recorder's own figure",
        )  # fmt: skip
        assert ("Totals", "cost") not in facts_of(database, "calls/main")


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
