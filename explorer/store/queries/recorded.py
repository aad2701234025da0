"""Parts of the overview that set the record beside what we make of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explorer.model import Grade
    from explorer.store.database import Cursor
    from explorer.store.queries.facts import Sheet, Unit
    from explorer.store.queries.scope import Scope

_ORDERS = (("document", "order of the file"), ("parent_first", "parents first"), ("start_time", "start time"))

_COVERAGE = {
    "floor": "whole blocks only: tokens behind the last full one are in none",
    "ceil": "the last block may be filled in part",
    "exact": "input is a whole number of blocks",
    "mixed": "no one rule fits all steps",
}


def _row(cursor: Cursor, sql: str, parameters: Sequence[object] = ()) -> dict[str, Any] | None:
    """The first row by column name."""
    answer = cursor.execute(sql, list(parameters))
    names = [column[0] for column in answer.description or []]
    row = next(iter(answer.fetchall()), None)
    return None if row is None else dict(zip(names, row, strict=True))


def _line(cursor: Cursor, scope: Scope) -> dict[str, Any]:
    return _row(cursor, "FROM internal.nodes WHERE position = $1", [scope.position]) or {}


def times(cursor: Cursor, sheet: Sheet, scope: Scope) -> None:
    """When it was: as recorded, and as repaired where that differs."""
    sheet.section = "Time"
    line = _line(cursor, scope)
    run = _row(cursor, "FROM run_totals WHERE run_id = $1", [line.get("run_id")]) if line.get("run_id") else None
    repaired = run is not None and run["time_grade"] == "derived"
    grade: Grade = run["time_grade"] if run else "exact"
    how = "repaired; the recorded time is below" if repaired else "from the conversation's start"
    sheet.add("start", line.get("start_ms"), "ms", grade, how)
    note = "end less start" if run else "from the first start to the last end of its runs"
    sheet.add("duration", line.get("duration_ms"), "ms", grade, note)
    if run is None:
        found = _row(
            cursor, "SELECT started_at, ended_at FROM conversations WHERE conversation_id = $1", [scope.node_id]
        )
        run = found or {}
    for name, label in (("started_at", "started at"), ("ended_at", "ended at")):
        value = run.get(name)
        sheet.add_known(label, value.isoformat(sep=" ") + " UTC" if value else None, "time")
    if not line.get("run_id"):
        return
    sheet.add_known("recorded duration", run["reported_duration_ms"], "ms", note="the recorder's own figure")
    for at, detail in cursor.execute(
        "SELECT at_ms, detail FROM events WHERE run_id = $1 AND trigger = 'repaired-time' ORDER BY ordinal",
        [line["run_id"]],
    ).fetchall():
        sheet.add("recorded time", at, "ms", note=detail or "")
    for kind, other, at, edge_grade in cursor.execute(
        """
        SELECT
            e.kind || CASE WHEN e.to_run_id = $1 THEN ' from' ELSE ' to' END,
            concat_ws(' ', n.name, n.label),
            e.at_ms,
            e.grade
        FROM edges AS e
        LEFT JOIN internal.run_lines AS l
            ON l.run_id = CASE WHEN e.to_run_id = $1 THEN e.from_run_id ELSE e.to_run_id END
        LEFT JOIN internal.nodes AS n ON n.position = l.position
        WHERE e.to_run_id = $1 OR (e.from_run_id = $1 AND e.kind = 'result')
        ORDER BY e.at_ms NULLS LAST, e.edge_id
        LIMIT 20
        """,
        [line["run_id"]],
    ).fetchall():
        sheet.add(f"{kind} {other}".rstrip(), at, "ms", edge_grade)


def footprint(cursor: Cursor, sheet: Sheet, scope: Scope) -> None:
    """Distinct blocks, of one run."""
    run_id = _line(cursor, scope).get("run_id")
    found = _row(cursor, "FROM run_footprint WHERE run_id = $1", [run_id]) if run_id else None
    if found is None:
        return
    unique = found["unique_blocks"]
    tokens = f"{found['unique_tokens']:,} tokens" if found["unique_tokens"] is not None else "block size not recorded"
    sheet.add("distinct blocks", unique, "blocks", "derived", tokens)
    for name, whom in (("shared_parent", "its parent"), ("shared_siblings", "any sibling")):
        if found[name] is not None:
            share = f"{found[name] / unique:.1%} of its distinct blocks, " if unique else ""
            sheet.add(f"shared with {whom}", found[name], "blocks", "derived", f"{share}whoever wrote them first")


def numbering(cursor: Cursor, sheet: Sheet, scope: Scope) -> None:
    """What the namespace audit found, in words."""
    sheet.section = "Blocks and numbering"
    rows = cursor.execute(
        "SELECT namespace FROM namespace_audit WHERE conversation_id = $1 ORDER BY 1", [scope.node_id]
    )
    for (namespace,) in rows.fetchall():
        audit = _row(
            cursor, "FROM namespace_audit WHERE conversation_id = $1 AND namespace = $2", [scope.node_id, namespace]
        )
        assert audit is not None
        missing = "not recorded: local is assumed, one numbering for the conversation"
        sheet.add("scope of block ids", audit["scope"], note="as recorded" if audit["scope"] else missing)
        sheet.add("block size", audit["block_tokens"], "tokens")
        sheet.add("distinct blocks", audit["distinct_blocks"], "blocks", "derived", "in the whole conversation")
        sheet.add("first id", audit["base"], "", "derived", "known builders start at 0 or 1")
        dense = "every id from the first to the last occurs" if audit["dense"] else "ids are missing in between"
        sheet.add("dense", _yes(audit["dense"]), "", "derived", dense)
        chained = (
            "an id stands for a whole prefix: one position, one predecessor"
            if audit["chained"]
            else "an id stands at several positions or behind several others: it does not stand for a prefix"
        )
        sheet.add("prefix-chained", _yes(audit["chained"]), "", "derived", chained)
        sheet.add("coverage of input", audit["coverage"], "", "derived", _COVERAGE.get(audit["coverage"] or "", ""))
        for order, words in _ORDERS:
            sheet.add(f"numbered by {words}", *_audited(audit, order))


def _audited(audit: dict[str, Any], order: str) -> tuple[str, Unit, Grade, str]:
    gaps, missing, resets = (audit[f"{what}_{order}"] for what in ("gap_events", "missing_ids", "reset_events"))
    if audit[f"perfect_{order}"]:
        return "perfect", "", "derived", "every new id is the last new one plus 1"
    return "no", "", "derived", f"{gaps:,} jumps ahead over {missing:,} ids, {resets:,} back below the highest so far"


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def as_recorded(cursor: Cursor, sheet: Sheet, scope: Scope) -> None:
    """Names, ids and the recorder's own figures beside ours."""
    sheet.section = "As recorded"
    line = _line(cursor, scope)
    conversation = _row(cursor, "FROM conversations WHERE conversation_id = $1", [line["conversation_id"]]) or {}
    agent = _row(cursor, "FROM agents WHERE agent_id = $1", [line["agent_id"]]) if line["agent_id"] else None
    run = _row(cursor, "FROM run_totals WHERE run_id = $1", [line["run_id"]]) if line["run_id"] else None
    if scope.kind == "conversation":
        for name in ("title", "group_name", "cwd"):
            sheet.add_known({"group_name": "group"}.get(name, name), conversation.get(name))
    if agent:
        for name in ("name", "label", "version"):
            sheet.add_known(f"agent {name}", agent[name])
    if run:
        sheet.add("status", run["status"], note=run["status_detail"] or "")
        for name, label in (("request_model", "model asked for"), ("model", "model"), ("native_run_id", "run")):
            sheet.add_known(label, run[name])
        sheet.add_known("reward", run["reward"])
        _reported(sheet, run)
    sheet.add_known("format", conversation.get("format"))
    sheet.add_known("source", conversation.get("source_id"))
    if scope.kind == "conversation":
        sheet.add("conversation id", line["conversation_id"])
    else:
        sheet.add("agent id", line["agent_id"])
        sheet.add_known("run id", line["run_id"])
    if run:
        sheet.add_extra(run["extra"])
    if scope.kind == "conversation":
        sheet.add_extra(conversation.get("extra"))


