"""Parts of the overview that set the record beside what we make of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from explorer.model import HASHES, PROMPT_PARTS
from explorer.store.queries.sums import Sums

if TYPE_CHECKING:
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


_AGENT = """
SELECT a.*, min(r.started_at) AS started_at, max(r.ended_at) AS ended_at
FROM agents AS a
LEFT JOIN runs AS r ON r.agent_id = a.agent_id AND NOT r.is_replay
WHERE a.agent_id = $1
GROUP BY ALL
"""


class Recorded(NamedTuple):
    """What was recorded of a node, column by column; empty where nothing was."""

    line: dict[str, Any]
    """The line of the tree."""
    conversation: dict[str, Any]
    agent: dict[str, Any]
    """With the first start and the last end of its runs."""
    run: dict[str, Any]
    """Its run, if it has just one, with our own numbers beside the recorded ones."""


def _row(cursor: Cursor, sql: str, *parameters: object) -> dict[str, Any]:
    """The first row by column name; nothing by nothing."""
    answer = cursor.execute(sql, list(parameters))
    names = [column[0] for column in answer.description or []]
    return next((dict(zip(names, row, strict=True)) for row in answer.fetchall()), {})


def recorded(cursor: Cursor, scope: Scope) -> Recorded:
    """Read what was recorded of a node."""
    line = _row(cursor, "FROM internal.nodes WHERE position = $1", scope.position)
    conversation = _row(cursor, "FROM conversations WHERE conversation_id = $1", line["conversation_id"])
    agent, run = {}, {}
    if line["agent_id"]:
        agent = _row(cursor, _AGENT, line["agent_id"])
    if line["run_id"]:
        ours = _row(cursor, "FROM internal.runs WHERE run_id = $1", line["run_id"])
        run = ours | _row(cursor, "FROM runs WHERE run_id = $1", line["run_id"])
    return Recorded(line, conversation, agent, run)


def times(cursor: Cursor, sheet: Sheet, of: Recorded) -> None:
    """When it was: as recorded, and as repaired where that differs."""
    sheet.section = "Time"
    repaired = of.run.get("time_grade") == "derived"
    grade: Grade = of.run.get("time_grade", "exact")
    how = "repaired; the recorded time is below" if repaired else "from the conversation's start"
    sheet.add("start", of.line["start_ms"], "ms", grade, how)
    note = "end less start" if of.run else "from the first start to the last end of its runs"
    running = of.line["status"] == "running"
    if running:
        note = "so far: it had not ended when this was recorded"
    sheet.add("duration", of.line["duration_ms"], "ms", grade, note)
    for name, label in (("started_at", "started at"), ("ended_at", "last seen at" if running else "ended at")):
        value = (of.run or of.agent or of.conversation).get(name)
        sheet.add_known(label, value.isoformat(sep=" ") + " UTC" if value else None, "time")
    if not of.run:
        _concurrency(cursor, sheet, of)
        return
    sheet.add_known("recorded duration", of.run["reported_duration_ms"], "ms", note="the recorder's own figure")
    for at, detail in cursor.execute(
        "SELECT at_ms, detail FROM events WHERE run_id = $1 AND trigger = 'repaired-time' ORDER BY ordinal",
        [of.run["run_id"]],
    ).fetchall():
        sheet.add("recorded time", at, "ms", note=detail or "")
    for words, at, edge_grade in cursor.execute(_EDGES, [of.run["run_id"]]).fetchall():
        sheet.add(words, at, "ms", edge_grade)


def _concurrency(cursor: Cursor, sheet: Sheet, of: Recorded) -> None:
    """How many runs of a line of several were active at once, and for how long."""
    most, runs = of.line["concurrent"], of.line["own_runs"]
    if most is None or runs < 2:  # but for copies
        return
    together = _row(
        cursor,
        "SELECT sum(lasting)::BIGINT AS ms FROM internal.activity WHERE agent_position = $1 AND active = $2",
        of.line["position"],
        most,
    )["ms"]
    note = f"of {runs:,} runs" + (f", together for {together / 1000:,.1f} s" if most > 1 else ": one after the other")
    sheet.add("most at once", most, "count", "derived", note)


_EDGES = """
    SELECT concat_ws(' ', e.kind, e.way, n.name, n.label), e.at_ms, e.grade
    FROM (
        SELECT edge_id, kind, 'from' AS way, from_run_id AS other, at_ms, grade FROM edges WHERE to_run_id = $1
        UNION ALL
        SELECT edge_id, kind, 'to', to_run_id, at_ms, grade FROM edges WHERE from_run_id = $1 AND kind = 'result'
    ) AS e
    LEFT JOIN internal.run_lines AS l ON l.run_id = e.other
    LEFT JOIN internal.nodes AS n ON n.position = l.position
    ORDER BY e.at_ms NULLS LAST, e.edge_id
    LIMIT 20
