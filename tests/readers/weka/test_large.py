"""Large files: memory that does not follow their size, and lines of garbage that end."""

import subprocess
import sys

import pytest

from explorer.store.ingest.worker import Task, chunks
from tests.readers.reading import ROOT, line, request, trace

MB = 1 << 20

MEASURE = """
import resource, sys
import explorer.readers.weka._reading  # what is loaded is not what is read
from explorer.store.ingest.worker import Task, chunks
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
steps = 0
for chunk in chunks(Task("r", "weka", sys.argv[1], "s", {})):
    assert chunk.failure is None, chunk.failure
    steps += sum(chunk.records.values())
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
unit = 1 if sys.platform == "darwin" else 1024
print(steps, (after - before) * unit)
"""


def write_large(path, objects, calls, ids):
    """A file of so many conversations, one a line, each of so many calls that go on from another."""
    prompt = ",".join(map(str, range(100_000, 100_000 + ids))).encode()
    lengths = [len(prompt) - 7 * (calls - n) for n in range(calls)]
    texts = [
        line(request(t=float(n), hash_ids=[])).replace(b"[]", b"[" + prompt[: lengths[n]] + b"]") for n in range(calls)
    ]
    whole = line(trace("HERE")).replace(b'"HERE"', b",".join(texts))
    with path.open("wb") as file:
        for _ in range(objects):
            file.write(whole + b"\n")
    return objects * calls


@pytest.fixture
def large(tmp_path):
    """A path for a large file, which is gone right after the test: pytest would keep it."""
    path = tmp_path / "large.jsonl"
    yield path
    path.unlink()


@pytest.mark.parametrize(("objects", "calls"), [(1, 3_400), (20, 150)], ids=["one object", "lines"])
def test_memory_does_not_follow_the_size_of_the_file(large, objects, calls):
    steps = write_large(large, objects, calls, 11_000)
    assert large.stat().st_size > 200 * MB
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(large)], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
    )
    read, grown = map(int, done.stdout.split())
    assert read == steps
    assert grown < 150 * MB


GARBAGE = [
    (16, b'{"id":"', b"a"),
    (16, b"", b"["),
    (16, b"", b"1"),
    (16, b'{"id":"x","requests":[', b'{"requests":['),
    (16, b'{"id":"x","requests":[{"hash_ids":[', b"1,"),
    (8, b"", b"{"),
    (8, b"", b" "),
    (8, b"", b"\n"),
    (8, b'{"id":', b"["),
    (8, b'{"id":', b"1"),
    (8, b'{"id":"', b"\\n"),
    (8, b'{"id":"x","requests":', b"["),
    (8, b'{"id":"x","requests":[{"in":', b"1"),
    (8, b'{"id":"x","requests":[{"hash_ids":[', b"1"),
    (8, b'{"id":"x","requests":[{"model":"', b"a"),
    (8, b'{"id":"x","requests":[{"a":1}', b"\0"),
]
"""Megabytes, how the file begins, and what it goes on with to its end."""


@pytest.mark.parametrize(("size", "head", "unit"), GARBAGE, ids=range(len(GARBAGE)))
def test_megabytes_of_garbage_end_with_a_finding(large, size, head, unit):
    with large.open("wb") as file:
        file.write(head)
        for _ in range(size):
            file.write(unit * (MB // len(unit)))
    found = list(chunks(Task("r", "weka", str(large), "s", {})))
    assert not any(chunk.failure for chunk in found)
    assert found[-1].report.bad_records == bool(head + unit.strip())
    findings = [row for chunk in found for row in zip(*chunk.columns.get("findings", []), strict=True)]
    assert len(findings) == found[-1].report.bad_records
