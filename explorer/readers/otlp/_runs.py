"""Spans become runs: which agent was at work, on which call of whom, and in which conversation.

A span of an agent is a run. Calls inside a tool that name another agent than the one around it are a run of that one,
which the tool started, though no span is its own. Calls that no agent is around are of a run of the outermost span of
the trace, one for each agent that they name. Two spans of one agent of which one does nothing but hold the other are
one run: a call to another process and its execution there, or one agent seen by two instrumentations.

A conversation is named by the outermost run: by its own span or the nearest around it, else by any of the trace, else
by a session; without all that, the trace is the conversation.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from explorer.readers._values import key_part
from explorer.readers.otlp import _names as names
from explorer.readers.otlp._draft import AgentCall, Key, ModelCall, Note, Span, ToolUse
from explorer.readers.otlp._forest import Forest
from explorer.readers.otlp._run import Agent, Run
from explorer.readers.otlp._span import service_of
from explorer.readers.otlp._values import Wanted, attributes_of

_LONGEST_LABEL = 100


class _Around(NamedTuple):
    """What is around a span."""

    root: Span
    key: Key
    """Of the root, or of its parent, which is not recorded."""
    run: Run | None = None
    tool: Span | None = None
    model: Span | None = None
    conversation: str | None = None
    session: str | None = None


class Runs:
    """Finds the runs of a forest."""

    def __init__(self, forest: Forest) -> None:
        self.forest = forest
        self.runs: list[Run] = []
        """Parents before children."""
        self.run_of: dict[Key, Run] = {}
        """The run that a span is of, or inside of."""
        self.inside: defaultdict[Key, list[Span]] = defaultdict(list)
        """Of a call of a model, those that are inside it."""
        self.asked_by: dict[Key, Span] = {}
        """Of a tool call, the call of a model that it is inside of."""
        self.others: Counter[str] = Counter()
        """Spans of other kinds, by trace."""
        self._agents: dict[tuple[str, str], Agent] = {}
        self._implied: dict[tuple[Key, str, str], Run] = {}
        spans = forest.in_order()
        self._conversations = _first(spans, "conversation")
        self._sessions = _first(spans, "session")
        self._busy = _busy(spans)
        self._called_in = _called_in(spans)
        self._find(spans)

    def _find(self, spans: Iterable[Span]) -> None:
        around: dict[Key, _Around] = {}
        for span in spans:
            lost = span.parent_id if span.is_orphan else None
            near = around[span.parent.key] if span.parent else _Around(span, (span.key[0], lost or span.key[1]))
            if span.conversation or span.session:
                near = near._replace(
                    conversation=span.conversation or near.conversation, session=span.session or near.session
                )
            if span.kind == "agent":
                run = self._agent_run(span, near)
                near = near._replace(run=run, tool=None, model=None)
            elif span.kind == "model":
                self._model_call(span, near)
                near = near._replace(run=self.run_of[span.key], model=span)
            elif span.kind == "tool":
                run = near.run or self._implied_run(span, near)
                run.tools.append(span)
                self.run_of[span.key] = run
                if near.model:
                    self.asked_by[span.key] = near.model
                inside = self._run_inside(span, run)
                near = near._replace(run=inside or run, tool=None if inside else span, model=None)
            elif span.kind == "note" and near.run:
                near.run.notes.append(span)
                self.run_of[span.key] = near.run
            else:
                self.others[span.key[0]] += 1
                if near.run:
                    self.run_of[span.key] = near.run
            around[span.key] = near

    def _agent_run(self, span: Span, near: _Around) -> Run:
        told, outer = span.told, near.run
        assert isinstance(told, AgentCall)
        if outer and near.tool is None and outer.told and self._is_same(outer, outer.told, told):
            outer.inner.append(span)
            outer.told.agent_id = outer.told.agent_id or told.agent_id
            outer.told.model = outer.told.model or told.model
            if not outer.told.usage.is_recorded:
                outer.told.usage, outer.told.is_own = told.usage, told.is_own
            outer.told.cost = told.cost if outer.told.cost is None else outer.told.cost
            self.run_of[span.key] = outer
            return outer
        conversation = outer.conversation if outer else self._conversation(span, near)
        agent = self._agent(conversation, told.name, told.agent_id, outer)
        agent.version = agent.version or told.version
        agent.label = agent.label or told.agent_id or (told.description or "")[:_LONGEST_LABEL] or None
        return self._begin(span, Run(span.key, span, False, agent, conversation, outer, near.tool))

    def _is_same(self, outer: Run, told: AgentCall, inner: AgentCall) -> bool:
        """Whether both are one execution: of one name, and the outer one does nothing itself."""
        same = told.name == inner.name and (told.agent_id or inner.agent_id) == (inner.agent_id or told.agent_id)
        return same and (self._busy[outer.span.key] == 1 or (told.is_client and not inner.is_client))

    def _model_call(self, span: Span, near: _Around) -> None:
        run = near.run or self._implied_run(span, near)
        run.calls.append(span)
        self.run_of[span.key] = run
        if near.tool is None and isinstance(span.told, ModelCall):
            run.agent.id = run.agent.id or span.told.agent_id
        if near.model:
            self.inside[near.model.key].append(span)

    def _implied_run(self, span: Span, near: _Around) -> Run:
        """The run of a call that no agent is around."""
        called = span.told.agent_name if isinstance(span.told, ModelCall) else None
        conversation = self._conversation(span, near)
        key = near.key, called or "", conversation
        run = self._implied.get(key)
        if run is None:
            root = near.root
            is_around = root.kind not in ("model", "tool") and root.key == near.key
            name = called or (root.name if is_around else None) or service_of(root) or "main"
            run = Run(near.key, root, True, self._agent(conversation, name, None, None), conversation)
            self._implied[key] = self._begin(root, run)
        return run

    def _run_inside(self, tool: Span, outer: Run) -> Run | None:
        """The run of the agent whose calls are inside a tool, where that is another than the one around it."""
        call = self._called_in.get(tool.key)
        if call is None or call.agent_id is None or call.agent_id == outer.agent.id:
            return None
        named = tool.told.name if isinstance(tool.told, ToolUse) else tool.name
        agent = self._agent(outer.conversation, call.agent_name or named, call.agent_id, outer)
        agent.label = agent.label or call.agent_id
        run = Run(
            (tool.key[0], f"{tool.key[1]}~{key_part(call.agent_id)}"),
            tool,
            True,
            agent,
            outer.conversation,
            outer,
            tool,
        )
        self.runs.append(run)
        agent.runs.append(run)
        outer.children.append(run)
        return run

    def _begin(self, span: Span, run: Run) -> Run:
        self.runs.append(run)
        run.agent.runs.append(run)
        self.run_of.setdefault(span.key, run)
        if run.parent:
            run.parent.children.append(run)
        return run

    def _agent(self, conversation: str, name: str, agent_id: str | None, outer: Run | None) -> Agent:
        """The agent of an id, or of a name below the agent that is around it: a name alone is no identity."""
        above = outer.agent if outer else None
        key = f"@{key_part(agent_id)}" if agent_id else key_part(name)
        if above and not agent_id:
            key = f"{above.key}/{key}"
        return self._agents.setdefault((conversation, key), Agent(key, name, above, id=agent_id))

    def _conversation(self, span: Span, near: _Around) -> str:
        trace = span.key[0]
        named = near.conversation or self._conversations.get(trace) or near.session or self._sessions.get(trace)
        if named is None:
            resource = Wanted(attributes_of(span.scope.resource.fields.get("attributes")))
            named = resource.text((*names.CONVERSATION, *names.SESSION))
        return named or trace


def _first(spans: Iterable[Span], name: str) -> dict[str, str]:
    """What the first span of each trace that has it says."""
    found: dict[str, str] = {}
    of_it = [span for span in spans if getattr(span, name)]
    for span in sorted(of_it, key=lambda span: span.order):
        found.setdefault(span.key[0], getattr(span, name))
    return found


def _busy(spans: Iterable[Span]) -> Counter[Key]:
    """How many spans of agents, models and tools each of these has right inside, whatever is between."""
    near: dict[Key, Span | None] = {}
    found: Counter[Key] = Counter()
    for span in spans:
        above = None
        if span.parent:
            is_busy = isinstance(span.parent.told, (AgentCall, ModelCall, ToolUse))
            above = span.parent if is_busy else near[span.parent.key]
        near[span.key] = above
        if above is not None and span.told is not None and not isinstance(span.told, Note):
            found[above.key] += 1
    return found


def _called_in(spans: Iterable[Span]) -> dict[Key, ModelCall]:
    """Of each tool the first call of a model that is inside it, and inside no agent or tool in it."""
    near: dict[Key, Span | None] = {}
    found: dict[Key, ModelCall] = {}
    for span in spans:
        above = near[span.parent.key] if span.parent else None
        if above is not None and isinstance(span.told, ModelCall):
            found.setdefault(above.key, span.told)
        near[span.key] = span if span.kind == "tool" else None if span.kind == "agent" else above
    return found
