"""Readers turn bytes on disk into model rows. A format is one module here; dropping the file in registers it.

A reader module has:

* ``NAME``: the format's name, as shown, and the module's but for hyphens; ``VERSION``: raised whenever its rows would
  change, so that caches are re-read.
* ``SELF_CONTAINED``: every conversation lies within one source, so its reuse can be computed while it is read.
* ``claims(path, head)``: whether the source is of this format. ``head`` holds the first bytes of a file. Exactly one
  reader may claim a source.
* ``OF_DIRECTORIES``, optional: true of a format of which a source may be a directory, as one trace as a whole. Then
  every directory is asked about too, with None for its ``head``, so that ``claims`` looks at names first.
* ``read(source)``: a generator of rows in constant memory. A conversation's row comes after all its other rows, the
  block runs of a step right behind it; as ``Rows``, those of several steps behind the ``Rows`` of these. It never
  raises for damaged content: what cannot be read becomes a ``Finding`` with its line, the rest is read on.
* ``NO_TEXT``, optional: of a format without any text, what it has in the place of that, for who asks for messages.
* Any of the functions of ``_hooks``, which says what each is for.

Every start imports all readers, to ask what they claim and which versions they are. So a package that reads with much
keeps that in ``_reading``, and imports it where it is called.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias, cast

from explorer.model import Row
from explorer.model import Rows as Rows
from explorer.readers._hooks import Companions, Links, Messages, PartOf, Places, Record, Settle, Shares

HEAD_BYTES = 1 << 16
"""How much of a file ``claims`` gets to see."""

MESSAGE_CHARACTERS = 1 << 16
"""How much of a message's text is read at most: more than anybody reads on a screen, less than an inlined image."""

MessageRole: TypeAlias = Literal["system", "developer", "user", "assistant", "tool", "agent"]
MessageKind: TypeAlias = Literal["text", "reasoning", "tool_call", "tool_result", "image", "other"]


class SourceFile(NamedTuple):
    """A source to read."""

    path: Path
    source_id: str
    """Path relative to the opened directory, as text; the root of every key."""
    facts: Mapping[str, str] = {}
    """What ``settle`` found to be true of the corpus; empty at first."""
    share: tuple[int, int] = (0, 1)
    """Which part of it to read, from 0, and of how many."""
    parts: Sequence[tuple[Path, str]] = ()
    """The other sources that its ``links`` lead to, path and source_id, in the order of the walk."""
    growing: bool = False
    """Whether it is being written, and will be read again soon: a reader may keep what lets it go on from the end."""


class Place(NamedTuple):
    """Whose messages are wanted: those of a run, up to one of its steps."""

    conversation_id: str
    agent_id: str
    run_id: str
    native_run_id: str | None
    steps: Sequence[StepPlace]
    """The steps of the run in order."""
    until: int | None = None
    """Ordinal of the step whose prompt and answer are the end; None for the whole run."""
    extra: str | None = None
    """What the reader noted with the run, as JSON."""
    calls: Sequence[CallPlace] = ()
    """The tool calls of the run in order."""


class CallPlace(NamedTuple):
    """A tool call, and the step that asked for it."""

    step_ordinal: int | None
    call_id: str | None
    name: str | None
    is_error: bool | None


class StepPlace(NamedTuple):
    """Where a step stands in its source."""

    ordinal: int
    source_id: str
    offset: int | None
    length: int | None
    is_replay: bool
    extra: str | None = None
    """What the reader noted with it, as JSON."""


class Message(NamedTuple):
    """One part of a conversation: what somebody said, thought, asked of a tool or got from it."""

    role: MessageRole
    kind: MessageKind
    text: str
    """The text itself, of a tool call its arguments; at most ``MESSAGE_CHARACTERS``. Empty for what is no text."""
    characters: int
    """How long the whole text is."""
    name: str | None = None
    """Of a tool call or result the tool, of a message between agents who it is from and to."""
    call_id: str | None = None
    """By which a call and its result find each other."""
    step_ordinal: int | None = None
    """The step of the run that wrote it; None for what came with the prompt."""
    is_error: bool = False
    note: str | None = None
    """What must be known of it: encrypted, left out by the recorder, copied from another run's history."""

    @classmethod
    def of(
        cls, role: MessageRole, kind: MessageKind, text: str, name: str | None = None, call_id: str | None = None,
        step_ordinal: int | None = None, is_error: bool = False, note: str | None = None,
    ) -> Message:  # fmt: skip
        """A message of a whole text, of which no more is kept than anybody reads."""
        cut = text[:MESSAGE_CHARACTERS]
        return cls(role, kind, cut, len(text), name, call_id, step_ordinal, is_error, note)


class Report(NamedTuple):
    """What reading a source told beyond its rows; yielded once, last."""

    bad_records: int
    """Records that could not be read; findings say where, up to a limit."""
    assumed: Mapping[str, str] = {}
    """The corpus facts under which the source was read; empty when none of them matters to it."""
    votes: Sequence[tuple[str, float, float]] = ()
    """Measurements for ``settle``, in the reader's own terms."""
    bad_of_parts: Mapping[str, int] = {}
    """Bad records of ``source.parts``, by source_id; those of the source itself are ``bad_records``."""
    aside: str | None = None
    """Why there is nothing in it to show, of a file that a recorder leaves beside its recordings."""


