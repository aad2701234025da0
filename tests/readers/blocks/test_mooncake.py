"""Mooncake traces: without sessions, with them, with turns that hold only what is new; and a real one."""

import json

import pytest

from explorer.model import BlockRun, NamespaceAudit
from tests.readers.blocks.counting import infinite_hits, records, reused, written
from tests.readers.reading import SAMPLES, SHARED, claim, head, read

REAL = SHARED / "traces" / "mooncake" / "synthetic_trace.jsonl"


def request(ids, tokens=None, **fields):
    return {"timestamp": 0, "input_length": tokens or 512 * len(ids), "output_length": 5, "hash_ids": ids} | fields


def turn(session, ids, tokens, delay):
    return {"session_id": session, "input_length": tokens, "output_length": 40, "hash_ids": ids, "delay": delay}


def mooncake(path):
    assert claim(path, head(path)).NAME == "mooncake"
    return read(path, "m", reader="mooncake")


def test_requests_without_sessions_are_one_agents(tmp_path):
    found = mooncake(written(tmp_path / "t.jsonl", request([0, 1, 2], 1100), request([0, 1, 3, 4], 2000, timestamp=70)))
    assert [agent.name for agent in found.agents] == ["requests"]
    assert [(s.ordinal, s.start_ms, s.input_tokens, s.output_tokens) for s in found.steps] == [
        (1, 0, 1100, 5),
        (2, 70, 2000, 5),
    ]
    assert list(found.stretches().values()) == [[(0, 3)], [(0, 2), (3, 2)]]
    assert found.conversation.conversation_id == "m"
    assert not found.conversation.tool_calls_recorded


def test_a_later_turn_with_only_what_is_new_gets_what_was_said_before(tmp_path):
    """The example of aiperf: [0, 1, 2] and then [1000, 1001]; another session comes in between."""
    first = request([0, 1, 2], 1536, session_id="a", output_length=320)
    path = written(
        tmp_path / "t.jsonl",
        first,
        turn("a", [1000, 1001], 768, 2450.3),
        request([0, 1, 7], 1500, session_id="b", timestamp=2000),
        turn("a", [1002], 100, 1000),
    )
    found = mooncake(path)
    assert [(agent.name, agent.label) for agent in found.agents] == [("session", "a"), ("session", "b")]
    steps = found.steps_of("a")
    assert [found.ids(step) for step in steps] == [[0, 1, 2], [0, 1, 2, 1000, 1001], [0, 1, 2, 1000, 1001, 1002]]
    assert [step.input_tokens for step in steps] == [1536, 1536 + 320 + 768, 1536 + 320 + 768 + 40 + 100]
    assert [step.tokens_grade for step in steps] == ["exact", "derived", "derived"]
    assert [(step.start_ms, step.wait_ms) for step in steps] == [(0, None), (2450, 2450), (3450, 1000)]
    assert [found.run(name).time_grade for name in "ab"] == ["derived", "exact"]


def test_a_later_turn_that_begins_like_the_first_is_whole(tmp_path):
    path = written(tmp_path / "t.jsonl", request([4, 5], session_id="a"), turn("a", [4, 5, 6], 1300, 10))
    assert [step.input_tokens for step in mooncake(path).steps] == [1024, 1300]
    assert list(mooncake(path).stretches().values()) == [[(4, 2)], [(4, 3)]]


@pytest.mark.parametrize(
    ("prompts", "size"),
    [
        ([([0, 1, 2], 1100)], 512),
        ([([0, 1], 17), ([0, 1, 2], 48)], 16),
        ([([0, 1], 700), ([0, 1], 900)], 512),
        ([([0], 3)], 512),
        ([([0, 1], 200), ([0, 1], 400)], None),
        ([([0, 1, 2], 4000), ([0, 1, 2], 1100)], None),
    ],
)
def test_the_size_of_a_block_follows_from_the_lengths_or_is_not_recorded(prompts, size, tmp_path):
    found = read(written(tmp_path / "t.jsonl", *(request(ids, tokens) for ids, tokens in prompts)), reader="mooncake")
    assert {row.block_tokens for row in found.of(BlockRun)} == {size}


def test_what_another_session_wrote_is_found_there_in_order_of_arrival(tmp_path):
    """Session b starts between two turns of a, and begins like them: b finds two blocks of a's, and a none of b's."""
    path = written(
        tmp_path / "t.jsonl",
        request([0, 1, 2], 1536, session_id="a"),
        turn("a", [9], 512, 5000),
        request([0, 1, 5], 1400, session_id="b", timestamp=100),
    )
    reuse = {(row.run_id, row.ordinal): row for row in reused(path)}
    hits = [(row.hit_own, row.hit_ancestor, row.hit_sibling, row.hit_other) for row in reuse.values()]
    assert list(reuse) == [("m/a/1", 1), ("m/b/1", 1), ("m/a/1", 2)]
    assert hits == [(0, 0, 0, 0), (0, 0, 0, 2), (3, 0, 0, 0)]


def test_a_bad_line_costs_itself():
    found = mooncake(SAMPLES / "mooncake" / "damaged" / "bad-lines.jsonl")
    assert [(row.code, row.line) for row in found.findings] == [
        ("bad-record", 3),
        ("bad-record", 5),
        ("bad-record", 7),
        ("truncated-record", 11),
    ]
    assert len(found.steps) == 8
    assert [step.ordinal for step in found.steps if not found.stretches().get((step.run_id, step.ordinal))] == [5]


@pytest.mark.skipif(not REAL.exists(), reason="the real trace is not here")
def test_the_real_trace_is_that_of_the_json_module():
    plain = [json.loads(text) for text in REAL.read_bytes().splitlines()]
    found = read(REAL, "m", reader="mooncake")
    assert len(found.steps) == 3993
    assert not found.findings
    prompts = found.stretches()
    for step, record in zip(found.steps, plain, strict=True):
        assert (step.start_ms, step.input_tokens) == (record["timestamp"], record["input_length"])
        ids = [first + n for first, count in prompts[step.run_id, step.ordinal] for n in range(count)]
        assert ids == record["hash_ids"]
    blocks, tokens = infinite_hits((r["hash_ids"], r["input_length"], 512) for r in records(REAL))
    reuse = reused(REAL)
    assert sum(row.hit_own for row in reuse) == blocks == 77_953
    assert sum(row.hit_own_tokens for row in reuse) == tokens
    assert round(blocks / sum(len(record["hash_ids"]) for record in plain), 3) == 0.640  # as the dossier has it
    (audit,) = reused(REAL, NamespaceAudit)
    facts = audit.base, audit.dense, audit.chained, audit.coverage, audit.perfect_document, audit.distinct_blocks
    assert facts == (0, True, True, "ceil", True, 43_924)
