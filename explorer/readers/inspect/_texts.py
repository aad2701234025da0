"""The texts of a sample, found again: its events by place, and what they refer to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from explorer.readers._records import Buffer, loads, open_bytes
from explorer.readers._walk import Walk
from explorer.readers.inspect._archive import Archive
from explorer.readers.inspect._layout import EVENT, ITEM, UNTIL, WITHIN, attachments_of, in_archive
from explorer.readers.inspect._place import entry_of, place_of

Stretch = tuple[Buffer, int, int]

ATTACHED = "attachment://"


class Texts:
    """One sample, open. What it refers to is known by its place and built when it is asked for."""

    def __init__(self, path: Path, noted: dict[str, object], last: int, opened: ExitStack) -> None:
        """``last`` is where the last event ends that will be asked for; it saves the way there."""
        self._opened, self._last = opened, last
        self._buffers: dict[int, Buffer] = {}
        self._pool: list[Stretch] = []
        self._attachments: dict[str, Stretch] = {}
        self._said: tuple[int, int] | None = None
        name = noted.get("entry")
        if not isinstance(name, str):
            self._buffers[0] = buffer = opened.enter_context(open_bytes(path))
            at = noted.get("byte")
            self._index(Walk(buffer, at if isinstance(at, int) else 0), 0)
        else:
            self._archived(Archive(path), name)

    def _archived(self, archive: Archive, name: str) -> None:
        sample = next((each for each in in_archive(archive).samples if each.name == name), None)
        if sample is None:
            raise OSError("the sample is not in the archive any more")
        for entry, part in sample.parts:
            buffer, _ = self._opened.enter_context(archive.opened(entry))
            self._buffers[entry.number] = buffer
            walk = Walk(buffer)
            if part == "sample":
                self._index(walk, entry.number)
            elif part == "messages":
                self._pool += _items(walk)
        for entry in attachments_of(archive, name):
            buffer, _ = self._opened.enter_context(archive.opened(entry))
            for stretch in _items(Walk(buffer)):
                self._attachments[str(len(self._attachments))] = stretch

    def _index(self, walk: Walk, entry: int) -> None:
        """Note where messages and attachments are."""
        for key in walk.members(WITHIN):
            if key == "transcript":
                self._index(walk, entry)
            elif key == "messages":
                self._said = entry, walk.at
            elif key in ("message_pool", "events_data"):
                self._pooled(walk)
            elif key == "events":  # one by one, as damage in them must not hide what comes behind
                number, behind = entry_of(self._last)
                for _ in walk.items(EVENT, UNTIL, behind if number == entry and behind > walk.at else None):
                    pass
            elif key in ("attachments", "content"):  # content in a transcript
                for name in walk.members(UNTIL):
                    start = walk.at
                    walk.skip()
                    self._attachments[name] = (walk.buffer, start, walk.at)

    def _pooled(self, walk: Walk) -> None:
        """Note where the messages of a pool are: in a list, or in an object that has one."""
        if walk.buffer[walk.at : walk.at + 1] == b"[":
            self._pool += _items(walk)
            return
        for key in walk.members(UNTIL):
            if key == "messages":
                self._pool += _items(walk)

    def event(self, place: int, length: int, inside: object) -> dict[str, object]:
        """The event at a place, or one that is inside it; empty where it cannot be read."""
        number, byte = entry_of(place)
        found: object = _built((self._buffers.get(number, b""), byte, byte + length))
        for index in inside if isinstance(inside, list) else ():
            inner = found if isinstance(found, list) else found.get("events") if isinstance(found, dict) else None
            found = inner[index] if isinstance(inner, list) and index < len(inner) else None
        return found if isinstance(found, dict) else {}

    def said(self) -> Iterator[tuple[int, object]]:
        """The messages at the end of the sample, each with its place."""
        if self._said is not None:
            entry, at = self._said
            for piece in Walk(self._buffers[entry], at).records(ITEM, UNTIL):
                yield place_of(entry, piece.start), piece.value

    def messages(self, first: int, last: int) -> Iterator[object]:
        """Messages of the pool."""
        for stretch in self._pool[first:last]:
            yield _built(stretch)

    def attached(self, text: str) -> str | None:
        """The text that stands in the place of a reference; None where it is not there."""
        found = self._attachments.get(text.removeprefix(ATTACHED))
        value = _built(found) if found is not None else None
        return value if isinstance(value, str) else None


def _items(walk: Walk) -> Iterator[Stretch]:
    for start in walk.items(ITEM, UNTIL):
        walk.skip()
        yield walk.buffer, start, walk.at


def _built(stretch: Stretch) -> object:
    buffer, start, end = stretch
    try:
        return loads(buffer[start:end])
    except ValueError:
        return None
