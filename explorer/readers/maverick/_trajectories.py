"""``trajectories.ndjson`` alone: a line per agent step with goal, episode and role, and without the agent.

Siblings of one role share all of that. Their lines are told apart by their step numbers, each of which an agent has
once: what that leaves open is ambiguous.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson

from explorer.model import Agent, Conversation, Edge, Finding, Grade, Row, Run, RunStatus, Step, ToolCall
from explorer.readers._findings import Findings
from explorer.readers._values import key_part
from explorer.readers.maverick._logs import Line
from explorer.readers.maverick._shapes import (
    as_json,
    conversation_id,
    moment,
    seconds_of,
    shown,
    text_of,
    whole_number,
)

_ROOT = "orchestrator"


def is_step(fields: dict[str, object]) -> bool:
    """Whether a line says which step of which role it is."""
    return text_of(fields.get("role")) is not None and whole_number(fields.get("episode_id")) is not None


class Counted(NamedTuple):
    """How many steps there are, which are model calls. Of what only the end is left, nothing."""

    by_role: dict[tuple[int, str], int]
    """(episode, role) -> numbers of steps: those of an agent that is the only one of its role."""
    by_episode: dict[int, int]
    """Episode -> lines, one for each step of each agent."""


def counted(lines: Iterable[Line]) -> Counted:
    """Count the steps of a goal. The file keeps its newest 50,000 lines, so that the first steps may be gone."""
    steps: dict[tuple[int, str], set[int]] = {}
    by_episode: Counter[int] = Counter()
    for line in lines:
        episode, step = whole_number(line.fields.get("episode_id")), whole_number(line.fields.get("step"))
        role = text_of(line.fields.get("role"))
        if episode is not None and role is not None and step is not None:
            steps.setdefault((episode, role), set()).add(step)
            by_episode[episode] += 1
    cut = {key for key, numbers in steps.items() if min(numbers) > 1}
    return Counted(
        {key: len(numbers) for key, numbers in steps.items() if key not in cut},
        {episode: number for episode, number in by_episode.items() if episode not in {of for of, _ in cut}},
    )


@dataclass(eq=False)
class _Lane:
    """One agent of a role in an episode, as far as it can be told from the others."""

    run_id: str
    agent_id: str
    episode: int
    role: str
    number: int
    last_step: int = 0
    steps: int = 0
    tool_calls: int = 0
    numbers: set[int] = field(default_factory=set)
    first: float | None = None
    last: float | None = None
    status: RunStatus = "unknown"
    detail: str | None = None
    over: bool = False
    mixed: bool = False
    """Whether steps of it may be another's."""


