"""Separation held against the truth of the simulator."""

from collections import Counter
from dataclasses import dataclass, field
from json import loads

from explorer.readers._values import moment
from explorer.readers.codegraff._events import Event
from explorer.readers.codegraff._separate import separate

KNOWN = ("exact", "derived", "ambiguous")


def event(row, **fields):
    """An event as a reader makes it of a row."""
    payload = fields.pop("payload", {})
    usual = {
        "row": row, "seq": row, "ts": 1_780_300_000_000 + row, "kind": payload.get("kind", "tool_call"),
        "name": payload.get("tool_name"), "call_id": payload.get("call_id"),
        "is_error": payload.get("is_error") is True, "payload": payload, "offset": row, "length": 1,
    }  # fmt: skip
    return Event(**(usual | fields))


def groups(simulation):
    """The events by what is stamped on them, as a database has them: agent and parent."""
    found = {}
    for row in simulation.rows:
        key = row.agent_id, row.parent_agent_id
        found.setdefault(key, []).append(event(row.id, seq=row.seq, ts=row.ts_ms, payload=row.payload))
    return found


def labels(simulation):
    """Row -> the one conversation whose messages hold its call's id, or whose calls add up to its end's sums."""
    held, sums = {}, {}
    for run in simulation.runs:
        for message in run.messages:
            for call in message.get("text", {}).get("tool_calls", ()):
                held.setdefault(call["call_id"], set()).add(run.conversation)
        if run.parent:
            sums.setdefault((run.prompt_tokens, run.completion_tokens), set()).add(run.conversation)
    found = {}
    for row in simulation.rows:
        payload = row.payload
        call_id = payload.get("call_id")
        among = held.get(call_id, ()) if call_id and not call_id.startswith("anon-") else ()
        if row.kind == "agent_run_end":
            among = sums.get((payload["prompt_tokens"], payload["completion_tokens"]), ())
        if len(among) == 1:
            (found[row.id],) = among
    return found


@dataclass
class Verdict:
    """What came of the runs of one simulation."""

    grades: Counter = field(default_factory=Counter)
    wrong: Counter = field(default_factory=Counter)
    """Events by grade that are of another run than said; of ambiguous ones, of none of those that are named."""
    runs: tuple[int, int] = (0, 0)
    """Found and true."""
    ends_right: bool = True
    """Whether every end that was written is of a run of its own."""
    all_once: bool = True
    """Whether every event is of one run: none lost, none doubled."""

    @property
    def runs_right(self):
        return self.runs[0] == self.runs[1]


def judge(simulation, with_messages):
    """Separate everything that a simulation wrote and hold it against the truth."""
    truth = {row.id: row.run for row in simulation.rows}
    labelled = labels(simulation) if with_messages else {}
    verdict = Verdict()
    for events in groups(simulation).values():
        rows = {each.row for each in events}
        chains = separate(events, {row: label for row, label in labelled.items() if row in rows})
        _judge(verdict, chains, truth, events)
    return verdict


def _judge(verdict, chains, truth, events):
    owners = {id(chain): _owner(chain, truth) for chain in chains}
    for chain in chains:
        for each in chain.events:
            run, grade = truth[each.row], chain.grades.get(each.row, "exact")
            verdict.grades[grade] += 1
            if grade == "ambiguous":
                among = chain.candidates[each.row]
                assert among[0] is chain and len(among) > 1
                right = any(run in owners[id(other)] for other in among)
            else:
                right = run is owners[id(chain)][grade == "exact"]
            verdict.wrong[grade] += not right
    true = {run.number for run in (truth[each.row] for each in events)}
    verdict.runs = verdict.runs[0] + len(chains), verdict.runs[1] + len(true)
    ends = sorted(each.row for each in events if each.kind == "agent_run_end")
    verdict.ends_right &= sorted(chain.end.row for chain in chains if chain.end) == ends
    verdict.ends_right &= all(chain.end is None or chain.end in chain.events for chain in chains)
    verdict.all_once &= sorted(e.row for c in chains for e in c.events) == sorted(each.row for each in events)


