"""What of a recording counts, where it holds usage more than once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.store.queries.scope import one

if TYPE_CHECKING:
    from explorer.store.database import Cursor
    from explorer.store.queries.facts import Sheet
    from explorer.store.queries.scope import Scope

_RUNS = "SELECT run_id FROM internal.run_lines WHERE {lines}"
_AGENTS = "SELECT agent_id FROM internal.runs WHERE run_id IN ({runs})"

_STEPS = """
    SELECT
        internal.whole(sum(TRY_CAST(extra ->> '$.cache_write_5m_tokens' AS BIGINT)) FILTER (NOT is_replay)),
        internal.whole(sum(TRY_CAST(extra ->> '$.cache_write_1h_tokens' AS BIGINT)) FILTER (NOT is_replay)),
        count(*) FILTER (NOT is_replay AND (extra ->> '$.output_unconfirmed') = 'true'),
        count(*) FILTER (is_replay),
        coalesce(internal.whole(sum(input_tokens)), 0), coalesce(internal.whole(sum(output_tokens)), 0)
    FROM steps
    WHERE run_id IN ({runs})
"""

_UNCOUNTED = """
    SELECT reason, sum(records)::BIGINT, internal.whole(sum(input_tokens)), internal.whole(sum(output_tokens))
    FROM uncounted_usage
    WHERE agent_id IN ({agents})
    GROUP BY reason
    ORDER BY reason
"""


def counting(cursor: Cursor, sheet: Sheet, scope: Scope) -> None:
    """How the sums of a node differ from those over every record, for recorders that write usage more than once.

    As ``counting_audit`` has it, which is for everything opened.
    """
    if scope.kind == "run":  # what is written more than once is told by agents
        return
    runs = _RUNS.format(lines=scope.runs(own=False))
    uncounted = cursor.execute(_UNCOUNTED.format(agents=_AGENTS.format(runs=runs))).fetchall()
    row = one(cursor, _STEPS.format(runs=runs)) if uncounted else None
    if row is None:
        return
    short, long, unconfirmed, replayed, tokens_in, tokens_out = row
    reasons = [f"{reason} ×{records:,}" for reason, records, _, _ in uncounted]
    reasons += [f"replayed copy ×{replayed:,}"] if replayed else []
    sheet.section = "Counting"
    sheet.add_known("written for 5 minutes", short, "tokens", note="part of cache write")
    sheet.add_known("written for an hour", long, "tokens", note="part of cache write")
    if unconfirmed:
        sheet.add("output at least", unconfirmed, "count", "derived", "steps without a stop reason: it may be more")
    tokens_in += sum(each[2] for each in uncounted)
    tokens_out += sum(each[3] for each in uncounted)
    sheet.add("input of every record", tokens_in, "tokens", note=f"not to be summed: {', '.join(reasons)}")
    sheet.add("output of every record", tokens_out, "tokens", note="the same")
