"""Small worlds: model rows -> Parquet parts -> an opened database."""

from __future__ import annotations

import dataclasses
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl

from explorer.model import (
    ALL_TABLES,
    Agent,
    BlockRun,
    Checkpoint,
    Conversation,
    Edge,
    Event,
    Finding,
    NamespaceAudit,
    Row,
    Run,
    RunFootprint,
    SiblingPair,
    Source,
    Step,
    StepReuse,
    ToolCall,
    UncountedUsage,
    columns,
)
from explorer.store.column_types import polars_schema
from explorer.store.database import SOURCE_COLUMN, Batch, Database, Opening
from explorer.store.queries import build_tree, children

_TABLE = {row: name for name, row in ALL_TABLES.items()}
_DEFAULTS: dict[str, Any] = {
    "format": "invented",
    "status": "completed",
    "parent_grade": "exact",
    "time_grade": "exact",
    "tokens_grade": "exact",
    "grade": "exact",
    "steps_recorded": True,
    "tool_calls_recorded": True,
    "is_replay": False,
    "reported_scope": "own",
    "resumable": False,
    "ordinal": 1,
    "source_id": "a.json",
    "namespace": "c",
    "severity": "warning",
}


def row(table: type[Row], **values: Any) -> Any:
    """A row in which everything not given is not recorded, or the plainest thing it can be."""
    given = {f.name: values.pop(f.name, _DEFAULTS.get(f.name)) for f in dataclasses.fields(table)}
    assert not values, f"{table.__name__} has no {values}"
    return table(**given)


def source(source_id: str = "a.json", **values: Any) -> Source:
    return row(Source, source_id=source_id, **{"path": source_id, "bytes": 1, "status": "read", "records": 0} | values)


def conversation(conversation_id: str = "c", **values: Any) -> Conversation:
    return row(Conversation, conversation_id=conversation_id, **values)


def agent(agent_id: str, parent: str | None = None, **values: Any) -> Agent:
    return row(Agent, agent_id=agent_id, parent_agent_id=parent, **{"conversation_id": "c"} | values)


def run(run_id: str, agent_id: str, parent: str | None = None, **values: Any) -> Run:
    return row(Run, run_id=run_id, agent_id=agent_id, parent_run_id=parent, **{"conversation_id": "c"} | values)


def step(run_id: str, ordinal: int = 1, **values: Any) -> Step:
    return row(Step, run_id=run_id, ordinal=ordinal, **values)


def tool_call(run_id: str, ordinal: int = 1, **values: Any) -> ToolCall:
    return row(ToolCall, run_id=run_id, ordinal=ordinal, **values)


def blocks(run_id: str, step_ordinal: int, *stretches: tuple[int, int], **values: Any) -> list[BlockRun]:
    """The block runs of a prompt, from (first id, count) pairs."""
    made, position = [], 0
    for first, count in stretches:
        made.append(
            row(BlockRun, run_id=run_id, step_ordinal=step_ordinal, position=position, first_block=first,
                block_count=count, **{"block_tokens": 64} | values)
        )  # fmt: skip
        position += count
    return made


def edge(edge_id: str, kind: str, from_run: str | None, to_run: str | None, **values: Any) -> Edge:
    return row(Edge, edge_id=edge_id, kind=kind, from_run_id=from_run, to_run_id=to_run, **values)


def event(run_id: str, kind: str = "note", **values: Any) -> Event:
    return row(Event, run_id=run_id, kind=kind, **values)


def checkpoint(key: str, **values: Any) -> Checkpoint:
    return row(Checkpoint, checkpoint_key=key, **{"conversation_id": "c"} | values)


def finding(finding_id: str, code: str = "bad-record", **values: Any) -> Finding:
    return row(Finding, finding_id=finding_id, code=code, **{"message": "something"} | values)


def reuse(
    run_id: str, ordinal: int, blocks: int, own: int = 0, ancestor: int = 0, sibling: int = 0, other: int = 0,
    fresh: int = 0,
) -> StepReuse:  # fmt: skip
    """The reuse of a step, with blocks of 64 tokens, where all earlier steps had ended."""
    tokens = (64 * own, 64 * ancestor, 64 * sibling, 64 * other)
    hits = own, ancestor, sibling, other
    return StepReuse(run_id, ordinal, blocks, *hits, fresh, *tokens, *hits, *tokens)


