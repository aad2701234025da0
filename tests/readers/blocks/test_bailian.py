"""Bailian's traces: sessions over parent chats, some of which are not there."""

import json

from explorer.model import BlockRun, NamespaceAudit
from tests.readers.blocks.counting import infinite_hits, records, reused, written
from tests.readers.reading import SAMPLES, claim, head, read

SAMPLE = SAMPLES / "bailian" / "qwen_blksz_16.jsonl"


def chat(number, parent, ids, **fields):
    usual = {
        "chat_id": number, "parent_chat_id": parent, "timestamp": len(ids) / 4,
        "input_length": 16 * len(ids) - 3,
        "output_length": 9, "type": "text", "turn": 1, "hash_ids": ids,
    }  # fmt: skip
    return {name: value for name, value in (usual | fields).items() if value is not ...}


def bailian(tmp_path, *chats):
    path = written(tmp_path / "t.jsonl", *chats)
    assert claim(path, head(path)).NAME == "bailian"
    return read(path, "b", reader="bailian")


def members(found):
    """Label of each session -> the chats in it."""
    labels = {run.run_id: agent.label for run in found.runs for agent in found.agents if agent.agent_id == run.agent_id}
    sessions = {}
    for step in found.steps:
        sessions.setdefault(labels[step.run_id], []).append(json.loads(step.extra)["chat_id"])
    return sessions


def test_a_session_is_the_chats_that_lead_to_one_root(tmp_path):
    found = bailian(
        tmp_path,
        chat(10, -1, [0, 1]),
        chat(11, ..., [0, 2], type="image"),
        chat(12, 10, [0, 1, 3]),
        chat(13, 12, [0, 1, 3, 4]),
        chat(14, 10, [0, 1, 5]),
    )
    assert members(found) == {"10": [10, 12, 13, 14], "11": [11]}
    assert [agent.name for agent in found.agents] == ["text", "image"]
    assert [step.start_ms for step in found.steps_of("10")] == [500, 750, 1000, 750]
    assert {row.block_tokens for row in found.of(BlockRun)} == {16}
    assert not found.findings


def test_chats_behind_a_lost_one_are_a_session_and_say_so(tmp_path):
    found = bailian(tmp_path, chat(5, 3, [0]), chat(6, 5, [0, 1]), chat(7, 3, [0, 2]), chat(3, -1, [8]))
    assert members(found) == {"after 3": [5, 6, 7], "3": [3]}
    assert [(row.code, row.severity, row.line) for row in found.findings] == [("missing-history", "info", 1)]


def test_a_chat_without_an_id_of_its_own_still_has_a_place(tmp_path):
    found = bailian(tmp_path, chat(1, -1, [0]), chat("x", 1, [0, 1]), chat("y", -1, [0, 2]))
    assert [step.run_id for step in found.steps] == ["b/1/1", "b/1/1", "b/line 3/1"]
    assert found.codes() == ["bad-field", "bad-field"]


def test_ids_that_name_contents_are_told_from_those_that_name_prefixes(tmp_path):
    """Block 2 behind 0 and behind 1: hashed one by one, as the README of the traces says."""
    path = written(tmp_path / "t.jsonl", chat(1, -1, [0, 2]), chat(2, -1, [1, 2]))
    assert [audit.chained for audit in reused(path, NamespaceAudit)] == [False]
    assert [audit.chained for audit in reused(SAMPLE, NamespaceAudit)] == [True]


def test_what_a_cache_would_have_served_is_what_sets_say():
    hits = [(row.hit_own, row.hit_other, row.hit_own_tokens, row.hit_other_tokens) for row in reused(SAMPLE)]
    own, other, own_tokens, other_tokens = map(sum, zip(*hits, strict=True))
    plain = infinite_hits((record["hash_ids"], record["input_length"], 16) for record in records(SAMPLE))
    assert (own + other, own_tokens + other_tokens) == plain
    assert own > 0
    assert other > 0
