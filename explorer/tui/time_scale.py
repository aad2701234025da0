"""The scale of the timeline: which moment each cell stands for, zooming and panning, and where the axis is labelled.

Plain arithmetic on milliseconds, which count from the conversation's start or (on the wall clock) since 1970 in UTC.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from math import ceil, floor, isfinite
from typing import NamedTuple

FINEST = 1.0
"""Milliseconds that a cell spans at least: recorders write no finer."""

_SECOND, _MINUTE, _HOUR, _DAY = 1_000, 60_000, 3_600_000, 86_400_000

_ROUND = (
    *(1, 2, 5, 10, 20, 50, 100, 200, 500),
    *(_SECOND * n for n in (1, 2, 5, 10, 15, 30)),
    *(_MINUTE * n for n in (1, 2, 5, 10, 15, 30)),
    *(_HOUR * n for n in (1, 2, 3, 6, 12)),
    *(_DAY * n for n in (1, 2, 5, 10, 20, 50, 100, 200, 500)),
)
"""Distances at which an axis is labelled."""


class Span(NamedTuple):
    """From the first moment to the last."""

    start: float
    end: float


class Window(NamedTuple):
    """The stretch of time on the screen: ``cells`` cells of ``width`` milliseconds each."""

    start: float
    width: float
    cells: int

    @property
    def end(self) -> float:
        """The moment after the last cell."""
        return self.start + self.width * self.cells

    def cell(self, at: float) -> int:
        """The cell of a moment; outside of the window when that is."""
        return floor((at - self.start) / self.width)

    def at(self, cell: float) -> float:
        """When a cell begins."""
        return self.start + self.width * cell

    def under(self, cell: int) -> float:
        """The moment in a cell that zooming there keeps in it: of the first its start, of the last its end."""
        return self.at(cell * self.cells / max(self.cells - 1, 1))

    def zoomed(self, factor: float, cell: int, span: Span) -> Window:
        """Cells of ``factor`` times the time, with what is under the cursor staying there."""
        whole = fitted(span, self.cells)
        width = min(max(self.width * factor, FINEST), whole.width)
        start = self.under(cell) - (self.under(cell) - self.start) * width / self.width
        return Window(start, width, self.cells).within(span)

    def panned(self, cells: int, span: Span) -> Window:
        """Moved sideways, as far as there is something."""
        return self._replace(start=self.at(cells)).within(span)

    def within(self, span: Span) -> Window:
        """Not beyond the first moment and the last."""
        last = fitted(span, self.cells).end - self.width * self.cells
        return self._replace(start=max(span.start, min(self.start, last)))

    def resized(self, cells: int, span: Span) -> Window:
        """The same stretch of time in another number of cells."""
        # On a screen without room for one, the stretch of time is kept for when it grows again.
        cells = max(cells, 1)
        whole = fitted(span, cells)
        if self == fitted(span, self.cells):
            return whole
        width = min(max(self.width * self.cells / cells, FINEST), whole.width)
        return Window(self.start, width, cells).within(span)


def fitted(span: Span, cells: int) -> Window:
    """The window that shows everything: the last moment falls into its last cell."""
    cells = max(cells, 1)
    return Window(span.start, max((span.end - span.start) / (cells - 0.5), FINEST), cells)


class Tick(NamedTuple):
    """A label of the axis, and the cell it begins at."""

    cell: int
    label: str


def ticks(window: Window, wall: bool) -> list[Tick]:
    """Labels at round times, as many as fit with a gap between them."""
    for step in _ROUND:
        if (window.end - window.start) / step > window.cells:
            continue
        found = list(_labels(window, step, wall))
        room = max((len(tick.label) for tick in found), default=0) + 2
        if all(b.cell - a.cell >= room for a, b in pairwise(found)):
            return [tick for tick in found if tick.cell + len(tick.label) < window.cells]
    return []


def _labels(window: Window, step: int, wall: bool) -> Iterator[Tick]:
    for number in range(ceil(window.start / step), ceil(window.end / step)):
        at = number * step
        yield Tick(window.cell(at), clock_label(at, step) if wall else offset(at, step))


def offset(ms: float, step: float = 1) -> str:
    """Time since the start, as exact as a step is: ``0``, ``+250ms``, ``+5m03s``, ``+1h30m``, ``+2d06h``."""
    sign, ms = ("-", -ms) if ms < 0 else ("+", ms)
    whole = round(ms)
    if whole == 0:
        return "0"
    if whole < _SECOND:
        return f"{sign}{whole}ms"
    days, rest = divmod(whole, _DAY)
    hours, rest = divmod(rest, _HOUR)
    minutes, rest = divmod(rest, _MINUTE)
    seconds, millis = divmod(rest, _SECOND)
    text = ""
    for value, unit, size in ((days, "d", _DAY), (hours, "h", _HOUR), (minutes, "m", _MINUTE)):
        if text:
            text += f"{value:02}{unit}" if size >= step or value else ""
        elif value:
            text = f"{value}{unit}"
    if step < _SECOND and millis:
        fraction = f"{millis:03}".rstrip("0")
        return f"{sign}{text}{seconds:02}.{fraction}s" if text else f"{sign}{seconds}.{fraction}s"
    if seconds or not text:
        text += f"{seconds:02}s" if text else f"{seconds}s"
    return sign + _without_zeros(text)


def _without_zeros(text: str) -> str:
    """``1h00m`` is ``1h``."""
    for zero in ("00s", "00m", "00h"):
        text = text.removesuffix(zero)
    return text


def clock_label(ms: float, step: float) -> str:
    """Time of day in UTC, as exact as a step is; at midnight the date."""
    moment = utc(ms)
    if moment is None:
        return "?"
    if step >= _DAY or ms % _DAY == 0:
        return f"{moment:%Y-%m-%d}" if step >= 100 * _DAY else f"{moment:%b %d}"
    if step >= _MINUTE:
        return f"{moment:%H:%M}"
    if step >= _SECOND:
        return f"{moment:%H:%M:%S}"
    return f"{moment:%H:%M:%S}.{moment.microsecond // 1_000:03}"


def clock(ms: float) -> str:
    """A moment in full: ``2026-01-02 14:05:30.250 UTC``."""
    moment = utc(ms)
    if moment is None:
        return "a time out of range"
    return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1_000:03} UTC"


def utc(ms: float) -> datetime | None:
    """The moment, if the calendar reaches that far."""
    if not isfinite(ms):
        return None
    try:
        return datetime.fromtimestamp(ms / 1_000, UTC)
    except (OverflowError, ValueError, OSError):
        return None
