"""What the tabs ask: overview, steps, reuse, siblings, findings, counts, records."""

import dataclasses
from pathlib import Path

import pytest

from explorer.model import Row, StepReuse
from explorer.store.database import Cursor, Database
from explorer.store.queries import (
    Counts,
    Fact,
    ReuseTotals,
    TreeView,
    build_tree,
    counts,
    findings,
    overview,
    record,
    reuse_totals,
    sibling_matrix,
    steps,
)
from explorer.store.summary import summary
from tests.store.test_views import several_runs
from tests.store.world import (
    agent,
    ask,
    audit,
    beside,
    blocks,
    conversation,
    edge,
    event,
    family,
    finding,
    footprint,
    make_database,
    pair,
    reuse,
    run,
    source,
    step,
    within,
)


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


@pytest.fixture(scope="module")
def small() -> Database:
    """Worlds of a few rows, each under its name; what is in it stands with the test that asks about it."""
    worlds = {
        "several runs": several_runs(),
        "replayed": [conversation(), agent("a"), run("r", "a"), step("r", 1, is_replay=True), step("r", 2)],
        "two conversations": two_conversations(),
        "unsized": without_sizes(),
        "two runs of a lead": two_runs_of_a_lead(),
        "nine siblings": nine_siblings(),
        "without blocks": without_blocks(),
    }
    return make_database(beside(worlds))


@pytest.fixture
def asking(small: Database):  # type: ignore[no-untyped-def]
    with small.cursor() as cursor:
        yield cursor


def facts(rows: list[Row], node_id: str | None) -> dict[tuple[str, str], Fact]:
    return facts_of(make_database(rows), node_id)


def facts_of(database: Database, node_id: str | None) -> dict[tuple[str, str], Fact]:
    with database.cursor() as cursor:
        return {(fact.section, fact.label): fact for fact in overview(cursor, node_id)}


class TestCounts:
    def test_everything_opened_is_counted(self, cursor: Cursor) -> None:
        assert counts(cursor) == Counts(1, 4, 3, 4, 7, 0, 1, 0, 0, 0, 1, 0, 1, 0, 0)

    def test_sources_are_counted_by_status_and_replayed_steps_apart(self) -> None:
        statuses = ("read", "read", "partial", "skipped")
        rows: list[Row] = [source(str(number), status=status) for number, status in enumerate(statuses)]
        rows += [source("x", status="failed"), conversation(), agent("a"), run("r", "a")]
        rows += [step("r", 1, is_replay=True), step("r", 2), finding("f", severity="warning")]
        rows += [agent("no run"), run("copied", "a", is_replay=True)]
        with make_database(rows).cursor() as cursor:
            assert counts(cursor) == Counts(1, 2, 0, 1, 1, 1, 2, 1, 1, 1, 0, 1, 0, 1, 1)


