"""What was said in a run, read from its sources when somebody looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from explorer import readers
from explorer.readers import CallPlace, Message, Place, StepPlace
from explorer.store.queries.records import check_unchanged
from explorer.store.queries.scope import one, scope_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from explorer.store.database import Cursor, Database


class Written(NamedTuple):
    """What is known of the model call that wrote a message; None is "not recorded"."""

    input_tokens: int | None
    cache_read_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None


class Talk(NamedTuple):
    """Whose messages are shown."""

    run_id: str
    name: str
    """Of the agent."""
    label: str | None
    ordinal: int
    """Of the run among those of its agent."""
    runs: int
    """How many runs its agent has; copies are not counted."""
    is_copy: bool
    """Whether the run is nothing but a copy of another agent's history."""
    chosen: bool
    """Whether the node is this run, and not one that stands for several."""
    source_id: str
    format: str
    steps: Mapping[int, Written]
    """The steps of the run by their ordinal."""


class NotRecorded(Exception):
    """There is no text to show; the message says why, and what can be done."""


def talk(cursor: Cursor, node_id: str | None, run_id: str | None = None) -> Talk | None:
    """The run whose messages stand for a node; None when there is no run, or several conversations and none named.

    Of several runs it is ``run_id``, else the latest of the first agent that has steps: a long-lived agent's latest
    prompt holds what was said before.
    """
    scope = scope_of(cursor, node_id)
    if scope is None:
        return None
    if scope.kind == "all" and run_id is not None:
        condition = "run_id = $1"
    elif scope.kind == "all":
        if one(cursor, "SELECT count(*) FROM conversations") != (1,):
            return None
        condition = "depth = 0"
    else:
        condition = scope.runs(own=run_id is None)
    row = one(
        cursor,
        f"""
        WITH chosen AS MATERIALIZED (
            SELECT r.run_id, r.agent_id, r.conversation_id, r.ordinal, r.is_replay
            FROM (FROM internal.run_lines WHERE {condition}) AS l
            JOIN internal.nodes AS n ON n.position = l.position
            JOIN internal.runs AS r ON r.run_id = l.run_id
            ORDER BY r.run_id = $1 DESC NULLS LAST, n.own_steps = 0, r.is_replay, l.agent_position, r.ordinal DESC
            LIMIT 1
        )
        SELECT r.run_id, coalesce(a.name, a.label, a.agent_id), a.label, r.ordinal,
            (SELECT count(*) FROM internal.runs AS o WHERE o.agent_id = r.agent_id AND NOT o.is_replay), r.is_replay,
            c.source_id, c.format
        FROM chosen AS r
        JOIN agents AS a USING (agent_id)
        JOIN conversations AS c ON c.conversation_id = r.conversation_id
        """,
        [run_id],
    )
    if row is None:
        return None
    steps = cursor.execute(
        "SELECT ordinal, input_tokens, cache_read_tokens, output_tokens, reasoning_tokens FROM steps WHERE run_id = $1",
        [row[0]],
    ).fetchall()
    name, label = row[1], row[2] if row[2] != row[1] else None
    chosen = scope.kind == "run" or (scope.kind == "agent" and row[4] == 1)
    return Talk(
        row[0],
        name,
        label,
        row[3],
        row[4],
        row[5],
        chosen,
        row[6],
        row[7],
        {each[0]: Written(*each[1:]) for each in steps},
    )


def messages(database: Database, run_id: str, until: int | None = None) -> Iterator[Message]:
    """The messages of a run up to a step, else all, one by one in constant memory.

    To be used in one thread only, as sources may be open while it goes on; ``close`` it when no more are wanted.

    Raises:
        NotRecorded: there are none, or none can be had.
        OSError: a source cannot be read any more, or is not what was read.
    """
    place, format_, files = _place(database, run_id, until)
    if not files:
        raise NotRecorded(
            "Messages stay in the sources, and this was opened from an export: open the traces that it was made of"
        )
    reader = readers.readers().get(format_)
    found = readers.messages(reader, files, place) if reader is not None else None
    if found is None:
        why = readers.no_text(reader) if reader is not None else f"The text of {format_} traces is not shown"
        raise NotRecorded(f"{why}. What is recorded of each model call is in the steps (2), of prompts in reuse (4)")
    several = False
    for message in found:
        several = True
        yield message
    if not several:
        raise NotRecorded(
            "No text of this run is in its sources: the recorder kept none, or it was removed since. The overview (1) "
            "and the steps (2) have what is known of it"
        )


def _place(database: Database, run_id: str, until: int | None) -> tuple[Place, str, dict[str, Path]]:
    with database.cursor() as cursor:
        run = one(
            cursor,
            "SELECT r.conversation_id, r.agent_id, r.native_run_id, c.source_id, c.format, r.extra "
            "FROM runs AS r JOIN conversations AS c USING (conversation_id) WHERE r.run_id = $1",
            [run_id],
        )
        if run is None:
            raise NotRecorded("This run is not there any more")
        steps = cursor.execute(
            'SELECT ordinal, source_id, "offset", length, is_replay, extra FROM steps WHERE run_id = $1 '
            "ORDER BY ordinal",
            [run_id],
        ).fetchall()
        calls = cursor.execute(
            "SELECT step_ordinal, tool_call_id, name, is_error FROM tool_calls WHERE run_id = $1 ORDER BY ordinal",
            [run_id],
        ).fetchall()
        own = sorted({run[3], *(step[1] for step in steps)})
        sources = cursor.execute(
            "SELECT source_id, bytes FROM sources WHERE source_id IN $1 OR read_with IN $1",
            [own],
        ).fetchall()
    files = {source_id: database.sources[source_id] for source_id, _ in sources if source_id in database.sources}
    for source_id in own:
        files |= database.trace_of(source_id)
    for source_id, size in sources:
        if source_id in own and source_id in files:
            check_unchanged(database, source_id, size)
    places = [StepPlace(*step) for step in steps], until, run[5], [CallPlace(*call) for call in calls]
    place = Place(run[0], run[1], run_id, run[2], *places)
    return place, run[4], files
