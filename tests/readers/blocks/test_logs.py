"""Logs without sessions: LMCache's lookups and the traces of kvcache.ai's simulator; and which format a line is of."""

import gzip
import json
from hashlib import blake2b

import pytest

from explorer.model import BlockRun, NamespaceAudit
from explorer.readers import readers
from tests.readers.blocks.counting import infinite_hits, records, reused, written
from tests.readers.reading import SAMPLES, claim, head, read

LOOKUP = {
    "timestamp": 1711929600.5, "request_id": "r", "model_name": "m", "chunk_size": 256, "seq_len": 600,
    "dtypes": ["bf16"], "shapes": [[2, 8]], "chunk_hashes": ["0xff00000000000000aa", "0x02"],
}  # fmt: skip
REPLAY = {"block_size": 64, "hash_ids": [7, 8], "input_length": 100}


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        (LOOKUP, "lmcache"),
        (REPLAY, "kvcache-simulator"),
        ({"hash_ids": ["a"], "input_length": 3, "block_tokens": [3]}, "kvcache-simulator"),
        ({"hash_ids": [1], "input_length": 3, "timestamp": 0}, "mooncake"),
        ({"hash_ids": [1], "input_length": 3, "session_id": "s"}, "mooncake"),
        ({"hash_ids": [1], "timestamp": 0}, None),
        ({"requests": None, "hash_ids": [1], "input_length": 3}, None),
        ({"block_size": 64, "input_length": 3}, None),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_a_line_is_of_one_format(fields, name, packed, tmp_path):
    path = tmp_path / ("t.jsonl.gz" if packed else "t.jsonl")
    content = b"\nnot JSON\n" + json.dumps(fields).encode() + b"\n"
    path.write_bytes(gzip.compress(content) if packed else content)
    reader = claim(path, head(path))
    assert (reader and reader.NAME) == name


@pytest.mark.parametrize("fields", [LOOKUP | {"chunk_hashes": ["0xabcdef"] * 9000}, REPLAY | {"hash_ids": [7] * 40000}])
def test_a_first_line_that_is_longer_than_the_head_is_known_by_what_comes_before_its_list(fields, tmp_path):
    ordered = dict(sorted(fields.items(), key=lambda field: isinstance(field[1], list) and len(field[1]) > 1000))
    path = written(tmp_path / "t.jsonl", ordered)
    name = "lmcache" if "seq_len" in fields else "kvcache-simulator"
    assert claim(path, head(path)) is readers()[name]


def test_a_lookup_is_a_step_of_its_models_agent(tmp_path):
    other = LOOKUP | {"model_name": "n", "timestamp": 1711929601.0, "shapes": [[2, 9]]}
    found = read(written(tmp_path / "t.jsonl", LOOKUP, other), reader="lmcache")
    assert [(agent.name, agent.label) for agent in found.agents] == [("requests", "m"), ("requests", "n")]
    assert [(s.start_ms, s.input_tokens, s.output_tokens, s.model) for s in found.steps] == [
        (0, 600, None, "m"),
        (500, 600, None, "n"),
    ]
    assert found.ids(found.steps[0]) == [0xAA, 2]
    assert {row.block_tokens for row in found.of(BlockRun)} == {256}
    assert (found.conversation.started_at.isoformat(), found.conversation.block_scope) == (
        "2024-04-01T00:00:00.500000",
        "hashes",
    )
    assert json.loads(found.conversation.extra) == {"dtypes": ["bf16"], "shapes": [[2, 8]]}
    assert [json.loads(step.extra) for step in found.steps] == [
        {"request_id": "r"},
        {"request_id": "r", "shapes": [[2, 9]]},
    ]


def test_ids_that_are_texts_become_numbers(tmp_path):
    path = written(tmp_path / "t.jsonl", REPLAY | {"hash_ids": ["system prompt", "-0x1", "1F"]}, REPLAY)
    found = read(path, reader="kvcache-simulator")
    number = int.from_bytes(blake2b(b"system prompt", digest_size=8).digest())
    assert found.ids(found.steps[0]) == [number, 2**64 - 1, 0x1F]
    assert found.ids(found.steps[1]) == [7, 8]


def test_a_replay_has_the_order_of_the_file_and_no_time(tmp_path):
    rows = [REPLAY | {"timestamp": 9}, {"hash_ids": [7], "input_length": 3, "timestamp": 1}]
    found = read(written(tmp_path / "t.jsonl", *rows), reader="kvcache-simulator")
    assert [(step.start_ms, json.loads(step.extra)["timestamp"]) for step in found.steps] == [(None, 9), (None, 1)]
    assert [row.block_tokens for row in found.of(BlockRun)] == [64, 64], "the size is that of the trace"
    assert found.runs[0].time_grade == "not_recorded"


def test_the_size_of_a_block_is_that_of_the_largest(tmp_path):
    path = written(tmp_path / "t.jsonl", {"hash_ids": [4, 5], "input_length": 70, "block_tokens": [64, 6]})
    assert [row.block_tokens for row in read(path, reader="kvcache-simulator").of(BlockRun)] == [64]


@pytest.mark.parametrize("name", ["lmcache/lookup_hashes_0.jsonl", "kvcache-simulator/numbers.jsonl.gz"])
def test_what_a_cache_would_have_served_is_what_sets_say(name):
    path = SAMPLES / name
    prompts = [
        (r.get("hash_ids", r.get("chunk_hashes")), r.get("input_length", r.get("seq_len")), r.get("block_size", 256))
        for r in records(path)
    ]
    reuse = reused(path)
    hits = sum(row.hit_own + row.hit_other for row in reuse)
    tokens = sum(row.hit_own_tokens + row.hit_other_tokens for row in reuse)
    assert (hits, tokens) == infinite_hits(prompts)
    assert hits > 0


def test_a_gzipped_file_that_is_cut_off_keeps_what_comes_before(tmp_path):
    whole = SAMPLES / "kvcache-simulator" / "numbers.jsonl.gz"
    path = tmp_path / "cut.jsonl.gz"
    steps = read(whole, "n", reader="kvcache-simulator").steps
    lengths = set()
    content = whole.read_bytes()
    for cut in range(20, len(content) - 1, 7):
        path.write_bytes(content[:cut])
        found = read(path, "n", reader="kvcache-simulator")
        assert found.steps == steps[: len(found.steps)]
        assert found.codes()[-1] == "truncated-record"
        lengths.add(len(found.steps))
    assert len(lengths) > 2


def test_ids_of_contents_are_hits_by_themselves_and_by_whole_prefixes():
    """guide contract | guide annex | annex contract | guide contract annex | guide annex contract, and a question each.

    By ids 0, 1, 2, 4 and 4 leading blocks were there before; behind the same blocks 0, 1, 0, 2 and 2.
    """
    (audit,) = reused(SAMPLES / "kvcache-simulator" / "contents.jsonl", NamespaceAudit)
    assert (audit.chained, audit.hits, audit.prefix_hits) == (False, 11, 5)