class TestSteps:
    def test_the_steps_of_a_run_are_in_order_with_their_reuse(self, cursor: Cursor) -> None:
        table = steps(cursor, "x")
        assert table.column_names == [
            "#", "start", "took", "wait", "model", "input", "cached", "output", "reasoning", "blocks", "own",
            "ancestor", "sibling", "other", "new", "stop", "error", "failed tools", "grade", "may belong to", "run_id",
            "replay",
        ]  # fmt: skip
        names = ["#", "start", "took", "input", "cached", "blocks", "own", "ancestor", "new"]
        assert [tuple(row.values()) for row in table.select(names).to_pylist()] == [
            (1, 1000, 400, 50, 0, 4, 0, 1, 3),
            (2, 1500, 1500, 60, 8, 5, 4, 0, 1),
        ]
        assert table["failed tools"].to_pylist() == [1, None]

    def test_the_steps_of_several_runs_are_in_order_of_time_with_the_run_named(self, cursor: Cursor) -> None:
        table = steps(cursor, "main", own=False)
        assert table.column("start").to_pylist() == [0, 1000, 1500, 1500, 2000, 4000, 8000]
        assert table.column("run").to_pylist()[::3] == ["main", "Explore agent_002", "main"]

    def test_the_steps_of_several_conversations_name_them_too(self) -> None:
        rows: list[Row] = [conversation(name, title=f"title {name}") for name in "ab"]
        rows += [agent(name, conversation_id=name) for name in "ab"]
        rows += [run(f"{name}/1", name, conversation_id=name) for name in "ab"]
        with make_database([*rows, step("a/1", 1), step("b/1", 1)]).cursor() as cursor:
            assert steps(cursor, None, own=False)["conversation"].to_pylist() == ["title a", "title b"]
            assert "conversation" not in steps(cursor, "a", own=False).column_names

    def test_a_conversation_has_the_steps_of_its_roots_as_its_own(self, cursor: Cursor) -> None:
        assert steps(cursor, "c").column("run_id").to_pylist() == ["main/1"] * 3
        assert steps(cursor, "c", own=False).num_rows == 7
        assert steps(cursor, None, own=False).num_rows == 7

    def test_an_agent_of_several_runs_has_the_steps_of_all_and_each_run_its_own(self, asking: Cursor) -> None:
        assert steps(asking, "several runs/p").num_rows == 3
        assert steps(asking, "several runs/p", own=False).num_rows == 10
        assert steps(asking, "several runs/p/2").num_rows == 2
        assert steps(asking, "several runs/p/2", own=False).num_rows == 5

    def test_conversations_come_one_after_the_other_and_times_that_are_not_recorded_last(self, asking: Cursor) -> None:
        table = steps(asking, None, own=False)
        found = list(zip(table["run_id"].to_pylist(), table["#"].to_pylist(), strict=True))
        assert within("two conversations", found) == [
            ("kr", 3), ("kr", 2), ("kr", 1), ("lr", 3), ("lr", 2), ("lr", 1),
        ]  # fmt: skip

    def test_of_what_is_not_there_there_are_none(self, cursor: Cursor) -> None:
        assert steps(cursor, "nobody").num_rows == 0

    def test_replayed_steps_are_shown_and_marked(self, asking: Cursor) -> None:
        assert steps(asking, "replayed/a")["replay"].to_pylist() == [True, False]


def two_conversations() -> list[Row]:
    rows: list[Row] = [conversation("k"), conversation("l")]
    for name in "kl":
        rows += [agent(f"{name}a", conversation_id=name), run(f"{name}r", f"{name}a", conversation_id=name)]
        rows += [step(f"{name}r", 1), step(f"{name}r", 2, start_ms=9), step(f"{name}r", 3, start_ms=3)]
    return rows


class TestReuse:
    def test_hits_add_up_over_a_node_and_what_is_below(self, cursor: Cursor) -> None:
        found = reuse_totals(cursor, "x")
        assert found == ReuseTotals(
            steps=2, blocks=9, own=4, ancestor=1, sibling=0, other=0, fresh=4, behind=0, input_tokens=110,
            own_tokens=256,
            ancestor_tokens=64, sibling_tokens=0, other_tokens=0, cache_read_tokens=8,
            mean_step_share=pytest.approx((1 / 4 + 4 / 5) / 2),
        )  # fmt: skip
        total = reuse_totals(cursor, None)
        assert total is not None
        assert (total.steps, total.blocks, total.own, total.ancestor, total.sibling) == (6, 25, 10, 2, 2)
        own = reuse_totals(cursor, "c", own=True)
        assert own is not None
        assert (own.steps, own.blocks) == (3, 12)

    def test_blocks_that_are_parts_of_prompts_are_told_from_the_others(self) -> None:
        rows: list[Row] = [conversation(), conversation("c2", block_scope="prompt-parts")]
        there = {"conversation_id": "c2"}
        rows += [agent("a"), agent("b", **there), run("r", "a"), run("s", "b", **there), step("r", 1), step("s", 1)]
        rows += [reuse("r", 1, 7), reuse("s", 1, 2)]
        with make_database(rows).cursor() as cursor:
            found = [reuse_totals(cursor, node) for node in (None, "a", "b")]
        assert [(totals.blocks, totals.part_blocks) for totals in found if totals] == [(9, 2), (7, 0), (2, 2)]

    def test_a_node_without_blocks_has_none(self, cursor: Cursor) -> None:
        assert reuse_totals(cursor, "z") is None
        assert reuse_totals(cursor, "nobody") is None

    def test_tokens_are_those_of_the_steps_with_blocks(self) -> None:
        rows: list[Row] = [conversation(), agent("a"), agent("b"), run("r", "a"), run("s", "b")]
        rows += [step("r", 1, input_tokens=1000), step("r", 2, input_tokens=300, cache_read_tokens=5)]
        rows += [step("s", 1, input_tokens=20), reuse("r", 1, 0), reuse("r", 2, 5, own=1, fresh=2), reuse("s", 1, 2)]
        database = make_database(rows)
        with database.cursor() as cursor:
            found = reuse_totals(cursor, None)
        assert found is not None
        assert (found.steps, found.input_tokens, found.cache_read_tokens) == (2, 320, 5)
        assert (found.fresh, found.behind) == (2, 4)

    def test_without_the_size_of_a_block_there_are_no_tokens(self, small: Database, asking: Cursor) -> None:
        for node_id in ("unsized/a", None):
            found = reuse_totals(asking, node_id)
            assert found is not None
            assert found.own >= 2
            assert (found.own_tokens, found.ancestor_tokens, found.sibling_tokens) == (None, None, None)
        sized = reuse_totals(asking, "unsized/b")
        assert sized is not None
        assert (sized.own_tokens, sized.other_tokens) == (256, 0)
        assert ("Reuse", "could have hit") not in facts_of(small, "unsized/a")


