"""What of a recording counts, where it holds usage more than once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.store.queries.scope import one

if TYPE_CHECKING:
    from explorer.store.database import Cursor
    from explorer.store.queries.facts import Sheet
    from explorer.store.queries.scope import Scope

_AGENTS = """
    SELECT r.agent_id FROM internal.run_lines AS l JOIN internal.runs AS r USING (run_id) WHERE {runs}
"""

_SUMS = """
    SELECT
        internal.whole(sum(cache_write_5m_tokens)), internal.whole(sum(cache_write_1h_tokens)),
        internal.whole(sum(unconfirmed_steps)),
        internal.whole(sum(input_tokens)), internal.whole(sum(output_tokens))
    FROM internal.usage_records
    WHERE agent_id IN ({agents})
"""

_REASONS = """
    SELECT string_agg(concat(reason, ' ×', records), ', ' ORDER BY reason)
    FROM (
        SELECT reason, sum(records)::BIGINT AS records
        FROM internal.usage_records
        WHERE reason <> 'counted' AND agent_id IN ({agents})
        GROUP BY reason
    )
"""


def counting(cursor: Cursor, sheet: Sheet, scope: Scope) -> None:
    """How the sums of a node differ from those over every record, for recorders that write usage more than once."""
    agents = _AGENTS.format(runs=scope.runs(own=False))
    if scope.kind == "run" or one(cursor, f"FROM uncounted_usage WHERE agent_id IN ({agents}) LIMIT 1") is None:
        return
    row, why = one(cursor, _SUMS.format(agents=agents)), one(cursor, _REASONS.format(agents=agents))
    if row is None or why is None:
        return
    short, long, unconfirmed, tokens_in, tokens_out = row
    sheet.section = "Counting"
    sheet.add_known("written for 5 minutes", short, "tokens", note="part of cache write")
    sheet.add_known("written for an hour", long, "tokens", note="part of cache write")
    if unconfirmed:
        sheet.add("output at least", unconfirmed, "count", "derived", "steps without a stop reason: it may be more")
    sheet.add("input of every record", tokens_in, "tokens", note=f"not to be summed: {why[0]}")
    sheet.add("output of every record", tokens_out, "tokens", note="the same")
