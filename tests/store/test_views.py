"""The derived relations on worlds small enough to add up by hand; the numbers of ``family`` are in its docstring."""

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.model import ConversationName, Row
from explorer.store.database import Database
from explorer.store.queries import build_tree, children, counts, talk
from explorer.store.summary import summary
from tests.store.world import (
    agent,
    ask,
    beside,
    by_run,
    conversation,
    family,
    finding,
    footprint,
    lines,
    make_database,
    pair,
    reuse,
    run,
    source,
    step,
    tool_call,
    within,
)


@pytest.fixture(scope="module")
def database() -> Database:
    return make_database(family())


class TestRunTotals:
    def test_a_run_has_its_own_numbers_and_those_with_everything_below(self, database: Database) -> None:
        assert by_run(database, "steps", "total_steps", "input_tokens", "total_input_tokens", "total_runs") == {
            "main/1": (3, 7, 600, 757, 4),
            "x/1": (2, 3, 110, 117, 2),
            "y/1": (1, 1, 40, 40, 1),
            "z/1": (1, 1, 7, 7, 1),
        }

    def test_what_no_step_recorded_is_null_and_not_zero(self, database: Database) -> None:
        assert by_run(
            database, "output_tokens", "cache_read_tokens", "total_cache_read_tokens", "reasoning_tokens"
        ) == {
            "main/1": (60, None, 8, None),
            "x/1": (11, 8, 8, None),
            "y/1": (4, None, None, None),
            "z/1": (None, None, None, None),
        }

    def test_a_run_that_is_a_copy_is_shown_and_counted_nowhere(self) -> None:
        rows: list[Row] = [conversation(), agent("a", name="a"), run("own", "a", start_ms=0, end_ms=5)]
        rows += [run("copy", "a", ordinal=2, status="unknown", is_replay=True), step("own", 1, input_tokens=7)]
        rows += [step("copy", 1, input_tokens=900, is_replay=True), tool_call("copy", 1), tool_call("copy", 2)]
        database = make_database(rows)
        assert by_run(database, "total_runs", "total_input_tokens", "total_tool_calls", "is_replay") == {
            "own": (1, 7, 0, False), "copy": (0, None, 0, True)
        }  # fmt: skip
        assert ask(database, "SELECT runs, total_runs, status, total_tool_calls FROM agent_totals") == [
            (1, 1, "completed", 0)
        ]
        assert ask(database, "SELECT runs, steps, replayed_steps FROM conversation_totals") == [(1, 1, 1)]
        assert ask(database, "SELECT runs FROM agent_version_totals") == [(1,)]
        tree = build_tree(database)
        with database.cursor() as cursor:
            assert [row.runs for row in summary(cursor)] == [1, 1]
            assert counts(cursor).runs == tree.runs == 1
            below = children(cursor, tree, "a")
            assert [(node.name, node.own.runs) for node in below] == [("copied history", 0)]
            found = talk(cursor, "a")
        assert found is not None
        assert (found.run_id, found.runs, found.chosen) == ("own", 1, True)

    def test_a_conversation_without_runs_is_in_the_summary_of_everything(self) -> None:
        rows: list[Row] = [conversation(title="a"), agent("a"), run("r", "a"), step("r", input_tokens=7)]
        rows += [conversation("cut", title="cut"), agent("b", conversation_id="cut")]
        database = make_database(rows)
        with database.cursor() as cursor:
            _, cut, total = summary(cursor)
            kept = summary(cursor, "steps > 0")
        assert (cut.conversation_id, cut.agents, cut.runs, cut.steps, cut.input_tokens) == ("cut", 1, 0, 0, None)
        assert (cut.tool_calls, cut.reuse, total.agents, total.input_tokens) == (None, None, 2, 7)
        assert [row.conversation_id for row in kept] == ["c", None]

    def test_where_it_belongs_is_told(self, database: Database) -> None:
        names = ("conversation_title", "agent_name", "agent_label", "depth", "is_sub_agent", "source_id")
        assert by_run(database, *names)["z/1"] == ("trace one", "Plan", "agent_003", 2, True, "a.json")
        assert by_run(database, *names)["main/1"] == ("trace one", "main", None, 0, False, "a.json")

    def test_reuse_is_the_share_of_blocks_that_were_there(self, database: Database) -> None:
        assert by_run(database, "blocks", "hit_blocks", "reuse", "total_blocks", "total_hit_blocks") == {
            "main/1": (12, 6, 0.5, 25, 14),
            "x/1": (9, 5, 5 / 9, 9, 5),
            "y/1": (4, 3, 0.75, 4, 3),
            "z/1": (None, None, None, None, None),
        }

    def test_distinct_blocks_come_from_the_footprint(self, database: Database) -> None:
        names = ("unique_blocks", "unique_tokens", "shared_parent_blocks", "shared_sibling_blocks")
        assert by_run(database, *names)["x/1"] == (5, 320, 1, 3)
        assert by_run(database, *names)["z/1"] == (None, None, None, None)

    def test_findings_are_counted_where_they_are(self, database: Database) -> None:
        assert by_run(database, "findings", "total_findings") == {
            "main/1": (0, 1),
            "x/1": (1, 1),
            "y/1": (0, 0),
            "z/1": (0, 0),
        }

    def test_a_conversation_has_the_latest_of_the_names_it_was_given(self) -> None:
        rows: list[Row] = [
            conversation(title="first prompt"),
            agent("a"),
            run("r", "a"),
            conversation("d", title="own"),
        ]
        day = datetime.fromisoformat
        rows.append(ConversationName("c", "newest", "x", day("2026-09-22")))
        rows.append(ConversationName("c", "older", "y", day("2026-09-21")))
        rows.append(ConversationName("c", "undated", "z", None))
        rows.append(ConversationName("not opened", "nobody's", "x", None))
        database = make_database(rows)
        assert ask(database, "SELECT conversation_id, title FROM conversation_totals ORDER BY 1") == [
            ("c", "newest"), ("d", "own")
        ]  # fmt: skip
        assert by_run(database, "conversation_title") == {"r": "newest"}

    def test_every_finding_is_counted_at_the_nearest_node_there_is_and_once_in_each_total(self) -> None:
        rows: list[Row] = [source(), conversation(), agent("a"), agent("b", "a"), agent("d", "a")]
        rows += [run("a1", "a"), run("a2", "a", ordinal=2), run("b1", "b", "a1"), run("d1", "d", "a1")]
        rows += [run("d2", "d", ordinal=2, is_replay=True)]
        rows += [finding("f1", agent_id="a"), finding("f2", agent_id="a", run_id="a2"), finding("f3", agent_id="b")]
        rows += [finding("f4", run_id="b1"), finding("f5", conversation_id="c"), finding("f6", source_id="b.json")]
        rows += [finding("f7", agent_id="d"), finding("f8", agent_id="d", run_id="d2")]
        database = make_database(rows)
        assert by_run(database, "findings", "total_findings") == {
            "a1": (0, 4), "a2": (1, 1), "b1": (2, 2), "d1": (1, 2), "d2": (1, 1)
        }  # fmt: skip
        assert ask(database, "SELECT agent_id, findings, total_findings FROM agent_totals ORDER BY 1") == [
            ("a", 2, 6), ("b", 2, 2), ("d", 2, 2)
        ]  # fmt: skip
        assert ask(database, "SELECT findings FROM conversation_totals") == [(7,)]
        with database.cursor() as cursor:
            assert [row.findings for row in summary(cursor)] == [7, 7]
            assert counts(cursor).findings == 8
            # Those of the kept run, of its agent (not of a and d), and of the conversation.
            assert [row.findings for row in summary(cursor, "run_id = 'b1'")] == [3, 3]

    def test_agents_count_without_runs_unless_a_filter_keeps_runs(self) -> None:
        rows: list[Row] = [conversation(), agent("a"), agent("b", "a"), run("r", "a"), finding("f", agent_id="b")]
        with make_database(rows).cursor() as cursor:
            everything, kept = summary(cursor)[-1], summary(cursor, "true")[-1]
        assert (everything.agents, everything.sub_agents, everything.findings) == (2, 1, 1)
        assert (kept.agents, kept.sub_agents, kept.findings) == (1, 0, 0)

    def test_replayed_steps_are_counted_apart_and_nothing_of_them_elsewhere(self) -> None:
        rows = [conversation(), agent("a"), run("r", "a")]
        rows += [step("r", 1, is_replay=True, input_tokens=1000, output_tokens=9, error="x", start_ms=-5)]
        rows += [step("r", 2, input_tokens=3, start_ms=10, end_ms=30)]
        rows += [tool_call("r", 1, step_ordinal=1, is_error=True), tool_call("r", 2, step_ordinal=2, is_error=False)]
        rows += [reuse("r", 1, 50, fresh=50), reuse("r", 2, 4, own=3, fresh=1)]
        names = ("steps", "replayed_steps", "input_tokens", "output_tokens", "peak_context_tokens", "step_errors")
        database = make_database(rows)
        assert by_run(database, *names) == {"r": (1, 1, 3, None, 3, 0)}
        assert by_run(database, "tool_calls", "tool_errors", "blocks", "duration_ms") == {"r": (1, 0, 4, 20)}
        assert ask(database, "SELECT first_ordinal, first_blocks FROM run_reuse") == [(2, 4)]


