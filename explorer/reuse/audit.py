"""How block ids are numbered: first appearance in three orders, density, chaining, coverage of the tail.

An id stands for a whole prefix when it has one position and one predecessor everywhere ("chained"). Builders number
ids by first appearance; the order in which that is perfect tells how the file was built, and a restart of the numbers
inside a file tells that namespaces were mixed.
"""

from __future__ import annotations

from explorer.model import NamespaceAudit
from explorer.reuse.calls import Call, Lineage
from explorer.reuse.intervals import IntervalSet
from explorer.reuse.numbering import Numbering, numbering


def audit(
    conversation_id: str,
    scope: str | None,
    calls: list[Call],
    started: list[Call],
    lineage: Lineage,
    by_time: Numbering,
    ids: IntervalSet,
    chained: bool,
    hits: tuple[int, int],
) -> NamespaceAudit:
    """The numbering facts of one conversation.

    ``calls`` are in the order of the record, ``started`` in order of start, which gave the numbering ``by_time`` and
    the distinct ``ids``. ``chained`` is a fact of the whole namespace. ``hits`` are by ids and by whole prefixes.
    """
    document = [call.stretches for call in calls]
    in_turn = all(a is b for a, b in zip(calls, started, strict=True))
    by_document = by_time if in_turn else numbering(document)
    roots = [c.stretches for c in calls if lineage.parent_run.get(c.run_id) is None]
    below = [c.stretches for c in calls if lineage.parent_run.get(c.run_id) is not None]
    by_parent = numbering(roots + below) if below else by_document
    return NamespaceAudit(
        conversation_id,
        calls[0].namespace,
        scope,
        calls[0].block_tokens,
        ids.starts[0] if ids.starts else None,
        len(ids),
        len(ids.starts) <= 1,
        chained,
        hits[0],
        hits[1],
        coverage(calls),
        *by_document.facts,
        *by_parent.facts,
        *by_time.facts,
    )


def coverage(calls: list[Call]) -> str | None:
    """How the number of blocks follows from the input tokens: only whole blocks, or the last one in part."""
    kinds = {"exact", "floor", "ceil"}
    known = False
    for call in calls:
        if call.input_tokens is None or not call.block_tokens:
            continue
        known = True
        rest = call.input_tokens - call.blocks * call.block_tokens
        if rest:
            kinds.discard("exact")
        if not 0 <= rest < call.block_tokens:
            kinds.discard("floor")
        if not -call.block_tokens < rest <= 0:
            kinds.discard("ceil")
    if not known:
        return None
    return next((kind for kind in ("exact", "floor", "ceil") if kind in kinds), "mixed")
