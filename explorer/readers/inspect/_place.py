"""Where an event stands: in a ``.json`` log at a byte; in an archive at a byte of an unpacked entry.

``n * 2**40 + byte`` is a byte of the n-th entry, counted from 1.
"""

from __future__ import annotations

from pathlib import Path

from explorer.readers.inspect._archive import Archive, Damaged, pieces

_ENTRY = 1 << 40


def place_of(entry: int, byte: int) -> int:
    """The place of a byte of an entry; of the file itself, which is entry 0."""
    return entry * _ENTRY + byte


def entry_of(place: int) -> tuple[int, int]:
    """The entry and the byte of a place."""
    return divmod(place, _ENTRY)


def recorded(path: Path, place: int, length: int, limit: int) -> bytes:
    """At most ``limit`` of the bytes at a place.

    Raises:
        OSError: they cannot be read any more.
    """
    number, byte = entry_of(place)
    length = min(length, limit)
    if number == 0:
        with path.open("rb") as file:
            file.seek(byte)
            return file.read(length)
    entry = next((each for each in Archive(path).entries if each.number == number), None)
    if entry is None:
        raise OSError("the entry is not in the archive any more")
    found, at = b"", 0
    try:
        for piece in pieces(path, entry):
            if at + len(piece) > byte:
                found += piece[max(byte - at, 0) : byte + length - at]
            at += len(piece)
            if at >= byte + length:
                break
    except Damaged as error:
        if not found:
            raise OSError(str(error)) from None
    return found
