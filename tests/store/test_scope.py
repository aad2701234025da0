"""What a mistake in the scope of block ids would have made of reuse; the numbers of ``family`` are in its docstring."""

from __future__ import annotations

import dataclasses
import importlib.util
import statistics
from pathlib import Path
from typing import Any

import pytest

from explorer.model import Row
from explorer.store.database import Database
from explorer.store.ingest import Options, ingest
from tests.store.world import (
    agent,
    ask,
    audit,
    blocks,
    conversation,
    family,
    footprint,
    make_database,
    reuse,
    run,
    step,
)

SHARED = Path(__file__).parents[3] / "shared"
RECORDED = ["trace_0254", "trace_0274", "trace_0277", "trace_0057"]


@pytest.fixture(scope="module")
def database() -> Database:
    return make_database(family())


def report(database: Database) -> dict[str, Any]:
    """Figure -> numerator / denominator where it is one, else the value."""
    rows = ask(database, "SELECT name, value, numerator, denominator FROM scope_report")
    return {name: value if of is None else (count, of) for name, value, count, of in rows}


class TestScopeExperiment:
    def test_in_a_namespace_of_its_own_an_agent_finds_only_what_it_wrote(self, database: Database) -> None:
        columns = (
            "conversation_id, agents, steps, blocks, hit_shared, hit_private, lost_blocks, sub_agent_blocks, "
            "sub_agent_hit_shared, sub_agent_hit_private, hit_shared_tokens, hit_private_tokens"
        )
        numbers = (3, 6, 25, 14, 10, 4, 13, 8, 4, 64 * 14, 64 * 10)
        assert ask(database, f"SELECT {columns} FROM scope_experiment") == [("c", *numbers), (None, *numbers)]

    def test_the_means_count_every_step_the_same(self, database: Database) -> None:
        ((shared, private),) = ask(
            database, "SELECT mean_step_shared, mean_step_private FROM scope_experiment WHERE conversation_id IS NULL"
        )
        assert private == pytest.approx(statistics.mean([0, 2 / 4, 4 / 6, 0, 4 / 5, 0]))
        assert shared == pytest.approx(statistics.mean([0, 2 / 4, 4 / 6, 1 / 4, 4 / 5, 3 / 4]))

    def test_tokens_are_not_known_where_the_size_of_some_blocks_is_not(self) -> None:
        sized = reuse("a", 1, 3, own=1)
        unsized = {field.name: None for field in dataclasses.fields(sized) if field.name.endswith("_tokens")}
        rows: list[Row] = [conversation("c"), conversation("d")]
        for name, made in (("c", sized), ("d", dataclasses.replace(sized, run_id="b", **unsized))):
            rows += [
                agent(made.run_id, conversation_id=name),
                run(made.run_id, made.run_id, conversation_id=name),
                made,
            ]
        found = ask(make_database(rows), "SELECT conversation_id, hit_shared, hit_shared_tokens FROM scope_experiment")
        assert found == [("c", 1, 64), ("d", 1, None), (None, 2, None)]


class TestMergeExperiment:
    def test_runs_of_one_name_are_added_up_and_those_at_the_same_time_counted(self) -> None:
        rows: list[Row] = [conversation(), agent("main", name="main"), run("main", "main", start_ms=0, end_ms=9000)]
        for number, (start, end) in enumerate([(0, 100), (50, 60), (100, 200), (300, None)]):
            rows += [agent(f"a{number}", "main", name="Explore")]
            rows += [run(f"r{number}", f"a{number}", "main", start_ms=start, end_ms=end)]
            rows += [step(f"r{number}", i, input_tokens=10) for i in range(1, number + 2)]
        assert ask(make_database(rows), "FROM merge_experiment") == [("c", "Explore", 4, 2, 10, 4, 100, 40)]

    def test_a_copy_of_another_recording_is_no_run(self) -> None:
        rows = [conversation(), agent("a"), run("r", "a"), run("s", "a", ordinal=2, is_replay=True)]
        assert ask(make_database(rows), "FROM merge_experiment") == []

    def test_nothing_is_merged_where_every_name_is_one_run(self) -> None:
        assert ask(make_database([conversation(), agent("a"), run("r", "a")]), "FROM merge_experiment") == []


