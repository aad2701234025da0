"""The columns of the steps grid: how wide, how drawn, what they mean. Light, because the help reads it too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from explorer.tui import humanize
from explorer.tui.text import crop_middle


class Look(NamedTuple):
    """How a column of steps is drawn."""

    width: int
    show: Callable[[Any], str]
    help: str
    left: bool = False


def _text(value: object) -> str:
    return str(value)


_NAME = 14


def _name(value: object) -> str:
    return crop_middle(str(value), _NAME)


LOOKS: dict[str, Look] = {
    "#": Look(6, humanize.number, "position in its run"),
    "conversation": Look(_NAME, _name, "the conversation it is in", left=True),
    "run": Look(_NAME, _name, "the run it belongs to", left=True),
    "start": Look(7, humanize.duration, "start, from the start of the conversation"),
    "took": Look(7, humanize.duration, "how long it took"),
    "input": Look(7, humanize.tokens, "input tokens, cache reads and writes included"),
    "cached": Look(7, humanize.tokens, "input tokens that the recorder saw come from a cache"),
    "output": Look(6, humanize.tokens, "output tokens, reasoning included"),
    "reasoning": Look(9, humanize.tokens, "output tokens spent on reasoning"),
    "blocks": Look(7, humanize.number, "blocks in the prompt"),
    "own": Look(7, humanize.number, "leading blocks that earlier steps of the same agent hold"),
    "ancestor": Look(8, humanize.number, "further leading blocks that its ancestors hold"),
    "sibling": Look(7, humanize.number, "further leading blocks that its siblings hold"),
    "other": Look(7, humanize.number, "further leading blocks that anybody else holds"),
    "new": Look(7, humanize.number, "the rest of the prompt's blocks"),
    "wait": Look(7, humanize.duration, "idle time before it, as recorded"),
    "model": Look(18, _text, "model that answered", left=True),
    "stop": Look(12, _text, "why the model stopped", left=True),
    "error": Look(16, _text, "what failed", left=True),
    "failed tools": Look(12, humanize.number, "tool calls of it that came back with an error: m, then e, shows them"),
    "grade": Look(12, _text, "how sure it is that the step belongs to its run", left=True),
    "may belong to": Look(24, _text, "the runs that an ambiguous step may belong to, its own first", left=True),
    "replay": Look(
        6, lambda value: "replay" if value else "", "copied from another recording: shown, never counted", left=True
    ),
}
"""Every column, in the order in which they are shown, what tells most first."""

PLAIN = Look(16, _text, "", left=True)
OURS = ("failed tools", "may belong to")
"""Columns that are empty where there is nothing to say, rather than for want of a record."""
HIDDEN = ("run_id",)
"""Columns that serve to find the step again."""
