"""Model calls as reuse sees them, read back from the tables; and the tables that are computed from them, filled."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from explorer.model import COMPUTED
from explorer.reuse.calls import Call
from explorer.store.column_types import arrow_schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from explorer.store.database import Cursor

_CALLS = """
    SELECT
        r.conversation_id, b.namespace, s.run_id, s.ordinal, s.start_ms, s.end_ms, s.input_tokens, b.block_tokens,
        b.blocks, coalesce(s.model, s.request_model) AS model, b.stretches
    FROM steps AS s
    JOIN (
        SELECT
            run_id, step_ordinal, namespace, max(block_tokens) AS block_tokens, sum(block_count)::BIGINT AS blocks,
            list_sort(list({{'position': position, 'first': first_block, 'count': block_count}})) AS stretches
        FROM block_runs AS b
        WHERE {blocks}
        GROUP BY run_id, step_ordinal, namespace
    ) AS b ON b.run_id = s.run_id AND b.step_ordinal = s.ordinal
    JOIN internal.runs AS r ON r.run_id = s.run_id
    WHERE NOT s.is_replay
    ORDER BY b.namespace, r.conversation_id, s.source_id, s.offset NULLS LAST, s.run_id, s.ordinal
"""


def read_calls(
    cursor: Cursor, blocks: str = "true", parameters: Mapping[str, object] | None = None
) -> Iterator[tuple[str, Call]]:
    """Each step with blocks and its conversation, in the order of the record; those of one namespace together.

    ``blocks`` is a condition over ``block_runs AS b``: prompts are given without those that it does not hold for.
    """
    rows = cursor.sql(_CALLS.format(blocks=blocks), params=parameters or None).to_arrow_table()
    lists = rows["stretches"].combine_chunks()
    columns_of = [lists.flatten().field(name).to_numpy().tolist() for name in ("first", "count")]
    stretches = list(zip(*columns_of, strict=True))
    prompts = [stretches[start:end] for start, end in pairwise(lists.offsets.to_pylist())]
    names = ("run_id", "ordinal", "start_ms", "input_tokens", "block_tokens", "namespace")
    scalars = [rows[name].to_pylist() for name in names]
    further = [rows[name].to_pylist() for name in ("blocks", "end_ms", "model")]
    yield from zip(rows["conversation_id"].to_pylist(), map(Call, *scalars, prompts, *further), strict=True)


def fill(cursor: Cursor, tables: Mapping[str, Sequence[Sequence[Any]]]) -> None:
    """Put rows, given as columns, into tables of ``model.COMPUTED``: all or nothing, as it may be asked for again."""
    cursor.execute("BEGIN TRANSACTION")
    for table, values in tables.items():
        if values:
            _fill(cursor, table, values)
    cursor.execute("COMMIT")


def _fill(cursor: Cursor, table: str, values: Sequence[Sequence[Any]]) -> None:
    import pyarrow as pa

    schema = arrow_schema(COMPUTED[table])
    arrays = [pa.array(column, field.type) for column, field in zip(values, schema, strict=True)]
    cursor.register("computed", pa.table(arrays, schema=schema))
    try:
        cursor.execute(f"INSERT INTO {table} FROM computed")
    finally:
        cursor.unregister("computed")
