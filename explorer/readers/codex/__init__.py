"""OpenAI's Codex: bundles of a session with all its requests, where it was asked to write them.

Format: openai/codex codex-rs/rollout-trace @b3cc2173 (August 2026).

A thread is an agent, a turn a run, a call of the model a step. A conversation is everything below a root thread, and
its key is that thread's id: whatever sources tell of it, and in whatever order, it is the same. ``_reduce`` reads the
log of a bundle to drafts, ``_join`` puts the drafts of several recordings together, ``_assembly`` writes rows.

A step of a bundle stands at the line of its request in the log; what ``record`` gives of it are the payloads of request
and answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from explorer.model import Finding, Row
from explorer.readers import Message, Place, Report, SourceFile
from explorer.readers._prompts import PromptParts
from explorer.readers.codex._assembly import NAME, Assembly
from explorer.readers.codex._bundle import is_bundle, manifest_of
from explorer.readers.codex._bundle_text import bundle_handed, bundle_messages, bundle_record
from explorer.readers.codex._handoffs import Deliveries
from explorer.readers.codex._join import Joined, joined_hand_offs, still_true
from explorer.readers.codex._reduce import Lifetime, reduce

__all__ = ["NAME", "SELF_CONTAINED", "VERSION", "claims", "handed", "links", "messages", "read", "record"]

VERSION = 1
SELF_CONTAINED = True


def claims(path: Path, head: bytes | None) -> bool:
    """A bundle is claimed as a whole."""
    return head is None and is_bundle(path)


def links(path: Path, head: bytes | None) -> list[str]:
    """The threads that a source is of."""
    manifest = manifest_of(path)
    return [*{each: None for each in (manifest.root_thread_id, manifest.rollout_id) if each}]


def read(source: SourceFile) -> Iterator[Row | Report]:
    """The rows of all conversations that the source and its parts tell of."""
    parts = PromptParts()
    lifetimes: list[Lifetime] = []
    for path, source_id in [(source.path, source.source_id), *source.parts]:
        try:
            lifetimes.append(reduce(path, source_id, parts))
        except OSError as error:
            key, message = f"unreadable-source:{source_id}", f"its log is missing: {error.strerror or error}"
            yield Finding(key, "unreadable-source", "error", source_id, None, None, None, None, None, message)
    lifetimes.sort(key=lambda lifetime: (lifetime.started_at or 0, lifetime.source_id))
    joined = Joined()
    for lifetime in lifetimes:
        joined.add(lifetime.threads.values())
    deliveries = Deliveries(lifetimes, joined.threads)
    hand_offs = joined_hand_offs(deliveries.hand_offs(), ())
    remarks = [remark for lifetime in lifetimes for remark in lifetime.remarks]
    remarks += [*still_true(deliveries.remarks, hand_offs), *joined.remarks()]
    assembly = Assembly(source.source_id, joined.threads, hand_offs, remarks, joined.told)
    yield from assembly.rows()
    bad = assembly.bad_records()
    yield Report(bad.pop(source.source_id, 0), bad_of_parts=bad)


def record(path: Path, offset: int, length: int, limit: int) -> bytes:
    """What is recorded of a step, of a tool call or of one side of an edge."""
    return bundle_record(path, offset, length, limit)


def messages(files: Mapping[str, Path], place: Place) -> Iterator[Message]:
    """What was said in a run."""
    return bundle_messages(files, place)


def handed(path: Path, offset: int, length: int) -> Iterator[Message]:
    """One side of an edge."""
    return bundle_handed(path, offset, length)
