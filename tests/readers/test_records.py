"""Bytes and lines of a file, and JSON out of them."""

import json
import random

import pytest
from hypothesis import given

from explorer.readers import _records
from explorer.readers._records import Lines, loads, open_bytes
from tests.strategies import VALUES

# --- values ----------------------------------------------------------------------------------------------------------


@given(VALUES)
def test_loads_reads_what_json_writes(value):
    assert loads(json.dumps(value).encode()) == value


def test_loads_makes_lone_surrogates_visible():
    assert loads(rb'{"a":"x\ud800y","b":"\udfff","c":"\ud83d\ude00"}') == {"a": "x�y", "b": "�", "c": "😀"}


def test_loads_gives_numbers_that_are_none_as_their_names():
    assert loads(b'{"a":NaN,"b":-Infinity,"c":[Infinity]}') == {"a": "NaN", "b": "-Infinity", "c": ["Infinity"]}


@pytest.mark.parametrize(
    "text", [b"", b"{", b'{"a":}', b'"\xff"', b'{"a":"\xff\\u0041"}', b"nul", b"NaNa", b"1 2", b"[" * 100_000]
)
def test_loads_refuses_the_rest(text):
    with pytest.raises(ValueError):
        loads(text)


def test_loads_refuses_what_is_too_deep_for_it_in_the_same_way():
    with pytest.raises(ValueError):
        loads(b'["\\ud800",' + b"[" * 100_000 + b"]" * 100_001)


# --- bytes and lines -------------------------------------------------------------------------------------------------


def test_small_files_are_read_and_large_ones_mapped(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    monkeypatch.setattr(_records, "MAP_ABOVE", 5)
    with open_bytes(path) as buffer:
        assert type(buffer) is bytes
    monkeypatch.setattr(_records, "MAP_ABOVE", 4)
    with open_bytes(path) as buffer:
        assert type(buffer) is not bytes
        assert buffer[1:3] == b"23"


def test_an_empty_file_is_empty_bytes(tmp_path):
    path = tmp_path / "file"
    path.touch()
    with open_bytes(path) as buffer:
        assert buffer == b""


def lines_plainly(text, offset):
    return text[:offset].count(b"\n") + 1


@pytest.mark.parametrize("chunk", [7, 64, 1 << 20])
def test_lines_are_counted_from_wherever_they_are_asked(chunk, monkeypatch):
    monkeypatch.setattr(Lines, "CHUNK", chunk)
    rng = random.Random(chunk)
    text = b"".join(b"x" * rng.randrange(30) + b"\n" for _ in range(300))
    lines = Lines(text)
    rising = sorted(rng.randrange(len(text)) for _ in range(50))
    anyhow = [rng.randrange(len(text)) for _ in range(200)]
    for offset in [*rising, *anyhow, *range(0, len(text), chunk), len(text)]:
        assert lines.at(offset) == lines_plainly(text, offset)


def test_a_new_line_belongs_to_the_line_it_ends():
    lines = Lines(b"a\nb\n")
    assert [lines.at(offset) for offset in range(5)] == [1, 1, 2, 2, 3]
