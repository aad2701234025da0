"""Many rows at once, as columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from itertools import repeat
from typing import Any, NamedTuple

from explorer.model._tables import ALL_TABLES, Row


class Repeated(Sequence[object]):
    """A column of one value: it takes no longer to make, to send and to write the more rows it has."""

    __slots__ = ("rows", "value")

    def __init__(self, value: object, rows: int) -> None:
        self.value = value
        self.rows = rows

    def __len__(self) -> int:
        return self.rows

    def __getitem__(self, index: Any) -> Any:
        places = range(self.rows)[index]
        return self.value if isinstance(places, int) else Repeated(self.value, len(places))

    def __iter__(self) -> Iterator[object]:
        return repeat(self.value, self.rows)

    def __reduce__(self) -> tuple[type[Repeated], tuple[object, int]]:
        return Repeated, (self.value, self.rows)


def joined(pieces: Sequence[Sequence[object]]) -> Sequence[object]:
    """The pieces of a column, at least one, one behind the other."""
    first = pieces[0]
    if isinstance(first, Repeated) and all(isinstance(each, Repeated) and _same(each, first) for each in pieces):
        return Repeated(first.value, sum(map(len, pieces)))
    found: list[object] = []
    for piece in pieces:
        found += piece  # many times faster than one value after the other
    return found


def _same(one: Repeated, other: Repeated) -> bool:
    """Whether both have one value; 1 is not True."""
    return one.value is other.value or (type(one.value) is type(other.value) and one.value == other.value)


class Rows(NamedTuple):
    """Many rows of one table at once: its columns in order, with timestamps in microseconds since 1970.

    For formats of millions of small records: to make an object of each would take longer than to read them.
    """

    table: type[Row]
    columns: Sequence[Sequence[object]]

    @classmethod
    def named(cls, table: type[Row], columns: Mapping[str, Sequence[object]]) -> Rows:
        """Rows of the columns that are given, at least one; the others hold what they hold by default."""
        count = len(next(iter(columns.values())))
        defaults = _DEFAULTS[table].items()
        return cls(
            table, [columns[name] if name in columns else Repeated(default, count) for name, default in defaults]
        )

    @classmethod
    def of(cls, table: type[Row], names: Sequence[str], values: Sequence[tuple[object, ...]], **same: object) -> Rows:
        """The same from tuples of these columns, at least one, and from what is the ``same`` in all rows."""
        columns: dict[str, Sequence[object]] = {name: Repeated(value, len(values)) for name, value in same.items()}
        columns.update(zip(names, zip(*values, strict=True), strict=True))
        return cls.named(table, columns)


_DEFAULTS: dict[type[Row], dict[str, object]] = {
    table: {field.name: field.default for field in fields(table)} for table in ALL_TABLES.values()
}
"""The columns of each table in order, with what a row holds that does not give it."""
