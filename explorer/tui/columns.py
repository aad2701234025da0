"""The columns of the tree: what each says of a node, how wide it is, and which give way on a narrow screen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len

from explorer.tui import humanize
from explorer.tui.text import clean, crop, crop_middle, fit

if TYPE_CHECKING:
    from explorer.model import RunStatus, Severity
    from explorer.store.queries import Node, SortKey, Totals

STATUS_MARKS: dict[RunStatus, str] = {"completed": "✓", "failed": "✗", "cancelled": "⊘", "running": "●", "unknown": "·"}
SEVERITY_MARKS: dict[Severity, str] = {"error": "✖E", "warning": "▲W", "info": "•I"}
"""A glyph and a letter each, so that neither a font nor a colour is needed to tell them apart."""

MIN_NAME = 20
"""Cells the name keeps before columns give way to it."""
ROOMY_NAME = 36
"""Cells the name keeps before the start gives way to it, unless that is what sorts."""


class Column(NamedTuple):
    """One column beside the name."""

    key: str
    label: str
    width: int
    """Cells, without the gap before it."""
    rank: int
    """The highest rank gives way first."""
    sort: SortKey | None
    cell: Callable[[Node, Totals], str]
    help: str
    left: bool = False
    """Whether it is a mark rather than a number."""


def _steps(_: Node, totals: Totals) -> str:
    return humanize.number(totals.steps) if totals.steps < 1_000_000 else humanize.tokens(totals.steps)


def _reuse(_: Node, totals: Totals) -> str:
    return humanize.percent(totals.hit_blocks, totals.blocks)


def _started(node: Node, _: Totals) -> str:
    if node.started is not None:
        return node.started
    if node.start_ms is None or node.kind == "conversation":
        return humanize.NOT_RECORDED
    return f"+{humanize.duration(node.start_ms)}"


def finding_mark(node: Node) -> str:
    """The worst finding at the node (``✖E``), or below it only (``↓E``)."""
    if node.worst is None:
        return ""
    mark = SEVERITY_MARKS[node.worst]
    return mark if node.findings else "↓" + mark[1]


COLUMNS: tuple[Column, ...] = (
    Column(
        "findings",
        "!",
        2,
        1,
        "findings",
        lambda node, _: finding_mark(node),
        "worst finding here (✖E ▲W •I) or below (↓E ↓W ↓I)",
        left=True,
    ),
    Column(
        "status",
        "st",
        2,
        2,
        None,
        lambda node, _: STATUS_MARKS[node.status],
        "✓ completed  ✗ failed  ⊘ cancelled  ● running  · unknown",
        left=True,
    ),
    Column(
        "steps",
        "steps",
        7,
        0,
        "steps",
        _steps,
        "model calls; of a recorder that writes none, tool calls with their results; replayed ones are not counted",
    ),
    Column(
        "tools",
        "tools",
        6,
        8,
        "tools",
        lambda _, totals: humanize.tokens(totals.tool_calls),
        "tool calls, or how many the recorder counted; – where it does neither",
    ),
    Column(
        "input",
        "input",
        7,
        3,
        "input",
        lambda _, totals: humanize.tokens(totals.input_tokens),
        "input tokens, cache reads and writes included",
    ),
    Column(
        "output",
        "output",
        7,
        5,
        "output",
        lambda _, totals: humanize.tokens(totals.output_tokens),
        "output tokens, reasoning included",
    ),
    Column(
        "reuse",
        "reuse",
        6,
        4,
        "reuse",
        _reuse,
        "share of prompt blocks already present when their step arrived; where there are no "
        "block ids, of the recorded parts of prompts, each counted as one",
    ),
    Column(
        "time",
        "time",
        7,
        6,
        "time",
        lambda node, _: humanize.duration(node.duration_ms),
        "from the start to the end of the node",
    ),
    Column(
        "start",
        "started (UTC)",
        16,
        9,
        "start",
        _started,
        "when it started; without a clock, since the start of its conversation; there where there is room (z) or it "
        "sorts (s)",
    ),
)


def visible(width: int, sorted_by: str) -> tuple[tuple[Column, ...], int]:
    """The columns that fit beside the name in ``width`` cells, and the cells left for the name."""
    shown = list(COLUMNS)
    while True:
        name = width - sum(column.width + 1 for column in shown)
        # What sorts is what is looked for.
        last = max(shown, key=lambda column: column.rank if column.key != sorted_by else 0)
        if name >= (ROOMY_NAME if last.key == "start" else MIN_NAME) or len(shown) <= 1:
            return tuple(shown), max(name, 1)
        shown.remove(last)


def header(shown: tuple[Column, ...], name_width: int, own: bool, sorted_by: tuple[str, bool]) -> str:
    """The line above the tree: the columns' labels, an arrow at the one that sorts, and whose numbers they are."""
    key, descending = sorted_by
    arrow = "↓" if descending else "↑"
    name = f"name {arrow}" if key == "name" else "name"
    mode = "own numbers" if own else "totals"
    if name_width >= len(name) + len(mode) + 4:
        name = f"{name}  ({mode})"
    text = fit(name, name_width)
    for column in shown:
        label = column.label
        if column.sort == key:
            label = label[: column.width - 1] + arrow
        text += " " + fit(label, column.width, "left" if column.left else "right")
    return text


def name_parts(node: Node, width: int) -> list[tuple[str, bool]]:
    """What a line is called, in ``width`` cells: its name and its label, and whether it is the label.

    Where not both fit and siblings are called the same, what tells them apart is kept.
    """
    name = clean(node.name) or "(no name)"
    if not node.kept:
        name = f"({name})"
    if node.kind == "agent" and node.own.runs > 1:
        name += f" ×{node.own.runs}"
        if node.concurrent is not None and node.concurrent > 1:
            name += f" ∥{node.concurrent}"
    label = node.label if node.label and node.label != node.name else ""
    fits = not label or cell_len(name) + 1 + cell_len(crop(label, width)) <= width
    if fits or not node.shares_name:
        parts = [(name, False), (label, True)]
    elif node.kind == "conversation":  # its label is where it is from: both ends of that may tell
        label = crop_middle(label.removesuffix(PurePath(label).suffix), width // 2)
        parts = [(crop(name, width - cell_len(label) - 1), False), (label, True)]
    else:
        parts = [(label, True), (name, False)]
    first, is_label = crop(parts[0][0], width), parts[0][1]
    room = width - cell_len(first) - 1
    second = crop(parts[1][0], room) if room > 3 else ""
    return [(first, is_label), (f" {second}", not is_label)] if second else [(first, is_label)]
