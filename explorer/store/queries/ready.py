"""Queries that are ready to be asked: those of ``ready.sql``, and those about a node of the tree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from explorer.store.sql import legible

if TYPE_CHECKING:
    from explorer.store.queries.shapes import Node

_QUESTION = re.compile(r"^-- (?P<title>.*)\n(?P<note>(?:^--.*\n)*)(?P<query>^[^-\n][^;]*);", re.M)

_STEPS = """\
SELECT
    ordinal AS step_ordinal, start_ms, end_ms - start_ms AS took_ms,
    input_tokens, cache_read_tokens, output_tokens,
    model, finish_reason, error, run_id
FROM steps
WHERE run_id = {run}
ORDER BY ordinal"""

_STEP = """\
SELECT
    s.ordinal AS step_ordinal, s.* EXCLUDE (ordinal),
    u.blocks, u.hit_own, u.hit_ancestor, u.hit_sibling, u.hit_other, u.fresh_blocks
FROM steps AS s
LEFT JOIN step_reuse AS u USING (run_id, ordinal)
WHERE s.run_id = {run} AND s.ordinal = {ordinal}"""

_TOOLS = """\
SELECT
    step_ordinal, name AS tool, end_ms - start_ms AS took_ms, is_error,
    child_run_id, run_id
FROM tool_calls
WHERE run_id = {run}
ORDER BY ordinal"""

_SIBLINGS = """\
SELECT
    b.agent_name AS sibling, b.agent_label AS label,
    p.first_step_prefix AS shared_blocks, p.first_step_blocks,
    round(p.containment, 3) AS containment, b.input_tokens, b.run_id
FROM sibling_sharing AS p
JOIN run_totals AS b ON b.run_id = p.sibling_run_id
WHERE p.run_id = {run}
ORDER BY p.first_step_prefix DESC, b.run_id"""

_RUNS = """\
SELECT
    agent_name AS agent, agent_label AS label, status, start_ms,
    duration_ms, steps, tool_calls, tool_errors,
    input_tokens, cache_read_tokens, output_tokens,
    round(reuse, 3) AS reuse, run_id
FROM run_totals
WHERE {which}
ORDER BY start_ms NULLS LAST, run_id"""

_TOOL_SUMS = """\
SELECT
    t.name AS tool, count(*) AS calls,
    count(*) FILTER (t.is_error) AS errors,
    max(t.end_ms - t.start_ms) AS longest_ms
FROM tool_calls AS t
JOIN runs AS r USING (run_id)
WHERE {which}
GROUP BY t.name
ORDER BY calls DESC, tool"""

_FINDINGS = """\
SELECT severity, code, source_id, line, step_ordinal, message, run_id
FROM findings
WHERE {which}
ORDER BY severity, code, line"""

_CONVERSATIONS = """\
SELECT
    title AS conversation, format, started_at, agents, sub_agents, steps,
    tool_calls, tool_errors, input_tokens,
    output_tokens, round(reuse, 3) AS reuse, findings, conversation_id
FROM conversation_totals
ORDER BY input_tokens DESC NULLS LAST, conversation_id
LIMIT 1000"""


class Ready(NamedTuple):
    """A query that somebody would ask."""

    title: str
    """The question, in words."""
    note: str
    """What its figures are, where that needs words."""
    query: str


@cache
def ready() -> tuple[Ready, ...]:
    """The questions about everything that is open."""
    text = Path(__file__).with_name("ready.sql").read_text("utf-8")
    return tuple(_read(text))


def _read(text: str) -> Iterator[Ready]:
    for found in _QUESTION.finditer(text):
        note = " ".join(line.removeprefix("--").strip() for line in found["note"].splitlines())
        yield Ready(found["title"].strip(), note, found["query"].strip())


def about(node: Node | None, step: tuple[str, int] | None = None) -> tuple[Ready, ...]:
    """The questions about a node of the tree, what comes to mind first in front; about everything for None.

    ``step`` is the run and the ordinal of a step that is looked at.
    """
    if step is not None:
        run, ordinal = legible(step[0]), step[1]
        of_it = Ready(f"Step {ordinal:,}, and where its blocks came from", "", _STEP.format(run=run, ordinal=ordinal))
        return (of_it, *about(node))
    if node is None:
        return (Ready("Its conversations", "", _CONVERSATIONS),)
    if node.run_id is not None and not node.is_proposed:
        run = legible(node.run_id)
        return (
            Ready("Its steps", "", _STEPS.format(run=run)),
            Ready("Its tool calls", "", _TOOLS.format(run=run)),
            Ready("The runs that it started", "", _RUNS.format(which=f"parent_run_id = {run}")),
            Ready("What its siblings share with it", "", _SIBLINGS.format(run=run)),
            Ready("Its findings", "", _FINDINGS.format(which=f"run_id = {run}")),
        )
    column, value = "agent_id", node.agent_id
    if node.kind == "conversation" or node.is_proposed or value is None:
        column, value = "conversation_id", node.conversation_id
    which = f"{column} = {legible(value)}"
    return (
        Ready("Its runs", "", _RUNS.format(which=which)),
        Ready("Its tools", "", _TOOL_SUMS.format(which=f"r.{which}")),
        Ready("Its findings", "", _FINDINGS.format(which=which)),
    )


def first_rows(call: str) -> str:
    """The query for the beginning of a relation."""
    return f"SELECT * FROM {call} LIMIT 100"
