"""Logs of a group, an object a line: usage, tool calls, and how much the tools gave back.

What the SDK leaves out of a usage becomes null or is absent (sliamh11/Deus, LIA-194), so the figures are those of
``model_usage``; input there leaves the cache out.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Literal

from explorer.model import Finding, Severity
from explorer.readers._claude_code._content import count, milliseconds, word
from explorer.readers._claude_code._lines import Damage, Line, Where, lines
from explorer.readers._findings import Findings
from explorer.readers._values import duration_ms
from explorer.readers.deus._draft import Called, Group, Usage

_FIGURES = ("inputTokens", "cacheCreationInputTokens", "cacheReadInputTokens", "outputTokens")
_PLAIN = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")


def log(
    kind: Literal["usage", "tools", "sizes"], path: Path, source_id: str, group: Group, findings: Findings
) -> Iterator[Finding]:
    """Add the lines of a log to its group.

    Raises:
        OSError: it cannot be read.
    """
    for line in lines(path, source_id):
        if isinstance(line, Damage):
            severity: Severity = "warning" if line.code == "bad-field" else "error"
            yield from findings.at(line.code, severity, line.message, line.number)
        elif kind == "sizes":
            call, size = word(line[1].get("tool_use_id")), count(line[1].get("bytes"))
            if call and size is not None:
                group.bytes_of[call] = size
        elif milliseconds(line[1].get("ts")) is None:
            message = "a line without a time: which run it is of is not known, and it is in none"
            yield from findings.at("bad-record", "error", message, line[0].line)
        elif kind == "usage":
            group.usage.append(_usage(*line))
        else:
            group.called.append(_called(line, PurePosixPath(source_id).stem))


def _usage(where: Where, record: dict[str, object]) -> Usage:
    end, duration = milliseconds(record.get("ts")), duration_ms(record.get("duration_ms"))
    models = record.get("model_usage")
    figures = {
        name: _figures(used, _FIGURES)
        for name, used in (models.items() if type(models) is dict else ())
        if type(name) is str and type(used) is dict
    }
    if not figures and any(count(record.get(name)) is not None for name in _PLAIN):
        figures = {"": _figures(record, _PLAIN)}
    start = end - duration if end is not None and duration is not None else None
    return Usage(
        where, start, end, word(record.get("session_id")), word(record.get("subtype")), count(record.get("num_turns")),
        _money(record.get("total_cost_usd")), figures,
    )  # fmt: skip


def _figures(used: dict[str, object], names: tuple[str, ...]) -> tuple[int, int, int, int]:
    fresh, written, read, output = (count(used.get(name)) or 0 for name in names)
    return fresh, written, read, output


def _money(value: object) -> float | None:
    return float(value) if type(value) in (int, float) and 0 <= value < 1e9 else None  # type: ignore


def _called(line: Line, interaction: str) -> Called:
    where, record = line
    failed = record.get("is_error")
    return Called(
        where, milliseconds(record.get("ts")), word(record.get("session_id")), interaction,
        word(record.get("tool_use_id")), word(record.get("name")), failed if type(failed) is bool else None,
    )  # fmt: skip
