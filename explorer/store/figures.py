"""What the figures of ``scope_report`` mean and what each is made of; the pages are in ``figures.toml``."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import NamedTuple

CORPUS = "391 traces of the corpus 060826"
"""What the report was made of."""


class Figure(NamedTuple):
    """The page of one figure."""

    name: str
    means: str
    """How it comes about."""
    why: str
    """What it tells about the scope of block ids."""
    report: str
    """What it was in the report that told of the mistake; may be empty."""
    rows: str
    """A query for what contributes to it."""

    @property
    def sections(self) -> tuple[tuple[str, str], ...]:
        """Headings and what is below them."""
        told = (("What it was in the report", f"{self.report}, of {CORPUS}."),)
        return (
            ("How it comes about", self.means),
            ("What it tells", self.why),
            *(told if self.report else ()),
            ("What it is made of", self.rows),
        )


FIGURES: dict[str, Figure] = {
    name: Figure(name, **{field: " ".join(text.split()) for field, text in texts.items()})
    for name, texts in tomllib.loads((Path(__file__).parent / "figures.toml").read_text("utf-8")).items()
}
"""Every figure, in the order of the report."""
