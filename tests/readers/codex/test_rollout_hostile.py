"""Lines of which anything may be of any type, missing, or in any order: nothing raises, and no figure is made up."""

import json
import random

import pytest

from explorer.readers.codex._rollout_head import rollout_links
from tests.readers.codex.rollouts import read
from tests.readers.reading import SAMPLES

FILES = sorted((SAMPLES / "codex").rglob("rollout-*.jsonl"))
JUNK = [None, True, 0, -1, 1.5, 1e300, 10**18, "", "x", "gAAAA", "/root", [], {}, [[]], [None], {"type": "message"}]


def changed(rng, value, probability):
    """A value in which some are others, and some are missing."""
    if rng.random() < probability:
        return rng.choice(JUNK)
    if isinstance(value, dict):
        kept = {key: each for key, each in value.items() if rng.random() > probability / 2}
        return {key: changed(rng, each, probability) for key, each in kept.items()}
    return [changed(rng, each, probability) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("seed", range(25))
def test_nothing_raises(seed, tmp_path):
    rng = random.Random(seed)
    paths = []
    for path in rng.sample(FILES, 4):
        texts = [text for text in path.read_bytes().split(b"\n") if text.startswith(b"{") and text.endswith(b"}")]
        probability = rng.choice([0.01, 0.05, 0.2])
        lines = [changed(rng, json.loads(text), probability) for text in texts]
        if seed % 4 == 0:
            rng.shuffle(lines)
        copy = tmp_path / path.name
        copy.write_bytes(b"".join(json.dumps(line, separators=(",", ":")).encode() + b"\n" for line in lines))
        assert all(isinstance(each, str) for each in rollout_links(copy, copy.read_bytes()))
        paths.append(copy)
    found = read(*paths)
    for draft in found.threads:
        for turn in draft.turns:
            for step in turn.steps:
                assert step.usage is None or all(count is None or count >= 0 for count in step.usage)
                assert (step.usage is None) <= (step.usage_grade in ("not_recorded", "ambiguous"))
