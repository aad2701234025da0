"""What can be asked: every table and view with its columns, and what is documented of them.

The words are those of the model and of the comments in the ``.sql`` files. A comment that says ``name: what`` of a
column documents it; a column of a view that nothing is said of is taken for that of a table it is made from.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from functools import cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from explorer import model
from explorer.store.sql import script

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from explorer.store.database import Database


class Field(NamedTuple):
    """A column."""

    name: str
    type: str
    note: str
    """What it is; empty where only its name says it."""


class Relation(NamedTuple):
    """Something to ask."""

    name: str
    kind: Literal["view", "table", "function"]
    note: str
    """What one row is, and what counts."""
    fields: Sequence[Field]
    call: str
    """How it is asked: its name; of a function with values for its parameters."""


_VIEWS = ("views.sql", "reuse.sql", "forks.sql", "mistakes.sql", "misses.sql", "curves.sql")
"""The files that define what keeps its name from release to release, what is asked most first."""

_MADE = re.compile(
    r"((?:^--.*\n)+)^CREATE (?P<kind>VIEW|MACRO) (?P<name>\w+)(?P<parameters>\([^)]*\))? AS(?P<body>[^;]*);", re.M
)
_FROM = re.compile(r"\b(?:FROM|JOIN) (\w+)")

_EXAMPLES = {"capacity": "4000", "keep_ms": "300000", "slot_ms": "600000"}
"""Values of parameters: a cache of 4,000 blocks that keeps them for 5 minutes, looked at every 10."""

_OF = {"agent_": "agents", "conversation_": "conversations", "step_": "steps"}
"""How the columns of a table are called where other relations have them too."""

_CONVENTIONS = {
    "input_tokens": "Cache reads and writes included.",
    "output_tokens": "Reasoning included.",
    "start_ms": "Milliseconds from the start of its conversation.",
    "end_ms": "Milliseconds from the start of its conversation.",
    "at_ms": "Milliseconds from the start of its conversation.",
    "started_at": "UTC; NULL where the recorder had no clock.",
    "ended_at": "UTC; NULL where the recorder had no clock.",
    "steps": "Model calls; what is replayed is not counted.",
    "is_sub_agent": "Whether its agent has a parent.",
    "model": "The model that answered.",
    "request_model": "The model that was asked for.",
    "parent_run_id": "The run that started this one.",
}
"""What the model says of all columns of a name."""

_OTHERS = {
    "kv_models": "One row per model whose numbers are public: what a token takes in its KV cache. bytes_per_token: "
    "with 2 bytes for each value. latent_dim: what stands for all heads. source: the fields the numbers are from."
}


class _Written(NamedTuple):
    """A definition in a file."""

    kind: str
    note: str
    parameters: Sequence[str]
    made_from: Sequence[str]


def catalog(database: Database) -> list[Relation]:
    """Views, then tables, then functions, each kind with what is asked most first."""
    database.define_laboratory()
    with database.cursor() as cursor:
        found = cursor.execute(
            "SELECT table_name, column_name, data_type FROM duckdb_columns() "
            "WHERE schema_name = 'main' AND database_name = current_database() AND NOT internal "
            "ORDER BY table_name, column_index"
        ).fetchall()
    types: dict[str, list[tuple[str, str]]] = {}
    for table, column, type_ in found:
        types.setdefault(table, []).append((column, type_))
    written = _written()
    tables = [*model.ALL_TABLES, *model.COMPUTED, *_OTHERS]
    views = sorted((name for name in written if name in types and name not in tables), key=_is_no_total)
    functions = [name for name, made in written.items() if made.kind == "MACRO" and name not in types]
    return [
        *(_relation(name, "view", types[name]) for name in views),
        *(_relation(name, "table", types[name]) for name in tables if name in types),
        *(_relation(name, "function", []) for name in functions),
    ]


def _is_no_total(name: str) -> bool:
    return not name.endswith("_totals")


def _relation(name: str, kind: Literal["view", "table", "function"], columns: list[tuple[str, str]]) -> Relation:
    note, notes = _notes(name, [column for column, _ in columns])
    made = _written().get(name)
    call = name
    if kind == "function" and made is not None:
        call += f"({', '.join(_EXAMPLES.get(each, each) for each in made.parameters)})"
    return Relation(name, kind, note, [Field(column, type_, notes.get(column, "")) for column, type_ in columns], call)


def _notes(name: str, columns: Sequence[str]) -> tuple[str, dict[str, str]]:
    """What is said of a relation, and of its columns."""
    if name in _documented():
        note, notes = _documented()[name]
        return note, {column: text or _CONVENTIONS.get(column, "") for column, text in notes.items()}
    made = _written().get(name)
    note, notes = split(made.note if made else _OTHERS.get(name, ""), columns)
    below = [_notes(other, columns)[1] for other in made.made_from if other != name] if made else []
    for column in columns:
        whole = column.removeprefix("total_")
        if whole != column and whole in notes and column not in notes:
            notes[column] = f"{notes[whole]} With every run below, each counted once.".strip()
        notes.setdefault(column, next((each[column] for each in below if each.get(column)), _by_its_name(column)))
    return note, notes


def split(text: str, columns: Sequence[str]) -> tuple[str, dict[str, str]]:
    """A comment as what it says of the relation, and what it says of columns, as ``depth: agents above its agent``."""
    said = [found for found in re.finditer(r"(?:^|(?<=[.;] ))(\w+): ", text) if found[1] in columns]
    ends = [*(found.start() for found in said), len(text)][1:]
    texts = [text[found.end() : end].strip() for found, end in zip(said, ends, strict=True)]
    notes = {found[1]: of_it[:1].upper() + of_it[1:] for found, of_it in zip(said, texts, strict=True)}
    return text[: said[0].start() if said else len(text)].strip(), notes


@cache
def _written() -> dict[str, _Written]:
    """What the files define for everybody, in their order, with the comments above."""
    made = {}
    for file in _VIEWS:
        for found in _MADE.finditer(script(file)):
            is_function = found["kind"] == "MACRO"
            if is_function and not found["body"].lstrip().startswith("TABLE"):
                continue
            parameters = [each.strip() for each in (found["parameters"] or "")[1:-1].split(",") if each.strip()]
            sources = list(dict.fromkeys(_FROM.findall(found["body"])))
            note = " ".join(line.removeprefix("--").strip() for line in found[1].splitlines())
            made[found["name"]] = _Written(found["kind"], note, parameters, sources)
    return made


@cache
def _documented() -> dict[str, tuple[str, dict[str, str]]]:
    """The docstrings of the tables of the model and those of their fields, by table, in the words of SQL."""
    tables = model.ALL_TABLES | model.COMPUTED
    found: dict[str, tuple[str, dict[str, str]]] = {}
    for module in dict.fromkeys(table.__module__ for table in tables.values()):
        for part in ast.parse(inspect.getsource(sys.modules[module])).body:
            if isinstance(part, ast.ClassDef):
                found[part.name] = _in_sql(ast.get_docstring(part) or ""), dict(_field_notes(part))
    return {name: found[table.__name__] for name, table in tables.items()}


def _field_notes(table: ast.ClassDef) -> Iterator[tuple[str, str]]:
    """Every field, without words where it has none."""
    for field, text in zip(table.body, [*table.body[1:], None], strict=True):
        match field, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(note))):
                yield name, _in_sql(note)
            case ast.AnnAssign(target=ast.Name(id=name)), _:
                yield name, ""


def _in_sql(text: str) -> str:
    return re.sub(r"\bNone\b", "NULL", " ".join(text.split()).replace("``", ""))


@cache
def _by_its_name(column: str) -> str:
    """What several tables say of a column of this name, where all say the same, or what holds by convention."""
    said = [notes[column] for _, notes in _documented().values() if column in notes]
    if len(said) > 1 and len(set(said)) == 1 and said[0]:
        return said[0]
    of_table = next(
        (
            _documented()[table][1].get(column.removeprefix(of), "")
            for of, table in _OF.items()
            if column.startswith(of)
        ),
        "",
    )
    return of_table or _CONVENTIONS.get(column, "")