class Trajectories:
    """The rows of one goal."""

    def __init__(self, source_id: str, goal: int, findings: Findings, tenant: str | None) -> None:
        self.source_id = source_id
        self.goal = goal
        self.findings = findings
        self.tenant = tenant
        self.key = conversation_id(source_id, goal)
        self.lanes: dict[tuple[int, str], list[_Lane]] = {}
        self.episodes: dict[int, int] = {}
        self.domain: str | None = None
        self.base: float | None = None

    def rows(self, lines: Iterable[Line | Finding]) -> Iterator[Row]:
        """Everything of the goal, its conversation last."""
        for line in lines:
            if isinstance(line, Finding):
                yield line
            else:
                yield from self._step(line)
        yield from self._agents()
        merged = [lanes for lanes in self.lanes.values() if len(lanes) > 1]
        for lanes in merged:
            steps = sum(lane.steps for lane in lanes)
            message = (
                f"{len(lanes)} agents of the role {lanes[0].role} share the key (goal, episode, step, role) in episode "
                f"{lanes[0].episode}: taken for one it would have {steps:,} steps; which of them took a step is not "
                "recorded"
            )
            yield from self.findings.at(
                "run-collision", "warning", message, None, self.key, None, lanes[0].run_id
            )  # fmt: skip
        yield from self.findings.rest(self.key)
        times = [lane.last for lanes in self.lanes.values() for lane in lanes if lane.last is not None]
        yield Conversation(
            conversation_id=self.key,
            source_id=self.source_id,
            format="maverick",
            title=f"goal {self.goal}",
            group_name=self.tenant or self.domain,
            started_at=moment(self.base),
            ended_at=moment(max(times, default=None)),
            steps_recorded=False,
            tool_calls_recorded=True,
            extra=as_json({"goal_id": self.goal, "domain": self.domain}),
        )

    def _step(self, line: Line) -> Iterator[Row]:
        fields = line.fields
        episode, role = whole_number(fields.get("episode_id")), text_of(fields.get("role"))
        assert episode is not None
        assert role is not None
        at = seconds_of(fields.get("ts"))
        self.base = at if self.base is None else self.base
        self.domain = self.domain or text_of(fields.get("domain"))
        lane, several = self._lane(episode, role, whole_number(fields.get("step")) or 0)
        lane.steps += 1
        lane.first = at if lane.first is None else lane.first
        lane.last = lane.last if at is None else at
        error, tool = text_of(fields.get("error")), text_of(fields.get("tool"))
        grade: Grade = "ambiguous" if len(several) > 1 else "derived"
        start = self._ms(at)
        yield Step(
            run_id=lane.run_id,
            ordinal=lane.steps,
            started_at=moment(at),
            start_ms=start,
            tokens_grade="not_recorded",
            error=shown(error) if error else None,
            grade=grade,
            candidates=orjson.dumps([each.run_id for each in several]).decode() if len(several) > 1 else None,
            source_id=line.source_id,
            offset=line.offset,
            length=line.length,
        )
        if tool is not None:
            lane.tool_calls += 1
            succeeded = fields.get("tool_succeeded")
            yield ToolCall(
                run_id=lane.run_id,
                ordinal=lane.tool_calls,
                step_ordinal=lane.steps,
                name=tool,
                end_ms=start,
                is_error=not succeeded if isinstance(succeeded, bool) else None,
                grade=grade,
                source_id=line.source_id,
                offset=line.offset,
                length=line.length,
            )
        if fields.get("is_final") is True:
            lane.over, lane.status, lane.detail = True, "failed" if error else "completed", error and shown(error)

    def _ms(self, at: float | None) -> int | None:
        return None if at is None or self.base is None else round((at - self.base) * 1000)

    def _lane(self, episode: int, role: str, step: int) -> tuple[_Lane, list[_Lane]]:
        """The agent that a step is shown at, and all that it may be of, that one first."""
        lanes = self.lanes.setdefault((episode, role), [])
        open_ = [lane for lane in lanes if not lane.over and step not in lane.numbers]
        following = [lane for lane in open_ if lane.last_step == step - 1]
        fits = following or [lane for lane in open_ if lane.last_step < step and step > 1]
        if fits:
            lane = fits[0]
            mixed = any(other.mixed for other in lanes)  # whose end it was is not known either
            several = [lane, *(other for other in lanes if other is not lane and (mixed or not other.over))]
        else:
            lane = self._new(episode, role, len(lanes) + 1)
            lanes.append(lane)
            several = [lane]
        lane.mixed |= len(several) > 1
        lane.last_step = step
        lane.numbers.add(step)
        return lane, several

    def _new(self, episode: int, role: str, number: int) -> _Lane:
        name = key_part(role)
        if role == _ROOT and number == 1:
            agent_id = f"{self.key}/{name}-0"
            ordinal = self.episodes.setdefault(episode, len(self.episodes) + 1)
            return _Lane(f"{agent_id}/{ordinal}", agent_id, episode, role, number)
        agent_id = f"{self.key}/{episode}∕{name}~{number}"
        return _Lane(f"{agent_id}/1", agent_id, episode, role, number)

    def _agents(self) -> Iterator[Row]:
        named: set[str] = set()
        for (episode, _), lanes in self.lanes.items():
            root = next(iter(self.lanes.get((episode, _ROOT), ())), None)
            for lane in lanes:
                parent = None if lane is root else root
                if lane.agent_id not in named:
                    named.add(lane.agent_id)
                    grade: Grade = "exact" if lane is root else "ambiguous" if root else "not_recorded"
                    label = None if lane is root else f"episode {episode} #{lane.number}"
                    above = parent.agent_id if parent else None
                    name = f"{lane.role}-0" if lane is root else lane.role
                    yield Agent(lane.agent_id, self.key, above, name, None, label, grade)
                yield self._run(lane, parent, lane is root)
                if parent is not None:
                    at = self._ms(lane.first)
                    yield Edge(
                        f"{lane.run_id}>spawn", "spawn", parent.run_id, lane.run_id, None, at, None, "ambiguous"
                    )  # fmt: skip

    def _run(self, lane: _Lane, parent: _Lane | None, is_root: bool) -> Run:
        return Run(
            run_id=lane.run_id,
            conversation_id=self.key,
            agent_id=lane.agent_id,
            parent_run_id=parent.run_id if parent else None,
            ordinal=self.episodes[lane.episode] if is_root else 1,
            native_run_id=str(lane.episode),
            status=lane.status,
            status_detail=lane.detail,
            started_at=moment(lane.first),
            ended_at=moment(lane.last) if lane.over else None,
            start_ms=self._ms(lane.first),
            end_ms=self._ms(lane.last),
            time_grade="not_recorded" if lane.first is None else "exact",
            reported_steps=lane.steps,
            grade="ambiguous" if len(self.lanes[lane.episode, lane.role]) > 1 else "derived",
        )
