"""Numbers as people read them. None is drawn as –, and no rounding turns a little into nothing or into all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explorer.store.places import UsualPlace

NOT_RECORDED = "–"

_THOUSANDS = (("k", 1_000), ("M", 1_000_000), ("G", 1_000_000_000), ("T", 1_000_000_000_000))
_BYTES = (("kB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000))


def number(value: int | None) -> str:
    """Every digit, grouped: ``22,989,628``."""
    return NOT_RECORDED if value is None else f"{value:,}"


def tokens(value: int | None) -> str:
    """A count in at most six cells: ``950``, ``61.0k``, ``14.2M``."""
    if value is None:
        return NOT_RECORDED
    return _scaled(value, _THOUSANDS, "")


def size(value: int | None) -> str:
    """Bytes: ``512 B``, ``61.0 kB``, ``1.2 GB``."""
    if value is None:
        return NOT_RECORDED
    return f"{value} B" if abs(value) < 1_000 else _scaled(value, _BYTES, " ")


def _scaled(value: int, units: tuple[tuple[str, int], ...], gap: str) -> str:
    # Past the last tenth that rounds to 1000.0 the next unit takes over: 999,950 is 1.0M.
    for unit, factor in reversed(units):
        if abs(value) >= factor - (factor // 20_000 if factor > units[0][1] else 0):
            return f"{value / factor:,.1f}{gap}{unit}"
    return str(value)


def percent(part: float | None, whole: float | None, decimals: int = 0) -> str:
    """A share: ``96 %``. Only nothing is ``0 %`` and only all is ``100 %``; a trace of something is ``<1 %``."""
    if part is None or not whole:
        return NOT_RECORDED
    share = 100 * part / whole
    least = 10.0**-decimals
    if 0 < share < least:
        return f"<{least:.{decimals}f} %"
    if share < 100 and round(share, decimals) >= 100:
        return f"{100 - least:.{decimals}f} %"
    if share > 100 and round(share, decimals) <= 100:
        return f"{100 + least:.{decimals}f} %"
    return f"{share:.{decimals}f} %"


def duration(ms: int | None) -> str:
    """Milliseconds: ``0``, ``850ms``, ``1.2s``, ``3m04s``, ``2h15m``, ``3d04h``."""
    if ms is None:
        return NOT_RECORDED
    if ms < 0:
        return "-" + duration(-ms)
    if ms == 0:
        return "0"
    if ms < 1_000:
        return f"{ms}ms"
    if ms < 59_950:
        return f"{ms / 1_000:.1f}s"
    seconds = round(ms / 1_000)
    if seconds < 3_600:
        return f"{seconds // 60}m{seconds % 60:02}s"
    minutes = round(ms / 60_000)
    if minutes < 1_440:
        return f"{minutes // 60}h{minutes % 60:02}m"
    hours = round(ms / 3_600_000)
    if hours >= 2_400:
        return f"{hours // 24}d"
    return f"{hours // 24}d{hours % 24:02}h"


def plural(value: int, one: str, many: str | None = None) -> str:
    """A count with its noun: ``1 step``, ``11,721 steps``."""
    return f"{value:,} {one if value == 1 else many or one + 's'}"


def usual_place(place: UsualPlace) -> tuple[str, str, str]:
    """A place to open, what keeps its recordings there, and how much there is; a trace's words, so to be cleaned."""
    home, path = str(Path.home()), str(place.path)
    if path.startswith(home + os.sep):
        path = "~" + path.removeprefix(home)
    held = f"{'' if place.whole else 'at least '}{plural(place.files, 'file')}, {size(place.bytes)}"
    if place.newest:
        held += f", last changed {place.newest:%Y-%m-%d %H:%M} UTC"
    return path, place.format or "this directory", held
