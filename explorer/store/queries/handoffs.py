"""Hand-offs: what runs asked of each other and what came back, and where the texts of it stand."""

from __future__ import annotations

from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from explorer.store.queries.messages import NotRecorded, messages
from explorer.store.queries.records import stretch
from explorer.store.queries.scope import one, scope_of
from explorer.store.queries.timeline.happenings import MOVED

if TYPE_CHECKING:
    from explorer.model import EdgeKind, Grade, Resolution, RunStatus
    from explorer.store.database import Cursor, Database
    from explorer.store.queries.facts import Sheet
    from explorer.store.queries.scope import Scope

LISTED = 5_000
"""Hand-offs that are listed at most."""
TEXT_LIMIT = 1 << 16
"""Bytes of each text that are read."""
_MESSAGES = 10_000
"""Messages of a run that are looked through for its last word."""

Basis: TypeAlias = Literal["edge", "tool_call", "first_step", "last_step"]
"""What tells where a text stands: the hand-off itself, the call of the tool it was made with, a step of the run."""

ANSWERED: frozenset[EdgeKind] = frozenset(("spawn", "assign", "resume"))
"""What a run is asked to do; only these have an answer."""


class HandOff(NamedTuple):
    """Information that went from one run to another."""

    edge_id: str
    kind: EdgeKind
    from_run_id: str | None
    to_run_id: str | None
    from_node: str | None
    """The node of the tree that shows the run."""
    to_node: str | None
    sender: str | None
    """As the tree calls it."""
    receiver: str | None
    at_ms: int | None
    at_recorded: bool
    """False where the time is that of the run that it started or ended."""
    tool: str | None
    """The tool it was made with."""
    delivered: bool | None
    resolution: Resolution | None
    grade: Grade
    call: str | None = None
    """The id of the tool call that it was made with."""


class HandOffs(NamedTuple):
    """The hand-offs of a node, in order of time."""

    listed: list[HandOff]
    total: int
    undelivered: int


class Party(NamedTuple):
    """One end of a hand-off in numbers."""

    run_id: str
    node_id: str | None
    name: str
    status: RunStatus
    steps: int | None
    input_tokens: int | None
    output_tokens: int | None
    duration_ms: int | None
    first_input: int | None
    """Tokens of its first prompt."""
    first_shared: int | None
    """Of these, in blocks that its parent, or one further up, had written."""


class Passage(NamedTuple):
    """Where a text stands."""

    basis: Basis
    step: int | None
    """Of a step, its ordinal."""
    source_id: str
    offset: int | None
    length: int | None


class Read(NamedTuple):
    """A text as it was read: None with the reason if it was not."""

    text: str | None
    problem: str = ""
    said: bool = False
    """Whether it is from the messages of the run, in place of the record of a step."""


class Exchange(NamedTuple):
    """What one run asked of another and what came back, each as the sender's record has it and the receiver's."""

    asked: HandOff | None
    answered: HandOff | None
    asker: Party | None
    doer: Party | None
    asked_sent: Passage | None
    asked_received: Passage | None
    answer_sent: Passage | None
    answer_received: Passage | None

    @property
    def call(self) -> str | None:
        """The id of the tool call that it was made with."""
        first = self.asked or self.answered
        return first.call if first else None


def handoffs(cursor: Cursor, node_id: str | None) -> HandOffs:
    """The hand-offs from and to the runs of a node and below, whether a filter hides these or not."""
    scope = scope_of(cursor, node_id)
    if scope is None:
        return HandOffs([], 0, 0)
    condition = _touching(scope)
    counted = one(cursor, f"SELECT count(*), count(*) FILTER (NOT delivered) FROM edges WHERE {condition}")
    assert counted is not None
    return HandOffs(_listed(cursor, condition), *counted)


def handed_over(cursor: Cursor, sheet: Sheet, scope: Scope) -> None:
    """How many there are of each kind, and what became of them, in the overview of a node."""
    sheet.section = "Hand-offs"
    for kind, count, arrived, lost in cursor.execute(
        "SELECT kind, count(*), count(*) FILTER (delivered), count(*) FILTER (NOT delivered) FROM edges "
        f"WHERE {_touching(scope)} GROUP BY kind ORDER BY kind"
    ).fetchall():
        told = [f"{arrived:,} delivered" if arrived else "", f"{lost:,} never arrived" if lost else ""]
        note = ", ".join(filter(None, told)) or "whether delivered is not recorded"
        sheet.add(kind, count, "count", note=f"{note}; d shows both ends of each")


