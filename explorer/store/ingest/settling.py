"""What is true of a corpus as a whole, and which of its sources were read as if it were not."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from explorer.readers import readers, settle
from explorer.store.ingest.cache import Entry


def unsettled(entries: Iterable[Entry]) -> dict[str, tuple[str, dict[str, str]]]:
    """The sources that must be read again, with their reader and what is true of their corpus.

    A corpus is the files of one format in one directory: directories may come from different builders.
    """
    corpora: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        if entry.votes and entry.reader:
            corpora.setdefault((entry.reader, posixpath.dirname(entry.source_id)), []).append(entry)
    found: dict[str, tuple[str, dict[str, str]]] = {}
    for (name, _), members in corpora.items():
        facts = settle(readers()[name], [vote for entry in members for vote in entry.votes])
        wrong = [entry for entry in members if entry.assumed and dict(entry.assumed) != facts]
        found.update((entry.source_id, (name, facts)) for entry in wrong)
    return found
