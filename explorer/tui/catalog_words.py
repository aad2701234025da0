"""The list beside a query: questions that are ready, those asked before, and what can be asked, with its columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from rich.cells import cell_len

from explorer.tui.text import clean, crop, fit
from explorer.tui.widgets.sheet import Row

if TYPE_CHECKING:
    from explorer.store.queries import Ready, Relation

Does: TypeAlias = Literal["ask", "read", "name"]
"""What enter does: ask a query, ask for the first rows of a relation or write its name, write a name."""

_KINDS = {
    "view": "Views: sums, and what is derived",
    "table": "Tables: what is recorded",
    "function": "Functions of caches and blocks",
}
_TYPES = {
    "VARCHAR": "text", "BIGINT": "int", "UBIGINT": "uint", "DOUBLE": "float", "BOOLEAN": "bool", "TIMESTAMP": "time",
}  # fmt: skip


_LATEST = 12
"""Queries asked before that are listed; ctrl+↑ brings back all."""


class Item(NamedTuple):
    """A line that can be chosen."""

    does: Does
    text: str
    """The query, or the name."""
    tells: str
    """What it is, in sentences."""
    relation: str | None = None
    """The relation of which it is the line, to open it."""


Line: TypeAlias = tuple[Row, Item | None]


@dataclass(slots=True)
class Shelf:
    """All there is to choose, and which relations show their columns."""

    about: Sequence[Ready]
    whose: str
    """What the first questions are about."""
    ready: Sequence[Ready]
    asked: Sequence[str] = ()
    """The latest last."""
    relations: Sequence[Relation] = ()
    opened: set[str] = field(default_factory=set)

    def toggle(self, relation: str, is_open: bool) -> bool:
        """Show the columns of a relation, or hide them; whether that changed anything."""
        changed = is_open is not (relation in self.opened)
        if changed:
            self.opened ^= {relation}
        return changed

    @property
    def names(self) -> list[str]:
        """What words are completed to: relations, then columns, those of totals first; each once."""
        relations = [relation.name for relation in self.relations]
        return list(dict.fromkeys([*relations, *(each.name for of in self.relations for each in of.fields)]))

    def lines(self, width: int) -> Iterator[Line]:
        """The list, for a width."""
        yield from _questions(f"About {self.whose}", self.about, width)
        yield [], None
        yield from _questions("About everything", self.ready, width)
        if self.asked:
            yield [], None
            yield [("Asked before", "title")], None
            for query in reversed(self.asked[-_LATEST:]):
                yield [(crop("  " + " ".join(query.split()), width), "plain")], Item("ask", query, query)
        for kind, title in _KINDS.items():
            relations = [relation for relation in self.relations if relation.kind == kind]
            if relations:
                yield [], None
                yield [(crop(title, width), "title")], None
            for relation in relations:
                yield from self._relation(relation, width)

    def _relation(self, relation: Relation, width: int) -> Iterator[Line]:
        is_open = relation.name in self.opened
        mark = "▾ " if is_open else "▸ " if relation.fields else "  "
        way_on = "" if not relation.fields else " ← hides its columns." if is_open else " → shows its columns."
        tells = f"{relation.name}. {relation.note}{way_on}"
        yield [(crop(mark + relation.name, width), "plain")], Item("read", relation.call, tells, relation.name)
        if is_open:
            for each in relation.fields:
                kind = _TYPES.get(each.type, each.type.lower())
                name = fit(f"    {each.name}", max(0, width - cell_len(kind) - 1))
                tells = f"{relation.name}.{each.name}, {each.type}. {each.note}"
                yield [(name + " ", "plain"), (kind, "note")], Item("name", each.name, tells, relation.name)


def _questions(title: str, questions: Sequence[Ready], width: int) -> Iterator[Line]:
    yield [(crop(title, width), "title")], None
    for each in questions:
        yield [(crop("  " + clean(each.title), width), "plain")], Item("ask", each.query, f"{each.title} {each.note}")
