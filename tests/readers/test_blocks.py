"""Runs of consecutive block ids say exactly what the list of ids said, however lists follow each other."""

import json
from itertools import chain, pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from explorer.readers._blocks import BlockParser, NotBlockIds

TOP = 2**64 - 1

# Runs of ids, so that there is something to compress, and single ones near every edge.
edges = st.sampled_from([0, 1, 2**31, 2**53, 2**63 - 1, 2**63, TOP - 1, TOP])
runs = st.builds(
    lambda first, count: list(range(first, min(first + count, TOP + 1))),
    st.integers(0, 3000) | edges,
    st.integers(1, 700),
)
lists = st.lists(runs | edges.map(lambda block: [block]), max_size=6).map(lambda parts: [*chain(*parts)])


def text_of(ids, separator=","):
    return f"[{separator.join(map(str, ids))}]".encode()


def expanded(stretches):
    return [first + n for first, count in stretches for n in range(count)]


@given(lists)
def test_stretches_expand_to_the_ids_of_the_list(ids):
    assert expanded(BlockParser().stretches(text_of(ids))) == ids


@given(lists)
def test_stretches_are_as_long_as_they_can_be(ids):
    found = BlockParser().stretches(text_of(ids))
    assert all(count > 0 for _, count in found)
    assert all(sum(a) != b[0] for a, b in pairwise(found))


@st.composite
def prompts(draw):
    """Prompts one after the other: each goes on from the last, is cut back, changed at its tail, or is new."""
    ids = draw(lists)
    found = [ids]
    for _ in range(draw(st.integers(1, 5))):
        keep = draw(st.sampled_from([len(ids), len(ids), len(ids) - 1, len(ids) // 2, 1, 0]))
        ids = ids[: max(keep, 0)] + draw(lists)
        found.append(ids)
    return found


@given(prompts(), st.sampled_from([",", ", ", " , ", ",\n  "]))
@example([[1, 2, 3], [1, 2, 3], [1, 2], [1, 2, 3, 4], [1, 2, 34], [1], [12], []], ",")
@example([[TOP - 1, TOP], [TOP - 1, TOP, 0], [TOP - 1, TOP, 0, 1], [TOP]], ",")
@example([[5], [5, 6], [56, 7], [5, 6, 7], [5, 61]], ",")
def test_a_parser_that_saw_other_prompts_reads_the_same(found, separator):
    parser = BlockParser()
    for ids in found:
        text = text_of(ids, separator)
        assert parser.stretches(text) == BlockParser().stretches(text)
        assert expanded(parser.stretches(text)) == ids


BROKEN = [
    "[1,2,]", "[,1]", "[1,,2]", "[1 2]", "[1,2", "1,2]", "", "null", "{}", '"12"', "12", "[-1]", "[-0]", "[1.0]",
    "[1.5]", "[1e3]", "[null]", "[true]", '["1"]', "[[1]]", "[1,[2]]", "[01]", f"[{TOP + 1}]", f"[{TOP},{TOP + 1}]",
    "[99999999999999999999999999]", f"[1,{TOP + 1}]", "[NaN]", "[1,2]]", "[[1,2]", "[1,2]3", "[0x1]", "[\u0661]",
]  # fmt: skip


@pytest.mark.parametrize("text", BROKEN)
@pytest.mark.parametrize("before", ["[]", "[1]", "[1,2]", f"[{TOP}]", "[1,2,3]", f"[1,{TOP}]"])
def test_what_is_no_list_of_ids_is_refused_whatever_came_before(text, before):
    parser = BlockParser()
    parser.stretches(before.encode())
    with pytest.raises(NotBlockIds):
        parser.stretches(text.encode())
    assert expanded(parser.stretches(b"[1,2,3,4]")) == [1, 2, 3, 4], "a refused list leaves nothing behind"


def test_the_reason_of_a_refusal_names_what_is_wrong():
    with pytest.raises(NotBlockIds, match="64 bits"):
        BlockParser().stretches(f"[{TOP + 1}]".encode())
    with pytest.raises(NotBlockIds, match="whole number"):
        BlockParser().stretches(b"[1.5]")


def test_spaces_and_new_lines_between_ids_do_not_matter():
    assert BlockParser().stretches(b"[ 1 ,\n\t2,\r\n 3 ]") == [(1, 3)]
    assert BlockParser().stretches(b"[ ]") == []


@given(st.integers(1, 3000), st.integers(0, 2999))
def test_one_break_anywhere_is_found(length, place):
    ids = list(range(10, 10 + length))
    at = place % length
    ids[at] = 9_999_999
    assert expanded(BlockParser().stretches(text_of(ids))) == ids


def test_many_ids_are_few_stretches():
    assert BlockParser().stretches(json.dumps(list(range(7, 200_007))).encode()) == [(7, 200_000)]