def lasting(**times: int) -> list[Row]:
    """A run with these times, and steps from 10 to 20 and at 100."""
    rows: list[Row] = [conversation(), agent("a"), run("r", "a", **times)]
    return [*rows, step("r", 1, start_ms=10, end_ms=20), step("r", 2, start_ms=100)]


MOST = 2**63 - 1
RUNS: dict[str, tuple[list[Row], tuple[str, ...], dict[str, Any]]] = {
    "the peak is the largest step and coverage the share of steps with usage": (
        [
            conversation(), agent("a"), run("r", "a"), agent("b"), run("s", "b"),
            step("r", 1, input_tokens=70, output_tokens=5), step("r", 2, input_tokens=60, output_tokens=20),
            step("r", 3, output_tokens=1), step("r", 4), step("s", 1),
        ],
        ("peak_context_tokens", "coverage"), {"r": (80, 0.75), "s": (None, 0.0)},
    ),
    "a run without steps has none and no coverage": (
        [conversation(), agent("a"), run("r", "a")],
        ("steps", "input_tokens", "coverage", "reuse", "tool_calls"), {"r": (0, None, None, None, 0)},
    ),
    "tool calls are not recorded where the format has none": (
        [conversation(tool_calls_recorded=False), agent("a"), run("r", "a"), step("r")],
        ("tool_calls", "total_tool_errors"), {"r": (None, None)},
    ),
    "tool errors are not recorded where no outcome is": (
        [
            conversation(), agent("a"), run("r", "a"), run("s", "a"), step("r"), step("s"),
            tool_call("r", 1), tool_call("s", 1, is_error=False), tool_call("s", 2),
        ],
        ("tool_calls", "tool_errors"), {"r": (1, None), "s": (2, 0)},
    ),
    "the duration is that of the run": (lasting(start_ms=5, end_ms=25), ("duration_ms",), {"r": 20}),
    "its end falls back on the steps": (lasting(start_ms=5), ("duration_ms",), {"r": 95}),
    "so does its start": (lasting(), ("duration_ms",), {"r": 90}),
    "sums beyond 64 bits are the largest number there is": (
        [
            conversation(), agent("a"), run("r", "a"),
            *(step("r", i, input_tokens=MOST, output_tokens=MOST) for i in (1, 2)),
        ],
        ("input_tokens", "peak_context_tokens"), {"r": (MOST, MOST)},
    ),
    "agents that are only named have runs": (
        [run("r", "ghost", conversation_id="nowhere"), step("r", input_tokens=5)],
        ("input_tokens", "conversation_title", "agent_name"), {"r": (5, None, None)},
    ),
    "in a circle nothing is counted twice": (
        [
            conversation(), agent("a", "b"), agent("b", "a"), agent("c", "b"), agent("d", "d"),
            *(row for name in "abcd" for row in (run(name, name), step(name, input_tokens=1))),
        ],
        ("total_steps", "depth"), {"a": (1, 0), "b": (2, 0), "c": (1, 1), "d": (1, 0)},
    ),
    "a parent that is missing or elsewhere is none": (
        [
            conversation("c"), conversation("d"), agent("a", "gone"), agent("b", "e"), agent("e", conversation_id="d"),
            run("a", "a", "gone/1"), run("b", "b", "e"), run("e", "e", conversation_id="d"),
        ],
        ("depth", "is_sub_agent"), {"a": (0, True), "b": (0, True), "e": (0, False)},
    ),
}  # fmt: skip
"""Columns of ``run_totals``, by run."""

