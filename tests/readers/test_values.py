"""Fields are taken as what they are, or not at all."""

import math

import pytest

from explorer.readers._values import MOST_SECONDS, MOST_TOKENS, Fields


@pytest.mark.parametrize("value", [0, 1, 12_345, MOST_TOKENS])
def test_a_whole_number_in_range_is_a_count(value):
    fields = Fields({"in": value})
    assert fields.count("in") == value
    assert fields.complaints == []


@pytest.mark.parametrize(
    "value", ["5", "", -1, 5.0, 1e300, True, False, [], {}, [5], MOST_TOKENS + 1, 2**70, math.nan, math.inf]
)
def test_anything_else_is_no_count_and_a_complaint(value):
    fields = Fields({"in": value})
    assert fields.count("in") is None
    (complaint,) = fields.complaints
    assert complaint.startswith("in is ")
    assert "not recorded" in complaint


@pytest.mark.parametrize("value", [0, 0.0, -3.5, 7, 1e9, MOST_SECONDS, -MOST_SECONDS])
def test_a_number_in_range_is_a_number(value):
    assert Fields({"t": value}).number("t") == value


@pytest.mark.parametrize("value", ["1.5", True, None, [], 1e11, -1e11, math.nan, math.inf, -math.inf, 10**400])
def test_anything_else_is_no_number(value):
    fields = Fields({"t": value})
    assert fields.number("t") is None
    assert len(fields.complaints) == (value is not None)


def test_a_number_can_be_bounded():
    fields = Fields({"a": -0.1, "b": 0.0})
    assert fields.number("a", least=0) is None
    assert fields.number("b", least=0) == 0.0
    assert len(fields.complaints) == 1


@pytest.mark.parametrize("value", ["x", " ", "\x1b[31m", "–"])
def test_a_string_is_text_as_it_is(value):
    assert Fields({"model": value}).text("model") == value


def test_an_empty_string_is_not_recorded_and_no_fault():
    fields = Fields({"stop": ""})
    assert fields.text("stop") is None
    assert fields.complaints == []


@pytest.mark.parametrize("value", [5, 0, False, [], {}, ["x"]])
def test_anything_else_is_no_text(value):
    fields = Fields({"model": value})
    assert fields.text("model") is None
    assert len(fields.complaints) == 1


@pytest.mark.parametrize("take", [Fields.count, Fields.number, Fields.text])
def test_what_is_missing_or_null_is_not_recorded_and_no_fault(take):
    fields = Fields({"null": None})
    assert take(fields, "null") is None
    assert take(fields, "missing") is None
    assert fields.complaints == []


def test_what_was_taken_is_not_in_the_rest():
    fields = Fields({"in": "five", "out": 5, "kept": [1]})
    fields.count("in")
    fields.count("out")
    assert fields.rest() == {"kept": [1]}


def test_a_complaint_is_short_whatever_the_value():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    for value in ("x" * 5_000_000, deep, {"a": deep}, [0] * 1_000_000):
        fields = Fields({"in": value})
        fields.count("in")
        assert len(fields.complaints[0]) < 200
    while deep:  # taken apart by hand: freeing it at once would need a frame for every list
        deep = deep.pop()
