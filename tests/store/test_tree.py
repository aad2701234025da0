from datetime import UTC, datetime

import pytest

from explorer.model import Row
from explorer.store.database import Cursor, Database
from explorer.store.queries import (
    FilterError,
    Node,
    SortKey,
    TreeView,
    build_tree,
    children,
    drop_tree,
    filter_columns,
    locate,
    near,
    next_finding,
    node,
    path_to,
    places,
    search,
    sibling,
    step_range,
)
from tests.store.test_views import several_runs
from tests.store.world import agent, ask, conversation, family, finding, lines, make_database, run, step


@pytest.fixture(scope="module")
def database() -> Database:
    return make_database(family())


@pytest.fixture(scope="module")
def tree(database: Database) -> TreeView:
    return build_tree(database)


@pytest.fixture
def cursor(database: Database):  # type: ignore[no-untyped-def]
    with database.cursor() as cursor:
        yield cursor


def ids(nodes: list[Node]) -> list[str]:
    return [each.node_id for each in nodes]


class TestLines:
    def test_conversations_agents_and_their_runs_make_the_tree(self, database: Database) -> None:
        assert lines(database) == ["c", "  main", "    x", "      z", "    y"]

    def test_an_agent_of_one_run_is_one_line(self, cursor: Cursor, tree: TreeView) -> None:
        line = node(cursor, tree, "x")
        assert line is not None
        assert (line.kind, line.agent_id, line.run_id, line.parent_id) == ("agent", "x", "x/1", "main")
        assert (line.name, line.label, line.status, line.model) == ("Explore", "agent_001", "completed", "small")
        assert (line.position, line.depth, line.children, line.kept) == (2, 2, 1, True)
        assert (line.start_ms, line.duration_ms) == (1000, 2000)
        assert (line.own.steps, line.own.input_tokens, line.own.runs) == (2, 110, 1)
        assert (line.total.steps, line.total.input_tokens, line.total.runs) == (3, 117, 2)
        assert (line.findings, line.worst) == (1, "info")

    def test_a_conversation_has_the_numbers_of_its_roots_as_its_own(self, cursor: Cursor, tree: TreeView) -> None:
        line = node(cursor, tree, "c")
        assert line is not None
        assert (line.kind, line.name, line.run_id, line.parent_id) == ("conversation", "trace one", None, None)
        assert (line.own.steps, line.total.steps, line.total.cache_read_tokens) == (3, 7, 8)
        assert (line.findings, line.worst) == (1, "error")

    def test_runs_of_one_agent_are_lines_and_agents_hang_below_the_run_that_spawned_them(self) -> None:
        assert lines(make_database(several_runs())) == [
            "c",
            "  p",
            "    p/1",
            "    d",
            "    p/2",
            "      agent:c",
        ]

    def test_a_line_of_several_runs_runs_while_one_does_and_ends_like_the_last(self) -> None:
        rows: list[Row] = [conversation(), agent("a"), agent("b")]
        for name, statuses in (("a", ("failed", "completed")), ("b", ("running", "failed"))):
            rows += [run(f"{name}{i}", name, ordinal=i, status=status, end_ms=9) for i, status in enumerate(statuses)]
        database = make_database(rows)
        assert ask(database, "SELECT agent_id, status FROM agent_totals") == [("a", "completed"), ("b", "running")]
        assert ask(database, "SELECT status FROM conversation_totals") == [("running",)]

    def test_names_fall_back_on_labels_and_ids(self) -> None:
        rows = [conversation("k"), agent("a", conversation_id="k", label="one"), agent("b", conversation_id="k")]
        database = make_database(rows)
        tree = build_tree(database)
        with database.cursor() as cursor:
            assert [(n.name, n.label) for n in children(cursor, tree, "k")] == [("one", None), ("b", None)]
            assert [n.name for n in children(cursor, tree, None)] == ["k"]


