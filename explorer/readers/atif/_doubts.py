"""What is doubtful in a trajectory by itself: the numbers and times of its steps, results without calls, its count."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from explorer.model import Finding
from explorer.readers._values import many
from explorer.readers.atif._trajectory import Trajectory

_A_SECOND = 1000


def order(each: Trajectory, here: tuple[str, str, str]) -> Iterator[Finding]:
    """Findings of one trajectory; ``here`` are the ids of its conversation, agent and run."""
    findings = each.file.findings
    numbers = [step.number for step in each.steps if step.number is not None]
    missing = sum(later - number - 1 for number, later in pairwise(numbers) if later > number + 1)
    if missing:
        message = f"steps are numbered one after the other, and {many(missing, 'number')} no step has"
        yield from findings.at("seq-gap", "warning", message, None, *here)
    if (twice := len(numbers) - len(set(numbers))) > 0:
        message = f"{many(twice, 'step')} with the number of another one: all are counted"
        yield from findings.at("duplicate-id", "warning", message, None, *here)
    times = [step.at for step in each.steps if step.at is not None and not step.is_copy]
    backwards = sum(later < time - _A_SECOND for time, later in pairwise(times))
    if backwards:
        message = (
            f"{many(backwards, 'step')} with a time before that of the step before it: the order is that of the file"
        )
        yield from findings.at("clock-backwards", "info", message, None, *here)
    for _, call_id in each.unpaired:
        message = f"a result of the call {call_id[:80]!r}, which no step has"
        yield from findings.at("unpaired-result", "warning", message, None, *here)
    total = each.of("final_metrics").get("total_steps")
    below = sum(len(other.steps) for inside in each.embedded for other in inside.all())
    if type(total) is int and total not in (len(each.steps), len(each.steps) + below):
        message = f"total_steps is {total:,}, and there are {many(len(each.steps), 'step')}"
        yield from findings.at("total-mismatch", "warning", message, None, *here)
