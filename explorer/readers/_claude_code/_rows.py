"""Sessions as rows."""

from __future__ import annotations

from collections.abc import Iterator

from explorer.model import PROMPT_PARTS, Conversation, Edge, Row, UncountedUsage
from explorer.model import Agent as AgentRow
from explorer.model import Event as EventRow
from explorer.model import Run as RunRow
from explorer.readers import Rows
from explorer.readers._claude_code._draft import Agent, Run, Session, Step
from explorer.readers._claude_code._ending import ended
from explorer.readers._claude_code._letters import deliveries
from explorer.readers._claude_code._lines import Where
from explorer.readers._claude_code._steps import Doubt, step_rows, tool_rows
from explorer.readers._claude_code._teams import SPAWNED
from explorer.readers._values import as_json, key_part, moment

LONGEST_TITLE = 120

_STARTED = ("async_launched", SPAWNED)
"""What the result of a call says that has started an agent, and does not wait for it."""


class Writing:
    """Writes one session as a conversation."""

    def __init__(
        self, session: Session, conversation_id: str, copied: set[str] | None, format_: str, below: str | None = None,
        start: int | None = None,
    ) -> None:  # fmt: skip
        self.session, self.conversation_id, self.format = session, conversation_id, format_
        self._root = below or conversation_id
        """What the keys of its agents begin with, where it is one session of several in a conversation."""
        self._start = session.start if start is None else start
        self.doubted: dict[Step, Doubt] = {}
        """Of steps that may be of other runs than theirs: how sure it is, and all that they may be of."""
        self._copied = copied
        """Records that a session which owns them has as well; None when it has no copies."""
        self._run_ids: dict[Run, str] = {}
        parents = {agent.parent for agent in session.agents.values()}
        self.agents = [agent for agent in session.agents.values() if agent.runs or agent in parents]

    # --- keys --------------------------------------------------------------------------------------------------------

    def agent_id(self, agent: Agent) -> str:
        """The key of an agent of any session that is written."""
        return f"{self._root}/{key_part(agent.name)}"

    def run_id(self, run: Run) -> str:
        """The key of a run, or of that which it is a part of."""
        found = self._run_ids.get(run)
        if found is None:
            whole = run.part_of or run
            found = self._run_ids[run] = f"{self.agent_id(whole.agent)}/{whole.ordinal}"
        return found

    def ms(self, at: int | None) -> int | None:
        """A time from the start of the conversation."""
        return None if at is None or self._start is None else at - self._start

    # --- rows --------------------------------------------------------------------------------------------------------

    def rows(self) -> Iterator[Row | Rows]:
        """Everything but the findings and the conversation itself."""
        for agent in self.agents:
            yield self._agent(agent)
            for run in agent.runs:
                yield self._run(run)
                yield from self._events(run)
            yield from step_rows(agent, self.run_id, self._start, self.conversation_id, self.doubted)
            yield from tool_rows(agent, self.run_id, self._start)
            if agent.runs:
                yield from self._hand_offs(agent)
            yield from self._uncounted(agent)
        yield from self._letters()

    def conversation(self) -> Conversation:
        """The conversation, after everything else of it."""
        session = self.session
        cwd = session.cwd
        folder = cwd.replace("\\", "/").rstrip("/").rpartition("/")[2] if cwd else None
        return Conversation(
            conversation_id=self.conversation_id,
            source_id=session.source_id,
            format=self.format,
            title=_title(session),
            group_name=folder or None,
            cwd=cwd,
            started_at=moment(session.start),
            ended_at=moment(session.end),
            block_scope=PROMPT_PARTS,
            steps_recorded=True,
            tool_calls_recorded=True,
            extra=as_json({
                "session_id": session.session_id, "version": session.version, "git_branch": session.branch,
                "team": session.team, "background": session.background or None, "forked_from": session.forked_from,
                "continued_in": session.continued_in,
            }),
        )  # fmt: skip

    def _agent(self, agent: Agent) -> AgentRow:
        name = "main" if agent.is_main else agent.helper or agent.agent_type or "agent"
        # By the name that it was given it is written to, and called in the prompts of others.
        called = agent.spawn.name if agent.spawn is not None and agent.workflow is None else None
        label = ": ".join(filter(None, (called, agent.description))) or agent.native_id or agent.name
        return AgentRow(
            self.agent_id(agent),
            self.conversation_id,
            self.agent_id(agent.parent) if agent.parent else None,
            name,
            None,
            None if agent.is_main else label,
            "exact" if agent.is_main else agent.parent_grade,
            agent.helper,
        )

    def _run(self, run: Run) -> RunRow:
        agent, spawn = run.agent, run.spawn
        state = ended(run)
        models = (step.model for step in run.steps)
        end = None if state.status == "running" else run.end
        only = spawn if spawn is not None and len(agent.runs) == 1 else None
        return RunRow(
            run_id=self.run_id(run),
            conversation_id=self.conversation_id,
            agent_id=self.agent_id(agent),
            parent_run_id=self.run_id(run.parent) if run.parent else None,
            spawn_tool_call_id=spawn.tool.call_id if spawn else None,
            ordinal=run.ordinal,
            native_run_id=agent.native_id,
            status=state.status,
            status_detail=state.detail,
            started_at=moment(run.start),
            ended_at=moment(end),
            start_ms=self.ms(run.start),
            end_ms=self.ms(end),
            time_grade="exact" if run.start is not None else "not_recorded",
            model=next((model for model in models if model), None),
            reported_tool_calls=only.tool_calls if only else None,
            reported_duration_ms=run.duration_ms if agent.is_main else only.duration_ms if only else None,
            grade="exact",
            extra=as_json(
                {
                    "reported_final_context": only.final_context if only else None,
                    "workflow": agent.workflow,
                    "phase": agent.phase,
                    "session_id": agent.own_session,
                }
            ),
        )

    def _events(self, run: Run) -> Iterator[Row]:
        own = [event for event in run.events if self._copied is None or event.uuid not in self._copied]
        for number, event in enumerate(own, 1):
            yield EventRow(
                self.run_id(run), number, event.kind, self.ms(event.at), event.before, event.after, event.trigger,
                event.detail,
            )  # fmt: skip

    def _hand_offs(self, agent: Agent) -> Iterator[Row]:
        """What a sub-agent was asked, and what its parent got back."""
        first, last = agent.runs[0], agent.runs[-1]
        parent, spawn = first.parent, agent.spawn
        if agent.parent is None or parent is None:
            return
        call_id = spawn.tool.call_id if spawn else None
        sent, received = spawn.tool.where if spawn else None, first.asked
        yield Edge(
            f"spawn:{self.run_id(first)}", "spawn", self.run_id(parent), self.run_id(first), call_id,
            self.ms(first.start), True, agent.parent_grade, "item",
            *_place(sent), *_place(received),
        )  # fmt: skip
        at, answer = (spawn.answered_at, spawn.answer) if spawn else (None, None)
        if spawn is not None and spawn.status in _STARTED:
            at, answer = None, None
        told = agent.session.ends.get(agent.native_id or "")
        if answer is None and told is not None:
            at, answer = told[1:]
        if answer is None or agent.workflow is not None:
            return
        yield Edge(
            f"result:{self.run_id(last)}", "result", self.run_id(last), self.run_id(parent), call_id, self.ms(at),
            True, agent.parent_grade, "item",
            *_place(last.last), *_place(answer),
        )  # fmt: skip

    def _letters(self) -> Iterator[Row]:
        """What agents wrote to each other; what a fork has of that is a copy."""
        for number, letter in enumerate(deliveries(self.session), 1):
            sent, received = letter.sent, letter.received
            if sent is not None and sent.tool.step is not None and sent.tool.step.owner is not None:
                continue
            if sent is None and received is not None and received.uuid in (self._copied or ()):
                continue
            at = sent.tool.start if sent is not None else received.at if received is not None else None
            yield Edge(
                f"letter:{self._root}:{number}", letter.kind,
                self.run_id(letter.from_run) if letter.from_run else None,
                self.run_id(letter.to_run) if letter.to_run else None,
                sent.tool.call_id if sent else None, self.ms(at), letter.delivered, letter.grade,
                "item" if received else "pending",
                *_place(sent.tool.where if sent else None), *_place(received.where if received else None),
            )  # fmt: skip

    def _uncounted(self, agent: Agent) -> Iterator[Row]:
        agent_id = self.agent_id(agent)
        for reason, (records, fresh, write, read, output) in agent.copies.items():
            if records:
                yield UncountedUsage(
                    agent_id, reason, self.conversation_id, records, fresh + write + read, read, write, output
                )


def _place(where: Where | None) -> tuple[str | None, int | None, int | None]:
    return where[:3] if where is not None else (None, None, None)


def _title(session: Session) -> str:
    """Its title, else the beginning of what its user first asked, else its id."""
    text = session.title or session.first_prompt or ""
    line = " ".join(text.split())
    return (line if len(line) <= LONGEST_TITLE else line[: LONGEST_TITLE - 1] + "…") or session.session_id