LINES: dict[str, tuple[list[Row], list[str]]] = {
    "in a circle nothing is counted twice": (
        RUNS["in a circle nothing is counted twice"][0],
        ["c", "  a", "  b", "    agent:c", "  d"],
    ),
    "runs in a circle are shown once": (
        [
            conversation(), agent("a"), agent("b"), agent("c"), run("a", "a", "b"), run("b", "b", "a"),
            run("c", "c", "c"), *(step(name) for name in "abc"),
        ],
        ["c", "  a", "  b", "  agent:c"],
    ),
    "a parent that is missing or elsewhere is none": (
        RUNS["a parent that is missing or elsewhere is none"][0], ["c", "  a", "  b", "d", "  e"],
    ),
    "the parent run tells where an agent without a parent belongs": (
        [conversation(), agent("a"), agent("b"), run("a/1", "a"), run("b/1", "b", "a/1")], ["c", "  a", "    b"],
    ),
    "agents that are only named have runs": (RUNS["agents that are only named have runs"][0], ["nowhere", "  ghost"]),
    "agents without runs are shown": ([conversation(), agent("a"), agent("b", "a")], ["c", "  a", "    b"]),
}  # fmt: skip
"""The lines of the tree."""


@pytest.fixture(scope="module")
def small() -> Database:
    worlds = {case: rows for case, (rows, *_) in (RUNS | LINES).items()}
    return make_database(beside({**worlds, **REUSED, "several runs": several_runs(), "deep": deep()}))


