"""The recorder's own sums of a trajectory, and what they are over.

The specification says "across all steps in the trajectory"; some writers add those of the sub-agents, some leave out
what a converter has put in. So a sum is compared with ours, and is over what it is equal to.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from explorer.model import ReportedScope
from explorer.readers._drafts import Reported, RunDraft
from explorer.readers._values import Fields, many
from explorer.readers.atif._trajectory import Trajectory


def reported(each: Trajectory, run: RunDraft, inlined: Sequence[RunDraft], below: Sequence[RunDraft]) -> Reported:
    """The sums of ``final_metrics``, of a trajectory with the agents inlined in it and those below it."""
    final = Fields({**each.of("final_metrics")})
    prompt, completion = final.count("total_prompt_tokens", 10**15), final.count("total_completion_tokens", 10**15)
    cost = final.number("total_cost_usd", 0)
    each.complaints += [(None, f"final_metrics: {complaint}") for complaint in final.complaints]
    steps, note = _calls(run)
    if prompt is None and completion is None:
        return Reported("own", steps, cost=cost, note=note)
    recorded = (prompt, completion)
    own, with_inlined, everything = (_sums(runs) for runs in ((run,), (run, *inlined), (run, *inlined, *below)))
    known = all(each is not None for sums in (own, everything) for each in sums)
    scope: ReportedScope = "own"
    what = "the recorder's final_metrics are over the steps of this trajectory alone, without its sub-agents"
    if not known:
        what = "what the recorder's final_metrics are over cannot be told: there are steps without usage"
    elif _same(recorded, everything) and not _same(recorded, own):
        scope, what = "total", "the recorder's final_metrics include the sub-agents"
    elif not _same(recorded, own):
        shown = f", nor, with sub-agents, {everything[0]:,} in and {everything[1]:,} out" if below or inlined else ""
        what = f"the recorder's final_metrics are not the sum of its own steps{shown}"
        if _same(recorded, with_inlined):
            what = "the recorder's final_metrics include the agents inlined here, and not the other ones below"
    elif not below and not inlined:
        what = ""
    notes = "; ".join(filter(None, (what, note))) or None
    return Reported(scope, steps, prompt, completion, cost, None, notes)


def _calls(run: RunDraft) -> tuple[int | None, str | None]:
    """How many model calls the steps stand for, where some stand for several."""
    counts = [step.extra.get("llm_call_count") or 1 for step in run.steps if not step.is_replay]
    calls = sum(count for count in counts if type(count) is int)
    if calls == len(counts):
        return None, None
    return calls, f"{many(len(counts), 'step')} stand for {many(calls, 'model call')}: their usage is summed up"


def _sums(runs: Iterable[RunDraft]) -> tuple[int | None, int | None]:
    """Input and output of the steps; None where one has none."""
    tokens = [step.tokens for run in runs for step in run.steps if not step.is_replay]
    sums = []
    for figures in ([each.input for each in tokens], [each.output for each in tokens]):
        present = [figure for figure in figures if figure is not None]
        sums.append(sum(present) if len(present) == len(figures) else None)
    return sums[0], sums[1]


def _same(recorded: tuple[int | None, int | None], ours: tuple[int | None, int | None]) -> bool:
    return all(one is None or one == other for one, other in zip(recorded, ours, strict=True))