class Reader(Protocol):
    """What a reader module offers."""

    NAME: str
    VERSION: int
    SELF_CONTAINED: bool

    def claims(self, path: Path, head: bytes | None) -> bool:
        """Whether this source is of the reader's format."""

    def read(self, source: SourceFile) -> Iterator[Row | Rows | Report]:
        """The rows of one source."""


class AmbiguousFormat(Exception):
    """Two readers claim one source: a bug in a reader's ``claims``."""


@cache
def readers() -> dict[str, Reader]:
    """Every reader module by its NAME. One that fails to import fails loudly."""
    modules = (
        importlib.import_module(f"{__name__}.{module.name}")
        for module in pkgutil.iter_modules(__path__)
        if not module.name.startswith("_")
    )
    return {reader.NAME: reader for reader in map(lambda module: cast(Reader, module), modules)}


@cache
def reader_of(name: str) -> Reader:
    """The reader of a NAME, without importing the others: a module is called like its format."""
    return cast(Reader, importlib.import_module(f"{__name__}.{name.replace('-', '_')}"))


def claim(path: Path, head: bytes | None) -> Reader | None:
    """The one reader whose format this is.

    Raises:
        AmbiguousFormat: more than one reader claims it.
    """
    asked = (reader for reader in readers().values() if head is not None or "OF_DIRECTORIES" in vars(reader))
    claimants = [reader for reader in asked if reader.claims(path, head)]
    if len(claimants) > 1:
        raise AmbiguousFormat(f"{path}: claimed by {', '.join(reader.NAME for reader in claimants)}")
    return claimants[0] if claimants else None


def part_of(path: Path) -> tuple[Reader, Path] | None:
    """The reader and the file that a companion is read with; None for a file that stands for itself."""
    for reader in readers().values():
        whole: PartOf | None = _offered(reader, "part_of")
        if whole is not None and (found := whole(path)) is not None:
            return reader, found
    return None


def _offered(reader: Reader, name: str) -> Any:
    """The function of ``_hooks`` by this name; None where a reader has none."""
    return vars(reader).get(name)  # not getattr: a module is slow to say that it has no attribute


def has_companions(reader: Reader) -> bool:
    """Whether sources of this format may be read with others; no for most."""
    return _offered(reader, "companions") is not None


def companions(reader: Reader, path: Path) -> Sequence[Path]:
    """What is read with a source; nothing for most formats."""
    further: Companions | None = _offered(reader, "companions")
    return further(path) if further is not None else ()


def shares(reader: Reader, path: Path) -> int:
    """How many parts a source is read in; one for most formats, and where it cannot be told: reading it says why."""
    divide: Shares | None = _offered(reader, "shares")
    with suppress(Exception):
        return max(1, divide(path)) if divide is not None else 1
    return 1


def links(reader: Reader, path: Path, head: bytes | None) -> Sequence[str]:
    """The ids by which a source belongs with others; none for most formats."""
    ids: Links | None = _offered(reader, "links")
    return ids(path, head) if ids is not None else ()


def messages(reader: Reader, files: Mapping[str, Path], place: Place) -> Iterator[Message] | None:
    """What was said in a run; None for formats that record no text.

    Raises:
        OSError: the sources are not there any more.
    """
    tell: Messages | None = _offered(reader, "messages")
    return _up_to(tell(files, place), place.until) if tell is not None else None


def _up_to(messages: Iterator[Message], step: int | None) -> Iterator[Message]:
    """The messages up to the last that a step wrote: what came of its calls is of the next one's prompt."""
    reached = False
    for message in messages:
        is_own = step is not None and message.step_ordinal == step
        if reached and not is_own:
            return
        reached = is_own
        yield message


def places(reader: Reader, environment: Mapping[str, str], home: Path) -> Sequence[Path]:
    """Where a recorder keeps its recordings; nowhere in particular for formats that are passed around."""
    usual: Places | None = _offered(reader, "places")
    return usual(environment, home) if usual is not None else ()


def settle(reader: Reader, votes: Sequence[tuple[str, float, float]]) -> dict[str, str]:
    """The corpus facts of a format; empty for formats that need none."""
    decide: Settle | None = _offered(reader, "settle")
    return decide(votes) if decide is not None and votes else {}


def recorded(reader: Reader, path: Path, offset: int, length: int, limit: int) -> bytes | None:
    """The recorded text at a place as at most ``limit`` bytes; None where that is a place in the file's bytes.

    Raises:
        OSError: it cannot be had.
    """
    tell: Record | None = _offered(reader, "record")
    return tell(path, offset, length, limit) if tell is not None else None


def no_text(reader: Reader) -> str:
    """What a format without messages has in the place of these."""
    words: str | None = _offered(reader, "NO_TEXT")
    return words or f"The text of {reader.NAME} traces is not shown"
