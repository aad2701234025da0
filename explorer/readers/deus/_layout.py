"""Where a Deus checkout keeps what, and which group of it a file is of.

Format: sliamh11/Deus @512774fd (src/db.ts, src/container-runner.ts, src/group-queue.ts), read in its source. Below the
checkout: ``store/messages.db``; ``groups/<folder>/logs/`` with a ``container-<time>.log`` per container, with
``usage.jsonl``, ``tool-sizes.jsonl`` and ``tool-calls/<interaction>.jsonl``; ``input/`` and ``output/`` in
``data/ipc/<folder>/`` or a run's own ``data/ipc/<folder>/<run>/``; and ``data/sessions/<folder>/.claude/``, where the
containers' Claude Code keeps its transcripts. ``evolution.db`` is in ``~/.deus``.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

from explorer.readers import HEAD_BYTES
from explorer.readers._claude_code import _layout as transcripts
from explorer.readers._json_lines import first_object
from explorer.readers._sqlite import MAGIC, Unreadable, beside, database_of, open_database

Kind: TypeAlias = Literal["container", "usage", "sizes", "tools", "messages", "evolution", "output", "transcript"]

Way: TypeAlias = Literal["close", "input", "output", "messages", "tasks", "error", "offered"]
"""Which way a file went: to a container, from it, nowhere, or what tools a container was offered."""

MESSAGES = "messages.db"
CONTAINER = b"=== Container Run Log"

_TABLES: dict[Kind, tuple[str, str, str]] = {
    "messages": ("registered_groups", "task_run_logs", "group_folder"),
    "evolution": ("interactions", "interactions", "eval_suite"),
}
"""Two tables of each database, and a column."""

_LOGS: dict[str, Kind] = {"usage.jsonl": "usage", "tool-sizes.jsonl": "sizes"}
_BELOW_LOGS = frozenset(("tool-calls", "available-tools"))
_WAYS: dict[str, Way] = {"output": "output", "input": "input", "messages": "messages", "tasks": "tasks"}
_SENT = frozenset(("newSessionRef", "newSessionId", "result", "error", "delta", "streamed", "contextStats"))
"""Of what a container sends, fields beside ``status``."""


class Place(NamedTuple):
    """What the path of a file says of it."""

    checkout: str
    """The checkout that it is in, as a path; empty at the top."""
    folder: str | None = None
    """The group's; None of a file that stands elsewhere, and of what is of all groups."""
    run_key: str | None = None
    """Of an IPC folder of one run's own."""
    way: Way | None = None


def place_of(path: str) -> Place:
    """The place of a file by its path, below the opened directory or as a whole."""
    parts = path.split("/")
    above = parts[:-1]
    if ".claude" in above[1:]:
        at = above.index(".claude", 1)
        return Place(_path(parts[: at - 1], "data", "sessions"), above[at - 1])
    if "ipc" in above[:-1]:
        return _of_ipc(parts, len(above) - 2 - above[-2::-1].index("ipc"))
    depth = 2 if above and above[-1] in _BELOW_LOGS else 1
    if len(above) > depth and above[-depth] == "logs":
        way: Way | None = "offered" if above[-1] == "available-tools" else None
        return Place(_path(parts[: -depth - 2], "groups"), above[-depth - 1], None, way)
    return Place(_path(above, "store"))


def _of_ipc(parts: list[str], at: int) -> Place:
    """Of a file at least one directory below that of all groups."""
    checkout, inside = _path(parts[: at + 1], "data", "ipc"), parts[at + 1 :]
    if inside[0] == "errors":
        return Place(checkout, None, None, "error")
    way: Way | None = "close" if parts[-1] == "_close" else _WAYS.get(parts[-2])
    return Place(checkout, inside[0], inside[1] if len(inside) > 3 else None, way if len(inside) > 2 else None)


def _path(parts: Sequence[str], *below: str) -> str:
    """A path without the directories that a checkout has here."""
    for name in reversed(below):
        parts = parts[:-1] if parts[-1:] == [name] else parts
    return "/".join(parts)


def absolute(path: Path) -> str:
    """A whole path, by names alone: a link lies where it points from."""
    return os.path.abspath(path)  # noqa: PTH100


def claims(path: Path, head: bytes | None) -> bool:
    """Whether a file is a group's log or transcript, one of the two databases, or what a container sent."""
    if head is None:
        return False
    if transcripts.of_orchestrator(path):
        return transcripts.claims(path, head)
    if path.suffix == ".jsonl" and path.name not in _LOGS and path.parent.name != "tool-calls":
        return False
    if path.suffix == ".json":
        return head.lstrip().startswith(b"{") and place_of(absolute(path)).way == "output"
    return path.suffix in (".log", ".jsonl", ".db") and kind_of(path, head) is not None


