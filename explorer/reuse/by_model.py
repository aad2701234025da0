"""Reuse where a cache serves each model by itself, as a server does: blocks of one model are nothing to another.

The rows are tuples in the order of the columns of their table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from explorer.reuse.attribution import Attribution
from explorer.reuse.calls import Lineage
from explorer.reuse.streaks import Streak

ModelRow: TypeAlias = tuple[str, int, str | None, int, int, int, int, int | None, int, int | None]
"""``model.ModelReuse`` as a tuple."""


def by_model(arrived: Iterable[Streak], lineage: Lineage) -> Iterator[ModelRow]:
    """The rows of one namespace, whose calls are given in order of arrival."""
    caches: dict[str | None, Attribution] = {}
    for streak in arrived:
        model = streak.calls[0].model
        if model not in caches:
            caches[model] = Attribution(lineage)
        for row in caches[model].add_all(streak):
            run, ordinal, _, own, ancestor, sibling, other, _, t1, t2, t3, t4, c1, c2, c3, c4, u1, u2, u3, u4 = row
            tokens, causal_tokens = _sum(t1, t2, t3, t4), _sum(u1, u2, u3, u4)
            yield run, ordinal, model, own, ancestor, sibling, other, tokens, c1 + c2 + c3 + c4, causal_tokens


def _sum(*tokens: int | None) -> int | None:
    known = [count for count in tokens if count is not None]
    return sum(known) if len(known) == len(tokens) else None