def _reported(sheet: Sheet, run: dict[str, Any]) -> None:
    units: dict[str, Unit] = {
        "steps": "count",
        "input_tokens": "tokens",
        "output_tokens": "tokens",
        "tool_calls": "count",
    }
    for name, unit in units.items():
        reported, ours = run[f"reported_{name}"], run[name]
        if reported is None:
            continue
        if ours is None:
            note = "its steps record none to compare with"
        elif ours == reported:
            note = "equal to the sum of its steps"
        else:
            note = f"its steps sum to {ours:,} ({ours - reported:+,})"
        sheet.add(f"recorded {name.replace('_', ' ')}", reported, unit, "exact", note)


def attribution(cursor: Cursor, sheet: Sheet, scope: Scope) -> None:
    """How sure it is that things belong where they are shown."""
    sheet.section = "Attribution"
    line = _line(cursor, scope)
    if line["agent_id"]:
        agent = _row(cursor, "SELECT parent_grade, parent_agent_id FROM agents WHERE agent_id = $1", [line["agent_id"]])
        if agent:
            above = f"recorded as {agent['parent_agent_id']}" if agent["parent_agent_id"] else "it has no parent"
            sheet.add("parent", agent["parent_grade"].replace("_", " "), "", agent["parent_grade"], above)
    if line["run_id"]:
        run = _row(cursor, "SELECT grade, time_grade FROM runs WHERE run_id = $1", [line["run_id"]])
        if run:
            sheet.add("run", run["grade"].replace("_", " "), "", run["grade"], "that these steps are one run")
            sheet.add("time", run["time_grade"].replace("_", " "), "", run["time_grade"])
    sums = _row(
        cursor,
        "SELECT sum(steps)::BIGINT AS steps, sum(steps_derived)::BIGINT AS derived, "
        "sum(steps_ambiguous)::BIGINT AS ambiguous FROM internal.runs "
        f"WHERE run_id IN (SELECT run_id FROM internal.run_lines WHERE {scope.runs(own=False)})",
    )
    if sums and sums["steps"]:
        unsure = sums["derived"] + sums["ambiguous"]
        grade: Grade = "ambiguous" if sums["ambiguous"] else "derived" if sums["derived"] else "exact"
        note = f"{sums['derived']:,} by a rule, {sums['ambiguous']:,} where several runs fit" if unsure else ""
        sheet.add("steps placed for sure", sums["steps"] - unsure, "count", grade, note)
