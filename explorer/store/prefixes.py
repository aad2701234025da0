"""The prefix tree of every conversation."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from explorer.reuse.calls import by_start
from explorer.reuse.radix import Branch, radix
from explorer.store.calls import fill, read_calls

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explorer.store.database import Cursor


def compute(cursor: Cursor) -> None:
    """Fill ``prefix_tree``."""
    rows: list[tuple[Any, ...]] = []
    for conversation, group in groupby(read_calls(cursor), itemgetter(0)):
        rows += _rows(conversation, radix(by_start([call for _, call in group])))
    fill(cursor, "prefix_tree", rows)


def _rows(conversation: str, branches: list[Branch]) -> Iterator[tuple[Any, ...]]:
    for number, branch in enumerate(branches):
        writer = branch.holders[0]
        size = writer.block_tokens
        yield (
            conversation, number, branch.above, branch.depth, branch.position, branch.blocks,
            None if size is None else branch.blocks * size, branch.stretches[0][0] if branch.stretches else None,
            len(branch.holders), writer.run_id if branch.ends else None, branch.ends or None,
            writer.run_id, writer.ordinal, writer.start_ms,
        )  # fmt: skip
