"""Traces in OTLP/JSON by the GenAI conventions of OpenTelemetry, or by those that came before and beside them.

Format: opentelemetry-proto @ac2c4b5d in its JSON encoding, as the Collector's file exporter and exports over HTTP write
it; open-telemetry/semantic-conventions-genai @11069855, and what ``_names`` lists.

The span of an agent is a run, that of a model's call a step, that of a tool a tool call. ``_walk`` finds the spans of a
file, ``_span`` makes drafts of them, ``_forest`` puts them inside each other, ``_runs`` says which run each is of,
``_calls`` which calls count and what their tokens mean, ``_aside`` what else used tokens, and ``_rows`` writes. A step
stands at the bytes of its span; of a gzipped file, once unpacked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from explorer.model import Row
from explorer.readers import Message, Place, Report, SourceFile
from explorer.readers.otlp import _layout
from explorer.readers.otlp._layout import claims

__all__ = ["NAME", "SELF_CONTAINED", "VERSION", "claims", "links", "messages", "read", "record"]

NAME = "otlp"
VERSION = 5
SELF_CONTAINED = True


def links(path: Path, head: bytes | None) -> list[str]:
    """The traces and the conversations that a file has spans of."""
    return _layout.links(path)


def read(source: SourceFile) -> Iterator[Row | Report]:
    """The rows of all conversations that the source and its parts tell of."""
    from explorer.readers.otlp._reading import rows

    yield from rows(source)


def record(path: Path, offset: int, length: int, limit: int) -> bytes:
    """The span of a step or a tool call, or one side of a hand-off."""
    from explorer.readers.otlp._passages import passage

    return passage(path, offset, length, limit)


def messages(files: Mapping[str, Path], place: Place) -> Iterator[Message]:
    """What was said in a run."""
    from explorer.readers.otlp._said import messages

    return messages(files, place)