def footprint(run_id: str, unique: int, parent: int | None = None, siblings: int | None = None) -> RunFootprint:
    return RunFootprint(run_id, unique, 64 * unique, parent, siblings)


def uncounted(agent_id: str, reason: str, records: int, **values: Any) -> UncountedUsage:
    return row(UncountedUsage, agent_id=agent_id, reason=reason, records=records, **{"conversation_id": "c"} | values)


def pair(run_a: str, run_b: str, shared: int, prefix: int = 0) -> SiblingPair:
    return SiblingPair(run_a, run_b, shared, prefix)


def audit(conversation_id: str = "c", **values: Any) -> NamespaceAudit:
    """A perfect numbering, but for what is given."""
    perfect: dict[str, Any] = {"dense": True, "chained": True, "distinct_blocks": 10, "base": 0, "block_tokens": 64}
    for order in ("document", "parent_first", "start_time"):
        perfect |= {f"perfect_{order}": True}
        perfect |= {f"{what}_{order}": 0 for what in ("gap_events", "missing_ids", "reset_events")}
    return row(NamespaceAudit, conversation_id=conversation_id, namespace=conversation_id, **perfect | values)


def write_batch(rows: Iterable[Row], directory: Path) -> Batch:
    """Write rows as parts, one per table that has any; ``_source`` is the row's source or ``a.json``."""
    directory.mkdir(parents=True, exist_ok=True)
    tables: dict[str, list[Row]] = defaultdict(list)
    for item in rows:
        tables[_TABLE[type(item)]].append(item)
    files = {}
    for table, items in tables.items():
        schema = polars_schema(ALL_TABLES[table]) | {SOURCE_COLUMN: pl.String()}
        records = [dataclasses.asdict(item) for item in items]
        for record in records:
            record[SOURCE_COLUMN] = record.get("source_id") or "a.json"
        files[table] = directory / f"{table}.parquet"
        pl.DataFrame(records, schema=schema).write_parquet(files[table])
    return Batch(files, None)


_kept: list[tempfile.TemporaryDirectory[str]] = []


def make_database(rows: Iterable[Row], directory: Path | None = None, roots: dict[str, Path] | None = None) -> Database:
    """An opened database of these rows. Without a directory, who asks for the same rows shares one."""
    if directory is None and not roots:
        return _shared(tuple(rows))
    return Database(Opening([write_batch(rows, directory or _lasting())], roots or {}))


def _lasting() -> Path:
    """A directory that is there until the process ends."""
    _kept.append(tempfile.TemporaryDirectory(prefix="trace-explore-test-"))
    return Path(_kept[-1].name)


class _Lasting(Database):
    """What one test closes, another may be using."""

    def close(self) -> None:
        pass


@lru_cache(maxsize=8)
def _shared(rows: tuple[Row, ...]) -> Database:
    return _Lasting(Opening([write_batch(rows, _lasting())], {}))


def beside(worlds: Mapping[str, Iterable[Row]]) -> list[Row]:
    """Worlds in one, as opening a database takes half a second; before each key there is the name of its world."""
    return [_under(name, item) for name, rows in worlds.items() for item in rows]


def _under(world: str, item: Row) -> Row:
    keys = {column.name: getattr(item, column.name) for column in columns(type(item)) if column.is_key}
    moved = {key: f"{world}/{value}" for key, value in keys.items() if value is not None}
    if isinstance(item, Step) and item.candidates:
        moved["candidates"] = item.candidates.replace('["', f'["{world}/').replace('","', f'","{world}/')
    return dataclasses.replace(item, **moved)


