"""Files of whole conversations: one on each line, one or several in a value of many lines, or a line per message."""

from __future__ import annotations

from collections.abc import Iterator

from explorer.model import Finding, Row
from explorer.readers import SourceFile
from explorer.readers._findings import Findings
from explorer.readers._json_lines import json_lines
from explorer.readers._openai._documents import Document, lines_of, whole_file
from explorer.readers._values import key_part
from explorer.readers.openai_messages._participants import Place
from explorer.readers.openai_messages._transcript import Transcript
from explorer.readers.openai_messages._transcript_end import closing

_IDS = ("id", "conversation_id", "session_id", "thread_id", "prompt_id", "name")


def conversations(source: SourceFile, findings: Findings, is_document: bool) -> Iterator[Row]:
    """Every conversation of a file, one after the other."""
    keys: set[int] = set()
    documents = (whole_file if is_document else lines_of)(source.path, findings)
    for document in documents:
        if isinstance(document, Finding):
            yield document
            continue
        native = native_id(document)
        key = key_of(source.source_id, native, None if is_document and not keys else document.line)
        base, copies = key, 1
        while hash(key) in keys:
            copies += 1
            key = f"{base}~{copies}"
        keys.add(hash(key))
        if copies > 1:
            message = f"another conversation of the file has the id {native} as well"
            yield from findings.at("duplicate-id", "info", message, document.line)
        yield from _conversation(source, key, native, document, findings)


def native_id(document: Document) -> str | None:
    """What a file calls a conversation."""
    for name in _IDS:
        value = document.fields.get(name)
        if (isinstance(value, str) and value) or type(value) is int:
            return str(value)
    return None


def key_of(source_id: str, native: str | None, line: int | None) -> str:
    """The id of a conversation: by its own id, else by its line; the only one of a file is the file."""
    if native is not None:
        return f"{source_id}//{key_part(native)}"
    return source_id if line is None else f"{source_id}//line {line}"


def _conversation(
    source: SourceFile, key: str, native: str | None, document: Document, findings: Findings
) -> Iterator[Row]:  # fmt: skip
    transcript = Transcript(source.source_id, key, findings)
    transcript.tools(document.fields.pop("tools", None) or document.fields.pop("functions", None))
    for entry in document.entries:
        place = Place(document.line_at(entry.offset), entry.offset, entry.length)
        yield from transcript.add(entry.message, place)
    yield from closing(transcript, native, document.fields)


def flat_messages(source: SourceFile, findings: Findings) -> Iterator[Row]:
    """A file that has a message on each line."""
    transcript = Transcript(source.source_id, source.source_id, findings)
    for line in json_lines(source.path, findings):
        if isinstance(line, Finding):
            yield line
        else:
            yield from transcript.add(line.fields, Place(line.number, line.offset, line.length))
    yield from closing(transcript, None, {})
