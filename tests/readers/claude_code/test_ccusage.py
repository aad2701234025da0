"""Totals beside those of ccusage, which reads the same files for what they cost."""

import pytest

from tests.readers.claude_code.counting import FIELDS, records
from tests.readers.claude_code.families import readings
from tests.readers.reading import SAMPLES, SHARED

BY_CCUSAGE = {
    SHARED / "traces" / "claude-code": (36_067, 866_981, 7_045_085, 92_652),
    SHARED / "traces" / "invented" / "claude": (31, 17_451, 24_500, 306),
    SAMPLES / "claude-code" / "v1.0": (21, 17_800, 17_000, 310),
    SAMPLES / "claude-code" / "v2.0": (917, 13_900, 11_000, 221),
    SAMPLES / "claude-code" / "v2.1": (60, 27_200, 77_800, 985),
    SAMPLES / "claude-code" / "fork": (12, 5_110, 10_000, 24),
    SAMPLES / "claude-code" / "workflow": (14, 9_100, 6_000, 90),
    SAMPLES / "claude-code" / "team": (34, 7_530, 26_200, 126),
    SAMPLES / "claude-code" / "damaged": (8, 920, 900, 16),
}
"""What ``ccusage claude daily --json --offline`` of version 20.0.24 says: input, written, read and output tokens."""


def by_its_rule(directory):
    """One record for each message and request id over all files, the one with the most tokens."""
    best = {}
    for path in directory.rglob("*.jsonl"):
        for record in records(path):
            message = record.get("message")
            if record.get("type") == "assistant" and message["model"] != "<synthetic>":
                usage = tuple(message["usage"].get(field, 0) for field in FIELDS)
                key = message["id"], record.get("requestId")
                best[key] = max(best.get(key, usage), usage, key=sum)
    return tuple(map(sum, zip(*best.values(), strict=True)))


@pytest.mark.parametrize("directory", BY_CCUSAGE, ids=lambda path: path.name)
def test_totals_are_those_of_ccusage(directory):
    if not directory.is_dir():
        pytest.skip("these traces are not here")
    steps = [step for reading in readings(directory) for step in reading.steps if not step.is_replay]
    cached = [(step.cache_write_tokens, step.cache_read_tokens) for step in steps]
    figures = [
        (step.input_tokens - written - read, written, read, step.output_tokens)
        for step, (written, read) in zip(steps, cached, strict=True)
    ]
    assert tuple(map(sum, zip(*figures, strict=True))) == BY_CCUSAGE[directory] == by_its_rule(directory)
