"""The timeline in words: what is under the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.tui import humanize
from explorer.tui.lanes import Row
from explorer.tui.text import clean, crop
from explorer.tui.time_scale import Window, clock, clock_label, offset

if TYPE_CHECKING:
    from explorer.store.queries import Drawn, Happening, Lane, Spot, SpotStep


READING = "reading …"
"""What stands where figures will."""


def where(row: Row, window: Window, cell: int, wall: bool) -> str:
    """The row and the moment: ``Explore agent_001 · at +12m30s from the start · a cell is 2.5s``."""
    if row.lane is None:
        return row.text
    name = f"{crop(row.agent, 40)} {_name(row.lane)}" if row.agent else _name(row.lane)
    if row.kind == "band":
        name = f"{humanize.plural(row.lane.runs, 'run')} of {name}: {clean(row.text)}"
    if row.kind == "cluster":
        name = f"{humanize.plural(row.lane.runs - 1, 'run')} below {name}"
    if row.kind == "untimed":
        return f"{name} · {row.lane.status}"
    at = window.at(cell)
    moment = clock(at) if wall else f"at {offset(at, window.width)} from the start"
    return f"{name} · {moment} · a cell is {humanize.duration(round(window.width))}"


def what(row: Row, spot: Spot | None, drawn: Drawn | None, cell: int, wall: bool) -> str:
    """What the cell holds: steps first, then what else happened; of an empty one, what the run is."""
    lane = row.lane
    if lane is None:
        return ""
    if row.kind == "untimed":
        return "No time was recorded of it, so that it cannot be drawn. enter goes to it."
    if drawn is None:
        return READING
    parts: list[str] = []
    if spot is not None:
        parts += _steps(spot, row, ((lane.clock_ms or 0) if wall else None))
        parts += [_happening(one) for one in spot.happenings]
        if spot.happening_count > len(spot.happenings):
            parts.append(f"{spot.happening_count - len(spot.happenings):,} more")
    if row.grouped:
        active = drawn.at_once[cell] if cell < len(drawn.at_once) else 0
        parts.insert(0, f"{humanize.plural(active, 'run')} at once")
    if not parts or (row.grouped and len(parts) == 1):
        parts.append(_lane(row, lane, wall))
        if drawn.untimed:
            parts.append(f"{humanize.plural(drawn.untimed, 'step')} without a time")
    return " · ".join(parts)


def _name(lane: Lane) -> str:
    name = crop(lane.name, 40) or "(no name)"
    return f"{name} {crop(lane.label, 40)}" if lane.label and lane.label != lane.name else name


_TIMES = {
    "derived": "start or end derived by a rule",
    "ambiguous": "start or end ambiguous: several fit",
    "not_recorded": "no times of its own recorded: those of its steps",
}


def _lane(row: Row, lane: Lane, wall: bool) -> str:
    start, end = (lane.below_start_ms, lane.below_end_ms) if row.grouped else (lane.start_ms, lane.end_ms)
    if start is None or end is None:
        return "no times recorded"
    from_to = [clock_label(at + (lane.clock_ms or 0), 1_000) if wall else offset(at) for at in (start, end)]
    words = f"{' to '.join(from_to)}, {humanize.duration(round(end - start))}"
    if row.grouped:
        return f"{humanize.plural(lane.runs, 'run')}, {words}"
    words += f", {lane.status}"
    if lane.is_open:
        words += ", the recording ends before it"
    elif not lane.end_recorded and lane.time_grade != "not_recorded":
        words += ", end not recorded: until its last step"
    if lane.time_grade in _TIMES:
        words += f", {_TIMES[lane.time_grade]}"
    if lane.result == "lost":
        words += ", its result was not delivered"
    return words


def _steps(spot: Spot, row: Row, clock_ms: float | None) -> list[str]:
    if not spot.steps:
        return []
    if spot.step_count == 1:
        return [_step(spot.steps[0], clock_ms)]
    words = f"{spot.step_count:,} steps"
    if not row.grouped:
        words += f", {spot.steps[0].ordinal:,} to {spot.last_ordinal:,}"
    if spot.replayed:
        words += f", {spot.replayed:,} of them copies that are not counted"
    if spot.candidates > 1:
        words += f", some of one of {spot.candidates:,} runs"
    if spot.failed:
        words += f", {spot.failed:,} failed"
    return [words if row.grouped else words + "; + zooms in"]


def _step(step: SpotStep, clock_ms: float | None) -> str:
    at = offset(step.start_ms) if clock_ms is None else clock(step.start_ms + clock_ms)
    words = f"step {step.ordinal:,} at {at}"
    if step.end_ms is not None:
        words += f", {humanize.duration(step.end_ms - step.start_ms)}"
    words += f", in {humanize.tokens(step.input_tokens)} out {humanize.tokens(step.output_tokens)}"
    if step.model:
        words += f", {crop(step.model, 24)}"
    if step.error is not None:
        words += f", failed: {crop(step.error, 60)}"
    if step.is_replay:
        words += ", a copy that is not counted"
    if step.candidates > 1:
        words += f", it belongs to one of {step.candidates} runs"
    elif step.grade == "ambiguous":
        words += ", several runs fit"
    elif step.grade == "derived":
        words += ", placed in this run by a rule"
    return words


_SAYS = {
    ("spawn", True): "spawns {}",
    ("spawn", False): "spawned by {}",
    ("result", True): "result to {}",
    ("result", False): "result from {}",
    ("message", True): "message to {}",
    ("message", False): "message from {}",
    ("assign", True): "assigns to {}",
    ("assign", False): "assigned by {}",
    ("close", True): "closes {}",
    ("close", False): "closed by {}",
    ("resume", True): "resumes {}",
    ("resume", False): "resumed by {}",
    ("fork", True): "forked into {}",
    ("fork", False): "forked from {}",
}


def _happening(one: Happening) -> str:
    if one.outward is not None:
        words = _SAYS.get((one.what, one.outward), one.what + " {}").replace("{}", crop(one.other or "a run", 40))
        if one.delivered is False:
            words += ", not delivered"
        return words + (f" ({one.grade})" if one.grade not in ("exact", None) else "")
    if one.what == "tool":
        took = "" if one.took_ms is None else f", {humanize.duration(one.took_ms)}"
        return f"tool {crop(one.other or '', 30) or '(no name)'}{took}{', failed' if one.failed else ''}"
    words = clean(one.what)
    if one.what == "compaction" and (one.before is not None or one.after is not None):
        words += f" {humanize.tokens(one.before)} → {humanize.tokens(one.after)} tokens"
    elif one.what == "checkpoint" and one.before is not None:
        words += f", {humanize.plural(one.before, 'message')}"
    return words + (f": {crop(one.detail, 60)}" if one.detail else "")
