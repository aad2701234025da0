"""What the findings mean: one page per code, for ``--explain CODE``; the pages are in ``explanations.toml``.

Codes are permanent. Readers make the findings of one record or one source; ``findings.sql`` and
``block_findings.sql`` have the rules that need more than one.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, NamedTuple


class Explanation(NamedTuple):
    """The page of one code."""

    code: str
    severity: str
    """What it can be reported with: ``warning``, or ``info or warning``."""
    title: str
    seen: str
    """What in the recording makes the finding."""
    why: str
    """Why it matters to somebody who reads the numbers."""
    did: str
    """What was done with the data in question."""
    do: str
    """What the reader of the page can do."""

    @property
    def sections(self) -> tuple[tuple[str, str], ...]:
        """Headings and what is below them."""
        return (
            ("What was seen", self.seen),
            ("Why it matters", self.why),
            ("What was done", self.did),
            ("What you can do", self.do),
        )


def _page(code: str, texts: dict[str, str]) -> Explanation:
    fields: dict[str, Any] = {field: " ".join(text.split()) for field, text in texts.items()}
    return Explanation(code, **fields)


_PAGES = tomllib.loads((Path(__file__).parent / "explanations.toml").read_text("utf-8"))

EXPLANATIONS: dict[str, Explanation] = {code: _page(code, texts) for code, texts in _PAGES.items()}
"""Every code that can be found, with its page."""
