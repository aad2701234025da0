"""Reuse within each model, against the same of the steps of one model alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from explorer.model import COMPUTED, columns
from explorer.reuse.by_model import by_model
from explorer.reuse.calls import by_start
from explorer.reuse.streaks import streaks
from tests.reuse.by_sets import World, hits, in_order_of_arrival, worlds


@given(worlds(), st.lists(st.sampled_from(["a", "b", None]), min_size=10, max_size=10))
def test_each_model_finds_what_it_would_find_alone(world: World, drawn: list[str | None]) -> None:
    arrived = in_order_of_arrival(world.prompts)
    models = {(prompt.run, prompt.ordinal): model for prompt, model in zip(arrived, drawn, strict=False)}
    calls = [call._replace(model=models[call.run_id, call.ordinal]) for call in world.calls()]
    found = {(row[0], row[1]): row for row in by_model(streaks(by_start(calls)), world.lineage)}
    assert found.keys() == models.keys()
    for model in set(models.values()):
        # In order of arrival, and without times, so that the order stays.
        alone = [prompt._replace(start=None) for prompt in arrived if models[prompt.run, prompt.ordinal] == model]
        for (run, ordinal), expected in hits(world._replace(prompts=alone)).items():
            tokens = None if expected[5] is None else sum(expected[5])
            assert found[run, ordinal][2:8] == (model, *expected[:4], tokens)


def test_rows_have_the_columns_of_their_table() -> None:
    names = [column.name for column in columns(COMPUTED["model_reuse"])]
    assert names == ["run_id", "ordinal", "model", "hit_own", "hit_ancestor", "hit_sibling", "hit_other", "hit_tokens",
                     "causal", "causal_tokens"]  # fmt: skip
