"""A bundle on disk: a directory that Codex writes for a root session, when asked to by ``CODEX_ROLLOUT_TRACE_ROOT``.

Format: openai/codex rollout-trace/src/{bundle,payload,raw_event}.rs @b3cc2173.

``trace.jsonl`` is the log (``_log``). Requests, answers and the like are files of their own (``_payloads``).
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from explorer.readers._records import MAX_RECORD, loads
from explorer.readers.codex._json import inner, ms, text

LOG = "trace.jsonl"
MANIFEST = "manifest.json"
STATE = "state.json"

_NAME = re.compile(r"trace-([0-9a-f-]{36})-([0-9a-f-]{36})")
_MANIFEST_BYTES = 1 << 16


class Manifest(NamedTuple):
    """Whose bundle it is."""

    trace_id: str | None
    rollout_id: str | None
    root_thread_id: str | None
    started_at: int | None
    problem: str | None


def is_bundle(path: Path) -> bool:
    """Whether a directory is one, by its name, its manifest, or the first line of its log."""
    if not os.path.isfile(f"{path}/{LOG}"):  # noqa: PTH113 - asked of every directory
        return False
    if _NAME.fullmatch(path.name) or manifest_of(path).root_thread_id:
        return True
    with (path / LOG).open("rb") as file, suppress(ValueError):
        first = loads(file.readline(MAX_RECORD))
        return isinstance(first, dict) and {"schema_version", "seq", "rollout_id"} <= first.keys() and (
            text(inner(first, "payload"), "type") is not None
        )  # fmt: skip
    return False


def manifest_of(path: Path) -> Manifest:
    """The manifest; where it is damaged, what the directory's name tells."""
    problem, record = None, None
    try:
        with (path / MANIFEST).open("rb") as file:
            record = loads(file.read(_MANIFEST_BYTES))
        if not (text(record, "rollout_id") and text(record, "root_thread_id")):
            problem = f"{MANIFEST} does not say whose bundle it is"
    except OSError as error:
        problem = f"{MANIFEST}: {error.strerror or error}"
    except ValueError as error:
        problem = f"{MANIFEST}: {error}"
    named = _NAME.fullmatch(path.name)
    trace_id, root = named.groups() if named else (None, None)
    root = text(record, "root_thread_id") or root
    return Manifest(
        text(record, "trace_id") or trace_id,
        text(record, "rollout_id") or root,
        root,
        ms(record, "started_at_unix_ms"),
        problem,
    )
