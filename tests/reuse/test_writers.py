from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from explorer.reuse.calls import by_start
from explorer.reuse.writers import first_writers
from tests.reuse.by_sets import World, in_order_of_arrival, worlds


@given(worlds(), st.lists(st.tuples(st.integers(0, 20), st.integers(1, 6)), max_size=3))
def test_each_block_is_written_by_the_first_prompt_that_holds_it(world: World, wanted: list[tuple[int, int]]) -> None:
    found = {
        block: (written.call.run_id, written.call.ordinal)
        for written in first_writers(by_start(world.calls()), wanted)
        for block in range(written.first, written.first + written.blocks)
    }
    first: dict[int, tuple[str, int]] = {}
    for prompt in in_order_of_arrival(world.prompts):
        for block in prompt.ids:
            first.setdefault(block, (prompt.run, prompt.ordinal))
    ids = {block for start, count in wanted for block in range(start, start + count)}
    assert found == {block: at for block, at in first.items() if block in ids}
