"""The sums of a node, and where each of them is from: its steps, or what the recorder summed up itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.store.queries.scope import one

if TYPE_CHECKING:
    from explorer.store.database import Cursor
    from explorer.store.queries.scope import Scope

_SUMS = (
    "runs", "steps", "replayed_steps", "steps_with_usage", "step_errors", "model_calls", "tool_calls", "tool_errors",
    "input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens", "cost_nano",
)  # fmt: skip

_FROM_REPORT = {
    "input_tokens": "input_from_report",
    "output_tokens": "output_from_report",
    "tool_calls": "tool_calls_from_report",
    "tool_errors": "tool_errors_from_report",
}
"""Figures that may be the recorder's own sum for a run, and by what it is told that one is."""

_WITH_REPORT = (*_FROM_REPORT, "model_calls", "cost_nano")
"""Figures that recorders sum up over a run and everything below it."""


_OF_EACH = "what else is to be known of them is said of each run"


class Sums:
    """What a node's runs add up to."""

    def __init__(self, cursor: Cursor, scope: Scope) -> None:
        columns = ", ".join(f"internal.whole(sum({kind}_{name}))" for kind in ("own", "total") for name in _SUMS)
        lines = "kind = 'conversation'" if scope.kind == "all" else f"position = {scope.position}"
        numbers = one(cursor, f"SELECT {columns} FROM internal.nodes WHERE {lines}") or ()
        self.own: dict[str, int | None] = dict(zip(_SUMS, numbers, strict=False))
        """The node's alone; of everything opened, those of the agents without a parent."""
        self.total: dict[str, int | None] = dict(zip(_SUMS, numbers[len(_SUMS) :], strict=False))
        """With everything below."""
        self._is_all = scope.kind == "all"
        self.below = scope.kind != "all" and (self.total["runs"] or 0) > (self.own["runs"] or 0)
        """Whether there are runs below the node's own."""
        figures = [f"internal.whole(sum({name}))" for name in _WITH_REPORT]
        reports = [f"count(*) FILTER ({column})" for column in _FROM_REPORT.values()]
        (peak, derived, ambiguous, no_steps, *found) = one(
            cursor,
            "SELECT max(peak_context_tokens), coalesce(sum(tokens_derived), 0), coalesce(sum(tokens_ambiguous), 0), "
            f"count(*) FILTER (counts_no_steps), {', '.join((*figures, *reports))} FROM internal.runs "
            f"WHERE run_id IN (SELECT run_id FROM internal.run_lines WHERE {scope.runs(own=False)})",
        ) or (None, 0, 0, 0)
        self.peak_context_tokens: int | None = peak
        self.tokens_derived: int = derived
        self.tokens_ambiguous: int = ambiguous
        self.counts_no_steps: int = no_steps
        """Runs of recorders that write no model calls down."""
        self.of_runs: dict[str, int | None] = dict(zip(_WITH_REPORT, found, strict=False))
        """Sums over runs alone, without those that recorders made over whole subtrees."""
        self._from_report: dict[str, int] = dict(zip(_FROM_REPORT, found[len(_WITH_REPORT) :], strict=False))

    def share(self, name: str, words: str = "") -> str:
        """What of a figure is the node's own, where that is not all, before other words."""
        if not self.below or self.total[name] is None or (self.own[name] is None and self.summed_up(name)):
            return words
        if not self.total[name]:
            return words
        mine = "not recorded as its" if self.own[name] is None else f"{self.own[name]:,}"
        return "; ".join(filter(None, (words, f"{mine} own, the rest in sub-agents")))

    def reported(self, name: str) -> bool:
        """Whether the recorder's own sum of any run is in a figure."""
        return bool(self._from_report.get(name))

    def summed_up(self, name: str) -> bool:
        """Whether a sum over a run and everything below it is in a figure."""
        return name in self.of_runs and self.total[name] != self.of_runs[name]

    def note(self, cursor: Cursor, scope: Scope) -> str | None:
        """What must be known of the recorder's own sums of input tokens: what it says of all runs that have one."""
        if not (self.summed_up("input_tokens") or self.reported("input_tokens")):
            return None
        found = cursor.execute(
            "SELECT DISTINCT reported_note FROM runs "
            "WHERE reported_input_tokens IS NOT NULL AND reported_note IS NOT NULL "
            f"AND run_id IN (SELECT run_id FROM internal.run_lines WHERE {scope.runs(own=False)})"
        )
        several = [note.split("; ") for (note,) in found.fetchall()]
        if not several:
            return None
        common = [words for words in several[0] if all(words in others for others in several)]
        return "; ".join([*common, _OF_EACH] if len(several) > 1 else common)

    def origin(self, name: str) -> str:
        """Where a figure is from; nothing to say when it is the sum of the steps."""
        alone, several = self.total["runs"] == 1, (self.own["runs"] or 0) > 1 or self._is_all
        words = []
        if self.summed_up(name):
            if self.of_runs[name] is not None:
                words.append("in part the recorder's own sums over whole runs and everything below them")
            elif alone:
                words.append("the recorder's own sum for this run and whatever was below it")
            elif several:
                words.append("the recorder's own sums over whole runs and everything below them")
            else:
                words.append("the recorder's own sum for this run and everything below")
            if self.below or self._is_all:
                whose = "each sub-agent" if self.of_runs[name] is None else "each of the others"
                words.append(f"what {whose} took is not recorded")
        if runs := self._from_report.get(name):
            words.append(
                "the recorder's own sum"
                if alone
                else f"of {runs:,} {'run' if runs == 1 else 'runs'}, the recorder's own sum"
            )
            if name.endswith("tokens"):
                steps, covered = self.total["steps"] or 0, self.total["steps_with_usage"] or 0
                verb = "has" if covered == 1 else "have"
                words[-1] += f"; {covered:,} of {steps:,} steps {verb} usage" if steps else "; it has no steps"
        return "; ".join(words)


def whole_of(cursor: Cursor, scope: Scope, name: str) -> str:
    """For a node without a figure: of which run above it the recorder has a sum, if of any."""
    if name not in _WITH_REPORT or scope.kind == "all":
        return ""
    row = one(
        cursor,
        f"SELECT concat_ws(' ', n.name, n.label) FROM internal.nodes AS n JOIN internal.runs AS r USING (run_id) "
        f"WHERE n.position < {scope.position} AND n.last >= {scope.last} AND r.report_{name} IS NOT NULL "
        "ORDER BY n.position DESC LIMIT 1",
    )
    return f"not recorded: the recorder only sums the whole of {row[0]}" if row else ""
