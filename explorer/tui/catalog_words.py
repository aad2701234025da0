"""The list beside a query: questions that are ready, those asked before, and what can be asked, with its columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from rich.cells import cell_len

from explorer.tui.text import crop, fit
from explorer.tui.widgets.sheet import Row

if TYPE_CHECKING:
    from explorer.store.queries import Field, Ready, Relation

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
Choosable: TypeAlias = tuple[Row, Item]


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
    sought: str = ""
    """Words that all must be in what is listed: in its name, or in what is said of it."""

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
        """The list, for a width, or what is sought of it."""
        sections = [
            (f"About {self.whose}", [_question(each, width) for each in self.about]),
            ("About everything", [_question(each, width) for each in self.ready]),
            ("Asked before", [_asked(query, width) for query in reversed(self.asked[-_LATEST:])]),
        ]
        shown = [(title, [line for line in lines if self._is_sought(line[1])]) for title, lines in sections]
        for kind, title in _KINDS.items():
            of_kind = (self._relation(each, width) for each in self.relations if each.kind == kind)
            shown.append((title, [line for lines in of_kind for line in lines]))
        shown = [(title, lines) for title, lines in shown if lines]
        for number, (title, lines) in enumerate(shown):
            if number:
                yield [], None
            yield [(crop(title, width), "title")], None
            yield from lines
        if not shown:
            yield [(crop("nothing has these words", width), "note")], None

    def _is_sought(self, item: Item) -> bool:
        return all(word in item.tells.lower() for word in self.sought.lower().split())

    def _relation(self, relation: Relation, width: int) -> list[Choosable]:
        """Its line, and those of its columns while it is open, or of what is sought among them."""
        sought = bool(self.sought.strip())
        is_open = relation.name in self.opened or sought
        mark = "▾ " if is_open else "▸ " if relation.fields else "  "
        way_on = (
            "" if not relation.fields or sought else " ← hides its columns." if is_open else " → shows its columns."
        )
        line = Item("read", relation.call, f"{relation.name}. {relation.note}{way_on}", relation.name)
        fields = [_field(relation.name, each, width) for each in relation.fields] if is_open else []
        fields = [each for each in fields if self._is_sought(each[1])]
        return (
            [([(crop(mark + relation.name, width), "plain")], line), *fields] if fields or self._is_sought(line) else []
        )


def _field(relation: str, each: Field, width: int) -> Choosable:
    kind = _TYPES.get(each.type, each.type.lower())
    name = fit(f"    {each.name}", max(0, width - cell_len(kind) - 1))
    tells = f"{relation}.{each.name}, {each.type}. {each.note}"
    return [(name + " ", "plain"), (kind, "note")], Item("name", each.name, tells, relation)


def _question(question: Ready, width: int) -> Choosable:
    text = crop(f"  {question.title}", width)
    return [(text, "plain")], Item("ask", question.query, f"{question.title} {question.note}")


def _asked(query: str, width: int) -> Choosable:
    return [(crop("  " + " ".join(query.split()), width), "plain")], Item("ask", query, query)
