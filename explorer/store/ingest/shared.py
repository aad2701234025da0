"""Reuse in namespaces that several sources share: it can only be computed when all of them have been read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from explorer.model import Row, Rows
from explorer.reuse.calls import Call, Lineage, Placed, Stretch, hierarchy
from explorer.reuse.derive import derive
from explorer.store.database import Batch
from explorer.store.ingest.parts import empty, scan


def shared_reuse(batches: Sequence[Batch]) -> Iterator[Row | Rows]:
    """The reuse rows of every conversation whose blocks have the scope ``global``.

    Raises:
        OSError: a part cannot be read.
    """
    try:
        scopes, calls, lineage = _load(batches)
    except pl.exceptions.PolarsError as error:
        raise OSError(str(error)) from error
    # The order of the parts depends on which source was read first; the order of conversations must not.
    return derive(dict(sorted(calls.items())), scopes, lineage)


def _load(batches: Sequence[Batch]) -> tuple[dict[str, str | None], dict[str, list[Call]], Lineage]:
    conversations = _scan(batches, "conversations").filter(pl.col("block_scope") == "global")
    scopes = dict(conversations.select("conversation_id", "block_scope").collect().iter_rows())
    among = pl.col("conversation_id").is_in(sorted(scopes))
    placed = [*Placed._fields, "conversation_id"]
    runs = _scan(batches, "runs").filter(among).select(placed).collect()
    agents = _scan(batches, "agents").filter(among).select("agent_id", "parent_agent_id").collect()
    lineage = hierarchy(dict(agents.iter_rows()), [Placed(*run[:-1]) for run in runs.iter_rows()])
    conversation_of = dict(runs.select("run_id", "conversation_id").iter_rows())
    of_these = pl.col("run_id").is_in(sorted(conversation_of))
    blocks: dict[tuple[str, int], list[Stretch]] = {}
    sizes: dict[str, int | None] = {}
    stretches = _scan(batches, "block_runs").filter(of_these, pl.col("namespace") == "global")
    for run, ordinal, first, count, size in (
        stretches.select("run_id", "step_ordinal", "first_block", "block_count", "block_tokens").collect().iter_rows()
    ):
        blocks.setdefault((run, ordinal), []).append((first, count))
        sizes[run] = size
    calls: dict[str, list[Call]] = {}
    steps = _scan(batches, "steps").filter(of_these, ~pl.col("is_replay"))
    for run, ordinal, start, end, tokens, model in (
        steps.select("run_id", "ordinal", "start_ms", "end_ms", "input_tokens", "model").collect().iter_rows()
    ):
        if (run, ordinal) in blocks:
            prompt = blocks[run, ordinal]
            count = sum(count for _, count in prompt)
            call = Call(run, ordinal, start, tokens, sizes[run], "global", prompt, count, end, model)
            calls.setdefault(conversation_of[run], []).append(call)
    return scopes, calls, lineage


def _scan(batches: Sequence[Batch], table: str) -> pl.LazyFrame:
    rows = scan(batches, table)
    return empty(table) if rows is None else rows
