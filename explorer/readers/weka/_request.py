"""One request of a weka trace: its fields, and its block ids still as text."""

from __future__ import annotations

import re

import orjson

from explorer.readers._records import loads

_HASH_IDS = re.compile(rb'"hash_ids"[ \t\r\n]*:[ \t\r\n]*\[')


def split(text: bytes) -> tuple[dict[str, object], bytes | None]:
    """A request without its block ids, and the JSON list of these as text.

    Raises:
        ValueError: it is not a JSON object.
    """
    found = _HASH_IDS.search(text)
    end = text.find(b"]", found.end()) if found else -1
    if found and end >= 0:
        try:
            fields = loads(text[: found.end()] + text[end:])
            if isinstance(fields, dict) and fields.pop("hash_ids", None) == []:
                return fields, text[found.end() - 1 : end + 1]
        except ValueError:
            pass  # the bracket is in a text or in an inner list, unless it is damage after all
    fields = loads(text)
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
