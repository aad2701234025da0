"""The rows of what belongs together: bundles and session files of one conversation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from explorer.model import Row
from explorer.readers import Report, SourceFile
from explorer.readers._prompts import PromptParts
from explorer.readers.codex._assembly import Assembly
from explorer.readers.codex._draft import Remark
from explorer.readers.codex._handoffs import Deliveries
from explorer.readers.codex._join import Joined, joined_hand_offs, still_true
from explorer.readers.codex._reduce import Lifetime, reduce
from explorer.readers.codex._rollout import reduce_rollouts
from explorer.readers.codex._state import differences


def rows(source: SourceFile) -> Iterator[Row | Report]:
    """The rows of all conversations that the source and its parts tell of."""
    parts = PromptParts()
    files = sorted([(source.path, source.source_id), *source.parts], key=lambda file: file[1])
    lifetimes, remarks = _lifetimes([file for file in files if file[0].is_dir()], parts)
    rollouts = reduce_rollouts([file for file in files if not file[0].is_dir()], parts)
    joined = Joined()
    for lifetime in lifetimes:
        joined.add_lifetime(lifetime.threads.values())
    of_bundles = {*joined.threads}
    joined.add(rollouts.threads)
    deliveries = Deliveries(lifetimes, joined.threads, of_bundles)
    hand_offs = joined_hand_offs([*deliveries.hand_offs(), joined.resumes, rollouts.hand_offs])
    remarks += [*deliveries.remarks, *rollouts.remarks]
    remarks = [*still_true(remarks, hand_offs), *joined.remarks()]
    captures = {lifetime.source_id: lifetime.trace_id for lifetime in lifetimes}
    assembly = Assembly(source.source_id, joined.threads, hand_offs, remarks, joined.told, captures)
    yield from assembly.rows()
    bad = assembly.bad_records()
    yield Report(bad.pop(source.source_id, 0), bad_of_parts=bad)


def _lifetimes(bundles: list[tuple[Path, str]], parts: PromptParts) -> tuple[list[Lifetime], list[Remark]]:
    """What each bundle tells, oldest first, and what is to be said of them."""
    lifetimes: list[Lifetime] = []
    remarks: list[Remark] = []
    for path, source_id in bundles:
        try:
            lifetime = reduce(path, source_id, parts)
            remarks += [*lifetime.remarks, *differences(path, lifetime)]
            lifetimes.append(lifetime)
        except OSError as error:
            remarks.append(Remark("unreadable-source", "error", f"its log: {error.strerror or error}", source_id))
    lifetimes.sort(key=lambda lifetime: (lifetime.started_at or 0, lifetime.source_id))
    return lifetimes, remarks
