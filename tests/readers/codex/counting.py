"""What is in a source of Codex, counted with nothing but the json module."""

from __future__ import annotations

import json
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa


class Counts(NamedTuple):
    """Of one bundle or rollout."""

    steps: int
    sub_agents: int
    tokens_in: int
    tokens_out: int


def counts(path: Path) -> Counts:
    """What a source holds by itself."""
    return _bundle(path) if path.is_dir() else _rollout(path)


def _bundle(path: Path) -> Counts:
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


def records(path: Path) -> list[dict[str, Any]]:
    """The lines of a rollout that can be read."""
    content = path.read_bytes()
    if path.suffix == ".zst":
        content = pa.CompressedInputStream(pa.BufferReader(content), "zstd").read()
    found = []
    for line in content.split(b"\n"):
        with suppress(ValueError):
            found.append(json.loads(line))
    return found


def _rollout(path: Path) -> Counts:
    """Records of responses; without them changes of the counter, copied ones too; without either, answers."""
    lines = records(path)
    payloads = [line["payload"] for line in lines if "payload" in line]
    spent = [payload["usage"] for payload in payloads if "response_id" in payload and "usage" in payload]
    pairs = [(usage["input_tokens"], usage["output_tokens"]) for usage in spent]
    if not pairs:
        before = (0, 0)
        for info in (payload["info"] for payload in payloads if payload.get("type") == "token_count"):
            total = info["total_token_usage"]["input_tokens"], info["total_token_usage"]["output_tokens"]
            if total not in (before, (0, 0)):
                pairs.append((total[0] - before[0], total[1] - before[1]))
            before = total
    if not pairs:  # a bare file: an answer is what the model says between what it is told
        said = [line.get("type") == "function_call" or line.get("role") == "assistant" for line in lines]
        pairs = [(0, 0) for one, other in pairwise([False, *said]) if other and not one]
    return Counts(len(pairs), 0, sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs))