class TestChildren:
    def test_a_page_is_a_part_of_the_children(self) -> None:
        rows = [conversation(f"{number:03}") for number in range(25)]
        database = make_database(rows)
        tree = build_tree(database)
        with database.cursor() as cursor:
            page = children(cursor, tree, None, offset=10, limit=5)
            assert ids(page) == ["010", "011", "012", "013", "014"]
            assert children(cursor, tree, None, offset=30) == []

    def test_of_what_is_not_there_there_are_none(self, cursor: Cursor, tree: TreeView) -> None:
        assert children(cursor, tree, "nobody") == []
        assert children(cursor, tree, "y") == []

    @pytest.mark.parametrize(
        ("sort", "own", "ascending"),
        [
            ("order", False, ["b", "a", "n"]),
            ("start", False, ["b", "a", "n"]),
            ("name", False, ["a", "b", "n"]),
            ("steps", True, ["n", "a", "b"]),
            ("steps", False, ["n", "b", "a"]),
            ("input", True, ["b", "a", "n"]),
            ("output", True, ["b", "a", "n"]),
            ("time", True, ["a", "b", "n"]),
            ("findings", True, ["a", "n", "b"]),
        ],
    )
    def test_children_are_sorted_with_what_is_not_recorded_last(
        self, sort: SortKey, own: bool, ascending: list[str]
    ) -> None:
        rows: list[Row] = [conversation(), agent("m"), agent("a", "m", name="A"), agent("b", "m", name="b")]
        rows += [agent("n", "m", name="N"), agent("below", "a"), run("m/1", "m"), run("below/1", "below", "a/1")]
        rows += [run("b/1", "b", "m/1", start_ms=0, end_ms=90), run("a/1", "a", "m/1", start_ms=5, end_ms=50)]
        rows += [run("n/1", "n", "m/1"), step("below/1", 1), step("below/1", 2), step("below/1", 3)]
        rows += [step("a/1", 1, input_tokens=20, output_tokens=2)]
        rows += [step("b/1", i, input_tokens=5, output_tokens=0) for i in (1, 2)]
        rows += [finding("f", agent_id="b")]
        database = make_database(rows)
        tree = build_tree(database)
        with database.cursor() as cursor:
            assert ids(children(cursor, tree, "m", sort, False, own)) == ascending
            paths = [path_to(cursor, tree, name) for name in ascending]
            assert [places(cursor, tree, path, sort, False, own)[-1] for path in paths] == [0, 1, 2]
            recorded = [name for name in ascending if sort in ("order", "name", "steps", "findings") or name != "n"]
            missing = [name for name in ascending if name not in recorded]
            found = ids(children(cursor, tree, "m", sort, True, own))
            ties = {"findings": ["b", "a", "n"]}
            assert found == ties.get(sort, [*reversed(recorded), *missing])

    def test_conversations_are_sorted_by_the_clock_alone(self) -> None:
        early, late = datetime(2026, 7, 1, 9, tzinfo=UTC), datetime(2026, 7, 2, 8, tzinfo=UTC)
        rows: list[Row] = [agent(f"{name}/m", conversation_id=name) for name in "abc"]
        rows += [conversation("a", started_at=early), conversation("b"), conversation("c")]
        rows += [run("a/1", "a/m", conversation_id="a", start_ms=70), run("b/1", "b/m", conversation_id="b")]
        rows += [run("c/1", "c/m", conversation_id="c", started_at=late)]
        database = make_database(rows)
        tree = build_tree(database)
        with database.cursor() as cursor:
            found = children(cursor, tree, None, "start", True)
        assert [(node.node_id, node.started) for node in found] == [
            ("c", "2026-07-02 08:00"), ("a", "2026-07-01 09:00"), ("b", None),
        ]  # fmt: skip


