"""Sources that are one trace: their reader's links lead from each to the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from explorer.store.ingest.cache import Entry
from explorer.store.ingest.walk import Found


class Linked(NamedTuple):
    """A source that may belong with others."""

    found: Found
    reader: str
    links: Sequence[str]
    entry: Entry | None
    """Of its last reading, if it has not changed since."""


class Group(NamedTuple):
    """Sources that are read as one, in the order of the walk; the first stands for all of them."""

    members: Sequence[Linked]

    @property
    def whole(self) -> Linked:
        """The first."""
        return self.members[0]

    @property
    def parts(self) -> Sequence[Found]:
        """The others."""
        return [member.found for member in self.members[1:]]

    def is_as_it_was(self) -> bool:
        """Whether the same sources have been read together before, and none has changed."""
        whole, parts = self.whole, [part.source_id for part in self.parts]
        return (
            whole.entry is not None
            and whole.entry.whole is None
            and list(whole.entry.parts) == parts
            and all(member.entry and member.entry.whole == whole.found.source_id for member in self.members[1:])
        )


def groups(linked: Iterable[Linked], order: Mapping[str, int]) -> list[Group]:
    """Sources of one reader that have a link in common, directly or over others; ``order`` is that of the walk."""
    group_of: dict[tuple[str, str], list[Linked]] = {}
    for source in linked:
        keys = [(source.reader, link) for link in source.links]
        touched = {id(group_of[key]): group_of[key] for key in keys if key in group_of}
        merged, *smaller = sorted((*touched.values(), []), key=len, reverse=True)
        joining = [source, *chain.from_iterable(smaller)]
        merged.extend(joining)
        group_of.update(((each.reader, link), merged) for each in joining for link in each.links)
    found = {id(members): members for members in group_of.values()}.values()
    return [Group(sorted(members, key=lambda each: order[each.found.source_id])) for members in found]
