"""Tokens by the growth of a cumulative counter, which is sent again, restarted, and begun at somebody else's total.

Format: openai/codex codex-rs/core/src/session/mod.rs, protocol.rs ``TokenUsageInfo`` @b3cc2173. The last usage that
each count repeats is never added up: the same one is sent several times.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from operator import sub
from typing import Literal, NamedTuple, TypeAlias

from explorer.model import Grade
from explorer.readers._values import Fields
from explorer.readers.codex._draft import Usage

MOST_TOKENS = 10**13
"""Tokens of a thread above which a counter is none."""

_FIELDS = (
    "input_tokens", "cached_input_tokens", "cache_write_input_tokens", "output_tokens", "reasoning_output_tokens",
)  # fmt: skip

Pair: TypeAlias = tuple[Usage, Usage | None]
"""A total and the last usage sent with it."""

How: TypeAlias = Literal["once", "merged", "restarted", "begun"]
"""One call; several, or one whose count was lost before; a counter that went back; one that did not begin at 0."""


class Growth(NamedTuple):
    """What a count adds."""

    usage: Usage
    how: How
    grade: Grade
    last: Usage | None
    """Of the calls in it the last one's, where it is only a part."""


def usage_of(value: object, complaints: list[str]) -> Usage | None:
    """A recorded usage; None when it is none."""
    if not isinstance(value, dict):
        return None
    plain = Usage(*map(value.get, _FIELDS))
    if all(type(count) is int and 0 <= count <= MOST_TOKENS for count in plain):
        return plain
    fields = Fields(dict(value))
    usage = Usage(*(fields.count(name, MOST_TOKENS) for name in _FIELDS))
    complaints.extend(fields.complaints)
    return usage


def is_real(usage: Usage | None) -> bool:
    """Whether it counts a call: an estimate has a total alone."""
    return usage is not None and any(usage)


@dataclass(slots=True)
class Counter:
    """The counter of one thread, or of a prefix that was copied into its file."""

    at: Usage | None = None
    """Its total so far; at first, that of the last count that was copied."""
    seeded: bool = False
    """Whether it may begin at the total of another thread, or of an earlier file."""
    of_source: Container[Pair] | None = None
    """The counts of that other file, one of which may be sent again first; None where it is not there."""
    counts: int = 0
    restarts: list[str] = field(default_factory=list)

    def take(self, total: Usage, last: Usage | None, answered: bool = True) -> Growth | None:
        """A count with what it adds; None when it is nothing.

        ``answered``: whether the model has said anything in the lines of the thread's own before it.
        """
        first, before = not self.counts, self.at
        self.counts += 1
        self.at = total
        if first and self.seeded and (self._is_sent_again(total, last) or (before is None and not answered)):
            return None
        if before is None:
            return self._begin(total, last)
        if total == before:
            return None
        grown = _minus(total, before)
        if not any(grown):
            return None
        if min(filter(None, grown)) < 0:
            return self._restart(total, last)
        if last is None or not is_real(last):
            return Growth(grown, "once", "derived", None)
        if _same(grown, last):
            return Growth(grown, "once", "derived", None)
        if first:  # it did not go on from the count that was copied
            return Growth(last, "begun", "ambiguous", None)
        if any(value < 0 for value in _minus(grown, last) if value):  # it went back, and has passed where it was
            return self._restart(total, last) if _same(total, last) else Growth(grown, "merged", "ambiguous", None)
        return Growth(grown, "merged", "derived", last)

    def _is_sent_again(self, total: Usage, last: Usage | None) -> bool:
        return self.of_source is not None and (total, last) in self.of_source

    def _begin(self, total: Usage, last: Usage | None) -> Growth | None:
        """The first count: what it says that came before is not of these lines."""
        if last is None or not is_real(last):
            return None
        unsure = self.seeded and self.of_source is None
        if _same(total, last):
            return Growth(last, "once", "ambiguous" if unsure else "derived", None)
        return Growth(last, "begun", "derived" if self.seeded and not unsure else "ambiguous", None)

    def _restart(self, total: Usage, last: Usage | None) -> Growth | None:
        if not any(total):
            self.restarts.append("to 0, when the context was full")
            return None
        self.restarts.append("from 0" if last and _same(total, last) else "to a lower total")
        if last is None or not is_real(last):
            return None
        return Growth(last, "restarted", "derived" if _same(total, last) else "ambiguous", None)


def minus(left: Usage, right: Usage) -> Usage:
    """The difference, where the figure is recorded at all."""
    return Usage(*_minus(left, right))


def _minus(left: Usage, right: Usage) -> Usage:
    if None not in left and None not in right:
        return Usage(*map(sub, left, right))
    return Usage(*(
        None if one is None and other is None else (one or 0) - (other or 0)
        for one, other in zip(left, right, strict=True)
    ))  # fmt: skip


def _same(left: Usage, right: Usage) -> bool:
    return left == right or not any(_minus(left, right))
