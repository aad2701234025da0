"""The runs of a group: the turns of its transcripts in the runs that they are of, and the runs that have none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from explorer.model import Grade
from explorer.readers._claude_code._draft import Agent, Event, Run, Session, Step, Tool
from explorer.readers._claude_code._family import Family
from explorer.readers._values import many
from explorer.readers.deus._draft import Called, Group, Life
from explorer.readers.deus._lives import Lives
from explorer.readers.deus._matching import (
    begun_of,
    lives_of,
    of_turn,
    place_calls,
    place_offered,
    place_usage,
    sessions_of_new,
)

UNKNOWN = "session not recorded"


@dataclass(slots=True)
class Runs:
    """Everything that ran in a group."""

    sessions: list[Session]
    """Those with transcripts in the order in which they own calls, then those that are known by name alone."""
    lives: list[Life] = field(default_factory=list)
    """In order of start."""
    run_of: dict[Life, Run] = field(default_factory=dict)
    life_of: dict[Run, Life] = field(default_factory=dict)
    sure: dict[Step, tuple[Grade, list[Life]]] = field(default_factory=dict)
    """How sure it is of which run a step is, with all that it may be of; of the others the transcript alone tells."""
    logged: set[Run] = field(default_factory=set)
    """Runs with tool calls that no transcript has."""
    compacted: dict[str, list[int]] = field(default_factory=dict)
    """Session -> when its context was replaced by a summary."""


def runs_of(group: Group, family: Family, sessions: Sequence[Session]) -> Runs:
    """Put together what was recorded of a group's runs."""
    runs = Runs(list(sessions))
    lives = lives_of(group)
    sessions_of_new(lives, group, sessions)
    begun, known = begun_of(group.called), Lives(lives)
    own: list[Life] = []  # turns that are of no other run
    asked: dict[str | None, list[Life]] = {}  # by session, those whose prompt may have been to compact it
    for life in lives:
        if life.compacts:
            asked.setdefault(life.session_id, []).append(life)
    for session in sessions:
        if session.main is not None:
            own += _turns(session.main, known, begun, runs)
            _compactions(session.main, asked.get(session.session_id, ()), runs)
    place_usage(group, lives, own)
    calls = place_calls(group, lives)
    for life, tools in place_offered(group, lives).items():
        life.offered = tools
    runs.lives = sorted([*lives, *own], key=lambda life: (life.start is None, life.start or 0, life.native_id))
    agents = {session.session_id: session.root() for session in runs.sessions if session.main or session.agents}
    for life in runs.lives:
        if life not in runs.run_of:
            agent = _agent(life, family, runs, agents)
            _tie(runs, life, Run(agent, 0, life.start, life.end))
    _log_calls(calls, runs)
    for life in runs.lives:
        _results(life, runs.run_of[life])
        if life.origin != "turn" and life in calls and not life.spans and life.began is not None:
            last = max(call.at or 0 for call in calls[life])
            life.spans.append((life.began, max(last, life.began)))
    _order(runs)
    return runs


def _tie(runs: Runs, life: Life, run: Run) -> None:
    runs.run_of[life], runs.life_of[run] = run, life


# --- turns of transcripts --------------------------------------------------------------------------------------------


def _turns(main: Agent, lives: Lives, begun: dict[str, int], runs: Runs) -> list[Life]:
    """Merge the turns of a session into the runs that they are of; those that are of none."""
    session_id = main.session.session_id
    own: list[Life] = []
    kept: list[Run] = []
    for turn in main.runs:
        if _is_copied(turn):
            kept.append(turn)
            continue
        found, is_exact = of_turn(turn, lives, begun)
        if not found:
            life = Life("turn", f"turn {turn.ordinal}", main.source_id, turn.start, turn.end, session_id=session_id)
            life.spans = [(turn.start, turn.end)] if turn.start is not None and turn.end is not None else []
            _tie(runs, life, turn)
            own.append(life)
            kept.append(turn)
            continue
        life = found[-1]
        life.session_id = session_id
        grade: Grade = "exact" if is_exact else "derived" if len(found) == 1 else "ambiguous"
        runs.sure.update((step, (grade, found)) for step in turn.steps)
        if turn.start is not None and turn.end is not None:
            life.spans.append((turn.start, turn.end))
        run = runs.run_of.get(life)
        if run is None:
            _tie(runs, life, turn)
            kept.append(turn)
            turn.start, turn.end = life.start, life.end
        else:
            _merge(turn, run)
    main.runs = kept
    return own