class TestWalking:
    def test_the_path_leads_from_the_conversation_down(self, cursor: Cursor, tree: TreeView) -> None:
        assert ids(path_to(cursor, tree, "z")) == ["c", "main", "x", "z"]
        assert ids(path_to(cursor, tree, "c")) == ["c"]
        assert path_to(cursor, tree, "nobody") == []

    def test_siblings_follow_each_other_as_sorted(self, cursor: Cursor, tree: TreeView) -> None:
        def at(by: int, sort: SortKey = "order", descending: bool = False) -> str | None:
            found = sibling(cursor, tree, "x", sort, descending, False, by)
            return found.node_id if found else None

        assert (at(1), at(-1), at(2), at(0)) == ("y", None, None, "x")
        assert (at(1, "input", True), at(-1, "input", False)) == ("y", "y")
        assert sibling(cursor, tree, "nobody", "order", False, False, 1) is None

    def test_the_next_finding_or_failed_run_is_found_both_ways_and_round_the_end(
        self, cursor: Cursor, tree: TreeView
    ) -> None:
        # c has a finding, x has one, y has failed.
        def after(node_id: str | None, forward: bool = True) -> str:
            found = next_finding(cursor, tree, node_id, forward)
            assert found is not None
            return found.node_id

        assert [after(start) for start in (None, "c", "main", "x", "y")] == ["c", "x", "x", "y", "c"]
        assert [after(start, False) for start in (None, "c", "x", "z")] == ["y", "y", "c", "x"]

    def test_without_findings_there_is_no_next(self) -> None:
        database = make_database([conversation(), agent("a"), run("r", "a")])
        tree = build_tree(database)
        with database.cursor() as cursor:
            assert next_finding(cursor, tree, None) is None


class TestSearch:
    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("explore", ["x", "y"]),
            ("AGENT_00", ["x", "z", "y"]),
            ("trace one", ["c"]),
            ("y/1", ["y"]),
            ("big", ["c", "main"]),
            ("%", []),
            ("nowhere", []),
            ("", []),
        ],
    )
    def test_names_labels_ids_titles_and_models_are_searched(
        self, text: str, found: list[str], cursor: Cursor, tree: TreeView
    ) -> None:
        assert search(cursor, tree, text) == found

    def test_letters_beyond_ascii_match_in_any_case(self) -> None:
        database = make_database([conversation(title="Ärger ÉTÉ")])
        tree = build_tree(database)
        with database.cursor() as cursor:
            assert search(cursor, tree, "äRGER été") == ["c"]

    def test_at_most_as_many_as_asked_for_are_found(self, cursor: Cursor, tree: TreeView) -> None:
        assert search(cursor, tree, "agent_00", limit=2) == ["x", "z"]

    def test_what_the_filter_hides_is_not_found(self, database: Database, cursor: Cursor) -> None:
        assert search(cursor, build_tree(database, "steps = 2"), "explore") == ["x"]


