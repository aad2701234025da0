"""The answer of ``--summary`` as a table for people; other formats carry every column as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.cli.output import Table
from explorer.tui.humanize import percent, plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explorer.store.summary import SummaryRow

_COLUMNS = {
    "conversation": "title",
    "agents": "agents",
    "steps": "steps",
    "tools": "tool_calls",
    "input": "input_tokens",
    "cached": "cache_read_tokens",
    "output": "output_tokens",
    "blocks": "blocks",
    "own": "hit_own",
    "ancestor": "hit_ancestor",
    "sibling": "hit_sibling",
    "other": "hit_other",
    "reuse": "reuse",
    "numbering": "perfect_document",
    "findings": "findings",
}


def as_table(rows: Sequence[SummaryRow], format_: str) -> Table:
    """The rows with short columns for ``table``, whole otherwise."""
    if format_ != "table":
        return Table(type(rows[0])._fields, iter([rows]))
    last = rows[-1]
    shown = [_short(row, plural(len(rows) - 1, "conversation") if row is last else None) for row in rows]
    if last.repeated_steps:
        shown.append(_once(last))
    return Table(list(_COLUMNS), iter([shown]))


def is_more_cached(row: SummaryRow) -> bool:
    """Whether cached, which is part of input, is the larger: the input of fewer steps is recorded."""
    return (row.cache_read_tokens or 0) > (row.input_tokens or 0)


def _short(row: SummaryRow, total: str | None) -> list[object]:
    cells = {name: getattr(row, field) for name, field in _COLUMNS.items()}
    cells["conversation"] = total or row.title or row.conversation_id
    if is_more_cached(row):
        cells["cached"] = f"{row.cache_read_tokens:,} *"
    cells["reuse"] = percent(row.reuse, 1.0, 1)
    perfect = row.perfect_document
    cells["numbering"] = f"{perfect:,} perfect" if total and perfect is not None else _numbering(row)
    return list(cells.values())


def _once(total: SummaryRow) -> list[object]:
    """The sum of all without what several conversations have in common at their start, where that is known."""
    cells: dict[str, object] = dict.fromkeys(_COLUMNS)
    for name, whole, again in (
        ("steps", total.steps, total.repeated_steps),
        ("input", total.input_tokens, total.repeated_input_tokens),
        ("output", total.output_tokens, total.repeated_output_tokens),
        ("blocks", total.blocks, total.repeated_blocks),
    ):
        cells[name] = None if whole is None else whole - (again or 0)
    return list((cells | {"conversation": "each step once"}).values())


def _numbering(row: SummaryRow) -> str | None:
    """In which order of its steps the ids of a conversation appear first in the order of their numbers."""
    if row.perfect_document is None:
        return None
    if row.perfect_document:
        return "perfect"
    return "parent first" if row.perfect_parent_first else "by start" if row.perfect_start_time else "broken"
