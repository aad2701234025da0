"""The relations of the reuse laboratory: over what ``prepare`` made, and defined when they are first asked for.

Opening does without them: DuckDB resolves each view when it is made, and most who open a directory ask for none.
"""

from __future__ import annotations

import csv
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.store.sql import quoted, run_script, script

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_LABORATORY = ("misses.sql", "mistakes.sql", "curves.sql")
"""Scripts of relations that opening does without."""

_ASKING = ("show", "describe", "summarize", "duckdb_", "pragma_", "information_schema", "pg_", "sqlite_")
"""What a query has in it that asks for the names of relations."""


ALONE = (
    "prompt_recency", "prompt_optimal", "step_recency", "reuse_distance", "reuse_age", "missed_", "cache_curve",
    "time_to_live_curve", "working_set", "prefix_tree", "model_reuse", "reuse_means",
)  # fmt: skip
"""What a query must name to need the tables that ``recency.compute`` fills."""

SHARED = ("shared_recency", "shared_cache_curve")
"""And those of ``recency.compute_shared``."""


def define_laboratory(connection: DuckDBPyConnection) -> None:
    """Define all of them."""
    _note_models(connection)
    for name in _LABORATORY:
        run_script(connection, name)


def names_laboratory(query: str) -> bool:
    """Whether a query or a filter may be about them: it has the name of one, or asks what relations there are."""
    text = query.lower()
    return any(name in text for name in (*_ASKING, *_laboratory_names()))


@cache
def _laboratory_names() -> tuple[str, ...]:
    made = re.compile(r"^CREATE (?:VIEW|MACRO) ([\w.]+)", re.MULTILINE)
    return ("kv_models", *(found for name in _LABORATORY for found in made.findall(script(name))))


def _note_models(connection: DuckDBPyConnection) -> None:
    """What a token takes in the KV cache of models, from the file of their published numbers.

    One row per model, with 2 bytes for each value (where they are kept in 8 bits it is half). ``source`` says from
    which fields of its ``config.json`` the numbers are. ``latent_dim``: what stands for all its heads.
    """
    with Path(__file__).with_name("kv_models.csv").open(encoding="utf-8", newline="") as file:
        names, *rows = csv.reader(file)
    values = ", ".join(f"({', '.join(_literal(value) for value in row)})" for row in rows)
    connection.execute(
        "CREATE TABLE kv_models AS "
        "SELECT *, 2 * layers * coalesce(latent_dim, 2 * kv_heads * head_dim) AS bytes_per_token "
        f"FROM (VALUES {values}) AS models({', '.join(names)})"
    )


def _literal(value: str) -> str:
    if not value:
        return "NULL::BIGINT"
    return f"{value}::BIGINT" if value.isdecimal() else quoted(value)
