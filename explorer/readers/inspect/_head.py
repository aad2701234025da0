"""How a log is known."""

from __future__ import annotations

import re
from pathlib import Path

from explorer.readers._values import text_in
from explorer.readers._walk import Walk

_LOCAL = re.compile(rb"PK\x03\x04.{22}(..)(..)", re.DOTALL)
_OWN = re.compile(
    rb"_journal/(?:start\.json|summaries/|config_updates/)|header\.json$|samples/.+_epoch_\d+(?:\.json$|/)"
)
_NEVER = re.compile(rb"(?!)")
_LOG = re.compile(rb'\s*\{\s*"version"\s*:\s*\d')
_STATUS = frozenset(("started", "success", "cancelled", "error"))


def claims(path: Path, head: bytes | None) -> bool:
    """An archive with the entries of a log, or an object with its fields; names say nothing."""
    if head is None:
        return False
    if head.startswith(b"PK\x03\x04"):
        return any(_OWN.match(name) for name in _names(head))
    return _is_log(head.removeprefix(b"\xef\xbb\xbf"))


def _names(head: bytes) -> list[bytes]:
    """The names of the entries that begin in the head."""
    found = []
    for local in _LOCAL.finditer(head):
        found.append(head[local.end() : local.end() + int.from_bytes(local[1], "little")])
    return found


def _is_log(head: bytes) -> bool:
    """Whether an object begins with version, status and the task that is evaluated, in any order."""
    if not head.lstrip().startswith(b"{") or b'"eval"' not in head or b'"status"' not in head:
        return False
    walk, found = Walk(head), set()
    if next(walk.objects(), None) is None:
        return False
    for key in walk.members(_NEVER):
        if key == "version":
            found.add(key if isinstance(walk.value(), int) else "")
        elif key == "status":
            found.add(key if text_in(walk.value()) in _STATUS else "")
        elif key == "eval":
            end, value = walk.at, walk.value()
            # Of a log whose evaluation is described at length the head may end here.
            is_one = isinstance(value, dict) and "task" in value and "model" in value
            cut = value is None and b'"task"' in head[end:] and b'"eval_id"' in head[end:]
            found.add(key if is_one or cut else "")
    return {"version", "status", "eval"} <= found
