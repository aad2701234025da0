"""The rows of the trajectories that are read together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from explorer.model import Finding, Row
from explorer.readers import Report, SourceFile
from explorer.readers._findings import Findings
from explorer.readers.atif._conversation import Telling
from explorer.readers.atif._family import Family, family
from explorer.readers.atif._head import beside
from explorer.readers.atif._trajectory import File, Trajectory, read_file
from explorer.readers.atif._trial import TRAJECTORY, Trial


def rows(source: SourceFile) -> Iterator[Row | Report]:
    """The rows of a source and its parts, conversation after conversation."""
    files = [File(path, key, Findings(key)) for path, key in ((source.path, source.source_id), *source.parts)]
    for file in files:
        try:
            read_file(file)
        except OSError as error:
            if len(files) == 1:
                raise
            yield from file.findings.at("unreadable-source", "error", f"it cannot be read: {error.strerror or error}")
    found = family(files)
    told: set[File] = set()
    for root in found.roots:
        if root.steps or root.fields or root.embedded:
            place = beside(root.file.path, root.file.path.name)
            result = next((each for each in files if each.trial and beside(each.path, TRAJECTORY) == place), None)
            yield from _told(root, result.trial if result else None, found, told)
    for file in files:
        if file not in told:
            yield from _damage(file, None)
        yield from file.findings.rest()
    bad = {file.source_id: file.findings.bad_records for file in files}
    yield Report(bad.pop(source.source_id), bad_of_parts=bad)


def _told(root: Trajectory, trial: Trial | None, found: Family, told: set[File]) -> Iterator[Row]:
    """A conversation; the damage of a file is told with the first one that it is in."""
    telling = Telling(_key(root), root, found, trial)
    key = telling.draft.conversation_id
    yield from telling.rows()
    of_it: Sequence[File] = list(dict.fromkeys(each.file for each in telling.runs))
    for file in of_it:
        if file not in told:
            told.add(file)
            yield from _damage(file, key)
    yield from telling.findings()
    for file in of_it:
        yield from file.findings.rest(key)
    yield telling.conversation()


def _damage(file: File, conversation_id: str | None) -> Iterator[Finding]:
    for line, code, reason in file.damage:
        yield from file.findings.at(code, "error", f"{reason}; it is left out, the rest is read", line, conversation_id)


def _key(root: Trajectory) -> str:
    """A file is a conversation; of several in one, the later ones have their number or their place."""
    file = root.file
    if root not in file.roots:  # one that nothing leads to but itself
        return f"{file.source_id}//at-{root.offset}"
    number = file.roots.index(root)
    return f"{file.source_id}//{number + 1}" if number else file.source_id
