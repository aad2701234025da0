"""Formats that hold a request a line: requests and tokens by the json module alone, reuse over plain sets."""

import gzip
import json
from pathlib import Path

from explorer.model import StepReuse
from explorer.readers import Report, SourceFile, readers
from explorer.store.ingest.worker import with_reuse
from tests.readers.reading import claim, head, single


def records(path):
    """The objects of a file; what is none is left out."""
    found = []
    content = path.read_bytes()
    for text in (gzip.decompress(content) if path.suffix == ".gz" else content).splitlines():
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


def lmcache(path):
    """Steps and input; what was answered is not recorded."""
    found = [record for record in records(path) if "seq_len" in record]
    return len(found), sum(record["seq_len"] for record in found), 0


def simulator(path):
    """Steps, input and output."""
    found = records(path)
    return len(found), sum(r["input_length"] for r in found), sum(r.get("output_length", 0) for r in found)


def dynamo(path):
    """Steps, input and output of the requests that ended."""
    events = [record.get("event", record) for record in records(path)]
    found = [event["request"] for event in events if event.get("event_type") == "request_end"]
    return len(found), sum(r["input_tokens"] for r in found), sum(r["output_tokens"] for r in found)


SUMS = {
    "dynamo": dynamo,
    "mooncake": mooncake,
    "bailian": simulator,
    "lmcache": lmcache,
    "kvcache-simulator": simulator,
}


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


def reused(path, kind=StepReuse):
    """The reuse of a file as it is computed while it is read."""
    reader = readers()[claim(path, head(path)).NAME]
    rows = (row for row in with_reuse(reader.read(SourceFile(path, "m"))) if not isinstance(row, Report))
    return [each for row in rows for each in single(row) if isinstance(each, kind)]
