"""What is computed once when a database is opened: numbers per run, the lines of the tree, the findings of rules."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from explorer.store.hierarchy import cyclic, lay_out

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MEASURES = (
    "runs",
    "steps",
    "replayed_steps",
    "steps_with_usage",
    "step_errors",
    "tool_calls",
    "tool_errors",
    "input_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "output_tokens",
    "reasoning_tokens",
    "blocks",
    "hit_blocks",
    "errors",
    "warnings",
    "infos",
)
"""What adds up along the tree; NULL where nothing below recorded it."""

_FINDINGS = ("errors", "warnings", "infos")
_COUNTED = frozenset(("runs", "steps", "replayed_steps", "steps_with_usage", "step_errors", *_FINDINGS))
"""What we count ourselves, so that it is 0 and never NULL."""

Array: TypeAlias = npt.NDArray[np.int64]


def prepare(connection: DuckDBPyConnection) -> None:
    """Fill the schema ``internal`` and define the public views, over the tables of the model."""
    run_script(connection, "totals.sql")
    run_script(connection, "items.sql")
    _lay_out_items(connection)
    _find_cyclic_runs(connection)
    run_script(connection, "findings.sql")
    run_script(connection, "held.sql")
    _add_up(connection)
    run_script(connection, "lines.sql")
    run_script(connection, "views.sql")


def run_script(connection: DuckDBPyConnection, name: str) -> None:
    """Run the statements of a file beside this one."""
    connection.execute(Path(__file__).with_name(name).read_text("utf-8"))


def _lay_out_items(connection: DuckDBPyConnection) -> None:
    """Give every item its place in the depth-first order."""
    rows = connection.execute("SELECT kind, above, conversation FROM internal.hang ORDER BY n").fetchall()
    above: list[int | None] = [row[1] for row in rows]
    # A run line stays with its agent: cutting the agents out of a cycle breaks it.
    looping = [item for item in cyclic(above) if rows[item][0] == "agent"]
    for item in looping:
        above[item] = None
    parents = [
        None if kind == "conversation" else conversation if up is None else up
        for (kind, _, conversation), up in zip(rows, above, strict=True)
    ]
    forest = lay_out(parents)
    nesting = [0] * len(rows)  # agents on the way down, the item included
    for item in np.argsort(np.array(forest.positions, dtype=np.int64), kind="stable").tolist():
        parent = parents[item]
        nesting[item] = (0 if parent is None else nesting[parent]) + (rows[item][0] == "agent")
    positions = np.array(forest.positions, dtype=np.int64)
    _store(
        connection,
        "layout",
        {
            "n": np.arange(len(rows), dtype=np.int64),
            "position": positions,
            "parent": np.array([-1 if up is None else forest.positions[up] for up in parents], dtype=np.int64),
            "last": np.array(forest.lasts, dtype=np.int64),
            "depth": np.array(forest.depths, dtype=np.int64),
            "nesting": np.array(nesting, dtype=np.int64),
        },
    )
    connection.execute(
        "CREATE TABLE internal.cyclic_agents AS "
        "SELECT agent_id FROM internal.items WHERE n IN (SELECT unnest($1::BIGINT[]))",
        [looping],
    )


def _find_cyclic_runs(connection: DuckDBPyConnection) -> None:
    """Note the runs whose recorded parents lead back to them."""
    rows = connection.execute("SELECT run_id, parent_run_id FROM runs WHERE parent_run_id IS NOT NULL").fetchall()
    numbers = {run_id: number for number, (run_id, _) in enumerate(rows)}
    looping = [rows[number][0] for number in cyclic([numbers.get(parent) for _, parent in rows])]
    connection.execute("CREATE TABLE internal.cyclic_runs AS SELECT unnest($1::VARCHAR[]) AS run_id", [looping])


def _add_up(connection: DuckDBPyConnection) -> None:
    """Sum what lies below each line: it is a range of positions, so two running sums make a difference."""
    columns = ", ".join(
        f"coalesce({name}, 0) AS {name}, ({name} IS NOT NULL)::BIGINT AS known_{name}" for name in MEASURES
    )
    held = connection.execute(f"SELECT position, last, {columns} FROM internal.held ORDER BY position").fetchnumpy()
    last = held.pop("last")
    sums: dict[str, Array] = {"position": held.pop("position")}
    for name, values in held.items():
        running = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(values, dtype=np.int64)))
        sums[name] = running[last + 1] - running[:-1]
    _store(connection, "sums", sums)
    own = ", ".join(_or_zero(name, f"coalesce(g.{name}, h.{name})") + f" AS own_{name}" for name in MEASURES)
    total = ", ".join(
        _or_zero(name, f"CASE WHEN t.known_{name} > 0 THEN t.{name} END") + f" AS total_{name}" for name in MEASURES
    )
    grouped = ", ".join(f"sum({name})::BIGINT AS {name}" for name in MEASURES if name not in _FINDINGS)
    connection.execute(f"""
        CREATE TABLE internal.numbers AS
        WITH run_numbers AS (
            SELECT h.*, r.agent_position, r.conversation_position, r.depth
            FROM internal.held AS h
            JOIN internal.run_lines AS r ON r.position = h.position
        ),
        grouped AS (
            SELECT agent_position AS position, {grouped} FROM run_numbers WHERE agent_position <> position GROUP BY 1
            UNION ALL
            SELECT conversation_position, {grouped} FROM run_numbers WHERE depth = 0 GROUP BY 1
        )
        SELECT h.position, {own}, {total}
        FROM internal.held AS h
        JOIN internal.sums AS t USING (position)
        LEFT JOIN (SELECT *, NULL AS errors, NULL AS warnings, NULL AS infos FROM grouped) AS g USING (position)
        ORDER BY h.position
    """)
    for table in ("held", "sums", "hang"):
        connection.execute(f"DROP TABLE internal.{table}")


def _or_zero(name: str, sql: str) -> str:
    return f"coalesce({sql}, 0)" if name in _COUNTED else sql


def _store(connection: DuckDBPyConnection, table: str, arrays: dict[str, Array]) -> None:
    """Make a table of arrays, one per column."""
    connection.register("arrays", arrays)
    try:
        connection.execute(f"CREATE TABLE internal.{table} AS FROM arrays")
    finally:
        connection.unregister("arrays")