def _touching(scope: Scope) -> str:
    """A condition over edges: those from or to the runs of a node and below."""
    if scope.kind == "all":
        return "true"
    runs = f"(SELECT run_id FROM internal.run_lines WHERE {scope.runs(own=False)})"
    return f"(from_run_id IN {runs} OR to_run_id IN {runs})"


def handoff(cursor: Cursor, edge_id: str) -> Exchange | None:
    """A hand-off with its other half: of what was asked the answer, of an answer what had been asked."""
    found = _listed(cursor, "edge_id = $1", edge_id)
    if not found:
        return None
    this = found[0]
    other = _other_half(cursor, this)
    asked, answered = (other, this) if this.kind == "result" else (this, other)
    asker = asked.from_run_id if asked else answered.to_run_id if answered else None
    doer = asked.to_run_id if asked else answered.from_run_id if answered else None
    started = asked is None or asked.kind in ANSWERED or asked.kind == "fork"
    ends = this.kind in ANSWERED or this.kind == "result"
    lost = answered is not None and answered.delivered is False
    call = _call(cursor, (asked or this).call, asker, doer)
    return Exchange(
        asked, answered, _party(cursor, asker), _party(cursor, doer),
        _place(cursor, asked, "sent") or call,
        _place(cursor, asked, "received") or (_step(cursor, doer, "first_step") if started else None),
        _place(cursor, answered, "sent") or (_step(cursor, doer, "last_step") if ends else None),
        _place(cursor, answered, "received") or (call if ends and not lost else None),
    )  # fmt: skip


def read_texts(database: Database, exchange: Exchange) -> dict[Passage, Read]:
    """The texts of a hand-off, read from their sources now. One that cannot be had says why."""
    places = {exchange.asked_sent, exchange.asked_received, exchange.answer_sent, exchange.answer_received} - {None}
    said: dict[Basis, str] = {}
    if exchange.doer is not None and any(place.basis in ("first_step", "last_step") for place in places if place):
        said = _said(database, exchange.doer.run_id)
    return {
        place: Read(said[place.basis], said=True) if place.basis in said else _read(database, place)
        for place in places
        if place is not None
    }


def _said(database: Database, run_id: str) -> dict[Basis, str]:
    """What a run was first told, and what it said last, where its format has messages."""
    found: dict[Basis, str] = {}
    # One that is gone, or was never kept, is told by the record of the step.
    with suppress(NotRecorded, OSError):
        for message in islice(messages(database, run_id), _MESSAGES):
            if message.kind == "text" and message.role in ("user", "agent"):
                found.setdefault("first_step", message.text)
            elif message.kind == "text" and message.role == "assistant":
                found["last_step"] = message.text
    return found


def _read(database: Database, place: Passage) -> Read:
    try:
        text = stretch(database, place.source_id, place.offset, place.length, limit=TEXT_LIMIT)
    except OSError as error:
        return Read(None, f"It could not be read: {error}")
    return Read(text, "The source does not tell where it stands." if text is None else "")


_WHO = "internal.called({n}.kind, {n}.name, {n}.label, {a}.name)"

_LISTED = (
    f"WITH {MOVED},"
    + """
    picked AS (
        SELECT
            row_number() OVER (
                ORDER BY coalesce(f.conversation_position, t.conversation_position), m.moment NULLS LAST,
                    coalesce(f.position, t.position), m.edge_id
            ) AS number,
            m.*, CASE WHEN m.kind = 'result' THEN m.to_run_id ELSE m.from_run_id END AS asker,
            CASE WHEN m.kind = 'result' THEN m.from_run_id ELSE m.to_run_id END AS doer,
            f.position AS f_position, f.agent_position AS f_agent, t.position AS t_position, t.agent_position AS t_agent
        FROM moved AS m
        LEFT JOIN internal.run_lines AS f ON f.run_id = m.from_run_id
        LEFT JOIN internal.run_lines AS t ON t.run_id = m.to_run_id
        WHERE {condition}
        ORDER BY number
        LIMIT {limit}
    ),
    calls AS (
        SELECT p.edge_id, arg_min(c.name, [(c.tool_call_id IS DISTINCT FROM p.tool_call_id)::BIGINT, c.ordinal]) AS tool
        FROM picked AS p
        JOIN tool_calls AS c ON c.run_id = p.asker AND (
            c.tool_call_id = p.tool_call_id OR p.kind <> 'result' AND c.child_run_id = p.doer
        )
        GROUP BY p.edge_id
    )
    SELECT
        p.edge_id, p.kind, p.from_run_id, p.to_run_id, f.node_id, t.node_id,
        """
    + _WHO.format(n="f", a="fa")
    + ", "
    + _WHO.format(n="t", a="ta")
    + """,
        p.moment, p.at_ms IS NOT NULL, c.tool, p.delivered, p.resolution, p.grade, p.tool_call_id
    FROM picked AS p
    LEFT JOIN internal.nodes AS f ON f.position = p.f_position
    LEFT JOIN internal.nodes AS fa ON fa.position = p.f_agent
    LEFT JOIN internal.nodes AS t ON t.position = p.t_position
    LEFT JOIN internal.nodes AS ta ON ta.position = p.t_agent
    LEFT JOIN calls AS c USING (edge_id)
    ORDER BY p.number
"""
)


