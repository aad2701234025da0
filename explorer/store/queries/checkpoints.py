"""States that runs were saved in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explorer.store.queries.scope import one

if TYPE_CHECKING:
    from explorer.store.database import Cursor
    from explorer.store.queries.facts import Sheet
    from explorer.store.queries.scope import Scope

_MOST = 10
"""Lines; the table has all."""

_NEWEST = """
    SELECT
        concat_ws(' ', CASE WHEN {several} THEN n.name END, CASE WHEN {several} THEN n.label END) AS run,
        c.step_seq, c.checkpoint_id, c.messages, c.input_tokens, c.output_tokens, c.tool_calls, c.cost_usd,
        c.elapsed_ms, c.pending_tool_calls, c.resumable, c.note
    FROM checkpoints AS c
    LEFT JOIN internal.run_lines AS l USING (run_id)
    LEFT JOIN internal.nodes AS n ON n.position = l.position
    WHERE {chosen}
    ORDER BY c.created_at DESC NULLS LAST, c.at_ms DESC NULLS LAST, c.step_seq DESC NULLS LAST, c."offset" DESC,
        c.checkpoint_key
    LIMIT {limit}
"""

_SPENT = (
    ("input_tokens", "{:,} input"),
    ("output_tokens", "{:,} output"),
    ("tool_calls", "tool calls: {:,}"),
    ("cost_usd", "${:,.4f}"),
)


def checkpoints(cursor: Cursor, sheet: Sheet, scope: Scope, conversation_id: str) -> None:
    """The newest states that a node's runs were saved in, and which of them a resume would go on from."""
    chosen = f"c.run_id IN (SELECT run_id FROM internal.run_lines WHERE {scope.runs(own=False)})"
    parameters = []
    if scope.kind == "conversation":  # with those that belong to no run
        chosen, parameters = f"({chosen} OR c.conversation_id = $1)", [conversation_id]
    counted = one(cursor, f"SELECT count(*), count(DISTINCT run_id) FROM checkpoints AS c WHERE {chosen}", parameters)
    if counted is None or not counted[0]:
        return
    sheet.section = "Checkpoints"
    several = "true" if counted[1] > 1 else "false"
    answer = cursor.execute(_NEWEST.format(several=several, chosen=chosen, limit=_MOST), parameters)
    names = [column[0] for column in answer.description or []]
    for row in answer.fetchall():
        saved = dict(zip(names, row, strict=True))
        messages = saved["messages"]
        note = _note(saved)
        if messages is None:
            sheet.add(_label(saved), "saved", note=note)
        else:
            sheet.add(_label(saved), messages, "count", note=f"messages{'; ' if note else ''}{note}")
    if counted[0] > _MOST:
        sheet.add("older ones", counted[0] - _MOST, "count", note="not listed; the table checkpoints has all")


def _label(saved: dict[str, Any]) -> str:
    step = saved["checkpoint_id"] or "checkpoint" if saved["step_seq"] is None else f"step {saved['step_seq']:,}"
    return " ".join(filter(None, (saved["run"], step)))


def _note(saved: dict[str, Any]) -> str:
    spent = [words.format(saved[name]) for name, words in _SPENT if saved[name] is not None]
    if saved["elapsed_ms"] is not None:
        spent.append(f"{saved['elapsed_ms'] / 1000:,.1f} s")
    words = [f"{', '.join(spent)} until then" if spent else ""]
    if saved["pending_tool_calls"]:
        pending = saved["pending_tool_calls"]
        words.append(f"{pending:,} tool {'call' if pending == 1 else 'calls'} without a result")
    words += ["a resume would pick this one" if saved["resumable"] else "", saved["note"] or ""]
    return "; ".join(filter(None, words))