@pytest.mark.parametrize("case", RUNS)
def test_the_totals_of_a_run(case: str, small: Database) -> None:
    _, names, expected = RUNS[case]
    assert by_run(small, *names, world=case) == expected


@pytest.mark.parametrize("case", LINES)
def test_the_lines_of_a_damaged_hierarchy(case: str, small: Database) -> None:
    assert lines(small, world=case) == LINES[case][1]


def test_every_run_of_a_damaged_hierarchy_is_in_the_tree_and_counted_once(small: Database) -> None:
    circle, conversations = "in a circle nothing is counted twice", "FROM conversation_totals"
    sums = ask(small, f"SELECT conversation_id, steps, input_tokens {conversations}")
    assert within(circle, sums) == [("c", 4, 4)]
    assert len(within("runs in a circle are shown once", ask(small, "SELECT run_id FROM spawn_tree"))) == 3


class TestHigherTotals:
    def test_an_agent_has_the_sum_of_its_runs_and_of_the_agents_below(self, small: Database) -> None:
        totals = ask(small, "SELECT agent_id, runs, steps, total_runs, total_steps FROM agent_totals")
        assert within("several runs", totals) == [
            ("p", 2, 3, 4, 10),
            ("d", 1, 4, 1, 4),
            ("c", 1, 3, 1, 3),
        ]

    def test_a_conversation_has_every_run_once(self, database: Database) -> None:
        assert ask(
            database,
            "SELECT agents, sub_agents, runs, steps, input_tokens, output_tokens, tool_calls, tool_errors, findings "
            "FROM conversation_totals",
        ) == [(4, 3, 4, 7, 757, 75, 3, 1, 2)]

    def test_conversations_are_in_the_order_of_group_start_title_and_id(self) -> None:
        rows = [
            conversation("1", group_name="b", title="x"),
            conversation("2", group_name="a", title="y"),
            conversation("3", group_name="a", title="x"),
            conversation("4", group_name="a", title="x"),
        ]
        database = make_database(rows)
        assert [row[0] for row in ask(database, "SELECT conversation_id FROM conversation_totals")] == [
            "3",
            "4",
            "2",
            "1",
        ]
        assert lines(database) == ["3", "4", "2", "1"]


