"""The derived relations on worlds small enough to add up by hand; the numbers of ``family`` are in its docstring."""

from datetime import datetime

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

    def test_the_peak_is_the_largest_step_and_coverage_the_share_of_steps_with_usage(self) -> None:
        rows: list[Row] = [conversation(), agent("a"), run("r", "a"), agent("b"), run("s", "b")]
        rows += [step("r", 1, input_tokens=70, output_tokens=5), step("r", 2, input_tokens=60, output_tokens=20)]
        rows += [step("r", 3, output_tokens=1), step("r", 4), step("s", 1)]
        assert by_run(make_database(rows), "peak_context_tokens", "coverage") == {"r": (80, 0.75), "s": (None, 0.0)}

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

    def test_a_run_without_steps_has_none_and_no_coverage(self) -> None:
        database = make_database([conversation(), agent("a"), run("r", "a")])
        assert by_run(database, "steps", "input_tokens", "coverage", "reuse", "tool_calls") == {
            "r": (0, None, None, None, 0)
        }

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

    def test_tool_calls_are_not_recorded_where_the_format_has_none(self) -> None:
        rows = [conversation(tool_calls_recorded=False), agent("a"), run("r", "a"), step("r")]
        assert by_run(make_database(rows), "tool_calls", "total_tool_errors") == {"r": (None, None)}

    def test_tool_errors_are_not_recorded_where_no_outcome_is(self) -> None:
        rows = [conversation(), agent("a"), run("r", "a"), run("s", "a"), step("r"), step("s")]
        rows += [tool_call("r", 1), tool_call("s", 1, is_error=False), tool_call("s", 2)]
        assert by_run(make_database(rows), "tool_calls", "tool_errors") == {"r": (1, None), "s": (2, 0)}

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

    @pytest.mark.parametrize(
        ("times", "duration"),
        [
            ({"start_ms": 5, "end_ms": 25}, 20),
            ({"start_ms": 5}, 95),
            ({}, 90),
        ],
    )
    def test_the_duration_falls_back_on_the_steps(self, times: dict[str, int], duration: int) -> None:
        rows = [conversation(), agent("a"), run("r", "a", **times)]
        rows += [step("r", 1, start_ms=10, end_ms=20), step("r", 2, start_ms=100)]
        assert by_run(make_database(rows), "duration_ms") == {"r": duration}

    def test_sums_beyond_64_bits_are_the_largest_number_there_is(self) -> None:
        most = 2**63 - 1
        rows = [conversation(), agent("a"), run("r", "a")]
        rows += [step("r", i, input_tokens=most, output_tokens=most) for i in (1, 2)]
        assert by_run(make_database(rows), "input_tokens", "peak_context_tokens") == {"r": (most, most)}