def without_sizes() -> list[Row]:
    """The blocks of a have no size, those of b have."""
    rows: list[Row] = [conversation(), agent("a"), agent("b"), run("r", "a"), run("s", "b"), step("r"), step("s")]
    return [*rows, unsized(reuse("r", 1, 5, own=2, fresh=3)), reuse("s", 1, 4, own=4)]


def unsized(reuse: StepReuse) -> StepReuse:
    return dataclasses.replace(
        reuse, hit_own_tokens=None, hit_ancestor_tokens=None, hit_sibling_tokens=None, hit_other_tokens=None
    )


class TestSiblings:
    def test_the_children_of_a_node_are_compared(self, cursor: Cursor) -> None:
        answer = sibling_matrix(cursor, "main")
        assert answer is not None
        matrix, total = answer
        assert total == 2
        assert matrix.group == "main"
        assert [(r.run_id, r.node_id, r.blocks, r.own, r.ancestor, r.sibling, r.new) for r in matrix.runs] == [
            ("x/1", "x", 4, 0, 1, 0, 3),
            ("y/1", "y", 4, 0, 1, 2, 1),
        ]
        assert [(r.input_tokens, r.cached_tokens, r.start_ms) for r in matrix.runs] == [(50, 0, 1000), (40, None, 1500)]
        assert matrix.unique_blocks == [5, 4]
        assert matrix.shared == [[5, 3], [3, 4]]
        assert matrix.prefix == [[4, 3], [3, 4]]

    def test_the_group_of_a_run_of_several_is_named_by_its_agent_and_which_it_is(self, asking: Cursor) -> None:
        found = sibling_matrix(asking, "two runs of a lead/2")
        assert found is not None and (found[0].group, found[1]) == ("lead run 2", 1)

    def test_a_node_without_children_is_compared_with_its_siblings(self, cursor: Cursor) -> None:
        assert sibling_matrix(cursor, "y") == sibling_matrix(cursor, "main")
        assert sibling_matrix(cursor, "c") == sibling_matrix(cursor, "main")

    def test_an_only_child_has_no_siblings_but_is_its_parents_group(self, cursor: Cursor) -> None:
        assert sibling_matrix(cursor, "z") is None
        answer = sibling_matrix(cursor, "x")
        assert answer is not None
        assert [r.run_id for r in answer[0].runs] == ["z/1"]

    def test_the_matrix_is_bounded_and_says_how_many_there_are(self, asking: Cursor) -> None:
        answer = sibling_matrix(asking, "nine siblings/m", limit=3)
        assert answer is not None
        matrix, total = answer
        assert (total, [r.node_id for r in matrix.runs]) == (9, [f"nine siblings/s{i}" for i in (8, 7, 6)])
        assert matrix.shared == [[18, 4, 0], [4, 17, 0], [0, 0, 16]]

    def test_a_run_without_blocks_has_none_to_compare(self, asking: Cursor) -> None:
        answer = sibling_matrix(asking, "without blocks/m")
        assert answer is not None
        matrix, _ = answer
        assert [(r.input_tokens, r.blocks, r.own, r.sibling, r.new) for r in matrix.runs] == [
            (7, 4, 0, 0, 4), (7, 5, 0, 0, 5), (7, None, None, None, None),
        ]  # fmt: skip
        assert matrix.unique_blocks == [4, 5, None]
        assert matrix.shared == [[4, 0, None], [0, 5, None], [None, None, None]]
        assert matrix.prefix == [[4, 0, None], [0, 5, None], [None, None, None]]


