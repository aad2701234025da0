"""Counts of Claude Code transcripts by the json module alone; nothing here is shared with the reader."""

import json
from collections import Counter
from pathlib import Path
from typing import NamedTuple

FIELDS = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")


class Counts(NamedTuple):
    """Model calls of one or several files, each once."""

    steps: int
    tokens_in: int
    tokens_out: int
    fields: dict[str, int]
    naive: dict[str, int]
    """The same over every line."""
    agents: set[str]


def records(path: Path):
    """Every line that is an object."""
    for line in path.read_bytes().split(b"\n"):
        start = max(0, line.rfind(b'{"parentUuid"'))  # a record may have been written into a torn one
        try:
            record = json.loads(line[start:].decode("utf-8", "replace"))
        except ValueError:
            continue
        if isinstance(record, dict):
            yield record


def counts(*paths: Path) -> Counts:
    """What is in these files."""
    calls: dict[object, Counter[str]] = {}
    naive: Counter[str] = Counter()
    agents = set()
    for record in (each for path in paths if path.suffix == ".jsonl" for each in records(path)):
        message = record.get("message")
        if record.get("type") != "assistant" or message.get("model") == "<synthetic>":
            continue
        best = calls.setdefault((message["id"], record.get("requestId")), Counter())
        for field in FIELDS:
            figure = message["usage"].get(field, 0)
            naive[field] += figure
            best[field] = max(best[field], figure)
        if record.get("agentId"):
            agents.add(record["agentId"])
    total: Counter[str] = Counter()
    for best in calls.values():
        total.update(best)
    fields = {field: total[field] for field in FIELDS}
    whole_input = sum(fields.values()) - fields["output_tokens"]
    return Counts(len(calls), whole_input, fields["output_tokens"], fields, dict(naive), agents)
