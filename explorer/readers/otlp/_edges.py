"""What went from one run to another: what it was started with and answered, hand-overs, and links between spans."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from explorer.model import Edge, Resolution
from explorer.readers.otlp._draft import ModelCall, Span, ToolUse
from explorer.readers.otlp._passages import Side, place
from explorer.readers.otlp._run import Run
from explorer.readers.otlp._status import status_of
from explorer.readers.otlp._steps import Writing


def edges(writing: Writing, runs: Sequence[Run]) -> Iterator[Edge]:
    """The edges of a conversation; those between two are with the one that they go to."""
    by_name = _by_name(runs)
    for run in runs:
        if run.parent:
            yield from _below(writing, run, run.parent)
        yield from _linked(writing, run)
        yield from _handed_over(writing, run, by_name)


def _below(writing: Writing, run: Run, parent: Run) -> Iterator[Edge]:
    """What a run was started with, and what it answered: in the tool call, and in the run's own calls of the model."""
    run_id, above = writing.run_id(run), writing.run_id(parent)
    tool = run.tool.told if run.tool and isinstance(run.tool.told, ToolUse) else None
    call_id = tool.call_id if tool else None
    calls = sorted(run.calls, key=lambda span: span.order)
    asked = _passage(writing, run.tool if tool and tool.has_arguments else None, Side.GIVEN)
    shown = _passage(writing, _told(calls[:1]), Side.SHOWN)
    start, end = (writing.clock.ms(each) for each in (run.start, run.end))
    yield Edge(
        f"{run_id}>spawn", "spawn", above, run_id, call_id, start, True, "exact", _resolution(asked, shown),
        *asked, *shown,
    )  # fmt: skip
    if status_of(run)[0] == "completed":
        said = _passage(writing, _told(calls[-1:]), Side.SAID)
        given = _passage(writing, run.tool if tool and tool.has_result else None, Side.GAVE)
        yield Edge(
            f"{run_id}>result", "result", run_id, above, call_id, end, _is_delivered(run), "exact",
            _resolution(said, given), *said, *given,
        )  # fmt: skip


def _told(calls: Sequence[Span]) -> Span | None:
    """The call, if its content is recorded."""
    return next((span for span in calls if isinstance(span.told, ModelCall) and span.told.is_told), None)


def _passage(writing: Writing, span: Span | None, side: Side) -> tuple[str | None, int | None, int | None]:
    """Where a text of a hand-off stands."""
    if span is None:
        return None, None, None
    lent = span.told.told_at if isinstance(span.told, ModelCall) else None
    at = lent or span.place
    return writing.source_ids[at.file], place(at.offset, side), at.length


def _resolution(sent: Sequence[object], received: Sequence[object]) -> Resolution | None:
    """How far it can be followed."""
    return "item" if received[0] is not None else "thread" if sent[0] is not None else None


def _is_delivered(run: Run) -> bool | None:
    """Whether the call that the run answers ended well behind it; None where there is no such call."""
    if run.tool is None or run.tool.end is None:
        return None
    return run.tool.error is None


def _linked(writing: Writing, run: Run) -> Iterator[Edge]:
    """A link says that its span goes on from what the other one did."""
    seen: set[int] = set()
    for span in (run.span, *run.inner, *run.calls, *run.tools):
        for key in span.links:
            other = writing.runs.run_of.get(key)
            if other is not None and other is not run and id(other) not in seen:
                seen.add(id(other))
                edge_id = f"{writing.run_id(run)}>link-{len(seen)}"
                at = writing.clock.ms(span.start)
                yield Edge(edge_id, "message", writing.run_id(other), writing.run_id(run), None, at, None, "exact")


def _by_name(runs: Sequence[Run]) -> Mapping[str, Sequence[tuple[int, Run]]]:
    """The runs of agents of one name by their start, with it; but for those of which none is recorded."""
    found: defaultdict[str, list[tuple[int, Run]]] = defaultdict(list)
    for run in sorted(runs, key=lambda each: each.order):
        if (start := run.start) is not None:
            found[run.agent.name].append((start, run))
    return found


def _handed_over(writing: Writing, run: Run, by_name: Mapping[str, Sequence[tuple[int, Run]]]) -> Iterator[Edge]:
    """A tool that hands over to an agent which does not run inside it: the next run of that name."""
    inside = {id(child.tool) for child in run.children if child.tool}
    for number, span in enumerate(run.tools, 1):
        told = span.told
        if isinstance(told, ToolUse) and told.target and span.start is not None and id(span) not in inside:
            named = by_name.get(told.target, ())
            first = bisect_left(named, span.start, key=lambda each: each[0])
            to = next((each for each in named[first : first + 2] if each[1] is not run), None)
            if to is not None:
                edge_id = f"{writing.run_id(run)}>transfer-{number}"
                run_id, to_id, at = writing.run_id(run), writing.run_id(to[1]), writing.clock.ms(to[0])
                yield Edge(edge_id, "assign", run_id, to_id, told.call_id, at, None, "derived")
