"""What ``/dump`` writes: one conversation with those it is related to, messages and no events.

Format: justrach/codegraff crates/forge_main/src/ui.rs @e1bba44f (also upstream forgecode): the conversation as the
program has it, so its messages are not wrapped and its times are in ``metadata``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from explorer.model import Row
from explorer.readers import Rows, SourceFile
from explorer.readers._findings import Findings
from explorer.readers._records import loads, open_bytes
from explorer.readers.codegraff._contexts import Context, milliseconds
from explorer.readers.codegraff._recording import Place, Recording


def read_dump(source: SourceFile, findings: Findings) -> Iterator[Row | Rows]:
    """The rows of a dump. One that is cut off is read as far as it goes."""
    with open_bytes(source.path) as buffer:
        text = bytes(buffer)
    try:
        found = loads(text)
    except ValueError as error:
        message = f"the dump is not whole ({error}): of it is read what comes before the damage"
        yield from findings.at("truncated-record", "error", message, text.count(b"\n") + 1)
        found = _closed(text)
    dumped = _Dumped(_conversations(found))
    seen: set[str] = set()
    for native_id in sorted(dumped.contexts, key=lambda each: dumped.contexts[each].by_agent):
        if native_id in seen:
            continue
        key = f"{source.source_id}//{native_id}"
        recording = Recording(Place(source.source_id, key, native_id, lambda event: None), findings, dumped)
        if dumped.contexts[native_id].by_agent:
            message = "an agent began this conversation, and no call that names it is in the dump"
            yield from findings.at("unknown-parent", "warning", message, conversation_id=key)
        yield from recording.finish()
        seen.update({native_id}, (run.conversation for run in recording.runs if run.conversation))


def dumped_in(path: Path) -> dict[str, Context]:
    """The conversations of a dump with their messages, by id; of one that is cut off, as far as it goes."""
    with open_bytes(path) as buffer:
        text = bytes(buffer)
    try:
        found = loads(text)
    except ValueError:
        found = _closed(text)
    return _Dumped(_conversations(found)).contexts


def _conversations(found: object) -> list[dict[str, object]]:
    if not isinstance(found, dict):
        return []
    related = found.get("related_conversations")
    conversations = [found.get("conversation"), *(related if isinstance(related, list) else [])]
    return [each for each in conversations if isinstance(each, dict)]


class _Dumped:
    """The conversations of a dump."""

    def __init__(self, conversations: Sequence[dict[str, object]]) -> None:
        self.contexts: dict[str, Context] = {}
        for number, fields in enumerate(conversations):
            native_id = fields.get("conversation_id") or fields.get("id")
            metadata = fields.get("metadata")
            times = metadata if isinstance(metadata, dict) else {}
            title, name = fields.get("title"), native_id if isinstance(native_id, str) else f"conversation {number + 1}"
            self.contexts.setdefault(
                name,
                Context(
                    name,
                    title if isinstance(title, str) and title else None,
                    None,
                    milliseconds(times.get("created_at")),
                    milliseconds(times.get("updated_at")),
                    fields.get("context"),
                    fields.get("metrics"),
                ),
            )

    def load(self, conversation_id: str) -> Context | None:
        """The messages of a conversation."""
        return self.contexts.get(conversation_id)

    def of_agents(self, first: int, last: int) -> Sequence[str]:
        """Conversations that agents began between two times."""
        return [
            native_id
            for native_id, context in self.contexts.items()
            if context.by_agent and context.created is not None and first <= context.created <= last
        ]


_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"|[{}\[\],]')


def _closed(text: bytes) -> object:
    """The longest beginning that becomes JSON when what is open in it is closed; None when there is none."""
    ends: list[tuple[int, bytes]] = []  # where a value ended, and what closes the rest there
    open_: list[bytes] = []
    for token in _TOKEN.finditer(text):
        mark = token[0]
        if mark in (b"{", b"["):
            open_.append(b"}" if mark == b"{" else b"]")
        elif mark in (b"}", b"]"):
            if not open_ or open_.pop() != mark:
                break
            ends.append((token.end(), b"".join(reversed(open_))))
            del ends[:-64]
    for end, closing in reversed(ends):
        try:
            return loads(text[:end] + closing)
        except ValueError:
            continue
    return None