def two_runs_of_a_lead() -> list[Row]:
    rows: list[Row] = [conversation(), agent("a", name="lead"), run("1", "a", ordinal=1), run("2", "a", ordinal=2)]
    return [*rows, agent("b", "a"), run("s", "b", "2"), step("s")]


def nine_siblings() -> list[Row]:
    """The later in number the earlier in time, and the more blocks."""
    rows: list[Row] = [conversation(), agent("m"), run("m/1", "m")]
    for i in range(9):
        rows += [agent(f"s{i}", "m"), run(f"s{i}/1", f"s{i}", "m/1", start_ms=-i), footprint(f"s{i}/1", 10 + i)]
    return [*rows, pair("s7/1", "s8/1", 4, 2)]


def without_blocks() -> list[Row]:
    """p and q have blocks, r has none."""
    rows: list[Row] = [conversation(), agent("m"), run("m/1", "m")]
    for name in "pqr":
        rows += [agent(name, "m"), run(f"{name}/1", name, "m/1"), step(f"{name}/1", input_tokens=7)]
    rows += [reuse("p/1", 1, 4, fresh=4), footprint("p/1", 4)]
    return [*rows, reuse("q/1", 1, 5, fresh=5), footprint("q/1", 5)]


class TestFindings:
    def test_the_worst_come_first_with_the_node_where_they_show(self, cursor: Cursor) -> None:
        rows, total = findings(cursor, None)
        assert total == 2
        assert [(row.finding_id, row.severity, row.node_id, row.line) for row in rows] == [
            ("f2", "error", "c", 7),  # of a source with one conversation
            ("f1", "info", "x", None),
        ]

    def test_a_node_has_those_below_it_too(self, cursor: Cursor) -> None:
        assert [row.finding_id for row in findings(cursor, "main")[0]] == ["f1"]
        assert findings(cursor, "y") == ([], 0)
        assert findings(cursor, "nobody") == ([], 0)

    def test_at_most_as_many_as_asked_for_are_given_and_all_counted(self, cursor: Cursor) -> None:
        rows, total = findings(cursor, None, limit=1)
        assert ([row.finding_id for row in rows], total) == (["f2"], 2)

    def test_a_finding_shows_at_the_nearest_line_that_exists(self) -> None:
        rows: list[Row] = [source(), conversation("k"), conversation("l"), agent("a", conversation_id="k")]
        rows += [run("r", "a", conversation_id="k")]
        rows += [finding("1", run_id="r"), finding("2", run_id="gone", agent_id="a"), finding("3", conversation_id="l")]
        rows += [finding("4", agent_id="gone", conversation_id="k"), finding("5"), finding("6", source_id="other")]
        database = make_database(rows)
        with database.cursor() as cursor:
            found, _ = findings(cursor, None)
        assert {row.finding_id: row.node_id for row in found} == {
            "1": "a", "2": "a", "3": "l", "4": "k", "5": None, "6": None,
        }  # fmt: skip


NO_OBJECTS = ("[1]", "not json", "3")


def graded(*more: Row) -> list[Row]:
    return [conversation(), agent("a"), run("r", "a"), step("r", 1, input_tokens=1), *more]


def repaired() -> list[Row]:
    rows: list[Row] = [conversation(), agent("m", name="m"), run("m/1", "m"), agent("a", "m")]
    rows += [run("r", "a", "m/1", start_ms=2000, end_ms=5000, time_grade="derived", reported_duration_ms=3000)]
    rows += [event("r", at_ms=5000, trigger="repaired-time", detail="recorded t = 5.000 s is the end")]
    return [*rows, edge("e", "spawn", "m/1", "r", at_ms=2000, grade="derived")]


def of_hashes() -> list[Row]:
    return [
        conversation(block_scope="hashes"),
        *family()[2:-1],
        audit(scope="hashes", chained=False, hits=7, prefix_hits=3),
    ]


def of_parts_of_prompts() -> list[Row]:
    gaps = {f"{what}_{order}": 3 for what in ("gap_events", "missing_ids", "reset_events")
            for order in ("document", "parent_first", "start_time")}  # fmt: skip
    numbered = audit(scope="prompt-parts", block_tokens=None, chained=False, perfect_document=False, **gaps)
    return [conversation(block_scope="prompt-parts", title="t"), *family()[2:-1], numbered]


