"""Random agent trees: the tokens of every thread are the true ones, or said to be unknown."""

import random

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.readers.codex.agent_trees import Player, is_knowable
from tests.readers.codex.rollouts import own_steps, plus, read

COUNTS = {
    "input_tokens": "input_tokens", "cached": "cached_input_tokens", "output": "output_tokens",
    "reasoning": "reasoning_output_tokens",
}  # fmt: skip


def sums(steps):
    return [sum(getattr(step.usage, name) or 0 for step in steps if step.usage) for name in COUNTS]


def truth(calls):
    return [plus(*calls)[name] for name in COUNTS.values()]


@settings(
    max_examples=60, deadline=None, phases=[Phase.explicit, Phase.generate],  # a tree does not shrink
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(seed=st.integers(0, 1 << 32))
def test_tokens_are_true_or_said_to_be_unknown(seed, tmp_path_factory):
    player = Player(random.Random(seed))
    found = read(*player.write(tmp_path_factory.mktemp("tree")))
    threads = {each.thread_id: each for each in found.threads}
    there = [told for told in player.threads if not told.is_missing]
    assert set(threads) == {told.name for told in there}
    for told in there:
        draft = threads[told.name]
        assert draft.parent_thread_id == (told.parent.name if told.parent else None)
        steps = own_steps(draft)
        sure = [step for step in steps if step.usage_grade in ("exact", "derived")]
        if is_knowable(told):
            assert sums(sure) == truth(told.spent)
            assert told.has_records or all(step.usage_grade != "ambiguous" for step in steps)
        else:
            assert all(ours <= theirs for ours, theirs in zip(sums(sure), truth(told.made), strict=True))
            assert sums(sure) == truth(told.made) or len(sure) < len(steps)


def test_a_file_cut_anywhere_counts_what_is_before_the_cut(tmp_path):
    """Of a thread that nothing was copied into: then each count that is whole says all that was spent."""
    rng = random.Random("cuts")
    for _ in range(12):
        told = Player(rng).threads[0]
        path = told.file.write(tmp_path)
        content = path.read_bytes()
        whole = [step for step in own_steps(read(path).threads[0]) if step.usage is not None]
        for _ in range(6):
            cut = rng.randrange(content.index(b"\n") + 1, len(content))
            path.write_bytes(content[:cut])
            kept = [step for step in own_steps(read(path).threads[0]) if step.usage is not None]
            assert kept == [step for step in whole if step.where.offset + step.where.length <= cut]
