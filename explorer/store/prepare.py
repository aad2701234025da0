"""What is computed once when a database is opened: numbers per run, the lines of the tree, the findings of rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from explorer.store.hierarchy import cyclic, lay_out
from explorer.store.sql import run_script

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MEASURES = (
    "runs",
    "steps",
    "replayed_steps",
    "steps_with_usage",
    "step_errors",
    "model_calls",
    "tool_calls",
    "tool_errors",
    "input_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "output_tokens",
    "reasoning_tokens",
    "cost_nano",
    "blocks",
    "hit_blocks",
    "errors",
    "warnings",
    "infos",
)
"""What adds up along the tree; NULL where nothing below recorded it."""

_REPORTED = ("model_calls", "tool_calls", "tool_errors", "input_tokens", "output_tokens", "cost_nano")
"""What recorders sum up over a run and everything below it."""

_FINDINGS = ("errors", "warnings", "infos")
_COUNTED = frozenset(("runs", "steps", "replayed_steps", "steps_with_usage", "step_errors", *_FINDINGS))
"""What we count ourselves, so that it is 0 and never NULL."""

_RULES = (
    "total_mismatch", "orphan_agent", "open_run", "numbering_gap", "namespace_reset", "not_prefix_chained",
    "private_namespace", "total_mismatch_below", "serialised_siblings", "forked_capture",
    "hidden_agents", "undelivered_message",
)  # fmt: skip
_NEEDED = {
    "private_namespace": "FROM internal.suspects LIMIT 1",
    "total_mismatch_below": "FROM internal.runs WHERE reported_scope = 'total' LIMIT 1",
}
"""Rules that read a lot, and what there must be for them to find anything."""

Array: TypeAlias = npt.NDArray[np.int64]


def prepare(connection: DuckDBPyConnection) -> None:
    """Fill the schema ``internal`` and define the public views, but those of the laboratory."""
    run_script(connection, "totals.sql")
    run_script(connection, "items.sql")
    _lay_out_items(connection)
    _find_cyclic_runs(connection)
    run_script(connection, "forks.sql")
    run_script(connection, "findings.sql")
    run_script(connection, "block_findings.sql")
    _apply_rules(connection)
    run_script(connection, "held.sql")
    connection.register("numbers", _add_up(connection))
    try:
        run_script(connection, "lines.sql")
    finally:
        connection.unregister("numbers")
    run_script(connection, "views.sql")
    run_script(connection, "reuse.sql")


def _lay_out_items(connection: DuckDBPyConnection) -> None:
    """Give every item its place in the depth-first order."""
    hang = connection.execute("FROM internal.hang ORDER BY n").fetchnumpy()
    is_agent = hang["is_agent"]
    # A run line stays with its agent: cutting the agents out of a cycle breaks it.
    looping = [item for item in cyclic(hang["above"].tolist()) if is_agent[item]]
    above = hang["above"].copy()
    above[looping] = -1
    parents = np.where(hang["is_conversation"], -1, np.where(above < 0, hang["conversation"], above))
    forest = lay_out(parents.tolist())
    counts = is_agent.tolist()
    nesting = [0] * len(counts)  # agents on the way down, the item included
    for item, parent in zip(forest.order, parents[forest.order].tolist(), strict=True):
        nesting[item] = counts[item] + (nesting[parent] if parent >= 0 else 0)
    order = np.array(forest.order, dtype=np.int64)
    positions = np.empty_like(order)
    positions[order] = np.arange(len(order))
    _store(
        connection,
        "layout",
        {
            "n": hang["n"],
            "position": positions,
            "parent": np.where(parents < 0, -1, positions[parents]) if len(order) else parents,
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
    rows = connection.execute(
        "SELECT r.run_id, r.parent_run_id FROM internal.runs AS r "
        "JOIN internal.runs AS p ON p.run_id = r.parent_run_id WHERE p.parent_run_id IS NOT NULL"
    ).fetchall()
    numbers = {run_id: number for number, (run_id, _) in enumerate(rows)}
    looping = [rows[number][0] for number in cyclic([numbers.get(parent, -1) for _, parent in rows])]
    connection.execute("CREATE TABLE internal.cyclic_runs AS SELECT unnest($1::VARCHAR[]) AS run_id", [looping])


def _apply_rules(connection: DuckDBPyConnection) -> None:
    """Collect what the rules find."""
    rules = [rule for rule in _RULES if rule not in _NEEDED or connection.execute(_NEEDED[rule]).fetchall()]
    union = " UNION ALL BY NAME ".join(f"FROM rules.{rule}" for rule in rules)
    connection.execute(f"CREATE TABLE internal.rule_findings AS {union}")


def _add_up(connection: DuckDBPyConnection) -> dict[str, Array]:
    """The own and total numbers of every line, by position.

    What lies below a line is a range of positions, so two running sums make a difference. Own numbers of a line that
    stands for several runs are the sums over these.
    """
    held = connection.execute("FROM internal.held").fetchnumpy()
    position, last, agent, conversation = (
        held[name] for name in ("position", "last", "agent_position", "conversation_position")
    )
    of_agent = np.flatnonzero((agent >= 0) & (agent != position))
    of_conversation = np.flatnonzero(conversation >= 0)
    numbers: dict[str, Array] = {"position": position}

    def below(values: Array) -> Array:
        running = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(values, dtype=np.int64)))
        sums: Array = running[last + 1] - running[:-1]
        return sums

    def own(values: Array) -> Array:
        summed = values.copy()
        np.add.at(summed, agent[of_agent], values[of_agent])
        np.add.at(summed, conversation[of_conversation], values[of_conversation])
        return summed

    for name in MEASURES:
        values = np.ma.filled(held[name], 0)
        known = (~np.ma.getmaskarray(held[name])).astype(np.int64)
        # Findings are counted where they show, and not again as a conversation's own.
        mine = (values, known) if name in _FINDINGS else (own(values), own(known))
        if name in _REPORTED and not np.ma.getmaskarray(held[f"report_{name}"]).all():
            found, figures = below(values), below(known)
            if name == "model_calls":  # some runs may have their own count where others have none
                lacks = figures < below(np.ma.filled(held["runs"], 0))
            else:
                of_steps = held.get(f"step_{name}")  # of costs there are none
                known_of_steps = np.zeros_like(known) if of_steps is None else ~np.ma.getmaskarray(of_steps)
                lacks = below(known_of_steps.astype(np.int64)) == 0
            counts = (figures == 0) | (lacks & (np.ma.filled(held[f"report_{name}"], 0) >= found))
            positions, reports = _counted_reports(held[f"report_{name}"], last, counts, found)
            values[positions] += reports
            known[positions] = 1
        for kind, (sums, recorded) in {"own": mine, "total": (below(values), below(known))}.items():
            numbers[f"{kind}_{name}"] = sums if name in _COUNTED else np.ma.masked_array(sums, mask=recorded == 0)
    return numbers


def _counted_reports(reported: Any, last: Array, counts: Any, found: Array) -> tuple[Array, Array]:
    """The lines with a sum over all of their subtree that counts, and what each adds to the figures found there.

    ``counts`` is where it does: where nothing there has a figure, or where runs lack one (of model calls) or all that
    there is are other sums of the recorder, and these do not come to more.
    Where one such line is below another, the upper sum is over all of it, and adds what the lower ones lack of it.
    """
    counted = np.flatnonzero(~np.ma.getmaskarray(reported) & counts)
    lacking = {position: int(reported[position]) - int(found[position]) for position in counted.tolist()}
    adds = dict(lacking)
    around: list[int] = []
    for position in counted.tolist():
        while around and last[around[-1]] < position:
            around.pop()
        if around:
            adds[around[-1]] -= lacking[position]
        around.append(position)
    most = np.iinfo(np.int64)
    return counted, np.array([min(max(value, most.min), most.max) for value in adds.values()], dtype=np.int64)


def _store(connection: DuckDBPyConnection, table: str, arrays: dict[str, Array]) -> None:
    """Make a table of arrays, one per column."""
    connection.register("arrays", arrays)
    try:
        connection.execute(f"CREATE TABLE internal.{table} AS FROM arrays")
    finally:
        connection.unregister("arrays")
