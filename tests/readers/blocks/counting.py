"""Formats that hold a request a line: requests and tokens by the json module alone, reuse over plain sets."""

import json
from pathlib import Path


def records(path):
    """The objects of a file; what is none is left out."""
    found = []
    for text in path.read_bytes().splitlines():
        try:
            found.append(json.loads(text))
        except ValueError:
            continue
    return found


def mooncake(path):
    """Steps, input and output; a later turn without a time has all of its session before it."""
    steps, tokens_in, tokens_out, said = 0, 0, 0, {}
    for record in records(path):
        if "input_length" not in record:
            continue
        session, length, answer = record.get("session_id"), record["input_length"], record["output_length"]
        whole = length if "timestamp" in record else said[session] + length
        said[session] = whole + answer
        steps, tokens_in, tokens_out = steps + 1, tokens_in + whole, tokens_out + answer
    return steps, tokens_in, tokens_out


SUMS = {"mooncake": mooncake}


def infinite_hits(prompts):
    """Of (ids, tokens, size) in order of arrival: leading blocks that any earlier prompt holds, and their tokens."""
    seen, blocks, tokens = set(), 0, 0
    for ids, length, size in prompts:
        known = next((n for n, block in enumerate(ids) if block not in seen), len(ids))
        blocks, tokens = blocks + known, tokens + min(known * size, length)
        seen.update(ids)
    return blocks, tokens


def written(path: Path, *rows):
    """A file of these objects, one a line."""
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
    return path