class TestPlaces:
    @pytest.mark.parametrize(
        ("place", "found"),
        [
            ("c", ("c", None)),
            ("trace one", ("c", None)),
            ("trace one/main", ("main", None)),
            ("c/agent_001", ("x", None)),
            ("trace one/main/agent_001#2", ("x", 2)),
            ("trace one/agent_003/z/1#1", ("z", 1)),
            ("x/1", ("x", None)),
            ("x/1#7", ("x", 7)),
            ("/trace one/", ("c", None)),
            ("trace one/nobody", None),
            ("nowhere", None),
            ("", None),
            ("#3", None),
            ("c#x", None),
        ],
    )
    def test_a_place_is_found_by_ids_titles_and_labels(
        self, place: str, found: tuple[str, int | None] | None, cursor: Cursor, tree: TreeView
    ) -> None:
        assert locate(cursor, tree, place) == found

    def test_what_only_one_id_ends_in_is_enough_and_else_what_is_near_is_told(self) -> None:
        rows = [conversation(f"codex/{end}") for end in ("01a2-7", "01a3-7")]
        rows += [agent(f"codex/{end}/m", conversation_id=f"codex/{end}", label="m") for end in ("01a2-7", "01a3-7")]
        rows += [run("codex/01a2-7/m/1", "codex/01a2-7/m", conversation_id="codex/01a2-7")]
        database = make_database([*rows, step("codex/01a2-7/m/1", 1), step("codex/01a2-7/m/1", 2)])
        tree = build_tree(database)
        with database.cursor() as cursor:
            assert locate(cursor, tree, "01a2-7#2") == ("codex/01a2-7", 2)
            assert locate(cursor, tree, "m/1") == ("codex/01a2-7/m", None)
            assert locate(cursor, tree, "m") is None  # two end in it
            assert near(cursor, tree, "01a3") == ["codex/01a3-7", "codex/01a3-7/m"]
            assert near(cursor, tree, "elsewhere/01a2#4") == ["codex/01a2-7", "codex/01a2-7/m"]
            assert near(cursor, tree, "nowhere") == []
            assert step_range(cursor, "codex/01a2-7/m") == (1, 2)
            assert step_range(cursor, "codex/01a3-7/m") is step_range(cursor, "nobody") is None

    def test_ids_may_hold_slashes_and_hashes(self) -> None:
        rows = [
            conversation("dir/a.json:2", title="t#1"),
            agent("dir/a.json:2/m", conversation_id="dir/a.json:2", label="m"),
        ]
        rows += [run("dir/a.json:2/m/1", "dir/a.json:2/m", conversation_id="dir/a.json:2")]
        database = make_database(rows)
        tree = build_tree(database)
        with database.cursor() as cursor:
            assert locate(cursor, tree, "dir/a.json:2/m") == ("dir/a.json:2/m", None)
            assert locate(cursor, tree, "dir/a.json:2/m/1#4") == ("dir/a.json:2/m", 4)
            assert locate(cursor, tree, "t#1/m#4") == ("dir/a.json:2/m", 4)
            assert locate(cursor, tree, "t#1") == ("dir/a.json:2", None)

    def test_a_run_of_several_is_found_by_its_name_or_native_id(self) -> None:
        rows = [conversation("k", title="t"), agent("a", conversation_id="k", label="one")]
        rows += [run(f"a/{i}", "a", ordinal=i, conversation_id="k", native_run_id=f"native{i}") for i in (1, 2)]
        database = make_database(rows)
        tree = build_tree(database)
        with database.cursor() as cursor:
            assert locate(cursor, tree, "t/one/run 2#3") == ("a/2", 3)
            assert locate(cursor, tree, "t/one/native1") == ("a/1", None)


