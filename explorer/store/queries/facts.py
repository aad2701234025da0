"""Writing down facts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal, TypeAlias

from explorer.store.queries.shapes import Fact

if TYPE_CHECKING:
    from explorer.model import Grade

Unit: TypeAlias = Literal["", "tokens", "blocks", "ms", "ratio", "bytes", "count", "time", "usd"]
Value: TypeAlias = str | int | float | None


class Sheet:
    """Facts as they are added, section by section."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.section = ""

    def add(self, label: str, value: Value, unit: Unit = "", grade: Grade = "exact", note: str = "") -> None:
        """Add a fact; one without a value is "not recorded", whatever its grade would be."""
        if value is None:
            grade, note = "not_recorded", note if note.startswith("not recorded") else "not recorded"
        self.facts.append(Fact(self.section, label, value, unit, grade, note))

    def add_known(self, label: str, value: Value, unit: Unit = "", grade: Grade = "exact", note: str = "") -> None:
        """Add a fact if there is one."""
        if value is not None:
            self.add(label, value, unit, grade, note)

    def add_extra(self, extra: str | None) -> None:
        """Add recorded fields that no column names."""
        try:
            fields = json.loads(extra) if extra else {}
        except ValueError:
            fields = {"extra": extra}
        if not isinstance(fields, dict):
            fields = {"extra": fields}
        for name, value in fields.items():
            plain = isinstance(value, (str, int, float)) and not isinstance(value, bool)
            self.add(str(name), value if plain else json.dumps(value, ensure_ascii=False), note="as recorded")
