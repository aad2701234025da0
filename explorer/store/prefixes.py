"""The rows of ``prefix_tree``, of which there are as many as branches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from explorer.reuse.radix import Branch


def tree_rows(conversation: str, branches: list[Branch]) -> Iterator[tuple[Any, ...]]:
    """The prefix tree of a conversation as columns of ``model.PrefixBranch``."""
    for number, branch in enumerate(branches):
        writer = branch.holders[0]
        size = writer.block_tokens
        yield (
            conversation, number, branch.above, branch.depth, branch.position, branch.blocks,
            None if size is None else branch.blocks * size, branch.stretches[0][0] if branch.stretches else None,
            len(branch.holders), writer.run_id if branch.ends else None, branch.ends or None,
            writer.run_id, writer.ordinal, writer.start_ms,
        )  # fmt: skip
