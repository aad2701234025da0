"""Versions of one agent beside each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explorer.store.database import Cursor
    from explorer.store.queries.facts import Sheet
    from explorer.store.queries.scope import Scope

_VERSIONS = """
    WITH chosen AS (
        FROM internal.version_runs
        WHERE run_id IN (SELECT run_id FROM internal.run_lines WHERE {runs})
    ),
    compared AS (
        SELECT agent_name FROM chosen
        WHERE agent_name IS NOT NULL GROUP BY agent_name HAVING count(DISTINCT agent_version) > 1
    )
    SELECT
        agent_name, agent_version, count(*),
        count(*) FILTER (status = 'completed') AS completed, count(*) FILTER (status = 'failed') AS failed,
        avg(model_calls), stddev_samp(model_calls), avg(input_tokens + output_tokens),
        stddev_samp(input_tokens::DOUBLE + output_tokens), avg(tool_errors), stddev_samp(tool_errors),
        avg(duration_ms) / 1000, stddev_samp(duration_ms) / 1000, avg(reward), stddev_samp(reward)
    FROM chosen
    SEMI JOIN compared USING (agent_name)
    GROUP BY agent_name, agent_version
    ORDER BY agent_name, agent_version NULLS LAST
    LIMIT {limit}
"""

_MOST = 30
"""Lines; the view has all."""


def versions(cursor: Cursor, sheet: Sheet, scope: Scope) -> None:
    """Each version of the agents that have several: how many runs, how they ended, what one took."""
    rows = cursor.execute(_VERSIONS.format(runs=scope.runs(own=False), limit=_MOST + 1)).fetchall()
    if not rows:
        return
    sheet.section = "Versions"
    for name, version, runs, completed, failed, *figures in rows[:_MOST]:
        ended = completed + failed
        words = [f"{completed:,} of {ended:,} completed ({completed / ended:.0%})" if ended else "none has ended"]
        for index, what in enumerate(("turns", "tokens", "tool errors", "s", "reward")):
            mean, spread = figures[2 * index : 2 * index + 2]
            if mean is not None:
                words.append(f"{_figure(mean)}{'' if spread is None else f' ± {_figure(spread)}'} {what}")
        sheet.add(f"{name} {version or '(no version)'}", runs, "count", note=", ".join(words))
    sheet.add("of a run", "mean ± spread", note="its own, without sub-agents; agent_version_totals has all figures")
    if len(rows) > _MOST:
        sheet.add("more versions", "not listed", note="--sql 'FROM agent_version_totals' lists them")


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.3g}"
