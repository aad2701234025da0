"""What stands in the cells of the timeline's rows. Knows the scale and the answers, and nothing of widgets."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from explorer.tui import humanize
from explorer.tui.lanes import Row
from explorer.tui.time_scale import Window

if TYPE_CHECKING:
    from explorer.store.queries import Bin, Drawn, Lane

Role: TypeAlias = Literal[
    "plain", "bar", "busy", "step", "derived", "ambiguous", "error", "lost", "edge", "event", "replay", "heat-1",
    "heat-2", "heat-3", "heat-4", "context", "link", "tool",
]  # fmt: skip
"""What a cell is; the style sheet says how that looks."""


class Look(NamedTuple):
    """A mark: its glyph, what it is, what it says in a word, and in the help."""

    glyph: str
    role: Role
    text: str
    help: str


LOOKS: dict[str, Look] = {
    "error": Look("E", "error", "failed step", "a step failed, or the recorder has an error here"),
    "lost": Look("U", "lost", "undelivered", "a result or message of this run that its receiver's record never shows"),
    "tool_error": Look("e", "error", "failed tool call", "a tool call came back with an error"),
    "compaction": Look("C", "event", "compaction", "the context was compacted"),
    "interrupt": Look("I", "event", "interrupt", "the run was interrupted"),
    "resume": Look("R", "event", "resume", "the run was taken up again"),
    "checkpoint": Look("K", "event", "checkpoint", "the run's state was saved, to go on from after a stop"),
    "ambiguous": Look(
        "?", "ambiguous", "step of several runs", "a step that may belong to several runs; below, how many"
    ),
    "failed": Look("✗", "error", "run failed", "the end of a run that failed"),
    "cancelled": Look("⊘", "error", "run cancelled", "the end of a run that was cancelled"),
    "open": Look("▶", "event", "still running", "the last sign of a run that was going on when the recording ended"),
    "fork": Look("F", "edge", "fork", "another run goes on from here with a copy of the history"),
    "spawn": Look("┬", "edge", "spawns", "another run is started here; it is further down"),
    "result": Look("┴", "edge", "gets a result", "the result of another run arrives"),
    "sent": Look(">", "edge", "tells a run", "an order, a message or an end goes to another run"),
    "received": Look("<", "edge", "is told", "an order, a message or an end comes from another run"),
    "replay": Look("r", "replay", "copied step", "a step copied from another recording: never counted"),
    "derived": Look("~", "derived", "step by a rule", "a step that a documented rule placed in this run"),
    "step": Look(
        "m",
        "step",
        "model call; 2–9, #: so many",
        "a model call starts; a digit: how many do here, # is 10 or more",
    ),
    "other": Look("•", "step", "other step", "a step where no model calls are recorded: a tool call, or an error"),
    "tool": Look("t", "tool", "tool call", "a tool is called here, and no model"),
    "spawned": Look("╰", "edge", "spawned", "the start of a run that another one spawned"),
    "start": Look("├", "bar", "start", "the start of a run"),
    "given": Look("╯", "edge", "result handed over", "the end of a run whose result went to another one"),
    "unended": Look("…", "bar", "end not recorded", "the last sign of a run of which no end was recorded"),
    "end": Look("┤", "bar", "end", "the end of a run"),
    "short": Look("▪", "busy", "shorter than a cell", "a whole run, shorter than a cell"),
    "busy": Look("━", "busy", "step under way", "a step is under way"),
    "tooling": Look("═", "tool", "tool under way", "the run waits for a tool"),
    "bar": Look("─", "bar", "between steps", "the run goes on, no step of it is under way"),
    "unsure-busy": Look("╍", "busy", "step, unsure times", "a step is under way in a run whose times are not exact"),
    "unsure-tooling": Look("┅", "tool", "tool, unsure times", "the same of a tool"),
    "unsure": Look(
        "╌", "bar", "derived or unsure times", "a run whose times were not recorded as such; below, how they were found"
    ),
    "onward": Look("▷", "bar", "perhaps going on", "after the last sign of a run that the recording did not see end"),
    "heat-1": Look("░", "heat-1", "1 run", "one run of this agent is active; of a folded row, one of all below it"),
    "heat-2": Look("▒", "heat-2", "2 at once", "two are active at once"),
    "heat-3": Look("▓", "heat-3", "3 at once", "three are active at once"),
    "heat-4": Look("█", "heat-4", "4 or more", "four or more are active at once"),
    "crowd": Look("▃█", "heat-3", "runs at once", "how many of more than nine are active at once; █ is the most"),
    "context": Look("▁█", "context", "context", "how full the context was: input and output tokens of the latest step"),
    "unfilled": Look("·", "bar", "context not recorded", "no step before had its tokens recorded"),
    "link": Look("│", "link", "spawn", "from the run above that spawned it to the start of a run below"),
    "return": Look("┊", "link", "result", "from the end of a run below up to the run above that gets its result"),
    "blank": Look(" ", "plain", "", ""),
}
"""Every mark. Where several fall into one cell, the first of them is drawn."""

_MARKS = tuple(LOOKS)[: tuple(LOOKS).index("replay")]
_HEIGHTS = "▁▂▃▄▅▆▇█"

Cell: TypeAlias = tuple[str, str]
"""A glyph, and its key in ``LOOKS``."""


def draw(
    row: Row, drawn: Drawn | None, window: Window, wall: bool, peak: int | None = None, crowd: int | None = None
) -> list[Cell]:
    """The cells of a row. With ``peak``, how full the context is rather than steps; with ``crowd``, as ``crowd_of``."""
    cells: list[Cell] = [(" ", "blank")] * window.cells
    lane = row.lane
    if lane is None or not row.drawn:
        return cells
    if row.grouped:
        return _draw_group(cells, drawn, crowd)
    shift = (lane.clock_ms or 0) if wall else 0
    if lane.start_ms is None or lane.end_ms is None:
        return cells
    first, last = window.cell(lane.start_ms + shift), window.cell(lane.end_ms + shift)
    until = last if lane.open_until_ms is None else window.cell(lane.open_until_ms + shift)
    _draw_bar(cells, lane, drawn, first, last, until)
    bins = drawn.bins if drawn else {}
    ends = {last: _end(lane)} | {first: "spawned" if lane.spawned else "start"} if first < last else {}
    if first == last:
        ends = {first: "short" if _end(lane) in ("end", "given") else _end(lane)}
    for cell in {*bins, *ends}:
        if 0 <= cell < window.cells and (look := _mark(bins.get(cell), ends.get(cell), lane)):
            cells[cell] = look
    if peak is not None and drawn is not None:
        _fill_context(cells, drawn, window, first, last, peak)
    return cells


def _draw_bar(cells: list[Cell], lane: Lane, drawn: Drawn | None, first: int, last: int, until: int) -> None:
    sure = lane.time_grade == "exact"
    looks = ("bar", "busy", "tooling") if sure else ("unsure", "unsure-busy", "unsure-tooling")
    bar, busy, tooling = map(_look, looks)
    for cell in range(max(first, 0), min(last + 1, len(cells))):
        calls, tools = (cell in drawn.busy, cell in drawn.tooling) if drawn else (False, False)
        cells[cell] = busy if calls and (lane.model_calls or not tools) else tooling if tools else bar
    for cell in range(max(last + 1, 0), min(until + 1, len(cells))):
        cells[cell] = _look("onward")


def _look(key: str) -> Cell:
    return LOOKS[key].glyph, key


def _end(lane: Lane) -> str:
    if lane.is_open:
        return "open"
    if lane.status in ("failed", "cancelled"):
        return lane.status
    if lane.result == "given":
        return "given"
    return "end" if lane.end_recorded else "unended"


def _mark(found: Bin | None, end: str | None, lane: Lane) -> Cell | None:
    """The most important of what falls into one cell."""
    if found is not None:
        there: set[str] = set(found.marks)
        there |= {"error"} if found.failed else set()
        there |= {"ambiguous"} if found.ambiguous else set()
        there |= {end} if end else set()
        for key in _MARKS:
            if key in there:
                return _look(key)
        if found.derived:
            return _look("derived")
        if found.steps:
            key = "step" if lane.model_calls else "tool" if "tool" in found.marks else "other"
            return (LOOKS[key].glyph if found.steps == 1 else _digit(found.steps)), key
        if "tool" in found.marks and not end:
            return _look("tool")
        if found.replayed:
            return _look("replay")
    return _look(end) if end else None


_WRONG = ("error", "lost", "failed")


def _draw_group(cells: list[Cell], drawn: Drawn | None, crowd: int | None) -> list[Cell]:
    if drawn is None:
        return cells
    for cell, active in enumerate(drawn.at_once[: len(cells)]):
        if active:
            cells[cell] = (height(active, crowd), "crowd") if crowd else _look(f"heat-{min(active, 4)}")
    for cell, found in drawn.bins.items():
        if 0 <= cell < len(cells):
            wrong = "error" if found.failed else next((key for key in _WRONG if key in found.marks), None)
            if wrong or found.ambiguous:
                cells[cell] = _look(wrong or "ambiguous")
    return cells


_KEPT_IN_CONTEXT = frozenset(("error", "lost", "compaction", "failed", "cancelled", "open"))


def _fill_context(cells: list[Cell], drawn: Drawn, window: Window, first: int, last: int, peak: int) -> None:
    """How full the context was at most, between steps as the latest left it, and where it was compacted."""
    now = drawn.context_before
    for cell in range(max(first, 0), min(last + 1, window.cells)):
        most = now
        if (found := drawn.bins.get(cell)) is not None and found.context is not None:
            most, now = found.context, found.context_after
        if cells[cell][1] not in _KEPT_IN_CONTEXT:
            cells[cell] = (height(most, peak), "context") if most is not None else _look("unfilled")


def height(part: int, whole: int) -> str:
    """An eighth to a full cell."""
    return _HEIGHTS[min(7, max(0, part * 8 // max(whole, 1)))]


_BARS = frozenset(("bar", "busy", "tooling", "unsure", "unsure-busy", "unsure-tooling"))
"""What a run looks like where nothing happens."""


def link(rows: Sequence[Row], pictures: dict[int, list[Cell]], window: Window, wall: bool) -> None:
    """Draw lines from parents to the runs they spawned and from their ends back, over what is blank in between."""
    for (parent, cell, key), child in _lines(rows, window, wall).items():
        above = pictures.get(parent)
        if key == "return" and (above is None or above[cell][1] != "result"):
            continue
        for index, cells in pictures.items():
            if parent < index < child and cells[cell][1] == "blank":
                cells[cell] = _look("return" if key == "return" else "link")
        # Where no edge is recorded, nothing marked the place.
        if key == "bare" and above is not None and above[cell][1] in _BARS:
            above[cell] = _look("spawn")


def _lines(rows: Sequence[Row], window: Window, wall: bool) -> dict[tuple[int, int, str], int]:
    """From which row in which cell how a line goes down, and to which row the longest does; there may be thousands."""
    places = {row.lane.run_id: index for index, row in enumerate(rows) if row.kind == "lane" and row.lane is not None}
    found: dict[tuple[int, int, str], int] = {}
    for index, row in enumerate(rows):
        lane = row.lane
        if row.kind != "lane" or lane is None or lane.start_ms is None or lane.end_ms is None:
            continue
        parent = places.get(lane.parent_run_id, index)
        if parent >= index:
            continue
        shift = (lane.clock_ms or 0) if wall else 0
        for moment, key in ((lane.start_ms, "link" if lane.spawned else "bare"), (lane.end_ms, "return")):
            if 0 <= (cell := window.cell(moment + shift)) < window.cells:
                found[parent, cell, key] = index
    return found


def crowd_of(levels: Sequence[int]) -> int | None:
    """The most runs at once where a digit cannot say it: then heights do, the same for every row of the screen."""
    most = max(levels, default=0)
    return most if most > 9 else None


def counts(levels: Sequence[int]) -> list[Cell]:
    """How many are active at once, cell by cell: ``1`` to ``9``, heights for more, nothing for none."""
    crowd = crowd_of(levels)
    return [
        _look("blank") if not level
        else (height(level, crowd), "crowd") if crowd
        else (str(level), f"heat-{min(level, 4)}")
        for level in levels
    ]  # fmt: skip


def _digit(number: int) -> str:
    return str(number) if number < 10 else "#"


def legend(keys: Collection[str], peak: int | None, crowd: int | None = None) -> list[tuple[str, Role, str]]:
    """What the marks on the screen mean: first what is wrong, last how bars are drawn."""
    found: list[tuple[str, Role, str]] = []
    for key in sorted(LOOKS, key=lambda key: not key.startswith("heat") and LOOKS[key].role not in ("error", "lost")):
        look = LOOKS[key]
        if key not in keys or key == "blank":
            continue
        text = look.text
        if key == "context":
            text += f", █ {humanize.tokens(peak)}"
        elif key == "crowd":
            text += f", █ {humanize.number(crowd)}"
        found.append((look.glyph, look.role, text))
    return found
