"""Logs for tests, small and made by the generator of the samples."""

import json
import sys

from tests.readers.reading import SAMPLES, read

sys.path.insert(0, str(SAMPLES))
from generators import inspect as made

DEFLATED, ZSTANDARD = made.DEFLATED, made.ZSTANDARD
Sample, usage = made.Sample, made.usage


def reading(directory, *samples, method=DEFLATED, header=True, **fields):
    """What is read of an archive of samples; ``fields`` are those of the log."""
    entries = [(f"samples/{each['id']}_epoch_{each['epoch']}.json", each) for each in samples]
    if header:
        entries.append(("header.json", made.about(**fields)))
    path = directory / "log.eval"
    path.write_bytes(made.archive(entries, method))
    return read(path, reader="inspect")


def plain(directory, *samples, **fields):
    """The same of one object."""
    path = directory / "log.json"
    path.write_text(json.dumps(made.about(samples=[*samples], **fields)), "utf-8")
    return read(path, reader="inspect")


def solo(*calls, **fields):
    """A sample of one agent whose steps have these usages."""
    sample = Sample("s")
    sample.begin("a", 0, "agent", "solo")
    user = sample.say("user", "Go.")
    for number, used in enumerate(calls):
        sample.model("a", 1 + 2 * number, 1, [[user, len(sample.pool)]], f"m{number}", used)
    sample.end("a", 2 * len(calls) + 1)
    return sample.whole(**fields)
