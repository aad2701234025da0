"""One goal, put together: its attempts, their agents, what they did, and what is doubtful about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import orjson

from explorer.model import Agent, Conversation, Edge, Finding, Grade, Row, Severity
from explorer.readers import Rows
from explorer.readers._findings import Findings
from explorer.readers._values import key_part
from explorer.readers.maverick import _checkpoints
from explorer.readers.maverick._attempts import Attempt, Attempts
from explorer.readers.maverick._census import Census, Instance
from explorer.readers.maverick._evidence import Evidence, Saved
from explorer.readers.maverick._lineage import Lineage, Link
from explorer.readers.maverick._messages import calls_of
from explorer.readers.maverick._rows import Batch, Draft, Target
from explorer.readers.maverick._runs import agent_run, attempt_run
from explorer.readers.maverick._shapes import as_json, conversation_id, is_sealed, moment, shown, text_of
from explorer.readers.maverick._steps import Writer


class GoalRows:
    """The rows of a goal."""

    def __init__(self, source_id: str, evidence: Evidence, findings: Findings, tenant: str | None) -> None:
        self.source_id = source_id
        self.evidence = evidence
        self.findings = findings
        self.tenant = tenant
        self.key = conversation_id(source_id, evidence.goal_id)
        self.census = Census(evidence)
        self.runs: list[tuple[int | None, float | None, str]] = []
        """Episode, start and id of each attempt, once the rows were given."""

    def rows(self) -> Iterator[Row | Rows]:
        """Everything of the goal, its conversation last."""
        yield from self.census.take()
        self.attempts = Attempts(self.evidence, self.census)
        self.lineage = Lineage(self.census, self.attempts)
        self.lineage.resolve()
        self._drafts()
        self.batch = Batch(self._base())
        self.writer = Writer(
            self.census, self.batch, self._route, self._finding, self.attempts.is_outside, self._run_id_of
        )  # fmt: skip
        yield from self.writer.rows()
        for draft in (*self.of_attempt.values(), *self.of_instance.values()):
            self.writer.settle(draft)
        self.saved = self._saved_of()
        self._exact_calls()
        yield from self._checkpoints()
        yield from self._resumed()
        yield from self.batch.give()
        yield from self._attempt_rows()
        yield from self._agent_rows()
        yield from self._forked()
        yield from self._doubts()
        for findings in (self.findings, *self.evidence.also):
            yield from findings.rest(self.key)
        yield self._conversation()

    # Keys

    def _drafts(self) -> None:
        taken: set[str] = set()
        agents: dict[str, str] = {}
        self.of_attempt: dict[Attempt, Draft] = {}
        for attempt in self.attempts.all:
            if attempt.name not in agents:
                agents[attempt.name] = self._agent_id(attempt.name, taken)
            agent_id = agents[attempt.name]
            self.of_attempt[attempt] = Draft(f"{agent_id}/{attempt.ordinal}", agent_id)
        self.of_instance: dict[Instance, Draft] = {}
        for instance in self.lineage.links:
            agent_id = self._agent_id(instance.full, taken)
            self.of_instance[instance] = Draft(f"{agent_id}/1", agent_id)
        self._targets: dict[Instance, Target] = {}

    def _agent_id(self, name: str, taken: set[str]) -> str:
        name = key_part(name)
        found, number = name, 1
        while found in taken:
            number += 1
            found = f"{name}~{number}"
        taken.add(found)
        return f"{self.key}/{found}"

    def _route(self, instance: Instance | None, at: float | None) -> Target:
        """The run that a record belongs to."""
        if instance is None:
            return self._target(self.attempts.by_time(at, at))
        if instance not in self._targets:
            own = self.of_instance.get(instance)
            self._targets[instance] = (
                Target(own, "exact") if own is not None else self._target(self.attempts.of(instance))
            )  # fmt: skip
        return self._targets[instance]

    def _target(self, placed: object) -> Target:
        attempts: Sequence[Attempt] = placed.attempts  # type: ignore[attr-defined]
        grade: Grade = placed.grade  # type: ignore[attr-defined]
        ids = [self.of_attempt[attempt].run_id for attempt in attempts]
        candidates = orjson.dumps(ids).decode() if grade == "ambiguous" else None
        return Target(self.of_attempt[attempts[0]], grade, candidates)

    def _run_id_of(self, instance: Instance) -> str:
        return self.of_instance[instance].run_id

    def _base(self) -> float | None:
        goal = self.evidence.goal
        times = [
            goal.created if goal is not None else None,
            self.census.first,
            *(episode.started for episode in self.evidence.episodes),
        ]
        known = [at for at in times if at is not None] or [
            saved.created for saved in self.evidence.checkpoints if saved.created is not None
        ]
        return min(known, default=None)

    # Saved states

    def _saved_of(self) -> dict[Attempt, list[Saved]]:
        found: dict[Attempt, list[Saved]] = {}
        by_episode = {one.episode.id: one for one in self.attempts.all if one.episode is not None}
        for saved in self.evidence.checkpoints:
            attempt = by_episode.get(saved.episode) if saved.episode is not None else None
            if saved.episode is None:
                attempt = next(
                    (one for one in self.attempts.all if saved.agent in [root.full for root in one.roots]), None
                )
            elif saved.owner is not None and saved.owner != self.evidence.goal_id and self.attempts.all:
                attempt = self.attempts.all[-1]  # what goes on from a copied state has no episode of its own
            if attempt is not None:
                found.setdefault(attempt, []).append(saved)
        return found

    def _exact_calls(self) -> None:
        """The calls in a saved state, of a run of which no others are recorded."""
        for attempt, rows in self.saved.items():
            draft = self.of_attempt[attempt]
            newest = max(rows, key=lambda each: (each.step_seq or 0, each.row))
            if not draft.steps and newest.messages:
                messages = self.evidence.messages_of(newest.row)
                if isinstance(messages, list):
                    self.writer.exact(draft, newest.row, self.source_id, calls_of(messages))

    def _checkpoints(self) -> Iterator[Row]:
        attempt_of = {saved.row: attempt for attempt, rows in self.saved.items() for saved in rows}
        for judged in _checkpoints.judge(self.evidence):
            attempt = attempt_of.get(judged.saved.row)
            draft = self.of_attempt[attempt] if attempt is not None else None
            run_id = draft.run_id if draft is not None else None
            yield _checkpoints.row_of(judged, self.evidence, self.key, self.source_id, run_id, self.batch.ms)
            if draft is not None:
                words = _checkpoints.in_words(judged)
                self.batch.event(draft, "note", judged.saved.created, "checkpoint", words)
        for problem in _checkpoints.problems(self.evidence):
            of = attempt_of.get(problem.row)
            draft = self.of_attempt[of] if of is not None else None
            yield from self._finding(problem.code, problem.severity, problem.message, draft)

    # Runs

    def _resumed(self) -> Iterator[Row]:
        """Episodes that another process went on with, and those begun again because no state was found."""
        for attempt in self.attempts.all:
            for before, root in pairwise(attempt.roots):
                if root.first is None or before.last is None or before.last <= root.first:
                    detail = f"{root.full} went on where {before.full} had stopped"
                    self.batch.event(self.of_attempt[attempt], "resume", root.first, "new process", detail)
        for before_, attempt in pairwise(self.attempts.all):
            killed = before_.episode is not None and before_.episode.ended is None and before_.end <= attempt.start
            if killed and attempt.episode is not None:
                draft = self.of_attempt[attempt]
                detail = f"begun anew after episode {before_.episode.id}, of which no end is recorded"  # type: ignore[union-attr]
                self.batch.event(draft, "resume", attempt.episode.started, "new episode", detail)
                at = self.batch.ms(attempt.episode.started)
                yield Edge(
                    f"{draft.run_id}>resume", "resume", self.of_attempt[before_].run_id, draft.run_id, None, at, None,
                    "derived",
                )  # fmt: skip

    def _attempt_rows(self) -> Iterator[Row]:
        named: set[str] = set()
        for attempt, draft in self.of_attempt.items():
            if draft.agent_id not in named:
                named.add(draft.agent_id)
                yield Agent(draft.agent_id, self.key, None, attempt.name, None, None, "exact")
            grades = {self.attempts.of(root).grade for root in attempt.roots}
            grade: Grade = "ambiguous" if "ambiguous" in grades else "derived"
            yield attempt_run(
                attempt, draft, self.evidence, self.census, grade, self.saved.get(attempt, ()), self.key,
                self.batch.ms, len(self.attempts.all) == 1,
            )  # fmt: skip
            start = attempt.episode.started if attempt.episode is not None else draft.first
            self.runs.append((attempt.episode.id if attempt.episode is not None else None, start, draft.run_id))

    def _agent_rows(self) -> Iterator[Row]:
        alone = self._alone_of_role()
        for instance, link in self.lineage.links.items():
            draft = self.of_instance[instance]
            parent = self._draft_of(link)
            role = instance.name.role if instance.name is not None else instance.full
            label = instance.full if instance.name is not None else None
            above = parent.agent_id if parent is not None else None
            yield Agent(draft.agent_id, self.key, above, role, None, label, link.grade)
            parent_id = parent.run_id if parent is not None else None
            steps = self.evidence.role_steps.get(alone[instance]) if instance in alone else None
            yield agent_run(instance, draft, parent_id, self.key, self.batch.ms, steps)
            if parent is not None:
                yield from self._edges(instance, link, draft, parent)

    def _draft_of(self, link: Link) -> Draft | None:
        if link.parent is None:
            return None
        return self.of_attempt[link.parent] if isinstance(link.parent, Attempt) else self.of_instance[link.parent]

    def _edges(self, instance: Instance, link: Link, draft: Draft, parent: Draft) -> Iterator[Row]:
        grade: Grade = link.grade
        ms = self.batch.ms
        key = f"{draft.run_id}>"
        yield Edge(
            f"{key}spawn", "spawn", parent.run_id, draft.run_id, None, ms(instance.first), None, grade
        )  # fmt: skip
        if instance.finding is not None:
            end = link.interval.end if link.interval is not None else None
            delivered = True if end is not None and instance.finding <= end < float("inf") else None
            at = ms(instance.finding)
            yield Edge(f"{key}result", "result", draft.run_id, parent.run_id, None, at, delivered, grade)

    def _alone_of_role(self) -> dict[Instance, tuple[int, str]]:
        """Agents that are the only one of their role in their episode."""
        found: dict[tuple[int, str], list[Instance]] = {}
        for instance in self.lineage.links:
            episode = self.lineage.attempt_of(instance).episode
            if episode is not None and instance.name is not None:
                found.setdefault((episode.id, instance.name.role), []).append(instance)
        return {instances[0]: key for key, instances in found.items() if len(instances) == 1}

    def _forked(self) -> Iterator[Row]:
        origin = self.evidence.origin
        if origin is None:
            return
        draft = next(iter(self.of_attempt.values()), None)
        created = self.evidence.goal.created if self.evidence.goal is not None and draft is not None else None
        at = self.batch.ms(created)
        grade: Grade = "exact" if origin.episode is not None else "ambiguous" if origin.several else "derived"
        to = draft.run_id if draft is not None else None
        if origin.run_id is not None or to is not None:
            yield Edge(f"{self.key}>fork", "fork", origin.run_id, to, None, at, None, grade)

    # What is doubtful

    def _finding(
        self, code: str, severity: Severity, message: str, draft: Draft | None, line: int | None = None
    ) -> Iterator[Finding]:
        run_id = draft.run_id if draft is not None else None
        return self.findings.at(code, severity, message, line, self.key, run_id=run_id)

    def _doubts(self) -> Iterator[Finding]:
        goal = self.evidence.goal
        for complaint in goal.complaints if goal is not None else ():
            yield from self._finding("bad-field", "warning", f"goal {self.evidence.goal_id}: {complaint}", None)
        for attempt, draft in self.of_attempt.items():
            for complaint in attempt.episode.complaints if attempt.episode is not None else ():
                message = f"episode {attempt.episode.id}: {complaint}"  # type: ignore[union-attr]
                yield from self._finding("bad-field", "warning", message, draft)
        yield from self._overlaps()
        if self.writer.outside:
            yield from self._stray()
        yield from self._unsure_parents()
        sealed = self.census.sealed + (goal.sealed() if goal is not None else 0)
        sealed += sum(is_sealed(one.outcome) + is_sealed(one.summary) for one in self.evidence.episodes)
        if sealed:
            message = f"{sealed:,} texts were encrypted at rest: they are shown as sealed, numbers and times are used"
            yield from self._finding("sealed-text", "info", message, None)

    def _overlaps(self) -> Iterator[Finding]:
        for one, other in self.attempts.overlapping():
            unsure = sum(self.attempts.of(each).grade == "ambiguous" for each in self.census.instances.values())
            together = f"{_title(one)} was still going on when {_title(other)} began: two processes on one goal"
            several = f"{unsure:,} {'agent fits' if unsure == 1 else 'agents fit'} more than one of them"
            what = f"; {several}" if unsure else "; every agent fits one of them alone"
            yield from self._finding("overlapping-runs", "warning", together + what, self.of_attempt[other])

    def _stray(self) -> Iterator[Finding]:
        first = self.writer.outside_first
        row = getattr(first, "offset", 0)
        where = f"the first is {'row' if getattr(first, 'source_id', '') == self.source_id else 'at byte'} {row:,}"
        for run_id, number in self.writer.outside.items():
            lie = "record lies" if number == 1 else "records lie"
            message = f"{number:,} {lie} outside every episode ({where}): counted where the rest of their agent is"
            yield from self.findings.at("stray-events", "warning", message, None, self.key, run_id=run_id)

    def _unsure_parents(self) -> Iterator[Finding]:
        for instance, link in self.lineage.links.items():
            if link.grade != "ambiguous":
                continue
            if link.several:
                named = ", ".join(link.several[:5]) + (" …" if len(link.several) > 5 else "")
                message = f"{len(link.several)} may have spawned {instance.full}: {named}; shown below the last of them"
            else:
                message = f"nothing is recorded of an agent that may have spawned {instance.full}: shown below the root"
            draft = self.of_instance[instance]
            yield from self.findings.at(
                "ambiguous-parent", "warning", message, None, self.key, draft.agent_id, draft.run_id
            )  # fmt: skip

    # The goal itself

    def _conversation(self) -> Conversation:
        evidence, census, goal = self.evidence, self.census, self.evidence.goal
        number = evidence.goal_id
        title = goal.title if goal is not None else None
        if title is None and census.started is not None:
            title = text_of(census.started.fields.get("title"))
        ends = [census.last, *(episode.ended for episode in evidence.episodes)]
        ended = census.ended.fields if census.ended is not None else {}
        result = goal.result if goal is not None else text_of(ended.get("result"))
        extra = {
            "goal_id": number,
            "status": goal.status if goal is not None else text_of(ended.get("status")),
            "result": shown(result, 300) if result else None,
            "description": shown(goal.description, 300) if goal is not None and goal.description else None,
            "parent_goal": goal.parent if goal is not None else None,
            "forked_from": None if evidence.origin is None else f"goal {evidence.origin.goal}",
            "owner": goal.owner if goal is not None else None,
            "domain": goal.domain if goal is not None else None,
            "project_id": goal.project if goal is not None and isinstance(goal.project, (int, str)) else None,
            "channel": evidence.channel,
            "steps_from": dict(self.writer.basis),
            "not_shown": dict(self.writer.counted),
        }
        return Conversation(
            conversation_id=self.key,
            source_id=self.source_id,
            format="maverick",
            title=f"goal {number} (sealed)" if is_sealed(title) else title or f"goal {number}",
            group_name=self.tenant or (goal.domain if goal is not None else None) or evidence.channel,
            started_at=moment(self._base()),
            ended_at=moment(max((at for at in ends if at is not None), default=None)),
            steps_recorded=False,
            tool_calls_recorded=True,
            extra=as_json(extra),
        )


def _title(attempt: Attempt) -> str:
    return f"episode {attempt.episode.id}" if attempt.episode is not None else f"run {attempt.ordinal}"
