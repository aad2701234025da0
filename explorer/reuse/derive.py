"""Everything that is stored about the reuse of a namespace, from its calls."""

from __future__ import annotations

from collections.abc import Iterator

from explorer.model import NamespaceAudit, RunFootprint, SiblingPair, StepReuse
from explorer.reuse.attribution import attribute
from explorer.reuse.audit import audit
from explorer.reuse.calls import Call, Lineage, by_start
from explorer.reuse.sharing import share


def derive(
    conversations: dict[str, list[Call]], scopes: dict[str, str | None], lineage: Lineage
) -> Iterator[StepReuse | RunFootprint | SiblingPair | NamespaceAudit]:
    """The rows of one namespace.

    ``conversations`` holds the calls of each conversation in it, in the order of the record. Without a common clock,
    several conversations are laid over each other with their starts at 0.
    """
    calls = [call for recorded in conversations.values() for call in recorded]
    yield from attribute(by_start(calls), lineage)
    yield from share(calls, lineage)
    for conversation_id, recorded in conversations.items():
        yield audit(conversation_id, scopes.get(conversation_id), recorded, lineage)
