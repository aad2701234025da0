"""The groups of a checkout, filled from its files one by one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from explorer.model import Finding
from explorer.readers import HEAD_BYTES
from explorer.readers._findings import Findings
from explorer.readers.deus import _databases
from explorer.readers.deus._container import container
from explorer.readers.deus._draft import Group
from explorer.readers.deus._ipc import aside, sent
from explorer.readers.deus._layout import Kind, absolute, asides, kind_of, place_of
from explorer.readers.deus._logs import log

_ORDER: dict[Kind | None, int] = {"messages": 1, "evolution": 2}
"""Databases come last: what they say of a folder is put to the group that is known by then."""

File: TypeAlias = tuple[Path, str]
"""A path, and its source_id."""


class Groups:
    """All groups of what was opened."""

    def __init__(self, files: Sequence[File], findings: dict[str, Findings]) -> None:
        self.findings = findings
        self._files = files
        self._groups: dict[tuple[str, str | None], Group] = {}
        self._first: dict[tuple[str, str | None], str] = {}
        self._transcripts: dict[tuple[str, str | None], list[File]] = {}

    @property
    def is_single(self) -> bool:
        """Whether there is just one file."""
        return len(self._files) == 1

    def known(self) -> list[Group]:
        """Those of which anything but a name is known, and of the others those with a name."""
        return [group for key, group in self._groups.items() if key in self._first or group.folder]

    def transcripts(self, group: Group) -> list[File]:
        """The files of its sessions."""
        return self._transcripts.get((group.checkout, group.folder), [])

    def first_source(self, group: Group) -> str:
        """The source that stands for it: the first that has anything of it."""
        return self._first[group.checkout, group.folder]

    def conversation_id(self, group: Group) -> str:
        """Its key: where its folder is, or for files that are in none the first of these."""
        if group.folder is None:
            return self.first_source(group)
        return "/".join(filter(None, (group.checkout, "groups", group.folder)))

    def read(self) -> Iterator[Finding]:
        """Read everything but the transcripts.

        Raises:
            OSError: there is just one file, and it cannot be read.
        """
        kinds: list[tuple[Kind | None, Path, str]] = []
        for path, source_id in self._files:
            try:
                kinds.append((_kind(path), path, source_id))
            except OSError as error:
                yield from self._missing(source_id, error)
        for kind, path, source_id in sorted(kinds, key=lambda each: _ORDER.get(each[0], 0)):
            try:
                yield from self._take(kind, path, source_id)
            except OSError as error:
                yield from self._missing(source_id, error)
            self._asides(path, source_id)

    def _missing(self, source_id: str, error: OSError) -> Iterator[Finding]:
        if self.is_single:
            raise error
        message = f"what is recorded in it is missing: {error.strerror or error}"
        yield from self.findings[source_id].at("unreadable-source", "error", message)

    def _take(self, kind: Kind | None, path: Path, source_id: str) -> Iterator[Finding]:
        findings, place = self.findings[source_id], place_of(source_id)
        if kind == "messages":
            yield from _databases.messages(path, source_id, lambda folder: self._named(source_id, folder), findings)
        elif kind == "evolution":
            yield from _databases.evolution(path, source_id, lambda folder: self._named(source_id, folder), findings)
        elif kind is not None:
            # What was opened within a group does not tell its folder: all of it is of one.
            group = self._of(place.checkout if place.folder else "", place.folder, source_id)
            if kind == "container":
                yield from container(path, source_id, group, findings)
            elif kind == "usage" or kind == "tools" or kind == "sizes":
                yield from log(kind, path, source_id, group, findings)
            elif kind == "output":
                yield from sent(path, source_id, place.run_key, group, findings)
            elif kind == "transcript":
                self._transcripts.setdefault((group.checkout, group.folder), []).append((path, source_id))

    def _of(self, checkout: str, folder: str | None, source_id: str) -> Group:
        key = checkout, folder
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = Group(checkout, folder)
        self._first.setdefault(key, source_id)
        return group

    def _named(self, source_id: str, folder: str | None) -> Group:
        """The group of a folder that a database names: in its own checkout, else in the only one that has it."""
        checkout = place_of(source_id).checkout
        if folder is not None and (checkout, folder) not in self._groups:
            found = [key for key in self._groups if key[1] == folder]
            if len(found) == 1:
                checkout = found[0][0]
        return self._of(checkout, folder, source_id)

    def _asides(self, path: Path, source_id: str) -> None:
        """The files that are read with this one."""
        checkout, here = place_of(absolute(path)).checkout, place_of(source_id).checkout
        for each in asides(path):
            below = os.fsencode(each.relative_to(checkout)).decode("utf-8", "backslashreplace")
            name = "/".join(filter(None, (here, below)))
            place = place_of(name)
            folder = place.folder if place.way != "error" else self._folder_of(here, each.name)
            aside(each, name, place, self._of(here, folder, source_id))

    def _folder_of(self, checkout: str, name: str) -> str | None:
        """Of a message that failed: it is kept under the folder's name and its own."""
        folders = [folder for place, folder in self._groups if place == checkout and folder is not None]
        return max((each for each in folders if name.startswith(f"{each}-")), key=len, default=None)


def _kind(path: Path) -> Kind | None:
    with path.open("rb") as file:
        return kind_of(path, file.read(HEAD_BYTES))
