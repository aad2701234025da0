"""Prompts whose parts are the blocks."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from explorer.readers._prompts import MovableParts, Prompt, PromptParts


def ids(stretches):
    return [first + n for first, count in stretches for n in range(count)]


def test_parts_are_numbered_as_they_first_appear():
    parts = PromptParts()
    assert parts.stretches([b"system", b"task"]) == [(0, 2)]
    assert parts.stretches([b"system", b"other"]) == [(0, 1), (2, 1)]
    assert parts.stretches([b"system", b"task", b"more"]) == [(0, 2), (3, 1)]


def test_the_same_text_behind_other_text_is_another_block():
    parts = PromptParts()
    assert ids(parts.stretches([b"a", b"x"])) == [0, 1]
    assert ids(parts.stretches([b"b", b"x"])) == [2, 3]
    assert ids(parts.stretches([b"x"])) == [4]


def test_a_text_twice_in_a_prompt_is_two_blocks():
    assert ids(PromptParts().stretches([b"x", b"x", b"x"])) == [0, 1, 2]


def test_no_parts_are_no_stretches():
    assert PromptParts().stretches([]) == []


def test_a_prompt_that_grows_keeps_what_it_was():
    parts = PromptParts()
    prompt = Prompt(parts)
    prompt.add(b"a")
    before = prompt.stretches()
    prompt.add(b"b")
    assert before == [(0, 1)]
    assert prompt.stretches() == [(0, 2)]


def test_a_long_conversation_is_one_stretch():
    parts = PromptParts()
    assert parts.stretches(b"%d" % n for n in range(10_000)) == [(0, 10_000)]


TEXTS = st.lists(st.sampled_from([b"a", b"b", b"", b"c" * 99]), max_size=12)


@given(st.lists(TEXTS, max_size=6))
def test_prompts_have_blocks_in_common_as_far_as_they_begin_alike(prompts):
    parts = PromptParts()
    found = [ids(parts.stretches(prompt)) for prompt in prompts]
    for one, other in ((a, b) for a in range(len(prompts)) for b in range(len(prompts))):
        common = 0
        for x, y in zip(prompts[one], prompts[other], strict=False):
            if x != y:
                break
            common += 1
        assert found[one][:common] == found[other][:common]
        assert (
            not set(found[one][common:]) & set(found[other][common:]) or one == other or prompts[one] == prompts[other]
        )
    assert [len(each) for each in found] == [len(prompt) for prompt in prompts]


@given(TEXTS)
def test_stretches_are_as_long_as_they_can_be(prompt):
    parts = PromptParts()
    parts.stretches([b"a", b"b"])
    stretches = parts.stretches(prompt)
    assert all(before[0] + before[1] != after[0] for before, after in pairwise(stretches))


@given(st.lists(st.lists(TEXTS, max_size=4), max_size=3))
def test_what_is_numbered_apart_and_taken_over_is_as_if_it_had_been_numbered_together(sides):
    together, moved = PromptParts(), PromptParts()
    for prompts in sides:
        own = MovableParts()
        apart = [own.stretches(prompt) for prompt in prompts]
        numbers = moved.take_over(own)
        assert [numbers.stretches(each) for each in apart] == [together.stretches(prompt) for prompt in prompts]