class TestHigherTotals:
    def test_an_agent_has_the_sum_of_its_runs_and_of_the_agents_below(self) -> None:
        database = make_database(several_runs())
        assert ask(database, "SELECT agent_id, runs, steps, total_runs, total_steps FROM agent_totals") == [
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

    def test_runs_of_one_agent_have_lines_of_their_own_which_others_hang_below(self) -> None:
        database = make_database(several_runs())
        assert ask(database, "SELECT run_id, depth, path FROM spawn_tree") == [
            ("p/1", 0, ["p", "run 1"]),
            ("d/1", 1, ["p", "d"]),
            ("p/2", 0, ["p", "run 2"]),
            ("c/1", 1, ["p", "run 2", "c"]),
        ]

    def test_the_path_of_a_very_deep_run_is_its_nearest_part(self) -> None:
        rows = [conversation(), agent("0"), run("0", "0")]
        rows += [row for i in range(1, 200) for row in (agent(f"{i}", f"{i - 1}"), run(f"{i}", f"{i}", f"{i - 1}"))]
        (last,) = ask(
            make_database(rows), "SELECT depth, path[1], path[-1], len(path) FROM spawn_tree WHERE run_id = '199'"
        )
        assert last == (199, "136", "199", 64)


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

    def test_a_step_without_blocks_is_in_no_mean(self) -> None:
        database = make_database([conversation(), agent("a"), run("r", "a"), reuse("r", 1, 0), reuse("r", 2, 4, own=2)])
        assert ask(database, "SELECT steps_with_blocks, mean_step_share FROM run_reuse") == [(1, 0.5)]

    def test_siblings_are_compared_both_ways(self, database: Database) -> None:
        assert ask(
            database,
            "SELECT run_id, sibling_run_id, shared_blocks, containment, jaccard, first_step_prefix, first_step_blocks "
            "FROM sibling_sharing ORDER BY run_id",
        ) == [("x/1", "y/1", 3, 0.6, 0.5, 3, 4), ("y/1", "x/1", 3, 0.75, 0.5, 3, 4)]

    def test_siblings_without_a_stored_pair_share_nothing_and_roots_are_no_siblings(self) -> None:
        rows = [conversation(), *(agent(name) for name in "abcd")]
        rows += [run("a", "a"), run("b", "b"), run("c", "c", "a"), run("d", "d", "a")]
        rows += [footprint(name, 10) for name in "abcd"]
        assert ask(
            make_database(rows), "SELECT run_id, sibling_run_id, shared_blocks, jaccard FROM sibling_sharing ORDER BY 1"
        ) == [("c", "d", 0, 0.0), ("d", "c", 0, 0.0)]

    def test_pairs_are_found_whichever_way_round_the_ids_sort(self) -> None:
        rows = [
            conversation(),
            agent("m"),
            agent("é"),
            agent("z"),
            run("m", "m"),
            run("é", "é", "m"),
            run("z", "z", "m"),
        ]
        rows += [footprint("é", 4), footprint("z", 2), pair(*sorted(("é", "z")), 2)]
        assert ask(make_database(rows), "SELECT run_id, containment FROM sibling_sharing ORDER BY 1") == [
            ("z", 1.0),
            ("é", 0.5),
        ]


class TestDamagedHierarchies:
    def test_agents_in_a_circle_become_roots_and_nothing_is_counted_twice(self) -> None:
        rows = [conversation(), agent("a", "b"), agent("b", "a"), agent("c", "b"), agent("d", "d")]
        rows += [row for name in "abcd" for row in (run(name, name), step(name, input_tokens=1))]
        database = make_database(rows)
        assert lines(database) == ["c", "  a", "  b", "    agent:c", "  d"]
        assert by_run(database, "total_steps", "depth") == {"a": (1, 0), "b": (2, 0), "c": (1, 1), "d": (1, 0)}
        assert ask(database, "SELECT steps, input_tokens FROM conversation_totals") == [(4, 4)]

    def test_runs_in_a_circle_are_shown_once(self) -> None:
        rows = [conversation(), agent("a"), agent("b"), agent("c")]
        rows += [run("a", "a", "b"), run("b", "b", "a"), run("c", "c", "c"), *(step(name) for name in "abc")]
        database = make_database(rows)
        assert lines(database) == ["c", "  a", "  b", "  agent:c"]
        assert ask(database, "SELECT count(*) FROM spawn_tree") == [(3,)]

    def test_an_agent_whose_parent_is_missing_or_elsewhere_hangs_below_its_conversation(self) -> None:
        rows = [
            conversation("c"),
            conversation("d"),
            agent("a", "gone"),
            agent("b", "e"),
            agent("e", conversation_id="d"),
        ]
        rows += [run("a", "a", "gone/1"), run("b", "b", "e"), run("e", "e", conversation_id="d")]
        database = make_database(rows)
        assert lines(database) == ["c", "  a", "  b", "d", "  e"]
        assert by_run(database, "depth", "is_sub_agent") == {"a": (0, True), "b": (0, True), "e": (0, False)}

    def test_the_parent_run_tells_where_an_agent_without_a_parent_belongs(self) -> None:
        rows = [conversation(), agent("a"), agent("b"), run("a/1", "a"), run("b/1", "b", "a/1")]
        assert lines(make_database(rows)) == ["c", "  a", "    b"]

    def test_agents_and_conversations_that_are_only_named_get_lines(self) -> None:
        rows = [run("r", "ghost", conversation_id="nowhere"), step("r", input_tokens=5)]
        database = make_database(rows)
        assert lines(database) == ["nowhere", "  ghost"]
        assert by_run(database, "input_tokens", "conversation_title", "agent_name") == {"r": (5, None, None)}

    def test_agents_without_runs_are_shown(self) -> None:
        assert lines(make_database([conversation(), agent("a"), agent("b", "a")])) == ["c", "  a", "    b"]


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


@given(hierarchies)
@settings(max_examples=settings.default.max_examples // 5)
def test_every_run_is_in_the_tree_once_and_totals_add_up_whatever_the_hierarchy(
    agents: list[tuple[int, int, int, int]],
) -> None:
    names = {-1: None, -2: "gone"} | {index: f"a{index}" for index in range(len(agents))}
    rows: list[Row] = [source(), conversation()]
    for index, (parent, runs, spawner, steps) in enumerate(agents):
        rows.append(agent(f"a{index}", names[parent]))
        spawned_by = None if names[spawner] is None else f"{names[spawner]}/1"
        for ordinal in range(1, runs + 1):
            rows.append(run(f"a{index}/{ordinal}", f"a{index}", spawned_by, ordinal=ordinal, start_ms=index * 7 % 5))
            rows += [step(f"a{index}/{ordinal}", i, input_tokens=1) for i in range(1, steps + 1)]
    database = make_database(rows)

    runs_written = sorted(row.run_id for row in rows if hasattr(row, "native_run_id"))
    assert sorted(row[0] for row in ask(database, "SELECT run_id FROM spawn_tree")) == runs_written
    assert sorted(by_run(database, "steps")) == runs_written
    written = sum(runs * steps for _, runs, _, steps in agents)
    assert ask(database, "SELECT sum(steps) FROM conversation_totals") == [(written,)]
    assert ask(database, "SELECT coalesce(sum(steps), 0) FROM run_totals") == [(written,)]
    with database.cursor() as cursor:
        nodes = cursor.execute(
            "SELECT position, depth, run_id, total_steps, own_steps, total_runs FROM internal.nodes ORDER BY position"
        ).fetchall()
    assert sum(node[3] for node in nodes if node[1] == 0) == written
    # Brute force: the sum over the indented lines below each.
    for position, depth, *_ in nodes:
        below = [nodes[position]]
        for other in nodes[position + 1 :]:
            if other[1] <= depth:
                break
            below.append(other)
        assert nodes[position][3] == sum(other[4] for other in below if other[2] is not None)
        assert nodes[position][5] == sum(other[2] is not None for other in below)