def kind_of(path: Path, head: bytes) -> Kind | None:
    """What a file is: by its content, else by its name; None for what is no part of a checkout."""
    if transcripts.of_orchestrator(path):
        return "transcript"
    if head.startswith(MAGIC):
        return _database(path, head)
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(CONTAINER):
        return "container"
    if path.name.endswith(".meta.json"):
        return "transcript"
    if path.suffix == ".json":
        fields = first_object(path, head)
        is_sent = "status" in fields and fields.keys() & _SENT
        return "output" if is_sent or place_of(absolute(path)).way == "output" else None
    if path.suffix != ".jsonl":
        return None
    fields = first_object(path, head)
    if path.name in _LOGS or path.parent.name == "tool-calls":
        return _log(fields) if fields else _LOGS.get(path.name, "tools")
    return _log(fields) or "transcript"


def _log(fields: dict[str, object]) -> Kind | None:
    if "ts" not in fields or "uuid" in fields:
        return None
    if "tool_use_id" in fields:
        return "sizes" if "approx_tokens" in fields else "tools" if "is_error" in fields else None
    return "usage" if "session_id" in fields and fields.keys() & {"model_usage", "num_turns"} else None


def _database(path: Path, head: bytes) -> Kind | None:
    for kind, names in _TABLES.items():
        if all(name.encode() in head for name in names):
            return kind
    if path.name not in (MESSAGES, "evolution.db"):  # the list of tables may lie further back
        return None
    with suppress(OSError, Unreadable):
        return _by_tables(path, tuple(path.stat()))
    return None


@lru_cache(maxsize=16)
def _by_tables(path: Path, _state: object) -> Kind | None:
    with open_database(path) as database:
        for kind, (first, second, _) in _TABLES.items():
            if database.columns(first) and database.columns(second):
                return kind
    return None


def links(path: Path, head: bytes | None) -> Sequence[str]:
    """The checkout, and of a database the folders that it names: the other one may lie elsewhere."""
    found = [f"checkout {place_of(absolute(path)).checkout}"]
    kind = kind_of(path, head) if head and head.startswith(MAGIC) else None
    if kind is None:
        return found
    table, column = ("registered_groups", "folder") if kind == "messages" else ("interactions", "group_folder")
    with suppress(OSError, Unreadable), open_database(path) as database:
        folders = database.execute(f"SELECT DISTINCT {column} FROM {table}")
        found += sorted(f"folder {folder}" for (folder,) in folders if isinstance(folder, str))
    return found


def companions(path: Path) -> Sequence[Path]:
    """What SQLite keeps beside a database, and the files that say by their being there what they say."""
    return [*(beside(path) if path.suffix == ".db" else ()), *asides(path)]


def asides(path: Path) -> list[Path]:
    """Messages that nobody took, and lists of tools that containers were offered, if they are read with this file."""
    if path.name != MESSAGES and path.suffix != ".log":
        return []
    whole = absolute(path)
    place = place_of(whole)
    if Path(whole) != _keeper(place) or (place.folder is None and path.name != MESSAGES):
        return []
    folder = "*" if path.name == MESSAGES or place.folder is None else glob.escape(place.folder)
    checkout = Path(place.checkout)
    found = [
        *(each for way in _WAYS if way != "output" for each in checkout.glob(f"data/ipc/{folder}/{way}/*")),
        *(each for way in _WAYS if way != "output" for each in checkout.glob(f"data/ipc/{folder}/*/{way}/*")),
        *(checkout.glob("data/ipc/errors/*") if path.name == MESSAGES else ()),
        *checkout.glob(f"groups/{folder}/logs/available-tools/*.json"),
    ]
    return sorted(each for each in found if each.is_file())


def part_of(path: Path) -> Path | None:
    """What a file is read with: its database, its session's transcript, or what has the messages of its group."""
    if transcripts.of_orchestrator(path):
        return transcripts.part_of(path)
    if path.suffix not in ("", ".json"):
        database = database_of(path)
        if database is None:
            return None
        with database.open("rb") as file:
            return database if _database(database, file.read(HEAD_BYTES)) else None
    place = place_of(absolute(path))
    return _keeper(place) if place.way not in (None, "output") else None


def _keeper(place: Place) -> Path | None:
    """What the messages of a group are read with: the database of the checkout, else the first log of a container."""
    database = Path(place.checkout, "store", MESSAGES)
    if database.is_file():
        return database
    if place.folder is None:
        return None
    return min(Path(place.checkout, "groups", place.folder, "logs").glob("container-*.log"), default=None)