def _owner(chain, truth):
    """The runs that a chain claims to be: by what follows, and by what is certain.

    They are two only where calls are certain, by the conversation that they name, and which start and end goes with
    that conversation is not. Then the chain's own grade says so.
    """
    derived, exact = (
        [truth[e.row] for e in chain.events if chain.grades.get(e.row, "exact") == grade]
        for grade in ("derived", "exact")
    )
    certain = next((run for run in exact if run.conversation == chain.label), exact[0] if exact else None)
    if chain.grade == "ambiguous" and derived:
        return derived[0], certain or derived[0]
    sure = certain or (derived[0] if derived else None)
    return sure, sure


# What a reader makes of it


@dataclass
class Told:
    """What a reader told of one simulation."""

    grades: Counter = field(default_factory=Counter)
    """Of tool calls and errors that were written as events."""
    wrong: Counter = field(default_factory=Counter)


def judge_reading(simulation, reading):
    """Hold a reader's runs against the truth: whose tool calls and errors it says which are."""
    truth = {row.id: row.run for row in simulation.rows}
    told = Told()
    rows_of = {}
    for step in reading.steps:
        if step.error is not None and step.offset is not None:
            rows_of.setdefault(step.run_id, []).append((step.offset, step.grade, step.candidates))
    candidates = {(step.run_id, step.ordinal): step.candidates for step in reading.steps}
    for call in reading.tool_calls:
        if call.offset is not None:
            among = candidates[call.run_id, call.step_ordinal]
            rows_of.setdefault(call.run_id, []).append((call.offset, call.grade, among))
    owners = {run.run_id: _owners(run, rows_of.get(run.run_id, ()), truth, simulation) for run in reading.runs}
    for run_id, rows in rows_of.items():
        for row, grade, among in rows:
            told.grades[grade] += 1
            if grade == "ambiguous":
                right = any(truth[row] in owners[other] for other in loads(among))
            else:
                right = truth[row] is owners[run_id][grade == "exact"]
            told.wrong[grade] += not right
    return told


def _owners(run, rows, truth, simulation):
    by_sums = [
        each
        for each in simulation.runs
        if each.end and (each.prompt_tokens, each.turns) == (run.reported_input_tokens, run.reported_steps)
    ]
    derived, exact = ([truth[row] for row, grade, _ in rows if grade == wanted] for wanted in ("derived", "exact"))
    if not by_sums and not derived:
        by_sums = [each for each in simulation.runs if moment(each.began_ms) == run.started_at]
    held = loads(run.extra)["conversation_id"] if run.extra else None
    certain = next((each for each in exact if each.conversation == held), exact[0] if exact else None)
    if run.grade == "ambiguous":
        return (derived[0] if derived else by_sums[0] if by_sums else None), certain
    sure = certain or (by_sums[0] if len(by_sums) == 1 else derived[0] if derived else None)
    return sure, sure


def sums(simulation):
    """What the ends say, sorted: turns, input, output, calls and errors of every run that ended."""
    return sorted(
        (run.turns, run.prompt_tokens, run.completion_tokens, run.tool_calls, run.tool_errors)
        for run in simulation.runs
        if run.end
    )


def reported(reading):
    """The same, of the runs of a reader."""
    return sorted(
        (
            run.reported_steps, run.reported_input_tokens, run.reported_output_tokens, run.reported_tool_calls,
            run.reported_tool_errors,
        )
        for run in reading.runs
        if run.reported_steps is not None
    )  # fmt: skip


def usage(simulation):
    """Input and output over all messages."""
    usages = [message["usage"] for run in simulation.runs for message in run.messages if "usage" in message]
    return tuple(sum(each[name]["actual"] for each in usages) for name in ("prompt_tokens", "completion_tokens"))