"""
"""When a run was spawned and told things, and when it gave its result."""


def footprint(sheet: Sheet, of: Recorded) -> None:
    """Distinct blocks, of one run."""
    unique = of.run.get("unique_blocks")
    if unique is None:
        return
    tokens = of.run["unique_tokens"]
    unsized = "parts of prompts" if of.conversation.get("block_scope") == PROMPT_PARTS else "block size not recorded"
    note = f"{tokens:,} tokens" if tokens is not None else unsized
    sheet.add("distinct blocks", unique, "blocks", "derived", note)
    for name, whom in (("shared_parent", "its parent"), ("shared_siblings", "any sibling")):
        shared = of.run[name]
        if shared is not None:
            share = f"{shared / unique:.1%} of its distinct blocks, " if unique else ""
            sheet.add(f"shared with {whom}", shared, "blocks", "derived", f"{share}whoever wrote them first")


def numbering(cursor: Cursor, sheet: Sheet, of: Recorded) -> None:
    """What the namespace audit found, in words."""
    sheet.section = "Blocks and numbering"
    answer = cursor.execute(
        "FROM namespace_audit WHERE conversation_id = $1 ORDER BY namespace", [of.line["conversation_id"]]
    )
    names = [column[0] for column in answer.description or []]
    for row in answer.fetchall():
        audit = dict(zip(names, row, strict=True))
        if audit["scope"] == PROMPT_PARTS:
            _prompt_parts(sheet, audit)
            continue
        hashed = audit["scope"] == HASHES
        missing = "not recorded: local is assumed, one numbering for the conversation"
        recorded = "ids are hashes: equal in one trace, and in no order" if hashed else "as recorded"
        sheet.add("scope of block ids", audit["scope"], note=recorded if audit["scope"] else missing)
        sheet.add("block size", audit["block_tokens"], "tokens")
        sheet.add("distinct blocks", audit["distinct_blocks"], "blocks", "derived", "in the whole conversation")
        if not hashed:
            sheet.add("first id", audit["base"], "", "derived", "known builders start at 0 or 1")
            dense = "every id from the first to the last occurs" if audit["dense"] else "ids are missing in between"
            sheet.add("dense", _yes(audit["dense"]), "", "derived", dense)
        chained = (
            "an id stands for a whole prefix: one position, one predecessor"
            if audit["chained"]
            else "an id stands at several positions or behind several others: it does not stand for a prefix"
        )
        sheet.add("prefix-chained", _yes(audit["chained"]), "", "derived", chained)
        if not audit["chained"]:
            note = "behind the very same ids, as a cache needs it, on a cache without end"
            sheet.add("leading blocks seen before", audit["hits"], "blocks", "derived", "by their ids alone")
            sheet.add("of these, whole prefixes", audit["prefix_hits"], "blocks", "derived", note)
        sheet.add("coverage of input", audit["coverage"], "", "derived", _COVERAGE.get(audit["coverage"] or "", ""))
        for order, words in () if hashed else _ORDERS:
            sheet.add(f"numbered by {words}", *_audited(audit, order))


def _prompt_parts(sheet: Sheet, audit: dict[str, Any]) -> None:
    note = (
        "the recorder has prompts and no block ids: the blocks are the parts of these prompts, each with all before "
        "it, numbered by us; they are of any length, so that there are no tokens per block"
    )
    sheet.add("blocks", "prompt parts", "", "derived", note)
    sheet.add("distinct blocks", audit["distinct_blocks"], "blocks", "derived", "in the whole conversation")


def _audited(audit: dict[str, Any], order: str) -> tuple[str, Unit, Grade, str]:
    gaps, missing, resets = (audit[f"{what}_{order}"] for what in ("gap_events", "missing_ids", "reset_events"))
    if audit[f"perfect_{order}"]:
        return "perfect", "", "derived", "every new id is the last new one plus 1"
    return "no", "", "derived", f"{gaps:,} jumps ahead over {missing:,} ids, {resets:,} back below the highest so far"


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def as_recorded(cursor: Cursor, sheet: Sheet, scope: Scope, of: Recorded) -> None:
    """Names, ids and the recorder's own figures beside ours."""
    sheet.section = "As recorded"
    if scope.kind == "conversation":
        for name in ("title", "group_name", "cwd"):
            sheet.add_known({"group_name": "group"}.get(name, name), of.conversation.get(name))
    for name in ("name", "label", "version"):
        sheet.add_known(f"agent {name}", of.agent.get(name))
    if of.run:
        sheet.add("status", of.run["status"], note=of.run["status_detail"] or "")
        for name, label in (("request_model", "model asked for"), ("model", "model"), ("native_run_id", "run")):
            sheet.add_known(label, of.run[name])
        sheet.add_known("reward", of.run["reward"])
        _reported(cursor, sheet, scope, of.run)
    sheet.add_known("format", of.conversation.get("format"))
    sheet.add_known("source", of.conversation.get("source_id"))
    if scope.kind == "conversation":
        sheet.add("conversation id", of.line["conversation_id"])
        sheet.add_extra(of.conversation.get("extra"))
    else:
        sheet.add("agent id", of.line["agent_id"])
        sheet.add_known("run id", of.line["run_id"])
        sheet.add_extra(of.run.get("extra"))


