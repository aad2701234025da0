"""The whole prompt of every model call of a bundle, and the letters that reach an agent in it.

Over HTTP a request holds its whole input. Over a websocket it holds what is new, and names the answer that it goes on
from: then the prompt is the input and the output of that call, and what is new. Instructions and tools are the first
parts of every prompt; a call that goes on from another one with other instructions or tools is counted anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from explorer.readers._outlines import outlines
from explorer.readers._prompts import Prompt, PromptParts, Stretch
from explorer.readers.codex._draft import Where
from explorer.readers.codex._items import Letter, fingerprint, is_known, kind_of, letter_of
from explorer.readers.codex._json import Record, inner, text
from explorer.readers.codex._ledger import Ledger
from explorer.readers.codex._log import Entry
from explorer.readers.codex._payloads import place_in

_THOUGHT = ("content", "summary", "encrypted_content")


_AGENTS_AT_ONCE = 8
"""Agents of which the prompt before is kept."""

_KEPT_BYTES = 8 << 20
"""Bytes of the longest request of which it is."""


class Sighting(NamedTuple):
    """A letter in an agent's prompt, where it is seen for the first time."""

    thread_id: str
    turn_id: str | None
    at: int | None
    letter: Letter
    where: Where


@dataclass(slots=True, eq=False)
class Seen:
    """A prompt, as far as others go on from it."""

    head: tuple[int, ...]
    """Instructions and tools."""
    base: Seen | None
    """What it goes on from."""
    added: list[int]
    """The parts behind that."""
    stretches: list[Stretch] = field(default_factory=list)

    def parts(self) -> list[int]:
        """All parts but for the head."""
        links: list[Seen] = []
        link: Seen | None = self
        while link is not None:
            links.append(link)
            link = link.base
        return [part for link in reversed(links) for part in link.added]

    def letters_like(self, part: int) -> int:
        """How often a part is in it."""
        return sum(link.added.count(part) for link in self._chain())

    def _chain(self) -> Iterator[Seen]:
        link: Seen | None = self
        while link is not None:
            yield link
            link = link.base


