"""How much there is of what was opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from explorer.store.database import Cursor


class Counts(NamedTuple):
    """What the opened paths hold; the line that never lies."""

    conversations: int
    agents: int
    sub_agents: int
    runs: int
    steps: int
    replayed_steps: int
    sources_read: int
    sources_partial: int
    sources_skipped: int
    sources_failed: int
    errors: int
    warnings: int
    infos: int
    copied_runs: int
    """Further runs that are nothing but a copy of another recording's history."""
    agents_without_runs: int
    """Of the agents, those of which no run is recorded."""

    @property
    def findings(self) -> int:
        """Of whatever severity."""
        return self.errors + self.warnings + self.infos


def counts(cursor: Cursor) -> Counts:
    """Count what is opened."""
    query = """
        SELECT
            (SELECT count(*) FROM internal.nodes WHERE kind = 'conversation'),
            a.agents, a.sub_agents, r.runs, r.steps, r.replayed, s.read, s.partial, s.skipped, s.failed,
            f.errors, f.warnings, f.infos, r.copied, a.without_runs
        FROM (
            SELECT
                count(*) FILTER (NOT is_replay) AS runs, count(*) FILTER (is_replay) AS copied,
                coalesce(sum(steps), 0)::BIGINT AS steps,
                coalesce(sum(replayed_steps), 0)::BIGINT AS replayed
            FROM internal.runs
        ) AS r, (
            SELECT
                count(*) AS agents,
                count(*) FILTER (internal.is_sub_agent(n.depth - 1, a.recorded_parent)) AS sub_agents,
                count(*) FILTER (a.first_run_id IS NULL) AS without_runs
            FROM internal.nodes AS n
            JOIN internal.agents AS a USING (agent_id)
            WHERE n.kind = 'agent'
        ) AS a, (
            SELECT
                count(*) FILTER (status = 'read') AS read, count(*) FILTER (status = 'partial') AS partial,
                count(*) FILTER (status = 'skipped') AS skipped, count(*) FILTER (status = 'failed') AS failed
            FROM sources
        ) AS s, (
            SELECT
                count(*) FILTER (severity = 'error') AS errors, count(*) FILTER (severity = 'warning') AS warnings,
                count(*) FILTER (severity = 'info') AS infos
            FROM internal.placed_findings
        ) AS f
    """
    (row,) = cursor.execute(query).fetchall()
    return Counts(*row)