def within(world: str, rows: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The rows of an answer that name something in one of several worlds, as if it were the only one."""
    name = f"{world}/"
    return [
        tuple(value.replace(name, "") if isinstance(value, str) else value for value in row)
        for row in rows
        if any(isinstance(value, str) and name in value for value in row)
    ]


def ask(database: Database, query: str) -> list[tuple[Any, ...]]:
    """All rows of a query."""
    return [row for batch in database.sql(query).batches for row in batch]


def by_run(database: Database, *names: str, world: str | None = None) -> dict[str, Any]:
    """Columns of ``run_totals`` by run; just the value where it is one column. Of all, or of one of several worlds."""
    rows = ask(database, f"SELECT run_id, {', '.join(names)} FROM run_totals")
    rows = rows if world is None else within(world, rows)
    return {row[0]: row[1] if len(names) == 1 else row[1:] for row in rows}


def lines(database: Database, where: str | None = None, world: str | None = None) -> list[str]:
    """The tree as indented node ids, those that only lead to kept ones in brackets. Of all, or of one of several."""
    tree = build_tree(database, where)
    name = "" if world is None else f"{world}/"
    with database.cursor() as cursor:

        def below(parent: str | None) -> list[str]:
            return [
                line
                for node in children(cursor, tree, parent)
                if node.node_id.startswith(name) or node.node_id.startswith(f"agent:{name}")
                for line in (
                    "  " * node.depth + (node.node_id if node.kept else f"({node.node_id})").replace(name, ""),
                    *below(node.node_id),
                )
            ]

        return below(None)


def family() -> list[Row]:
    """A conversation with a main agent and two sub-agents that share blocks, one of which has a sub-agent.

    main/1: 3 steps, input 100 + 200 + 300, output 10 + 20 + 30, blocks 2 + 4 + 6
    ├ x/1: 2 steps, input 50 + 60, output 5 + 6, cached 8, blocks 4 + 5; one tool call that failed
    │ └ z/1: 1 step, input 7, no output recorded, no blocks
    └ y/1: 1 step, input 40, output 4, blocks 4, of which x had written 3
    """
    return [
        source(records=7),
        conversation(title="trace one"),
        agent("main", name="main"),
        agent("x", "main", name="Explore", label="agent_001"),
        agent("y", "main", name="Explore", label="agent_002"),
        agent("z", "x", name="Plan", label="agent_003"),
        run("main/1", "main", start_ms=0, end_ms=9000, model="big"),
        run("x/1", "x", "main/1", start_ms=1000, end_ms=3000, model="small"),
        run("y/1", "y", "main/1", start_ms=1500, end_ms=2500, model="small", status="failed"),
        run("z/1", "z", "x/1", start_ms=2000, end_ms=2100),
        *(
            step("main/1", i, start_ms=ms, end_ms=ms + 500, input_tokens=100 * i, output_tokens=10 * i, model="big")
            for i, ms in ((1, 0), (2, 4000), (3, 8000))
        ),
        step("x/1", 1, start_ms=1000, end_ms=1400, input_tokens=50, output_tokens=5, cache_read_tokens=0),
        step("x/1", 2, start_ms=1500, end_ms=3000, input_tokens=60, output_tokens=6, cache_read_tokens=8),
        step("y/1", 1, start_ms=1500, end_ms=2500, input_tokens=40, output_tokens=4, error="overloaded"),
        step("z/1", 1, start_ms=2000, end_ms=2100, input_tokens=7),
        tool_call("main/1", 1, step_ordinal=1, name="Task", child_run_id="x/1", is_error=False),
        tool_call("main/1", 2, step_ordinal=1, name="Task", child_run_id="y/1", is_error=False),
        tool_call("x/1", 1, step_ordinal=1, name="Bash", is_error=True),
        *blocks("main/1", 1, (0, 2)), *blocks("main/1", 2, (0, 4)), *blocks("main/1", 3, (0, 6)),
        *blocks("x/1", 1, (0, 1), (6, 3)), *blocks("x/1", 2, (0, 1), (6, 4)),
        *blocks("y/1", 1, (0, 1), (6, 2), (10, 1)),
        edge("e1", "spawn", "main/1", "x/1", at_ms=1000), edge("e2", "spawn", "main/1", "y/1", at_ms=1500),
        edge("e3", "spawn", "x/1", "z/1", at_ms=2000), edge("e4", "result", "x/1", "main/1", at_ms=3000),
        event("x/1", "note", at_ms=3000, trigger="repaired-time", detail="recorded t = 3.000 s is the end"),
        finding("f1", "repaired-time", severity="info", conversation_id="c", agent_id="x", run_id="x/1"),
        finding("f2", "bad-record", severity="error", line=7, message="a line that is not JSON"),
        reuse("main/1", 1, 2, fresh=2), reuse("main/1", 2, 4, own=2, fresh=2), reuse("main/1", 3, 6, own=4, fresh=2),
        reuse("x/1", 1, 4, ancestor=1, fresh=3), reuse("x/1", 2, 5, own=4, fresh=1),
        reuse("y/1", 1, 4, ancestor=1, sibling=2, fresh=1),
        footprint("main/1", 6), footprint("x/1", 5, 1, 3), footprint("y/1", 4, 1, 3),
        pair("x/1", "y/1", 3, 3),
        audit(distinct_blocks=11),
    ]  # fmt: skip
