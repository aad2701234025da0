"""Whose a call is.

A model call names its agent by a label alone: ``main``, or what the spawner called the child; a tool call says only
whether it was a child's. A root call has the number of its turn, which is exact. A child's is found by its window: the
call lies between the child's start and end. One child fits: derived. Several do, as parallel children with one label:
ambiguous, unless only one of them ran on that model. Of a tool call, those are out that were waiting for a model's
answer when it began, and those whose list does not have it, or has it no more. None fits: the child's node was never
written, because it did not end. Such a child can hide behind another that had its label and was at work meanwhile.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from explorer.model import Grade
from explorer.readers.graff._execution import Execution, Participant
from explorer.readers.graff._process import Process
from explorer.readers.graff._records import MOST_TOOLS, Call

SAME_MOMENT_MS = 5
"""By how much two records of the sending of one request differ at most."""


class Owner(NamedTuple):
    """Whose a call is, and how sure that is."""

    execution: Execution
    grade: Grade
    candidates: list[Execution]
    """All whose it may be, when it is ambiguous."""


class Attribution:
    """Finds the owners of the calls of one process."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.root_labels = {"main"}
        self._first_tokens: list[Call] = []
        nodes = {id(run) for run in process.by_node.values()}
        self._in_order = [run for run in process.main.runs if id(run) in nodes]

    def first_token(self, call: Call) -> None:
        """A record of the first token, which comes before that of its model call and knows whether it is a child's."""
        if call.from_sub is False and call.label:
            self.root_labels.add(call.label)
        self._first_tokens = [*self._first_tokens[-63:], call]

    def answered(self, call: Call) -> Call | None:
        """The record of the first token of a model call."""
        if call.start is None:
            return None
        near = [
            (abs(first.start - call.start), place, first)
            for place, first in enumerate(self._first_tokens)
            if first.label == call.label and first.model == call.model and first.start is not None
        ]
        apart, _, first = min(near, default=(SAME_MOMENT_MS + 1, 0, None))
        return first if apart <= SAME_MOMENT_MS else None

    def of_model_call(self, call: Call, from_sub: bool | None) -> Owner:
        """Whose a model call is."""
        if call.label is None and from_sub is None:
            return Owner(self.process.outside(), "derived", [])
        root = call.label in self.root_labels and from_sub is not True
        children = self._children(call, call.label) if from_sub is not False else []
        if root:
            owner = self.of_root(call)
            if from_sub is None and children and call.label in self.process.labelled:
                return Owner(owner.execution, "ambiguous", [owner.execution, *children])
            return owner
        lost = self.process.unrecorded.get(call.label)
        children = [*children, lost] if children and lost else children
        return self._one_of(children, call, lambda child: child.node is None or child.node.model == call.model)

    def of_tool_call(self, call: Call) -> Owner:
        """Whose a tool call is."""
        if call.from_sub:
            begun = [child for child in self.process.unrecorded.values() if _begun(child, call)]
            children = [*self._children(call, None), *begun]
            owner = self._one_of(children, call, lambda one: _asks(one, call), lambda one: _lists(one, call))
            if owner.execution.untraced is not None and owner.grade == "derived":
                owner.execution.untraced[_listed(call)] -= 1
            return owner
        owner = self.of_root(call)
        if call.from_sub is None:
            children = [one for one in self._children(call, None) if _asks(one, call) and _lists(one, call)]
            if children:
                return Owner(owner.execution, "ambiguous", [owner.execution, *children])
            return owner._replace(grade="derived")
        return owner

    def of_root(self, call: Call) -> Owner:
        """The turn of a call of the root agent: by its number, else by its time."""
        process, start, end = self.process, call.start, call.t
        if call.turn and call.turn in process.by_number:
            return Owner(process.by_number[call.turn], "exact", [])
        around = process.turns.around(start, end) if start is not None and end is not None else None
        if not call.turn:
            return Owner(around or process.outside(), "derived", [])
        if not process.by_node:
            return Owner(process.of_number(call.turn), "exact", [])
        # No record links the two numberings: behavioral numbers have no gaps, and count the turns.
        counted = self._in_order[call.turn - 1] if call.turn <= len(self._in_order) else None
        return Owner(around or counted or process.of_number(call.turn), "derived", [])

    def _children(self, call: Call, label: str | None) -> list[Execution]:
        windows = self.process.labelled.get(label)
        if windows is None or call.start is None or call.t is None:
            return []
        return windows.around(call.start, call.t)

    def _one_of(self, children: list[Execution], call: Call, *rules: Callable[[Execution], bool]) -> Owner:
        fitting = children
        for rule in rules:
            fitting = [child for child in fitting if rule(child)] or fitting
        if not fitting:
            return self._unrecorded(call)
        if len(fitting) == 1:
            return Owner(fitting[0], "derived", [])
        # An agent sends one request after the other: one that still waits for an answer did not send this one.
        idle = [child for child in fitting if not child.ends or child.ends[-1] <= (call.start or 0)] or fitting
        chosen = min(idle, key=lambda child: (child.steps, child.start or 0, child.run_id))
        return Owner(chosen, "ambiguous", [chosen, *(child for child in fitting if child is not chosen)])

    def _unrecorded(self, call: Call) -> Owner:
        """Calls of a child that never ended; several that have one label cannot be told apart."""
        process, label = self.process, call.label
        if label in process.unrecorded:
            child = process.unrecorded[label]
        else:
            agent = Participant(process.free_id(f"unrecorded-{label or 'sub-agent'}"), "sub-agent", label)
            child = process.unrecorded[label] = Execution(f"{agent.agent_id}/1", agent, grade="ambiguous")
            agent.runs.append(child)
            at = call.start if call.start is not None else call.t
            child.parent = process.by_number.get(call.turn or 0) or process.turns.nearest(at) or process.outside()
            child.parent_grade = "derived"
        child.widen(call.start, call.t)
        return Owner(child, "ambiguous" if label is None else "derived", [])


def _begun(execution: Execution, call: Call) -> bool:
    """Whether a child whose end is not known was at work."""
    return execution.start is None or call.start is None or execution.start <= call.start


def _asks(execution: Execution, call: Call) -> bool:
    """Whether a child can have asked for a tool: it was not waiting for a model."""
    return call.start is None or not execution.waits(call.start)


def _lists(execution: Execution, call: Call) -> bool:
    """Whether the list of a child's tool calls has, or may have, one left."""
    tools = execution.node.tools if execution.node else None
    if tools is None or call.name is None or len(tools) >= MOST_TOOLS:
        return True
    if execution.untraced is None:
        execution.untraced = Counter(tools)
    return execution.untraced[_listed(call)] > 0


def _listed(call: Call) -> str:
    """How a tool call stands in the list."""
    return f"{call.name}!" if call.is_error else call.name or ""