def several_runs() -> list[Row]:
    """p has two runs; c was spawned by the second (3 steps), d by nobody knows which (4 steps)."""
    return [
        source(),
        conversation(),
        agent("p"),
        agent("c", "p"),
        agent("d", "p"),
        run("p/1", "p", start_ms=0),
        run("p/2", "p", ordinal=2, start_ms=100),
        run("c/1", "c", "p/2", start_ms=150),
        run("d/1", "d", start_ms=50),
        step("p/1"),
        *(step("p/2", i) for i in (1, 2)),
        *(step("c/1", i) for i in (1, 2, 3)),
        *(step("d/1", i) for i in (1, 2, 3, 4)),
    ]


class TestSpawnTree:
    def test_runs_are_in_depth_first_order_with_their_depth_and_path(self, database: Database) -> None:
        assert ask(database, "SELECT position, run_id, depth, path FROM spawn_tree") == [
            (1, "main/1", 0, ["main"]),
            (2, "x/1", 1, ["main", "agent_001"]),
            (3, "z/1", 2, ["main", "agent_001", "agent_003"]),
            (4, "y/1", 1, ["main", "agent_002"]),
        ]

    def test_runs_of_one_agent_have_lines_of_their_own_which_others_hang_below(self, small: Database) -> None:
        found = ask(small, "SELECT run_id, depth, array_to_string(path, ' › ') FROM spawn_tree")
        assert within("several runs", found) == [
            ("p/1", 0, "p › run 1"),
            ("d/1", 1, "p › d"),
            ("p/2", 0, "p › run 2"),
            ("c/1", 1, "p › run 2 › c"),
        ]

    def test_the_path_of_a_very_deep_run_is_its_nearest_part(self, small: Database) -> None:
        (last,) = ask(small, "SELECT depth, path[1], path[-1], len(path) FROM spawn_tree WHERE run_id = 'deep/199'")
        assert last == (199, "deep/136", "deep/199", 64)


def deep() -> list[Row]:
    rows = [conversation(), agent("0"), run("0", "0")]
    return [
        *rows,
        *(row for i in range(1, 200) for row in (agent(f"{i}", f"{i - 1}"), run(f"{i}", f"{i}", f"{i - 1}"))),
    ]


class TestReuse:
    def test_a_run_has_its_sums_and_its_first_step(self, database: Database) -> None:
        assert ask(
            database,
            "SELECT run_id, steps_with_blocks, blocks, hit_own, hit_ancestor, hit_sibling, hit_other, fresh_blocks, "
            "behind_blocks, first_ordinal, first_blocks, first_ancestor, first_sibling, first_new "
            "FROM run_reuse ORDER BY run_id",
        ) == [
            ("main/1", 3, 12, 6, 0, 0, 0, 6, 0, 1, 2, 0, 0, 2),
            ("x/1", 2, 9, 4, 1, 0, 0, 4, 0, 1, 4, 1, 0, 3),
            ("y/1", 1, 4, 0, 1, 2, 0, 1, 0, 1, 4, 1, 2, 1),
        ]

    def test_the_mean_over_steps_counts_every_step_the_same(self, database: Database) -> None:
        shares = dict(ask(database, "SELECT run_id, mean_step_share FROM run_reuse"))
        assert shares["x/1"] == pytest.approx((1 / 4 + 4 / 5) / 2)

    def test_a_step_without_blocks_is_in_no_mean(self, small: Database) -> None:
        means = ask(small, "SELECT run_id, steps_with_blocks, mean_step_share FROM run_reuse")
        assert within("no blocks at first", means) == [("r", 1, 0.5)]

    def test_siblings_are_compared_both_ways(self, database: Database) -> None:
        assert ask(
            database,
            "SELECT run_id, sibling_run_id, shared_blocks, containment, jaccard, first_step_prefix, first_step_blocks "
            "FROM sibling_sharing ORDER BY run_id",
        ) == [("x/1", "y/1", 3, 0.6, 0.5, 3, 4), ("y/1", "x/1", 3, 0.75, 0.5, 3, 4)]

    def test_siblings_without_a_stored_pair_share_nothing_and_roots_are_no_siblings(self, small: Database) -> None:
        found = ask(small, "SELECT run_id, sibling_run_id, shared_blocks, jaccard FROM sibling_sharing ORDER BY 1")
        assert within("no pairs", found) == [("c", "d", 0, 0.0), ("d", "c", 0, 0.0)]

    def test_pairs_are_found_whichever_way_round_the_ids_sort(self, small: Database) -> None:
        found = ask(small, "SELECT run_id, containment FROM sibling_sharing ORDER BY 1")
        assert within("accents", found) == [("z", 1.0), ("é", 0.5)]