def _listed(cursor: Cursor, condition: str, *asked: str) -> list[HandOff]:
    sql = _LISTED.format(condition=condition, limit=LISTED)
    return [HandOff(*row) for row in cursor.execute(sql, list(asked)).fetchall()]


_OTHER = """
    SELECT e.edge_id
    FROM edges AS e
    JOIN runs AS a ON a.run_id = e.{asker}
    JOIN runs AS b ON b.agent_id = a.agent_id AND b.run_id = $1
    WHERE e.{doer} = $2 AND e.kind {kinds}
    ORDER BY
        e.tool_call_id IS DISTINCT FROM $3, coalesce(e.at_ms, $4) {side} $4, abs(coalesce(e.at_ms - $4, 0)), e.edge_id
    LIMIT 1
"""
"""Between the same agent and the same run, as an agent may get in a later run what it asked for in an earlier one: by
the same call if there is one, else the nearest in time, of an answer what came before it."""


def _other_half(cursor: Cursor, this: HandOff) -> HandOff | None:
    back = this.kind == "result"
    asker, doer = (this.to_run_id, this.from_run_id) if back else (this.from_run_id, this.to_run_id)
    if asker is None or doer is None or not (back or this.kind in ANSWERED):
        return None
    sql = (
        _OTHER.format(asker="from_run_id", doer="to_run_id", kinds="IN ('spawn', 'assign', 'resume')", side=">")
        if back
        else _OTHER.format(asker="to_run_id", doer="from_run_id", kinds="= 'result'", side="<")
    )
    found = one(cursor, sql, [asker, doer, this.call, this.at_ms])
    return _listed(cursor, "edge_id = $1", found[0])[0] if found else None


def _place(cursor: Cursor, edge: HandOff | None, end: Literal["sent", "received"]) -> Passage | None:
    if edge is None:
        return None
    row = one(
        cursor,
        f"SELECT {end}_source_id, {end}_offset, {end}_length FROM edges WHERE edge_id = $1",
        [edge.edge_id],
    )
    return Passage("edge", None, *row) if row and row[0] is not None else None


def _call(cursor: Cursor, call: str | None, asker: str | None, doer: str | None) -> Passage | None:
    """The record of the tool call that a hand-off was made with, by its id, else of one that started the other run."""
    row = one(
        cursor,
        """
        SELECT step_ordinal, source_id, "offset", length
        FROM tool_calls
        WHERE run_id = $2 AND "offset" IS NOT NULL AND (tool_call_id = $1 OR child_run_id = $3)
        ORDER BY tool_call_id IS DISTINCT FROM $1, ordinal
        LIMIT 1
        """,
        [call, asker, doer],
    )
    return Passage("tool_call", *row) if row else None


_STEPS = "FROM steps WHERE run_id = $1 AND NOT is_replay ORDER BY ordinal"
"""The steps of a run without copies, which it may begin with."""


def _step(cursor: Cursor, run_id: str | None, which: Literal["first_step", "last_step"]) -> Passage | None:
    row = one(
        cursor,
        f'SELECT ordinal, source_id, "offset", length {_STEPS} {"ASC" if which == "first_step" else "DESC"} LIMIT 1',
        [run_id],
    )
    return Passage(which, *row) if row else None


def _party(cursor: Cursor, run_id: str | None) -> Party | None:
    row = one(
        cursor,
        f"""
        SELECT
            r.run_id, n.node_id, {_WHO.format(n="n", a="a")}, r.status, r.steps, r.input_tokens, r.output_tokens,
            r.duration_ms, s.input_tokens, u.hit_ancestor_tokens
        FROM run_totals AS r
        LEFT JOIN internal.run_lines AS l USING (run_id)
        LEFT JOIN internal.nodes AS n ON n.position = l.position
        LEFT JOIN internal.nodes AS a ON a.position = l.agent_position
        LEFT JOIN (SELECT * {_STEPS} LIMIT 1) AS s ON s.run_id = r.run_id
        LEFT JOIN step_reuse AS u ON u.run_id = r.run_id AND u.ordinal = s.ordinal
        WHERE r.run_id = $1
        """,
        [run_id],
    )
    return Party(*row) if row else None