def that_counts_again() -> list[Row]:
    """A sub-agent that counts its blocks from the start again; to come behind its conversation."""
    rows: list[Row] = [agent("p"), agent("a", "p"), run("r", "p"), run("s", "a", "r"), step("r"), step("s")]
    rows += [*blocks("r", 1, (0, 9)), *blocks("s", 1, (0, 2)), *blocks("s", 2, (0, 4))]
    return [*rows, footprint("r", 9), footprint("s", 4, 4)]


class TestOverview:
    @pytest.fixture(scope="class")
    def told(self) -> Database:
        doubtful = step("r", 2, input_tokens=1, tokens_grade="derived"), step("r", 3)
        extra = '{"subagent_type":"Explore","models":["a","b"],"n":3,"none":null,"flag":true}'
        reported = run("r", "a", reported_input_tokens=50, reported_steps=1, reported_output_tokens=7)
        worlds = {
            "exact": graded(),
            "derived": graded(*doubtful),
            "ambiguous": graded(*doubtful, step("r", 4, input_tokens=1, tokens_grade="ambiguous", grade="ambiguous")),
            "repaired": repaired(),
            "reported": [conversation(), agent("a"), step("r", input_tokens=40), reported],
            "extra": [conversation(extra='{"block_size":64}'), agent("a"), run("r", "a", extra=extra)],
            "numbered": [*family()[:-1], audit(
                scope="local", coverage="floor", dense=False, perfect_document=False, gap_events_document=2,
                missing_ids_document=9, reset_events_document=1,
            )],
            "hashes": of_hashes(),
            "parts": of_parts_of_prompts(),
            "counts again": [conversation(), *that_counts_again()],
            "parts again": [conversation(block_scope="prompt-parts"), *that_counts_again()],
        }  # fmt: skip
        worlds |= {f"extra {text}": [conversation(extra=text), agent("a"), run("r", "a")] for text in NO_OBJECTS}
        return make_database(beside(worlds))

    def test_every_fact_that_is_not_recorded_says_so(self) -> None:
        rows: list[Row] = [
            source(bytes=None),
            conversation(tool_calls_recorded=False),
            agent("a"),
            run("r", "a"),
            step("r"),
        ]
        for node_id in (None, "c", "a"):
            for fact in facts(rows, node_id).values():
                assert (fact.value is None) == (fact.grade == "not_recorded")
                assert fact.value is not None or fact.note.startswith("not recorded")
        assert facts(rows, "a")["Totals", "input"].value is None
        assert facts(rows, "a")["Totals", "tool calls"].value is None

    def test_totals_tell_what_of_them_is_the_nodes_own(self, database: Database) -> None:
        found = facts_of(database, "main")
        assert found["Totals", "input"].value == 757
        assert "600 own" in found["Totals", "input"].note
        assert found["Totals", "steps"].value == 7

    def test_grades_of_tokens_come_from_the_steps(self, told: Database) -> None:
        assert facts_of(told, "exact/a")["Totals", "input"].grade == "exact"
        found = facts_of(told, "derived/a")["Totals", "input"]
        assert found.grade == "derived"
        assert "1 of 3 steps has no usage" in found.note
        found_of_all = facts_of(told, "ambiguous/a")
        assert found_of_all["Totals", "input"].grade == "ambiguous"
        assert found_of_all["Attribution", "steps placed for sure"][2:3] == (3,)

    def test_a_repaired_time_is_shown_beside_the_recorded_one(self, told: Database) -> None:
        found = facts_of(told, "repaired/a")
        assert (found["Time", "start"].value, found["Time", "start"].grade) == (2000, "derived")
        assert found["Time", "recorded time"][2:] == (5000, "ms", "exact", "recorded t = 5.000 s is the end")
        assert found["Time", "recorded duration"].value == 3000
        assert found["Time", "spawn from m"][2:5] == (2000, "ms", "derived")

    def test_recorded_totals_are_set_beside_ours(self, told: Database) -> None:
        found = facts_of(told, "reported/a")
        assert found["As recorded", "recorded input tokens"][2] == 50
        assert found["As recorded", "recorded input tokens"].note == "its steps sum to 40 (-10)"
        assert found["As recorded", "recorded steps"].note == "equal to the sum of its steps"
        assert found["As recorded", "recorded output tokens"].note == "its steps record none to compare with"

    def test_extra_fields_are_shown_as_recorded(self, told: Database) -> None:
        found = facts_of(told, "extra/a")
        assert found["As recorded", "subagent_type"].value == "Explore"
        assert found["As recorded", "models"].value == '["a", "b"]'
        assert found["As recorded", "n"].value == 3
        assert found["As recorded", "flag"].value == "true"
        assert facts_of(told, "extra/c")["As recorded", "block_size"].value == 64

    def test_extra_that_is_not_an_object_is_shown_as_it_is(self, told: Database) -> None:
        for text in NO_OBJECTS:
            assert str(facts_of(told, f"extra {text}/c")["As recorded", "extra"].value) == text

    def test_the_numbering_is_told_in_words(self, told: Database) -> None:
        found = facts_of(told, "numbered/c")
        section = "Blocks and numbering"
        assert found[section, "scope of block ids"].value == "local"
        assert found[section, "coverage of input"].note.startswith("whole blocks only")
        assert found[section, "dense"].value == "no"
        assert found[section, "numbered by parents first"].value == "perfect"
        assert found[section, "numbered by order of the file"].note == (
            "2 jumps ahead over 9 ids, 1 back below the highest so far"
        )

    def test_hashes_have_no_numbering_and_ids_of_contents_have_hits_of_two_kinds(self, told: Database) -> None:
        found = facts_of(told, "hashes/c").items()
        values = {label: fact.value for (part, label), fact in found if part == "Blocks and numbering"}
        assert list(values) == [
            "scope of block ids", "block size", "distinct blocks", "prefix-chained", "leading blocks seen before",
            "of these, whole prefixes", "coverage of input",
        ]  # fmt: skip
        assert (values["leading blocks seen before"], values["of these, whole prefixes"]) == (7, 3)

    def test_parts_of_prompts_are_called_so_and_are_in_no_numbering(self, told: Database) -> None:
        found = facts_of(told, "parts/c")
        section = "Blocks and numbering"
        assert [label for part, label in found if part == section] == ["blocks", "distinct blocks"]
        assert found[section, "blocks"].value == "prompt parts"
        assert "numbered by us" in found[section, "blocks"].note
        codes = within("parts", ask(told, "SELECT finding_id, code FROM findings"))
        assert {code for _, code in codes} == {"repaired-time", "bad-record"}
        with told.cursor() as cursor:
            (row,) = (row for row in summary(cursor) if row.conversation_id == "parts/c")
        assert (row.distinct_blocks, row.perfect_document, row.perfect_start_time) == (10, None, None)

    def test_a_sub_agent_in_parts_of_prompts_has_no_numbering_of_its_own(self, told: Database) -> None:
        codes = ask(told, "SELECT conversation_id, code FROM findings")
        assert within("counts again", codes) == [("c", "private-namespace")]
        assert within("parts again", codes) == []

    def test_a_run_tells_what_it_shares(self, database: Database) -> None:
        found = facts_of(database, "x")
        assert found["Blocks and numbering", "distinct blocks"].value == 5
        assert found["Blocks and numbering", "shared with any sibling"].value == 3
        assert found["Reuse", "reuse"].value == pytest.approx(5 / 9)

    def test_everything_opened_has_an_overview(self, database: Database) -> None:
        found = facts_of(database, None)
        assert found["Opened", "agents"].value == 4
        assert found["Totals", "input"].value == 757

    def test_what_is_not_there_has_none(self, database: Database) -> None:
        assert facts_of(database, "nobody") == {}


class TestRecords:
    def rows(self, **values: object) -> list[Row]:
        return [conversation(), agent("a"), run("r", "a"), step("r", 1, **values)]

    def test_the_recorded_text_of_a_step_is_read_from_its_source(self, tmp_path: Path) -> None:
        path = tmp_path / "a.json"
        path.write_bytes(b'[{"a":1},{"b":"\xc3\xa4\xff"}]')
        database = make_database(self.rows(offset=9, length=11), roots={"a.json": path})
        assert record(database, "r", 1) == '{"b":"ä\ufffd"}'
        assert record(database, "r", 1, limit=4) == '{"b"'
        assert record(database, "r", 2) is None

    def test_a_step_whose_source_does_not_tell_where_has_none(self) -> None:
        assert record(make_database(self.rows()), "r", 1) is None
        assert record(make_database(self.rows(offset=1, length=1)), "r", 1) is None

    def test_a_source_that_is_gone_is_said_to_be(self, tmp_path: Path) -> None:
        database = make_database(self.rows(offset=1, length=1), roots={"a.json": tmp_path / "gone"})
        with pytest.raises(OSError, match="gone"):
            record(database, "r", 1)
