"""The rows of a log, sample by sample."""

from __future__ import annotations

import re
from collections.abc import Iterator

from explorer.model import Finding, Row
from explorer.readers import Report, SourceFile
from explorer.readers._drafts import Where
from explorer.readers._findings import Findings
from explorer.readers._records import Lines, open_bytes
from explorer.readers._walk import Walk
from explorer.readers.inspect._archive import Archive, Entry
from explorer.readers.inspect._layout import ARCHIVE, EVENT, ITEM, SAMPLE, UNTIL, WITHIN, Recorded, in_archive
from explorer.readers.inspect._log import Log
from explorer.readers.inspect._place import place_of
from explorer.readers.inspect._sample import SMALL, Sample

LONGEST_EVENT = 256 << 20
"""Bytes of the longest event that is built: old ones hold a whole prompt with its images."""

LONGEST_FIELD = 64 << 20
"""Bytes of the longest field of a log or of a sample that is built as a whole."""

_OF_LOG = re.compile(rb'"(?:status|eval|stats|samples)"[ \t\r\n]*+:')


def rows(source: SourceFile) -> Iterator[Row | Report]:
    """The rows of one log."""
    findings, log = Findings(source.source_id, source.share[0]), Log()
    with source.path.open("rb") as file:
        is_archive = file.read(len(ARCHIVE)) == ARCHIVE
    reading = _Archived(source, findings, log) if is_archive else _Plain(source, findings, log)
    yield from reading.rows()
    if log.contradicted is not None and source.share[1] == 1:
        recorded, ours = log.contradicted
        message = (
            f"stats of the log have {recorded:,} tokens of input, its samples {ours:,}: attempts, or samples left out"
        )
        yield from findings.at("total-mismatch", "info", message)
    yield from findings.rest()
    yield Report(findings.bad_records)


class _Reading:
    """What both shapes of a log have in common."""

    def __init__(self, source: SourceFile, findings: Findings, log: Log) -> None:
        self.source, self.findings, self.log = source, findings, log

    def fields(self, walk: Walk, sample: Sample, entry: int) -> None:
        """Take in the fields of a sample, where the walk is; of the transcript in it, which held the events in 2024."""
        said: int | None = None
        for key in walk.members(WITHIN):
            if key == "events":
                self.events(walk, sample, entry)
            elif key == "transcript":
                self.fields(walk, sample, entry)
            elif key == "messages":
                said = walk.at
            elif key in ("events_data", "message_pool"):
                self.pool(walk, sample)
            elif key in SMALL:
                start = walk.at
                sample.fields[key] = walk.value(LONGEST_FIELD)
                if key == "error_retries":
                    sample.retries_at = self.where(entry, start, walk.at)
        if said is not None and not sample.has_events:
            pieces = Walk(walk.buffer, said, LONGEST_EVENT).records(ITEM, UNTIL)
            sample.take_messages((piece.value, self.where(entry, piece.start, piece.end)) for piece in pieces)

    def where(self, entry: int, start: int, end: int) -> Where:
        """A place in an entry."""
        return Where(self.source.source_id, place_of(entry, start), end - start)

    def events(self, walk: Walk, sample: Sample, entry: int) -> None:
        """Take in a list of events."""
        for piece in walk.records(EVENT, UNTIL):
            sample.take(piece.value, self.where(entry, piece.start, piece.end))

    def pool(self, walk: Walk, sample: Sample) -> None:
        """Take in the messages that prompts refer to: a list, or an object with one."""
        if walk.buffer[walk.at : walk.at + 1] == b"[":
            for piece in walk.records(ITEM, UNTIL):
                sample.take_message(piece.value)
            return
        for key in walk.members(UNTIL):
            if key == "messages":
                for piece in walk.records(ITEM, UNTIL):
                    sample.take_message(piece.value)

    def damaged(self, walk: Walk, sample: Sample, lines: Lines, known: int, where: str) -> None:
        """Note the damage that the walk has met since there were ``known`` of it."""
        for offset, code, reason in walk.damage[known:]:
            line = lines.at(min(offset, len(walk.buffer)))
            sample.damage.append((code, f"{where}{reason}; it is left out, the rest is read", line))


