"""Recorded traces with sub-agents, against the brute force that stands beside them."""

from __future__ import annotations

import importlib.util
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from explorer.model import NamespaceAudit, Row, Run, RunFootprint, Step, StepReuse
from explorer.readers import Report, SourceFile
from explorer.readers.weka import read
from explorer.store.ingest.worker import with_reuse
from tests.readers.reading import single

SHARED = Path(__file__).parents[3] / "shared"
TRACES = SHARED / "traces" / "weka"
WITH_SUB_AGENTS = ["trace_0003", "trace_0004", "trace_0010", "trace_0254", "trace_0274", "trace_0277"]
WITHOUT = ["trace_0008", "trace_0019"]
CLOCK = {"basis": "relative", "stamp": "end"}
"""What is true of the times of this corpus."""

pytestmark = pytest.mark.skipif(not TRACES.is_dir(), reason="the recorded traces are not here")


@cache
def ours(name: str) -> list[Row]:
    path = TRACES / f"{name}.json"
    rows = with_reuse(read(SourceFile(path, path.name, CLOCK)))
    return [each for row in rows if not isinstance(row, Report) for each in single(row)]


@cache
def theirs(name: str) -> dict[str, Any]:
    """What the brute force finds."""
    spec = importlib.util.spec_from_file_location("truth_weka", SHARED / "truth" / "weka.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: dict[str, Any] = module.truth(TRACES / f"{name}.json")
    return found


def of(rows: list[Row], *kinds: type) -> list[Any]:
    return [row for row in rows if isinstance(row, kinds)]


@pytest.mark.parametrize("name", WITH_SUB_AGENTS + WITHOUT)
def test_reuse_of_a_recorded_trace_is_that_of_the_brute_force(name: str) -> None:
    expected, rows = theirs(name), ours(name)
    parent = {run.run_id: run.parent_run_id for run in of(rows, Run)}
    main, below, first = Counter[str](), Counter[str](), Counter[str]()
    for row in of(rows, StepReuse):
        sums = main if parent[row.run_id] is None else below
        sums.update(own=row.hit_own, ancestor=row.hit_ancestor, sibling=row.hit_sibling, other=row.hit_other)
        sums.update(blocks=row.blocks, fresh=row.fresh_blocks)
        if sums is below and row.ordinal == 1:
            first.update(agents=1, blocks=row.blocks, sibling=row.hit_sibling, ancestor=row.hit_ancestor)
    assert main["own"] + below["own"] == expected["own"]
    assert main["other"] == expected["descendant"]
    assert main["ancestor"] == main["sibling"] == below["other"] == 0
    assert (below["ancestor"], below["sibling"]) == (expected["ancestor"], expected["sibling"])
    assert {key: below[key] for key in expected["sub"]} == expected["sub"]
    assert {key: first[key] for key in expected["first"]} == expected["first"]
    assert main["fresh"] + below["fresh"] == expected["distinct"]
    assert main["blocks"] + below["blocks"] == expected["refs"]
    assert len(of(rows, Step)) == expected["steps"]


@pytest.mark.parametrize("name", WITH_SUB_AGENTS)
def test_what_recorded_sub_agents_share_is_that_of_the_brute_force(name: str) -> None:
    rows = ours(name)
    found = {
        row.run_id.split("/")[-2]: {
            "own": row.unique_blocks,
            "parent": row.shared_parent,
            "siblings": row.shared_siblings or 0,
        }
        for row in of(rows, RunFootprint)
        if not row.run_id.endswith("main/1")
    }
    assert found == theirs(name)["share"]


@pytest.mark.parametrize("name", WITH_SUB_AGENTS + WITHOUT)
def test_the_numbering_of_a_recorded_trace_is_that_of_the_brute_force(name: str) -> None:
    expected = theirs(name)
    (row,) = of(ours(name), NamespaceAudit)
    document = row.perfect_document, row.gap_events_document, row.missing_ids_document, row.reset_events_document
    parent_first = (
        row.perfect_parent_first,
        row.gap_events_parent_first,
        row.missing_ids_parent_first,
        row.reset_events_parent_first,
    )
    assert (document, parent_first) == (expected["document_order"], expected["parent_first"])
    assert row.distinct_blocks == expected["distinct"]
