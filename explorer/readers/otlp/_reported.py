"""What the span of an agent says of its tokens, beside those of its calls.

Recorders disagree what it is: the sum of its own calls, of everything below it, what its last call used, or what the
conversation had used by then (semantic-conventions-genai issue 19, microsoft/agent-framework issue 4062, pydantic-ai
issue 8368). It is never counted where calls have usage; which of these it is, is said with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from explorer.model import ReportedScope
from explorer.readers.otlp._calls import Counting
from explorer.readers.otlp._draft import ModelCall, Usage
from explorer.readers.otlp._run import Run


class Reported(NamedTuple):
    """The recorder's own sum for a run."""

    usage: Usage
    scope: ReportedScope
    note: str | None


class Sums:
    """Of each run what its calls used, and what everything below it did."""

    def __init__(self, runs: Iterable[Run], counting: Counting) -> None:
        self._counting = counting
        self._own: dict[int, tuple[int, int]] = {}
        self._total: dict[int, tuple[int, int]] = {}
        self._cost: dict[int, tuple[float, bool]] = {}
        self._total_cost: dict[int, tuple[float, bool]] = {}
        self.has_usage: set[int] = set()
        """Runs of which a call has usage, or one below."""
        for run in reversed([*runs]):  # children first
            used = [counting.usage(span) for span in run.calls]
            if any(each.is_recorded for each in used) or any(id(child) in self.has_usage for child in run.children):
                self.has_usage.add(id(run))
            self._add_costs(run)
            own = sum(each.input or 0 for each in used), sum(each.output or 0 for each in used)
            below = self._below(run)
            self._own[id(run)] = own
            if id(run) not in self.has_usage:
                told = counting.usage(run.span)
                own = told.input or 0, told.output or 0
                below = (0, 0) if told.is_recorded and self._is_over_all(run) else below
            self._total[id(run)] = own[0] + below[0], own[1] + below[1]

    def _below(self, run: Run) -> tuple[int, int]:
        """Input and output of everything below a run; of runs whose calls have no usage, as their spans say."""
        totals = [self._total[id(child)] for child in run.children]
        return sum(each[0] for each in totals), sum(each[1] for each in totals)

    def _is_over_all(self, run: Run) -> bool:
        """Whether what the span of an agent says may be over everything below it too: it is no less than that."""
        usage = self._counting.usage(run.span)
        said = zip((usage.input, usage.output), self._below(run), strict=True)
        return not (run.told and run.told.is_own) and all(one is None or one >= below for one, below in said)

    def _add_costs(self, run: Run) -> None:
        """What the calls cost, and whether all of them say so."""
        own = [each.told.cost for each in run.calls if isinstance(each.told, ModelCall)]
        below = [self._total_cost[id(child)] for child in run.children]
        cost, is_whole = sum(each or 0.0 for each in own), None not in own
        self._cost[id(run)] = cost, is_whole and bool(own)
        total = cost + sum(each for each, _ in below), is_whole and all(whole for _, whole in below)
        self._total_cost[id(run)] = total[0], total[1] and bool(own or below)

    @staticmethod
    def scope(run: Run, reported: Reported | None) -> ReportedScope:
        """What the sums of a run are over: that of its tokens; where there are none, a cost is taken for one of all."""
        if reported is None:
            return "total" if run.children and run.told and run.told.cost is not None else "own"
        return reported.scope

    def cost(self, run: Run, scope: ReportedScope) -> tuple[float | None, str | None]:
        """What its calls cost by the recorder's prices, or everything below it too, and where that is from.

        It is what the agent's span says where one of the calls does not say so.
        """
        cost, is_whole = (self._cost if scope == "own" else self._total_cost)[id(run)]
        if is_whole:
            return cost, "The cost is the sum of what the recorder says of each call."
        if run.told is None or run.told.cost is None:
            return None, None
        return run.told.cost, "The cost is what the agent's span says."

    def reported(self, run: Run) -> Reported | None:
        """What the recorder says of a run, and what that seems to be."""
        told = run.told
        if told is None or not told.usage.is_recorded:
            return None
        usage = self._counting.usage(run.span)
        said = usage.input, usage.output
        if told.is_own:
            return Reported(usage, "own", "By the recorder over the calls of this run alone, without agents below.")
        if id(run) not in self.has_usage:
            return self._alone(run, usage)
        if _fits(said, self._own[id(run)]):
            return Reported(usage, "own", "The agent's span repeats the sum of its own calls.")
        if _fits(said, self._total[id(run)]):
            return Reported(usage, "total", "The agent's span repeats the sum of all calls in it and below it.")
        last = max(run.calls, key=lambda span: span.order, default=None)
        if last is not None and len(run.calls) > 1:
            used = self._counting.usage(last)
            if _fits(said, (used.input, used.output)):
                return Reported(usage, "own", "The agent's span has what its last call used, which is no sum.")
        note = (
            "The agent's span has a sum that is not that of its calls: calls are missing (sampling drops spans), or it "
            "counts what the conversation had used by then."
        )
        return Reported(usage, "total" if run.children else "own", note)

    def _alone(self, run: Run, usage: Usage) -> Reported:
        """The same where no call at or below a run has usage."""
        tokens_in, tokens_out = self._below(run)
        if not (tokens_in or tokens_out):
            return Reported(usage, "total" if run.children else "own", "No call has usage: this is all there is.")
        note = f"No call has usage. The spans of the agents below have {tokens_in:,} in and {tokens_out:,} out: "
        if self._is_over_all(run):
            note += "that is taken for a part of this, and comes on top if this is without them."
            return Reported(usage, "total", note)
        return Reported(usage, "own", f"{note}more than this, which is without them.")


def _fits(said: tuple[int | None, int | None], ours: tuple[int | None, int | None]) -> bool:
    """Whether both say the same, as far as they say anything."""
    return all(one is None or one == other for one, other in zip(said, ours, strict=True))