def _reported(cursor: Cursor, sheet: Sheet, scope: Scope, run: dict[str, Any]) -> None:
    """The recorder's own sums, beside what the rows that it wrote add up to."""
    units: dict[str, Unit] = {
        "steps": "count",
        "input_tokens": "tokens",
        "output_tokens": "tokens",
        "tool_calls": "count",
        "tool_errors": "count",
    }
    whole = run["reported_scope"] == "total"
    sums = Sums(cursor, scope) if whole else None
    whose = "of it and everything below" if whole else "of its steps"
    for name, unit in units.items():
        reported = run[f"reported_{name}"]
        if reported is None:
            continue
        if name == "steps":
            ours = None if run["counts_no_steps"] else sums.total["steps"] if sums else run["steps"]
        else:
            ours = sums.of_runs[name] if sums else run[f"step_{name}"]
        if ours is None and name == "steps":
            note = "model calls, which are not written down one by one"
        elif ours is None:
            note = "its steps record none to compare with"
        elif ours == reported:
            note = f"equal to the sum {whose}"
        else:
            note = f"{'with everything below, ' if whole else ''}its steps sum to {ours:,} ({ours - reported:+,})"
        sheet.add(f"recorded {name.replace('_', ' ')}", reported, unit, "exact", note)
    sheet.add_known("recorded cost", run["reported_cost_usd"], "usd", note="with everything below" if whole else "")


def attribution(cursor: Cursor, sheet: Sheet, scope: Scope, of: Recorded) -> None:
    """How sure it is that things belong where they are shown."""
    sheet.section = "Attribution"
    if of.agent:
        grade: Grade = of.agent["parent_grade"]
        above = of.agent["parent_agent_id"]
        sheet.add("parent", grade.replace("_", " "), "", grade, f"recorded as {above}" if above else "it has no parent")
    for name, label, note in (("grade", "run", "that these steps are one run"), ("time_grade", "time", "")):
        if of.run:
            sheet.add(label, of.run[name].replace("_", " "), "", of.run[name], note)
    runs = f"run_id IN (SELECT run_id FROM internal.run_lines WHERE {scope.runs(own=False)})"
    for label, table, counted in (("steps", "steps", "NOT is_replay"), ("tool calls", "tool_calls", "true")):
        sums = _row(
            cursor,
            "SELECT count(*) AS all, count(*) FILTER (grade = 'exact') AS exact, "
            "count(*) FILTER (grade = 'derived') AS derived, count(*) FILTER (grade = 'ambiguous') AS ambiguous "
            f"FROM {table} WHERE {counted} AND {runs}",
        )
        if not sums["all"]:
            continue
        sure: Grade = "ambiguous" if sums["ambiguous"] else "derived" if sums["derived"] else "exact"
        words = [f"{sums['derived']:,} by a rule" if sums["derived"] else ""]
        if sums["ambiguous"]:
            words.append(f"{sums['ambiguous']:,} ambiguous{_among(cursor, runs)}")
        unknown = sums["all"] - sums["exact"] - sums["derived"] - sums["ambiguous"]
        words.append(f"{unknown:,} not recorded" if unknown else "")
        sheet.add(f"{label} placed for sure", sums["exact"], "count", sure, ", ".join(filter(None, words)))


def _among(cursor: Cursor, runs: str) -> str:
    """Among how many runs ambiguous steps are."""
    among = _row(
        cursor,
        "SELECT count(DISTINCT candidate) AS runs FROM ("
        f"SELECT unnest(try(from_json(candidates, '[\"VARCHAR\"]'))) AS candidate FROM steps "
        f"WHERE candidates IS NOT NULL AND {runs})",
    )["runs"]
    return f" among {among:,} runs" if among else ""
