"""What an export is on disk: a directory of Parquet files, one per table, that names its schema."""

from __future__ import annotations

import json
import os
from hashlib import blake2b
from pathlib import Path

import duckdb

from explorer.model import ALL_TABLES, ddl
from explorer.store.opening import Batch, DamagedPart
from explorer.store.part_views import check_parts

VERSION_KEY = "trace_explore.version"
SCHEMA_KEY = "trace_explore.schema"
WHERE_KEY = "trace_explore.where"
SOURCES_KEY = "trace_explore.sources"
ANCESTORS_KEY = "trace_explore.ancestors"

_MARK = "sources.parquet"
_MAGIC = b"PAR1"


class NotABundle(Exception):
    """The directory is no export of this tool."""


def schema_fingerprint() -> str:
    """Changes whenever a table, a column or a type of the model does."""
    return blake2b("\n".join(ddl(table) for table in ALL_TABLES).encode(), digest_size=16).hexdigest()


def is_bundle(path: Path) -> bool:
    """Whether a directory says of itself that it is an export; reads the end of one file."""
    mark = f"{path}/{_MARK}"
    if not os.path.isfile(mark):  # noqa: PTH113 - asked of every directory; a fifo would keep whoever opens it waiting
        return False
    try:
        with open(mark, "rb") as file:  # noqa: PTH123
            size = file.seek(0, 2)
            file.seek(max(size - 8, 0))
            ending = file.read(8)
            length = int.from_bytes(ending[:4], "little")
            if ending[4:] != _MAGIC or length + 8 > size:
                return False
            file.seek(size - 8 - length)
            return SCHEMA_KEY.encode() in file.read(length)
    except OSError:
        return False


def bundle_batch(directory: Path) -> Batch:
    """An export as a batch that can be opened.

    Raises:
        NotABundle: it is none.
        DamagedPart: a table is missing, cut off, or has other columns than this version's.
    """
    if not is_bundle(directory):
        raise NotABundle(f"{directory}: not an export of trace-explore (its {_MARK} does not say so)")
    files = {table: directory / f"{table}.parquet" for table in ALL_TABLES}
    batch = Batch(files, None)
    with duckdb.connect(":memory:", config={"autoload_known_extensions": False}) as connection:
        written = _metadata(connection, directory / _MARK)
        if written.get(SCHEMA_KEY) != schema_fingerprint():
            version = written.get(VERSION_KEY, "an unknown version")
            raise DamagedPart(
                directory, f"exported by trace-explore {version}, whose tables are not those of this version"
            )
        check_parts(connection, [batch])
        ancestors = json.loads(_metadata(connection, files["runs"]).get(ANCESTORS_KEY, "[]"))
    return batch._replace(ancestors=frozenset(ancestors))


def _metadata(connection: duckdb.DuckDBPyConnection, path: Path) -> dict[str, str]:
    query = "SELECT decode(key), decode(value) FROM parquet_kv_metadata($1)"
    return dict(connection.execute(query, [str(path)]).fetchall())