class TestScopeReport:
    def test_the_figures_of_a_family(self, database: Database) -> None:
        found = report(database)
        assert found["traces_with_sub_agents"] == found["perfect_document"] == (1, 1)
        assert found["first_block_at_base"] == (2, 2)
        assert found["own_range"] == (0, 2)
        assert found["traces_sharing_parent"] == found["traces_sharing_siblings"] == (1, 1)
        assert found["share_parent_mean"] == pytest.approx((1 / 5 + 1 / 4) / 2)
        assert found["share_siblings_median"] == pytest.approx((3 / 5 + 3 / 4) / 2)
        assert (found["share_parent_weighted"], found["share_siblings_weighted"]) == ((2, 9), (6, 9))

    def test_a_numbering_of_its_own_shows(self) -> None:
        rows = [conversation(), agent("m"), agent("x", "m"), run("m", "m"), run("x", "x", "m")]
        rows += [step("m"), step("x"), *blocks("m", 1, (0, 9)), *blocks("x", 1, (0, 4))]
        rows += [
            reuse("m", 1, 9),
            reuse("x", 1, 4),
            footprint("m", 9),
            footprint("x", 4, 4),
            audit(reset_events_document=1),
        ]
        found = report(make_database(rows))
        assert (found["own_range"], found["first_block_at_base"], found["resets_document"]) == ((1, 1), (1, 1), 1)

    def test_ids_that_no_recorder_numbered_are_in_no_order(self) -> None:
        rows = [conversation(block_scope="hashes"), agent("m"), run("m", "m"), step("m"), *blocks("m", 1, (0, 9))]
        rows += [reuse("m", 1, 9), audit(scope="hashes", perfect_document=False, reset_events_document=4)]
        found = report(make_database(rows))
        assert (found["traces"], found["perfect_document"], found["resets_document"]) == (1, (0, 0), None)

    @pytest.mark.skipif(not (SHARED / "traces" / "weka").is_dir(), reason="the recorded traces are not here")
    def test_recorded_traces_give_the_figures_of_the_brute_force(self) -> None:
        paths = [SHARED / "traces" / "weka" / f"{name}.json" for name in RECORDED]
        opened = Database(ingest(paths, Options(use_cache=False)))
        found = report(opened)
        (sums,) = ask(
            opened, "SELECT hit_shared, hit_private, blocks FROM scope_experiment WHERE conversation_id IS NULL"
        )
        opened.close()
        rows = [_truth().truth(path) for path in paths]
        assert sums == (
            sum(row["own"] + row["ancestor"] + row["sibling"] + row["descendant"] for row in rows),
            sum(row["own"] for row in rows),
            sum(row["refs"] for row in rows),
        )
        shares = [share for row in rows for share in row.get("share", {}).values()]
        assert found["traces_with_sub_agents"] == (sum("share" in row for row in rows), len(rows))
        assert found["sub_agents"] == len(shares)
        for order in ("document", "parent_first"):
            perfect, gaps, _, resets = zip(
                *(row[f"{order}_order" if order == "document" else order] for row in rows), strict=True
            )
            assert found[f"perfect_{order}"] == (sum(perfect), len(rows))
            assert (found[f"gaps_{order}"], found[f"resets_{order}"]) == (sum(gaps), sum(resets))
        for others in ("parent", "siblings"):
            each = [share[others] / share["own"] for share in shares]
            assert found[f"share_{others}_mean"] == pytest.approx(statistics.mean(each))
            assert found[f"share_{others}_median"] == pytest.approx(statistics.median(each))
            weighted = sum(share[others] for share in shares), sum(share["own"] for share in shares)
            assert found[f"share_{others}_weighted"] == weighted
            affected = sum(any(s[others] for s in row.get("share", {}).values()) for row in rows)
            assert found[f"traces_sharing_{others}"] == (affected, 3)


def _truth() -> Any:
    """The brute force that stands beside the recorded traces."""
    spec = importlib.util.spec_from_file_location("truth_weka", SHARED / "truth" / "weka.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
