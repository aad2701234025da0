"""The rows of a source: all its files are gone through first, as a trace may be spread over them in any order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from explorer.model import Finding, Row
from explorer.readers import Report, SourceFile
from explorer.readers._values import many
from explorer.readers.otlp._file import File, opened
from explorer.readers.otlp._forest import Forest
from explorer.readers.otlp._rows import Rows
from explorer.readers.otlp._span import NoSpan, span_of
from explorer.readers.otlp._walk import Loss, Walk


def rows(source: SourceFile) -> Iterator[Row | Report]:
    """The rows of all conversations that the source and its parts tell of.

    What is held meanwhile is a few hundred bytes for each span, and 8 for each part of each prompt.

    Raises:
        OSError: the source itself cannot be read.
    """
    forest = Forest()
    files: list[File] = []
    with ExitStack() as stack:
        for path, source_id in ((source.path, source.source_id), *source.parts):
            try:
                buffer, damage = stack.enter_context(opened(path))
            except OSError as error:
                if path == source.path:
                    raise
                message = f"what is recorded in it is missing: {error.strerror or error}"
                key = f"unreadable-source:{source_id}"
                yield Finding(key, "unreadable-source", "error", source_id, None, None, None, None, None, message)
                continue
            files.append(File(source_id, buffer, damage))
            yield from _take_in(forest, files, len(files) - 1)
        yield from Rows(forest, files).all()
        for file in files:
            yield from file.findings.rest()
    bad = {file.source_id: file.findings.bad_records for file in files}
    yield Report(bad.pop(source.source_id, 0), bad_of_parts=bad)


def _take_in(forest: Forest, files: list[File], number: int) -> Iterator[Finding]:
    """Read one file; what is lost is said."""
    file = files[number]
    walk = Walk(file.buffer)
    spans = of_models = 0
    for found in walk.spans():
        if isinstance(found, Loss):
            yield from file.at(found.offset, found.code, "error", found.message)
            continue
        try:
            span = span_of(found, number)
        except NoSpan as error:
            yield from file.at(found.offset, "bad-record", "error", f"{error}: left out")
            continue
        spans += 1
        of_models += span.kind in ("model", "agent", "tool")
        forest.add(span)
    if file.damage:
        yield from file.at(max(len(file.buffer) - 1, 0), "truncated-record", "error", file.damage)
    if walk.other_signals:
        text = f"{many(walk.other_signals, 'document')} of logs or metrics, of which nothing is read"
        yield from file.at(None, "unknown-kind", "info", text)
    if spans and not of_models:
        text = f"{many(spans, 'span')}, and none of an agent, a model or a tool: there is nothing to show of them"
        yield from file.at(None, "unknown-kind", "info", text)