class _Plain(_Reading):
    """A log that is one JSON object."""

    def rows(self) -> Iterator[Row]:
        """The rows of all samples."""
        with open_bytes(self.source.path) as buffer:
            walk, lines = Walk(buffer, longest=LONGEST_EVENT), Lines(buffer)
            known = 0
            for _ in walk.objects():
                for key in walk.members(_OF_LOG):
                    if key == "samples":
                        for start in walk.items(SAMPLE, _OF_LOG):
                            known = len(walk.damage)
                            sample = Sample(
                                self.source.source_id,
                                self.findings,
                                self.log,
                                {"file": self.source.source_id, "byte": start},
                            )
                            self.fields(walk, sample, 0)
                            self.damaged(walk, sample, lines, known, "")
                            known = len(walk.damage)
                            if sample.fields:
                                yield from sample.rows()
                    elif self.log.knows(key):
                        self.log.take(key, walk.value(LONGEST_FIELD))
            for offset, code, reason in walk.damage[known:]:
                line = lines.at(min(offset, len(buffer)))
                yield from self.findings.at(code, "error", f"{reason}; what comes before is read", line)


class _Archived(_Reading):
    """A log that is an archive."""

    def rows(self) -> Iterator[Row]:
        """The rows of all samples."""
        archive = Archive(self.source.path)
        share, shares = self.source.share
        if archive.damage is not None:
            message = f"the archive has no directory ({archive.damage}): it is cut off or damaged; what is left is read"
            yield from self.findings.at("truncated-record", "error", message, 1)
        found = in_archive(archive)
        for entry in (found.start, found.header):
            if entry is not None:
                yield from self._header(archive, entry)
        if found.header is None and not share:
            message = "without header.json: the evaluation was not finished, or its last entries are lost"
            yield from self.findings.at("missing-end", "warning", message)
        for recorded in found.samples[share::shares]:
            sample = Sample(
                self.source.source_id,
                self.findings,
                self.log,
                {"file": self.source.source_id, "entry": recorded.name},
            )
            for entry, part in recorded.parts:
                self._take(archive, entry, part, sample)
            yield from sample.rows(recorded.name)

    def _header(self, archive: Archive, entry: Entry) -> Iterator[Finding]:
        """Take in what is said of all samples; what cannot be read of it are findings, of the first part."""
        with archive.opened(entry) as (buffer, damage):
            walk = Walk(buffer)
            for _ in walk.objects():
                for key in walk.members(_OF_LOG):
                    if self.log.knows(key):
                        self.log.take(key, walk.value(LONGEST_FIELD))
                break
            for text in [damage, *(each.reason for each in walk.damage[:1])]:
                if text is not None and not self.source.share[0]:
                    yield from self.findings.at("bad-record", "error", f"{entry.name}: {text}; the rest is read", 1)

    def _take(self, archive: Archive, entry: Entry, part: Recorded, sample: Sample) -> None:
        """Take in an entry: a sample as a whole, or a part of one."""
        with archive.opened(entry) as (buffer, damage):
            walk, lines = Walk(buffer, longest=LONGEST_EVENT), Lines(buffer)
            if part == "sample":
                for _ in walk.objects():
                    self.fields(walk, sample, entry.number)
            elif part == "events":
                self.events(walk, sample, entry.number)
            else:
                self.pool(walk, sample)
            if damage is not None:
                line = lines.at(len(buffer))
                sample.damage.append(("truncated-record", f"{entry.name}: {damage}; what comes before is read", line))
            else:
                self.damaged(walk, sample, lines, 0, f"{entry.name}: ")
