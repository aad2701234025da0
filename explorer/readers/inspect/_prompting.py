"""Prompts that are told by their place in a pool of messages, most of which go on from the one before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from explorer.readers._prompts import Prompt, PromptParts, Stretch
from explorer.readers.inspect._noted import Reference


@dataclass(slots=True)
class _Told:
    opening: Sequence[int]
    references: Sequence[Reference]
    prompt: Prompt


class Prompting:
    """Makes the prompts of one sample: of each, what the one before it in its span did not have."""

    def __init__(self, parts: PromptParts, pool: Sequence[int]) -> None:
        self._parts, self._pool = parts, pool
        self._latest: dict[str | None, _Told] = {}

    def stretches(
        self, span_id: str | None, opening: Sequence[int], references: Sequence[Reference]
    ) -> list[Stretch] | None:
        """The blocks of a prompt; None where the pool does not have all of its messages."""
        if any(last > len(self._pool) for _, last in references):
            return None
        known = self._latest.get(span_id)
        more = behind(known.references, references) if known is not None and known.opening == opening else None
        if known is None or more is None:
            known, more = _Told(opening, (), Prompt(self._parts)), list(references)
            for part in opening:
                known.prompt.add(part)
        known.references = references
        for first, last in more:
            for part in self._pool[first:last]:
                known.prompt.add(part)
        self._latest[span_id] = known
        return known.prompt.stretches()


def behind(before: Sequence[Reference], now: Sequence[Reference]) -> list[Reference] | None:
    """What the second has behind the first; None unless it begins with all of it."""
    if not before:
        return [*now]
    end = len(before) - 1
    if len(now) < len(before) or list(now[:end]) != list(before[:end]):
        return None
    (first, last), (begins, ends) = before[end], now[end]
    if first != begins or ends < last:
        return None
    return [(last, ends), *now[len(before) :]]