def _is_copied(turn: Run) -> bool:
    """Whether a turn is of a copied history: it ran where it was copied from."""
    steps = turn.agent.steps.values()
    if turn.steps:
        return all(step.owner is not None for step in turn.steps)
    own = [step.start for step in steps if step.owner is None and step.start is not None]
    return len(own) < len(steps) and (not own or (turn.start is not None and turn.start < min(own)))


def _merge(turn: Run, run: Run) -> None:
    """Put what is in a turn at the end of the run that it is of."""
    turn.part_of = run
    for step in turn.steps:
        step.run = run
        step.ordinal = len(run.steps) + 1
        run.steps.append(step)
    for tool in turn.tools:
        tool.run = run
        run.tools.append(tool)
    run.events += turn.events
    run.interrupted, run.error = turn.interrupted, turn.error
    run.last = turn.last or run.last
    run.duration_ms = None


def _compactions(main: Agent, asked: Sequence[Life], runs: Runs) -> None:
    """A compaction that was asked for is of the run that asked; the transcript has it behind the turn before."""
    session_id = main.session.session_id
    for run in [*main.runs]:
        for event in [*run.events]:
            if event.kind != "compaction" or event.at is None:
                continue
            runs.compacted.setdefault(session_id, []).append(event.at)
            of_it = [life for life in asked if life.start is not None and life.start <= event.at <= (life.end or 0)]
            if event.trigger == "auto" or len(of_it) != 1 or runs.run_of.get(of_it[0]) is run:
                continue
            life = of_it[0]
            if life not in runs.run_of:
                _tie(runs, life, Run(main, 0, life.start, life.end))
                main.runs.append(runs.run_of[life])
            run.events.remove(event)
            runs.run_of[life].events.append(event)
            if life.start is not None:
                life.spans.append((life.start, event.at))


# --- runs without ----------------------------------------------------------------------------------------------------


def _agent(life: Life, family: Family, runs: Runs, agents: dict[str, Agent]) -> Agent:
    """The agent that a run is of which no transcript has anything: the main one of its session."""
    name = life.session_id or (life.native_id if life.origin == "task" else UNKNOWN)
    if name not in agents:
        session = family.session(name, life.source_id)
        runs.sessions += [] if session in runs.sessions else [session]
        agents[name] = session.root()
    return agents[name]


def _log_calls(calls: dict[Life, list[Called]], runs: Runs) -> None:
    """Tool calls that are logged and in no transcript."""
    known = {call_id for session in runs.sessions for agent in session.agents.values() for call_id in agent.tools}
    for life, logged in calls.items():
        run = runs.run_of[life]
        for call in logged:
            if call.call_id not in known:
                tool = Tool(call.call_id, call.name, call.where, run, None, None, call.at, True, call.is_error)
                run.tools.append(tool)
                runs.logged.add(run)


def _results(life: Life, run: Run) -> None:
    """Where no transcript tells what was done when, say when each result was there."""
    for line in life.usage if not run.steps else ():
        turns = many(line.turns, "turn") if line.turns is not None else "turns not recorded"
        run.events.append(Event("note", line.end, "result", f"{line.outcome or 'a result'}, {turns}"))


def _order(runs: Runs) -> None:
    """Number the runs of every session's main agent by their starts."""
    known = {run for session in runs.sessions for agent in session.agents.values() for run in agent.runs}
    for run in runs.run_of.values():
        if run not in known:
            run.agent.runs.append(run)
    for session in runs.sessions:
        main = session.main
        for number, run in enumerate(sorted(main.runs, key=_start) if main is not None else (), 1):
            run.ordinal = number
        if main is not None:
            main.runs.sort(key=_start)


def _start(run: Run) -> tuple[bool, int]:
    return run.start is None, run.start or 0


def spoken(sessions: Iterable[Session]) -> bool:
    """Whether anything of them is in a transcript."""
    return any(agent.steps for session in sessions for agent in session.agents.values())