class TestFilter:
    def test_kept_runs_are_shown_with_what_leads_to_them(self, database: Database) -> None:
        assert lines(database, "depth = 2") == ["c", "  (main)", "    (x)", "      z"]
        assert lines(database, "steps >= 2") == ["c", "  main", "    x"]
        assert lines(database, "agent_name = 'nobody'") == []

    def test_the_tree_says_how_many_runs_it_keeps(self, database: Database) -> None:
        tree = build_tree(database, "steps >= 2")
        assert (tree.where, tree.runs_kept, tree.runs) == ("steps >= 2", 2, 4)
        assert build_tree(database)[2:4] == (4, 4)

    def test_a_blank_filter_is_none(self, database: Database) -> None:
        assert build_tree(database, "  ").where is None

    def test_children_are_counted_as_shown_and_totals_stay(self, database: Database, cursor: Cursor) -> None:
        line = node(cursor, build_tree(database, "depth = 2"), "main")
        assert line is not None
        assert (line.children, line.kept, line.total.steps) == (1, False, 7)

    def test_an_agent_of_several_runs_is_kept_for_its_own_runs_only(self) -> None:
        database = make_database(several_runs())
        assert lines(database, "run_id = 'p/2'") == ["c", "  p", "    p/2"]
        assert lines(database, "run_id = 'c/1'") == ["c", "  (p)", "    (p/2)", "      agent:c"]

    def test_null_does_not_keep(self, database: Database) -> None:
        assert build_tree(database, "output_tokens > 0").runs_kept == 3

    @pytest.mark.parametrize(
        "where",
        [
            "model LIKE 'small'",
            "steps > 5 OR status = 'failed'",
            "total_steps BETWEEN 2 AND 5 -- a comment\n AND true",
            "reuse > 0.5 /* more */",
            "run_id IN (SELECT run_id FROM steps WHERE input_tokens = 7)",
            "EXISTS (FROM tool_calls AS t WHERE t.run_id = run_totals.run_id AND t.is_error)",
            "findings > 0",
            "conversation_title ILIKE '%ONE%' AND \"model\" IS NOT NULL",
        ],
    )
    def test_any_condition_over_the_columns_is_a_filter(self, where: str, database: Database) -> None:
        assert build_tree(database, where).runs_kept in (1, 2, 3)

    @pytest.mark.parametrize(
        ("where", "message", "position"),
        [
            ("1=1) OR (1=1", "cannot be understood", 3),
            ("steps > ", "cannot be understood", 6),
            ("steps > 1 /*", "unterminated", 10),
            ("model = 'x", "unterminated", 8),
            ("nothing > 1", "there is no column nothing", 0),
            ("steps > 1 AND noting > 1", "there is no column noting", 14),
            ("model = 'ä' AND nothing", "there is no column nothing", 16),
            ("steps", "this is BIGINT, not a condition: .* steps > 5", 0),
            ("NULL", "not a condition", 0),
            ("sum(steps) > 1", "aggregates", 0),
            ("max(steps) OVER () > 3", "window", 0),
            ("run_id IN (FROM read_text('/etc/passwd'))", "read_text is not available", 16),
            ("EXISTS (FROM '/etc/passwd')", "does not exist", 13),
            ("steps > 1; DROP VIEW run_totals", "give one condition", None),
            ("steps > 1; SELECT 1", "give one condition", None),
            (";", "cannot be understood|give one condition", None),
            ("steps > 1, true", "give one condition", None),
            ("true AS x", "give one condition", None),
            ("*", "give one condition", None),
            ("true FROM runs", "give one condition", None),
            ("true ORDER BY 1", "give one condition", None),
            ("true UNION SELECT true", "give one condition", None),
            ("steps > $1", "Values were not provided", None),
            ("EXISTS (WITH x AS (DELETE FROM internal.runs RETURNING *) FROM x)", "only read", None),
            ("title > 1 AND", "cannot be understood", 10),
            ("CAST(model AS INTEGER) > 1", "Could not convert", None),
        ],
    )
    def test_a_mistake_is_explained_and_pointed_at(
        self, where: str, message: str, position: int | None, database: Database
    ) -> None:
        with pytest.raises(FilterError, match=message) as raised:
            build_tree(database, where)
        assert position is None or raised.value.position == position

    def test_a_refused_filter_leaves_nothing_behind(self, database: Database) -> None:
        def tables() -> list[tuple[object, ...]]:
            return ask(database, "SELECT table_name FROM duckdb_tables() ORDER BY 1")

        before = tables()
        for where in ("nothing > 1", "CAST(model AS INTEGER) > 1"):
            with pytest.raises(FilterError):
                build_tree(database, where)
        assert tables() == before

    def test_columns_for_completion_are_those_that_a_filter_can_use(self, database: Database, cursor: Cursor) -> None:
        offered = dict(filter_columns(cursor))
        assert offered["total_input_tokens"] == "BIGINT"
        build_tree(database, " OR ".join(f'"{name}" IS NULL' for name in offered))


class TestOldTrees:
    def test_a_build_that_is_stopped_leaves_nothing(self, database: Database, cursor: Cursor) -> None:
        def trees() -> list[tuple[str]]:
            return ask(database, "SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'tree%' ORDER BY ALL")

        class Stopped:
            made = False

            def execute(self, query: str, *parameters: object) -> Cursor:
                assert not self.made
                self.made = query.startswith("CREATE TABLE")
                return cursor.execute(query, *parameters)

        before = trees()
        with pytest.raises(AssertionError):
            build_tree(database, "steps > 1", Stopped())  # type: ignore[arg-type]
        assert trees() == before

    def test_a_dropped_tree_may_be_dropped_again(self, database: Database) -> None:
        old = build_tree(database)
        drop_tree(database, old)
        drop_tree(database, old)


def test_conversations_of_one_title_say_where_they_are_from() -> None:
    database = make_database(
        [conversation("a/x", title="x"), conversation("b/x", title="x"), conversation("y", title="y")]
    )
    with database.cursor() as cursor:
        shown = [(node.name, node.label) for node in children(cursor, build_tree(database), None)]
    assert shown == [("x", "a/x"), ("x", "b/x"), ("y", None)]
