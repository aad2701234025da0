"""An agent, and one execution of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from explorer.readers.otlp._draft import AgentCall, Key, Span


@dataclass(slots=True)
class Agent:
    """One participant of a conversation."""

    key: str
    """Within its conversation."""
    name: str
    parent: Agent | None
    version: str | None = None
    label: str | None = None
    id: str | None = None
    runs: list[Run] = field(default_factory=list)


@dataclass(slots=True)
class Run:
    """One execution of an agent."""

    key: Key
    """Of the span that it is; where that is not recorded, as it is named."""
    span: Span
    """Of the agent, or the outermost one of the trace."""
    is_implied: bool
    """Whether no span of an agent tells of it."""
    agent: Agent
    conversation: str
    """The recorded id."""
    parent: Run | None = None
    tool: Span | None = None
    """The tool call that it is inside."""
    calls: list[Span] = field(default_factory=list)
    """Of models, those that count."""
    wrappers: list[Span] = field(default_factory=list)
    """Spans around calls of models that are themselves spans."""
    tools: list[Span] = field(default_factory=list)
    notes: list[Span] = field(default_factory=list)
    inner: list[Span] = field(default_factory=list)
    """Further spans of the same execution."""
    children: list[Run] = field(default_factory=list)

    @property
    def has_span(self) -> bool:
        """Whether a span begins and ends with it; else its calls say when it was."""
        return not self.is_implied or (self.span.key == self.key and self.span.kind not in ("model", "tool"))

    @property
    def start(self) -> int | None:
        """Nanoseconds since 1970."""
        if self.has_span:
            return self.span.start
        return min((each.start for each in (*self.calls, *self.tools) if each.start is not None), default=None)

    @property
    def end(self) -> int | None:
        """Nanoseconds since 1970; None while it has not ended."""
        if self.has_span:
            return self.span.end
        ends = [each.end for each in (*self.calls, *self.tools)]
        return None if None in ends else max((end for end in ends if end is not None), default=None)

    @property
    def order(self) -> tuple[bool, int, Key]:
        """By start."""
        start = self.start
        return start is None, start or 0, self.key

    @property
    def told(self) -> AgentCall | None:
        """What the agent's span tells."""
        return self.span.told if isinstance(self.span.told, AgentCall) else None
