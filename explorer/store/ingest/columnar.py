"""Rows become columns, which are sent between processes and written much faster."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from functools import cache
from operator import attrgetter
from typing import cast

from explorer.model import ALL_TABLES, Repeated, Row, Rows, Step, columns, joined
from explorer.store.ingest.task import Columns

_NAME_OF = {table: name for name, table in ALL_TABLES.items()}
_SOURCE = [field.name for field in fields(Step)].index("source_id")
_EPOCH = datetime.fromtimestamp(0, UTC).replace(tzinfo=None)
_MICROSECOND = timedelta(microseconds=1)


def _microseconds(moment: object) -> object:
    """A time as its microseconds since 1970; what is something else stays what it is."""
    return (moment - _EPOCH) // _MICROSECOND if isinstance(moment, datetime) else moment


@cache
def _getter(table: str) -> Callable[[Row], tuple[object, ...]]:
    """Takes the values of its columns out of a row."""
    return attrgetter(*(field.name for field in fields(ALL_TABLES[table])))


@cache
def _times(table: str) -> list[int]:
    """Which of its columns hold times."""
    return [index for index, column in enumerate(columns(ALL_TABLES[table])) if column.type == "TIMESTAMP"]


class Columnar:
    """Rows that wait to be sent, and become columns then."""

    def __init__(self) -> None:
        self.count = 0
        self.steps: Counter[str] = Counter()
        self._rows: dict[str, list[tuple[object, ...]]] = {}
        self._columns: dict[str, list[Sequence[Sequence[object]]]] = {}

    def add(self, row: Row | Rows) -> None:
        """Put one row, or several of one table, behind the others."""
        if isinstance(row, Rows):
            count = len(row.columns[0])
            self._columns.setdefault(_NAME_OF[row.table], []).append(row.columns)
            self.count += count
            if row.table is Step:
                self._count(row.columns[_SOURCE])
            return
        name = _NAME_OF[type(row)]
        self._rows.setdefault(name, []).append(_getter(name)(row))
        self.count += 1
        if isinstance(row, Step):
            self.steps[row.source_id] += 1

    def _count(self, sources: Sequence[object]) -> None:
        if isinstance(sources, Repeated):
            self.steps[cast(str, sources.value)] += len(sources)
        else:
            self.steps.update(cast(Sequence[str], sources))

    def columns(self) -> Columns:
        """The same as columns, with every timestamp in microseconds since 1970: objects take long to send."""
        for name, rows in self._rows.items():
            columns_ = list(zip(*rows, strict=True))
            for index in _times(name):
                columns_[index] = tuple(map(_microseconds, columns_[index]))
            self._columns.setdefault(name, []).append(columns_)
        return {
            name: [joined(pieces) for pieces in zip(*several, strict=True)]
            for name, several in self._columns.items()
            if any(columns_[0] for columns_ in several)
        }


def as_columns(rows: Iterable[Row | Rows]) -> Columns:
    """Rows of any tables as columns."""
    pending = Columnar()
    for row in rows:
        pending.add(row)
    return pending.columns()