class Requests:
    """The requests of one bundle, in the order of its log."""

    def __init__(self, ledger: Ledger, parts: PromptParts) -> None:
        self._ledger = ledger
        self._parts = parts
        self._answered: dict[tuple[str, str], Seen] = {}
        self._letters: dict[str, Counter[int]] = {}
        self._last: dict[str, tuple[list[object], Seen]] = {}  # the whole prompt before, of agents at work
        self._unknown: set[str | None] = set()
        self.sightings: list[Sighting] = []

    def asked(self, entry: Entry, thread_id: str, turn_id: str | None, raw: bytes | None) -> tuple[Record, Seen | None]:
        """A request, and its prompt where all of it is recorded."""
        reference = inner(entry.fields, "request_payload")
        request = self._ledger.parsed(entry, raw, reference)
        if raw is None or request is None:
            return {}, None
        items = request.get("input")
        if not isinstance(items, list):
            self._ledger.remark("bad-record", "error", f"{text(reference, 'path')}: no list of input", entry)
            return request, None
        before, is_whole = self._before(entry, thread_id, request)
        known = 0
        if before is None and is_whole:
            before, known = self._again(thread_id, items)
        new = items[known:]
        self._check(entry, new)
        head = tuple(fingerprint([name, request[name]]) for name in ("instructions", "tools") if request.get(name))
        seen = Seen(head, before, [fingerprint(item) for item in new])
        self._note_letters(entry, raw, (thread_id, turn_id), known, new, seen)
        if not is_whole:
            return request, None
        self._number(seen)
        if text(request, "previous_response_id") is None and len(raw) <= _KEPT_BYTES:
            self._last[thread_id] = items, seen
        return request, seen

    def _again(self, thread_id: str, items: list[object]) -> tuple[Seen | None, int]:
        """The whole prompt before, if this one begins with all of it: only what is new is looked at then."""
        last = self._last.pop(thread_id, None)
        if len(self._last) >= _AGENTS_AT_ONCE:
            self._last.pop(next(iter(self._last)))
        if last is not None and items[: len(last[0])] == last[0]:
            return last[1], len(last[0])
        return None, 0

    def answered(
        self, entry: Entry, thread_id: str, response_id: str | None, seen: Seen | None, items: list[object]
    ) -> None:
        """An answer that further requests may go on from."""
        self._check(entry, items)
        if seen is not None and response_id is not None:
            answer = Seen(seen.head, seen, [fingerprint(item) for item in items])
            self._number(answer)
            self._answered[thread_id, response_id] = answer

    def _before(self, entry: Entry, thread_id: str, request: Record) -> tuple[Seen | None, bool]:
        """What a request goes on from, and whether that is known."""
        mode = inner(entry.fields, "request_input_mode")
        response_id = text(request, "previous_response_id") or text(mode, "previous_response_id")
        if response_id is None:
            return None, True
        known = self._answered.get((thread_id, response_id))
        if known is None and "prefix_payload" in mode:
            prefix = self._ledger.payload(entry._replace(fields=mode), "prefix_payload")
            items = prefix.get("input") if prefix else None
            if isinstance(items, list):
                known = Seen((), None, [fingerprint(item) for item in items])
                self._number(known)
        if known is None:
            message = f"it goes on from answer {response_id}, which is not known of this agent"
            self._ledger.remark("partial-prompt", "warning", message, entry, thread_id)
        return known, known is not None

    def _number(self, seen: Seen) -> None:
        prompt = Prompt(self._parts)
        if seen.base is not None and seen.base.head == seen.head:
            prompt = Prompt(self._parts, seen.base.stretches)
            added: Sequence[int] = seen.added
        else:
            added = [*seen.head, *seen.parts()]
        for part in added:
            prompt.add(part)
        seen.stretches = prompt.stretches()

    def _note_letters(
        self, entry: Entry, raw: bytes, whose: tuple[str, str | None], first: int, items: list[object], seen: Seen
    ) -> None:
        """Sight the letters that had not been in a prompt of this agent before; ``items`` begin at index ``first``."""
        thread_id, turn_id = whose
        known = self._letters.setdefault(thread_id, Counter())
        spans: Sequence[tuple[int, int]] | None = None
        for index, item in enumerate(items):
            letter = letter_of(item)
            if letter is None:
                continue
            part = seen.added[index]
            before = seen.base.letters_like(part) if seen.base is not None else 0
            here = before + seen.added[: index + 1].count(part)
            if here > known[part]:
                known[part] = here
                spans = _spans(raw) if spans is None else spans
                place = first + index
                where = _place(entry, spans[place] if place < len(spans) else None)
                self.sightings.append(Sighting(thread_id, turn_id, entry.at, letter, where))

    def _check(self, entry: Entry, items: list[object]) -> None:
        for item in items:
            kind = kind_of(item)
            if not is_known(item) and kind not in self._unknown:
                self._unknown.add(kind)
                message = f"items of type {kind!r} are kept as parts of prompts and shown as they stand"
                self._ledger.remark("unknown-kind", "info", message, entry)
            elif kind == "reasoning" and isinstance(item, dict) and not any(map(item.get, _THOUGHT)):
                message = "reasoning without content, summary or encrypted content"
                self._ledger.remark("bad-field", "warning", message, entry)


def _spans(raw: bytes) -> list[tuple[int, int]]:
    """Where each item of the input stands in a request."""
    for outline in outlines(raw, "input"):
        if outline.has_array:
            return [outline.span(index) for index in range(len(outline))]
    return []


def _place(entry: Entry, span: tuple[int, int] | None) -> Where:
    """The place of an item of a request; that of its line, where it has none of its own."""
    offset = place_in(inner(entry.fields, "request_payload"), span[0]) if span else None
    if span is None or offset is None:
        return entry.where
    return Where(entry.where.source_id, offset, span[1] - span[0], entry.where.line)
