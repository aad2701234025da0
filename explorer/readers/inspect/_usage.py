"""Usage of a model, as Inspect records it: the input without what came from or went to the provider's cache."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from explorer.model import Grade
from explorer.readers._drafts import NO_USAGE, Tokens
from explorer.readers._values import Fields


class Usage(NamedTuple):
    """The figures, how sure they are, and what is wrong with them."""

    tokens: Tokens
    grade: Grade
    complaints: list[str]


def usage(recorded: object) -> Usage:
    """The usage of a call.

    Its ``total_tokens`` tell whether the input is without the cache, as it should be; older logs of some providers had
    it all in ``input_tokens``.
    """
    if not isinstance(recorded, Mapping):
        complaint = [] if recorded is None else ["usage is no object: counted as not recorded"]
        return Usage(NO_USAGE, "not_recorded", complaint)
    fields = Fields({**recorded})
    fresh, output = fields.count("input_tokens", 10**15), fields.count("output_tokens", 10**15)
    read, write = (fields.count(f"input_tokens_cache_{kind}", 10**15) for kind in ("read", "write"))
    total, reasoning = fields.count("total_tokens", 10**15), fields.count("reasoning_tokens", 10**15)
    if fresh is None and output is None:
        return Usage(NO_USAGE, "not_recorded", fields.complaints)
    cached = (read or 0) + (write or 0)
    inclusive = None if fresh is None else fresh + cached
    grade: Grade = "exact"
    if total is not None and fresh is not None and cached and total != fresh + cached + (output or 0):
        if total == fresh + (output or 0) and fresh >= cached:
            inclusive, grade = fresh, "derived"
        else:
            grade = "ambiguous"
            ours = fresh + cached + (output or 0)
            fields.complaints.append(f"total_tokens is {total:,}, its parts add up to {ours:,}: kept as recorded")
    return Usage(Tokens(inclusive, read, write, output, reasoning), grade, fields.complaints)


def summed(recorded: object) -> Tokens | None:
    """The sum over models of ``model_usage``; None where there is none."""
    if not isinstance(recorded, Mapping) or not recorded:
        return None
    return total(usage(each).tokens for each in recorded.values())


def total(every: Iterable[Tokens]) -> Tokens:
    """Sums of what is recorded; None of what none has."""
    columns = zip(*every, strict=True)
    sums = [sum(each for each in column if each is not None) if any(each is not None for each in column) else None
            for column in columns]  # fmt: skip
    return Tokens(*sums)
