"""One request of a weka trace: its fields, and its block ids still as text."""

from __future__ import annotations

import re

import orjson

from explorer.readers._records import Buffer, loads

_HASH_IDS = re.compile(rb'"hash_ids"[ \t\r\n]*:[ \t\r\n]*\[')


def split(buffer: Buffer, start: int, end: int) -> tuple[dict[str, object], bytes | None]:
    """A request without its block ids, and the JSON list of these as text; the ids, nearly all of it, are copied once.

    Raises:
        ValueError: it is not a JSON object.
    """
    found = _HASH_IDS.search(buffer, start, end)
    close = buffer.find(b"]", found.end(), end) if found else -1
    if found and close >= 0:
        try:
            fields = loads(buffer[start : found.end()] + buffer[close:end])
            if isinstance(fields, dict) and fields.pop("hash_ids", None) == []:
                return fields, buffer[found.end() - 1 : close + 1]
        except ValueError:
            pass  # the bracket is in a text or in an inner list, unless it is damage after all
    fields = loads(buffer[start:end])
    if not isinstance(fields, dict):
        raise ValueError("not an object")
    ids = fields.pop("hash_ids", None)
    return fields, None if ids is None else _as_text(ids)


def _as_text(ids: object) -> bytes:
    """Ids that were parsed with the rest, for whoever says what is wrong with them."""
    try:
        return orjson.dumps(ids)
    except TypeError:  # nested more deeply than it writes
        return b"null"
