"""What is in a source of Codex, counted with nothing but the json module."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple


class Counts(NamedTuple):
    """Of one bundle."""

    steps: int
    sub_agents: int
    tokens_in: int
    tokens_out: int


def counts(path: Path) -> Counts:
    """Model calls that were begun, threads but for the root, and the usage of the answers that are there."""
    events = []
    for line in (path / "trace.jsonl").read_bytes().split(b"\n"):
        with suppress(ValueError):
            events.append(json.loads(line)["payload"])
    usages = []
    for event in events:
        if event["type"] == "inference_completed" and (path / event["response_payload"]["path"]).exists():
            response = json.loads((path / event["response_payload"]["path"]).read_bytes())
            usages.append(response["token_usage"])
    threads = {event["thread_id"] for event in events if event["type"] == "thread_started"}
    return Counts(
        sum(event["type"] == "inference_started" for event in events),
        len(threads) - 1,
        sum(usage["input_tokens"] for usage in usages),
        sum(usage["output_tokens"] for usage in usages),
    )
