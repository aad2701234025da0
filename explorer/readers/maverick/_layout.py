"""Which files are Maverick's, and which are read with the ``world.db`` of their home.

A home has ``world.db``, and beside it ``audit/`` with a file a day, ``trajectories.ndjson``, and replay traces
``goal-<id>.jsonl`` (in a directory of the user's choice: the home, ``traces/`` or ``trace/`` are looked at). A tenant
is a home of its own below ``tenants/``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias
from urllib.parse import unquote

from explorer.readers._sqlite import MAGIC, Unreadable, beside, database_of, open_database
from explorer.readers.maverick._shapes import SEALED_FILES, record_of, seconds_of, whole_number

Kind: TypeAlias = Literal["world", "audit", "trajectories", "trace", "export"]

WORLD, TRAJECTORIES, AUDIT = "world.db", "trajectories.ndjson", "audit"
TRACES = ("traces", "trace")

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\.ndjson")
_TRACE = re.compile(r"goal-(\d{1,18})\.jsonl")
_EXPORT = re.compile(rb'\s*\{\s*"v"\s*:\s*1\s*,\s*"goal"\s*:\s*\{')
_TABLES = re.compile(rb"CREATE TABLE [\"'`\[]?(goals|episodes|goal_events|schema_version)\b")
_COLUMNS = {
    "goals": {"id", "parent_id"},
    "episodes": {"id", "goal_id", "cost_dollars"},
    "goal_events": {"id", "goal_id", "agent"},
    "schema_version": set(),
}
_LOOKED_AT = 8
"""Lines at the head of a file of which one must be known."""


def kind_of(name: str, head: bytes) -> Kind | None:
    """What a file is by its name and its beginning."""
    if head.startswith(MAGIC):
        return "world"
    if _DAY.fullmatch(name) and (head.startswith(SEALED_FILES) or _any(head, _is_audit)):
        return "audit"
    if _TRACE.fullmatch(name) and _any(head, _is_post):
        return "trace"
    if name.endswith((".ndjson", ".jsonl")) and b'"parent_step"' in head and _any(head, _is_trajectory):
        return "trajectories"
    return "export" if name.endswith(".json") and _is_export(head) else None


def claims(path: Path, head: bytes | None) -> bool:
    """A world, or one of the files that are kept beside one."""
    if head is None:
        return False
    kind = kind_of(path.name, head)
    return is_world(path, head) if kind == "world" else kind is not None


def is_world(path: Path, head: bytes) -> bool:
    """Whether a database has the tables of one. Other recorders have tables of the same names, with other columns."""
    if b"trajectory_events" in head or b"__diesel_schema_migrations" in head:
        return False
    declared = set(_TABLES.findall(head))
    if len(declared) == len(_COLUMNS) and b"cost_dollars" in head and b"parent_id" in head:
        return True
    with suppress(OSError, Unreadable):
        return _has_tables(path, _signature(path))
    return False


def _signature(path: Path) -> tuple[tuple[str, int, int], ...]:
    states = [(file.name, file.stat()) for file in (path, *beside(path))]
    return tuple((name, state.st_size, state.st_mtime_ns) for name, state in states)


@lru_cache(maxsize=64)
def _has_tables(path: Path, _signature: object) -> bool:
    with open_database(path) as database:
        return all(database.columns(table) and wanted <= set(database.columns(table))
                   for table, wanted in _COLUMNS.items())  # fmt: skip


def _any(head: bytes, is_known: object) -> bool:
    """Whether one of the first whole lines is known."""
    assert callable(is_known)
    lines = [line for line in head.split(b"\n")[: 4 * _LOOKED_AT] if line.strip()]
    return any((fields := record_of(line)) is not None and is_known(fields) for line in lines[:_LOOKED_AT])


def _is_audit(fields: dict[str, object]) -> bool:
    texts = isinstance(fields.get("kind"), str) and isinstance(fields.get("agent"), (str, type(None)))
    return texts and type(fields.get("v")) is int and seconds_of(fields.get("ts")) is not None and "goal_id" in fields


def _is_post(fields: dict[str, object]) -> bool:
    texts = all(isinstance(fields.get(name), str) for name in ("kind", "agent", "content"))
    return texts and whole_number(fields.get("seq")) is not None and seconds_of(fields.get("t")) is not None


def _is_trajectory(fields: dict[str, object]) -> bool:
    return fields.keys() >= {"goal_id", "episode_id", "step", "role", "tool", "is_final", "parent_step"}


def _is_export(head: bytes) -> bool:
    if not _EXPORT.match(head):
        return False
    fields = record_of(head)
    return fields is None or isinstance(fields.get("events"), list)  # None: longer than what is seen of it


def goal_of(source_id: str) -> int | None:
    """The goal that a replay trace is of."""
    found = _TRACE.fullmatch(source_id.rpartition("/")[2])
    return int(found[1]) if found else None


def tenant_of(source_id: str) -> str | None:
    """Whose home a file lies in."""
    parts = source_id.split("/")
    if "tenants" not in parts[:-2]:
        return None
    return unquote(parts[len(parts) - 1 - parts[::-1].index("tenants") + 1])


class Beside(NamedTuple):
    """What is read with a world, by its place in the home."""

    audit: Sequence[Path] = ()
    traces: Sequence[Path] = ()
    trajectories: Path | None = None


def beside_world(path: Path) -> Beside:
    """The files that are read with a database; nothing for one that is not called ``world.db``, as a copy is."""
    home = path.parent
    if path.name != WORLD:
        return Beside()
    places = [home, *(place for name in TRACES if not ((place := home / name) / WORLD).is_file())]
    traces = [file for place in places for file in _files(place) if _TRACE.fullmatch(file.name)]
    trajectories = home / TRAJECTORIES
    days = [file for file in _files(home / AUDIT) if _DAY.fullmatch(file.name)]
    return Beside(days, traces, trajectories if trajectories.is_file() else None)


def _files(directory: Path) -> Iterable[Path]:
    with suppress(OSError):
        return sorted(Path(entry.path) for entry in os.scandir(directory) if entry.is_file())
    return ()


def places(environment: Mapping[str, str], home: Path) -> Sequence[Path]:
    """The home; with tenants it holds theirs too."""
    return [Path(environment.get("MAVERICK_HOME") or home / ".maverick")]


def companions(path: Path) -> Sequence[Path]:
    """What is read with a source."""
    kept = beside(path)
    if path.name != WORLD:
        return kept
    found = beside_world(path)
    return [*kept, *found.audit, *found.traces, *([found.trajectories] if found.trajectories else [])]


def part_of(path: Path) -> Path | None:
    """The world that a file is read with, if there is one."""
    world = database_of(path) or _home_world(path)
    if world is None:
        return None
    with suppress(OSError), world.open("rb") as file:
        head = file.read(1 << 16)
        return world if head.startswith(MAGIC) and is_world(world, head) else None
    return None


def _home_world(path: Path) -> Path | None:
    """The ``world.db`` of the home that a file lies in by its name and place."""
    above = path.parent
    if _DAY.fullmatch(path.name):
        home = above.parent if above.name == AUDIT else None
    elif _TRACE.fullmatch(path.name):
        home = above.parent if above.name in TRACES and not (above / WORLD).is_file() else above
    else:
        home = above if path.name == TRAJECTORIES else None
    world = home / WORLD if home is not None else None
    return world if world is not None and world.is_file() and path.is_file() else None


def source_id_of(source_id: str, world: Path, file: Path) -> str:
    """The id of a companion: its path in the home, behind the directory of the source's."""
    above, slash, _ = source_id.rpartition("/")
    return f"{above}{slash}{file.relative_to(world.parent).as_posix()}"