REUSED: dict[str, list[Row]] = {
    "no blocks at first": [conversation(), agent("a"), run("r", "a"), reuse("r", 1, 0), reuse("r", 2, 4, own=2)],
    "no pairs": [
        conversation(), *(agent(name) for name in "abcd"), run("a", "a"), run("b", "b"), run("c", "c", "a"),
        run("d", "d", "a"), *(footprint(name, 10) for name in "abcd"),
    ],
    "accents": [
        conversation(), agent("m"), agent("é"), agent("z"), run("m", "m"), run("é", "é", "m"), run("z", "z", "m"),
        footprint("é", 4), footprint("z", 2), pair(*sorted(("é", "z")), 2),
    ],
}  # fmt: skip


hierarchies = st.integers(1, 7).flatmap(
    lambda size: st.lists(
        st.tuples(
            st.integers(-2, size - 1),  # parent agent: -1 none, -2 missing
            st.integers(0, 2),  # runs
            st.integers(-2, size - 1),  # agent whose first run spawned the runs
            st.integers(0, 3),  # steps of each run
        ),
        min_size=size,
        max_size=size,
    )
)


@given(st.lists(hierarchies, min_size=4, max_size=8))
@settings(max_examples=settings.default.max_examples // 20)
def test_every_run_is_in_the_tree_once_and_totals_add_up_whatever_the_hierarchy(
    drawn: list[list[tuple[int, int, int, int]]],
) -> None:
    rows = beside({f"{number}": rows_of(agents) for number, agents in enumerate(drawn)})
    database = make_database(rows)

    runs_written = sorted(row.run_id for row in rows if hasattr(row, "native_run_id"))
    assert sorted(row[0] for row in ask(database, "SELECT run_id FROM spawn_tree")) == runs_written
    assert sorted(by_run(database, "steps")) == runs_written
    written = [(f"{number}/c", sum(runs * steps for _, runs, _, steps in its)) for number, its in enumerate(drawn)]
    assert sorted(ask(database, "SELECT conversation_id, steps FROM conversation_totals")) == written
    every_step = sum(steps for _, steps in written)
    assert ask(database, "SELECT coalesce(sum(steps), 0) FROM run_totals") == [(every_step,)]
    with database.cursor() as cursor:
        nodes = cursor.execute(
            "SELECT position, depth, run_id, total_steps, own_steps, total_runs FROM internal.nodes ORDER BY position"
        ).fetchall()
    assert sum(node[3] for node in nodes if node[1] == 0) == every_step
    # Brute force: the sum over the indented lines below each.
    for position, depth, *_ in nodes:
        below = [nodes[position]]
        for other in nodes[position + 1 :]:
            if other[1] <= depth:
                break
            below.append(other)
        assert nodes[position][3] == sum(other[4] for other in below if other[2] is not None)
        assert nodes[position][5] == sum(other[2] is not None for other in below)


def rows_of(agents: list[tuple[int, int, int, int]]) -> list[Row]:
    names = {-1: None, -2: "gone"} | {index: f"a{index}" for index in range(len(agents))}
    rows: list[Row] = [source(), conversation()]
    for index, (parent, runs, spawner, steps) in enumerate(agents):
        rows.append(agent(f"a{index}", names[parent]))
        spawned_by = None if names[spawner] is None else f"{names[spawner]}/1"
        for ordinal in range(1, runs + 1):
            rows.append(run(f"a{index}/{ordinal}", f"a{index}", spawned_by, ordinal=ordinal, start_ms=index * 7 % 5))
            rows += [step(f"a{index}/{ordinal}", i, input_tokens=1) for i in range(1, steps + 1)]
    return rows
