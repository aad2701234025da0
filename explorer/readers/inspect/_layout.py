"""The entries of an archive by what they hold, and how what is in them is known again behind damage."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from explorer.readers.inspect._archive import Archive, Entry

ARCHIVE = b"PK\x03\x04"

Recorded: TypeAlias = Literal["sample", "events", "messages"]

_S = rb"[ \t\r\n]*+"
SAMPLE = re.compile(
    rb"\{"
    + _S
    + rb'"id"'
    + _S
    + rb":"
    + _S
    + rb'(?:"(?:[^"\\]|\\.){0,300}"|-?\d{1,18})'
    + _S
    + rb","
    + _S
    + rb'"epoch"'
)
EVENT = re.compile(rb"\{" + _S + rb'"(?:uuid|span_id|timestamp|event)"' + _S + rb":")
ITEM = re.compile(rb"\{" + _S + rb'"(?:id|content|role)"' + _S + rb":")

UNTIL = re.compile(
    rb'"(?:events_data|message_pool|model_usage|role_usage|error_retries|completed_at|attachments)"' + _S + rb":"
)
"""Fields of a sample that come behind its events, and stand in none of them."""

WITHIN = re.compile(rb'"events"' + _S + rb":" + _S + rb"\[" + _S + rb"\{|" + UNTIL.pattern)
"""Those and its events."""

_WHOLE = re.compile(r"samples/.+_epoch_\d+\.json", re.DOTALL)
_PART = re.compile(r"(samples/.+_epoch_\d+)/(sample\.json|(?:events|messages)/(\d{1,12})\.json)", re.DOTALL)


@dataclass(slots=True)
class InArchive:
    """What an archive holds."""

    start: Entry | None
    header: Entry | None
    samples: list[OneSample]


@dataclass(slots=True)
class OneSample:
    """A sample, and the entries that it is in, in the order of reading."""

    name: str
    parts: list[tuple[Entry, Recorded]] = field(default_factory=list)


def in_archive(archive: Archive) -> InArchive:
    """Everything by what it is; of entries with one name the last counts, as in a file that was appended to."""
    latest = {entry.name: entry for entry in archive.entries}
    chunked: dict[str, list[tuple[int, Entry, Recorded]]] = {}
    samples: dict[str, OneSample] = {}
    for name, entry in latest.items():
        part = _PART.fullmatch(name)
        if _WHOLE.fullmatch(name):
            samples[name] = OneSample(name, [(entry, "sample")])
        elif part is not None and f"{part[1]}.json" not in latest:  # there is one shape of a sample
            samples.setdefault(part[1], OneSample(f"{part[1]}/"))
            kind: Recorded = "sample" if part[3] is None else "events" if "/events/" in name else "messages"
            chunked.setdefault(part[1], []).append((int(part[3] or 0), entry, kind))
    for name, parts in chunked.items():
        samples[name].parts = [(entry, kind) for _, entry, kind in sorted(parts, key=_order)]
    return InArchive(latest.get("_journal/start.json"), latest.get("header.json"), list(samples.values()))


def _order(part: tuple[int, Entry, Recorded]) -> tuple[int, int]:
    """The sample's own fields first, then its messages and events in their order."""
    return ("sample", "messages", "events").index(part[2]), part[0]


def attachments_of(archive: Archive, name: str) -> Iterator[Entry]:
    """The chunks of a sample's attachments in order; of one that is a single entry, none."""
    prefix = f"{name}attachments/"
    found = [(each.name.removeprefix(prefix).removesuffix(".json"), each) for each in archive.entries
             if each.name.startswith(prefix)]  # fmt: skip
    for _, each in sorted(
        ((int(number), each) for number, each in found if number.isdecimal()), key=lambda one: one[0]
    ):
        yield each
