"""Who was at work in a transcript: spans of agents and scorers as runs, and everything else in the main agent's."""

from __future__ import annotations

from collections.abc import Iterator

from explorer.readers._drafts import CallDraft, Draft, RunDraft
from explorer.readers._values import key_part
from explorer.readers.inspect._noted import NotedCall, NotedStep, Span, Transcript

MAIN = "main"
SCORING = "scoring"
"""What the evaluation starts a scorer for: its tokens are spent, and not the agent's."""

MOST_BETWEEN = 64
"""Spans between that of a call and that of the agent which it started."""

_OF_CALLS = frozenset(("tool", "handoff"))
_SCORERS = frozenset(("scorer", "scorers"))


class Telling:
    """Puts what was noted in the runs that it is of."""

    def __init__(self, draft: Draft, transcript: Transcript, solver: str | None) -> None:
        self.draft, self.transcript = draft, transcript
        self.main: RunDraft | None = None
        self.runs: dict[str, RunDraft] = {}
        """By the id of the span."""
        self.unplaced = 0
        """Events of spans that are not there."""
        self._solver = solver
        self._first = len(draft.agents)
        self._busy = self._with_calls()
        self._with_scorers = {each.parent_id for each in transcript.spans.values() if each.type == "scorer"}
        self._owners: dict[str | None, str | None] = {None: None}

    def tell(self) -> RunDraft:
        """Make all runs, in the order in which they began.

        Returns the root: the main agent's run, also where nothing happened in it.
        """
        for span_id, span in self.transcript.spans.items():
            if self._owner(span_id) == span_id:
                self._run(span)
        for step in self.transcript.steps:
            self._of(step.span_id).steps.append(step.draft)
        self._tools()
        self._below_main()
        for happened in self.transcript.happenings:
            root = None if self._owner(happened.span_id) else self.root()
            (root or self._of(happened.span_id)).events.append(happened.happening)
        self._spawned()
        found = self.root() or self._main()
        for run in self.every():
            run.request_model = run.steps[0].request_model if run.steps else None
        return found

    def root(self) -> RunDraft | None:
        """The run that a sample is about: the main agent's, else the first that is nobody's and no scorer's."""
        if self.main is not None:
            return self.main
        return next((run for run in self.runs.values() if run.parent is None and run.agent.helper is None), None)

    def every(self) -> Iterator[RunDraft]:
        """All of its runs, the main one first."""
        if self.main is not None:
            yield self.main
        yield from self.runs.values()

    # --- whose -------------------------------------------------------------------------------------------------------

    def _owner(self, span_id: str | None) -> str | None:
        """The span of the run that a span is of, nearest first; None for the main agent."""
        way: dict[str, None] = {}
        here = span_id
        while here is not None and here not in self._owners:
            span = self.transcript.spans.get(here)
            if span is None or here in way:
                break
            if self._is_run(span):
                self._owners[here] = here
                break
            way[here] = None
            here = span.parent_id
        owner = self._owners.get(here)
        self._owners.update(dict.fromkeys(way, owner))
        return owner

    def _with_calls(self) -> set[str]:
        """The spans in which a model or a tool was called, at any depth."""
        found: set[str] = set()
        steps, calls = self.transcript.steps, self.transcript.calls
        for here in [*(step.span_id for step in steps), *(call.span_id for call in calls)]:
            while here is not None and here not in found and here in self.transcript.spans:
                found.add(here)
                here = self.transcript.spans[here].parent_id
        return found

    def _is_run(self, span: Span) -> bool:
        """An agent, or a scorer that asks models; of scorers without spans of their own, all of them together."""
        if span.type not in _SCORERS or span.span_id not in self._busy:
            return span.type == "agent"
        return span.type == "scorer" or span.span_id not in self._with_scorers

    def _of(self, span_id: str | None) -> RunDraft:
        """The run of an event."""
        if span_id is not None and span_id not in self.transcript.spans:
            self.unplaced += 1
        owner = self._owner(span_id)
        return self.runs[owner] if owner is not None else self._main()

    def _main(self) -> RunDraft:
        if self.main is None:
            number = self.transcript.attempt
            key, label = (f"attempt-{number}", f"attempt {number}") if number else (MAIN, None)
            # Before those that it has started.
            agent = self.draft.agent(key, self._solver or MAIN, self._first, label=label)
            self.main = RunDraft(agent, start=self.transcript.first, end=self.transcript.last)
            agent.runs.append(self.main)
        return self.main

    def _run(self, span: Span) -> RunDraft:
        """The run of a span of an agent or a scorer, and those that it is below."""
        waiting = [span]
        while True:
            above = self._owner(waiting[-1].parent_id)
            if above is None or above in self.runs or any(each.span_id == above for each in waiting):
                break
            waiting.append(self.transcript.spans[above])
        for each in reversed(waiting):
            if each.span_id not in self.runs:
                self.runs[each.span_id] = self._made(each)
        return self.runs[span.span_id]

    def _made(self, span: Span) -> RunDraft:
        above = self._owner(span.parent_id)
        parent = self.runs.get(above) if above is not None else None
        is_scorer = span.type in _SCORERS
        name = span.name or ("scorer" if is_scorer else "agent")
        agent = self.draft.agent(
            key_part(name), name, parent=parent.agent if parent else None, helper=SCORING if is_scorer else None,
            label="scorer" if is_scorer and name != "scorer" else None,
        )  # fmt: skip
        run = RunDraft(agent, parent, native=span.span_id, start=span.begin, end=span.end)
        agent.runs.append(run)
        if span.is_closed:
            run.status = "completed"
        else:
            run.status, run.detail = "cancelled", "its span was never closed"
        return run

    def _below_main(self) -> None:
        """Agents of nobody's are the main agent's, where it has done anything."""
        for run in self.runs.values() if self.main is not None else ():
            if run.parent is None and run.agent.helper is None:
                run.parent, run.agent.parent, run.agent.parent_grade = self.main, self._main().agent, "derived"

    # --- tools -------------------------------------------------------------------------------------------------------

    def _tools(self) -> None:
        """Calls with what became of them, and those of which that is not recorded."""
        asked: dict[tuple[RunDraft, str], NotedStep] = {}
        for step in self.transcript.steps:
            asked.update({(self._of(step.span_id), call_id): step for call_id in step.asked})
        answered: set[tuple[RunDraft, str]] = set()
        for call in self.transcript.calls:
            run = self._of(call.span_id)
            run.calls.append(call.draft)
            key = (run, call.draft.call_id or "")
            if key in asked:
                call.draft.step = asked[key].draft
                answered.add(key)
        for (run, call_id), step in asked.items():
            if (run, call_id) not in answered:
                draft = CallDraft(step.draft.where, step.draft, call_id, step.asked[call_id], step.draft.end)
                run.calls.append(draft)

    def _spawned(self) -> None:
        """Which call started which agent: it names the span, or the agent's lies in that of the call."""
        by_span: dict[str, NotedCall] = {}
        in_span: dict[str, NotedCall] = {}
        for call in self.transcript.calls:
            if call.agent_span_id is not None:
                by_span.setdefault(call.agent_span_id, call)
            around = self.transcript.spans.get(call.span_id or "")
            if around is not None and around.type in _OF_CALLS:
                in_span.setdefault(around.span_id, call)
        for span_id, run in self.runs.items():
            named, found = True, by_span.get(span_id)
            here = self.transcript.spans[span_id].parent_id
            for _ in range(MOST_BETWEEN):
                if found is not None or here is None or here in self.runs or here not in self.transcript.spans:
                    break
                named, found = False, in_span.get(here)
                here = self.transcript.spans[here].parent_id
            if found is not None and run.agent.helper is None:
                self._hang(run, found, named)

    def _hang(self, run: RunDraft, call: NotedCall, named: bool) -> None:
        parent = self._of(call.span_id)
        if parent is run:
            return
        if run.parent is not parent and not _is_below(parent, run):
            run.parent, run.agent.parent = parent, parent.agent
        run.spawn, run.sent = call.draft, call.draft.where
        run.agent.parent_grade = "exact" if named else "derived"
        run.agent.label = run.agent.label or call.arguments or None
        run.asked = run.steps[0].where if run.steps else None
        call.draft.child = call.draft.child or run
        if call.draft.is_answered:
            run.answer, run.answered = call.draft.where, call.draft.end
        if call.draft.is_error:
            run.status, run.detail = "failed", "the tool call that started it failed"


def _is_below(run: RunDraft, above: RunDraft) -> bool:
    here: RunDraft | None = run
    while here is not None:
        if here is above:
            return True
        here = here.parent
    return False
