"""SQL as text: the files beside this module, and values as they are written in a statement."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection, Statement


def script(name: str) -> str:
    """The statements of a file."""
    return Path(__file__).with_name(name).read_text("utf-8")


_PARSED: dict[str, list[Statement]] = {}


def run_script(connection: DuckDBPyConnection, name: str) -> None:
    """Run the statements of a file, which is parsed once: while traces are read, their database is made many times."""
    if name not in _PARSED:
        _PARSED[name] = connection.extract_statements(script(name))
    for statement in _PARSED[name]:
        connection.execute(statement)


def quoted(text: str) -> str:
    """A text as SQL has it."""
    return "'" + text.replace("'", "''") + "'"


def legible(text: str) -> str:
    """A text as SQL has it, with what cannot be shown by its number: to be read, changed and asked again."""
    parts = [
        quoted("".join(same)) if shown else " || ".join(f"chr({ord(each)})" for each in same)
        for shown, same in groupby(text, str.isprintable)
    ]
    return " || ".join(parts) or "''"


def listed(texts: Iterable[str]) -> str:
    """Texts as a list in SQL."""
    return f"[{', '.join(map(quoted, texts))}]"
