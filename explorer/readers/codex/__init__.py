"""OpenAI's Codex: bundles of a session with all its requests, and the session files that it always writes.

Format: openai/codex codex-rs/{rollout-trace,rollout,history,protocol} @b3cc2173 (August 2026).

A thread is an agent, a turn a run, a call of the model a step. A conversation is everything below a root thread, and
its key is that thread's id: whatever sources tell of it, and in whatever order, it is the same.

``_reduce`` makes drafts of a bundle, ``_rollout`` of session files, ``_join`` puts them together, and ``_assembly``
writes rows; ``_reading`` calls them.

A step of a bundle stands at the line of its request in the log, and what ``record`` gives of it are the payloads of
request and answer. A step of a session file stands at the line that counts its tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from explorer.model import Row
from explorer.readers import Message, Place, Report, SourceFile
from explorer.readers.codex._bundle import is_bundle, manifest_of
from explorer.readers.codex._rollout_head import is_rollout, rollout_links

__all__ = [
    "NAME",
    "OF_DIRECTORIES",
    "SELF_CONTAINED",
    "VERSION",
    "claims",
    "links",
    "messages",
    "places",
    "read",
    "record",
]

NAME = "codex"
VERSION = 4
SELF_CONTAINED = True
OF_DIRECTORIES = True
_NAMED = re.compile(rb'\s*\{\s*"id":\s*"[^"]{1,64}",\s*"thread_name":\s*"')


def claims(path: Path, head: bytes | None) -> bool:
    """A bundle is claimed as a whole, session files one by one, as is the index of their names."""
    return is_bundle(path) if head is None else is_rollout(path, head) or _is_index(head)


def _is_index(head: bytes) -> bool:
    return _NAMED.match(head) is not None


def links(path: Path, head: bytes | None) -> list[str]:
    """The threads that a source is of, and the session."""
    if head is not None:
        return [] if _is_index(head) else rollout_links(path, head)
    manifest = manifest_of(path)
    return [*{each: None for each in (manifest.root_thread_id, manifest.rollout_id) if each}]


def places(environment: Mapping[str, str], home: Path) -> Sequence[Path]:
    """Session files below Codex's home, and the bundles, where they were asked for."""
    codex = Path(environment.get("CODEX_HOME") or home / ".codex")
    bundles = environment.get("CODEX_ROLLOUT_TRACE_ROOT")
    ours = [codex / "sessions", codex / "archived_sessions", codex / "session_index.jsonl"]
    return [*ours, *([Path(bundles)] if bundles else [])]


def read(source: SourceFile) -> Iterator[Row | Report]:
    """The rows of all conversations that the source and its parts tell of."""
    from explorer.readers.codex import _names, _reading

    is_index = False
    if source.path.is_file():
        with source.path.open("rb") as file:
            is_index = _is_index(file.read(400))
    yield from _names.rows(source) if is_index else _reading.rows(source)


def record(path: Path, offset: int, length: int, limit: int) -> bytes:
    """What is recorded of a step, of a tool call or of one side of an edge."""
    from explorer.readers.codex._bundle_text import bundle_record
    from explorer.readers.codex._rollout_file import span

    return bundle_record(path, offset, length, limit) if path.is_dir() else span(path, offset, min(length, limit))


def messages(files: Mapping[str, Path], place: Place) -> Iterator[Message]:
    """What was said in a run."""
    from explorer.readers.codex._bundle_text import bundle_messages
    from explorer.readers.codex._rollout_text import rollout_messages

    sources = {files[step.source_id] for step in place.steps if step.source_id in files}
    is_of_bundle = any(source.is_dir() for source in sources)
    return bundle_messages(files, place) if is_of_bundle else rollout_messages(files, place)
