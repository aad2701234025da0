"""The invented bundle of the dossier: rows worked out from its log and its payloads by hand."""

import json
import shutil
from dataclasses import replace

import pytest

from explorer.readers import Place, StepPlace, messages, readers
from tests.readers.codex.bundles import reading
from tests.readers.reading import SHARED

CODEX = SHARED / "traces" / "invented" / "codex"
pytestmark = pytest.mark.skipif(not CODEX.exists(), reason="the invented traces are not here")


def short(text):
    """A key without what its ids have in common."""
    return text and text.replace("01a10000-0000-7000-8000-0000000000", "").removeprefix("codex/aa/")


def steps_of(found, thread):
    """The steps of a thread, by the end of its id."""
    return [step for step in found.steps if short(step.run_id).startswith(f"{thread}/")]


@pytest.fixture(scope="module")
def path():
    (bundle,) = CODEX.glob("trace-*")
    return bundle


@pytest.fixture(scope="module")
def found(path):
    return reading(path)


def test_threads_are_agents_and_turns_are_runs(found):
    assert [(short(a.agent_id), short(a.parent_agent_id), a.name, a.label, a.parent_grade) for a in found.agents] == [
        ("aa", None, "/root", "01a10000-0000-7000-8000-0000000000aa", "exact"),
        ("b1", "aa", "/root/count", "Kepler", "exact"),
        ("b2", "aa", "/root/lint", "Euler", "exact"),
    ]
    told = [
        (short(r.run_id), short(r.parent_run_id), r.spawn_tool_call_id, r.status, r.start_ms, r.end_ms, r.model)
        for r in found.runs
    ]
    # The conversation starts with the root thread, a millisecond after the bundle; line 20 is earlier than line 19.
    assert told == [
        ("aa/d1", None, None, "completed", 4, 1209, "gpt-demo"),
        ("b1/d2", "aa/d1", "call_spA", "completed", 499, 809, "gpt-demo"),
        ("b2/d3", "aa/d1", "call_spB", "completed", 509, 819, "gpt-demo"),
    ]
    assert found.conversation == replace(
        found.conversation, conversation_id="codex/01a10000-0000-7000-8000-0000000000aa", format="codex",
        title="Count files and lint.", cwd="/home/u/proj", block_scope="prompt-parts", steps_recorded=True,
    )  # fmt: skip
    assert found.codes() == []


def test_calls_are_steps_with_the_tokens_of_their_answers(found):
    assert [
        (short(s.run_id), s.ordinal, s.start_ms, s.end_ms, s.input_tokens, s.cache_read_tokens, s.cache_write_tokens,
         s.output_tokens, s.reasoning_tokens, s.tokens_grade)
        for s in found.steps
    ] == [
        ("aa/d1", 1, 9, 449, 1200, 1024, 0, 80, 30, "exact"),
        ("aa/d1", 2, 899, 1199, 1500, 1216, 0, 60, 0, "exact"),
        ("b1/d2", 1, 504, 799, 900, 768, 0, 40, 10, "exact"),
        ("b2/d3", 1, 514, 809, 905, 768, 0, 55, 12, "exact"),
    ]  # fmt: skip
    assert [
        (t.step_ordinal, t.name, t.start_ms, t.end_ms, short(t.child_run_id), t.grade) for t in found.tool_calls
    ] == [
        (1, "collaboration.spawn_agent", 399, 415, "b1/d2", "exact"),
        (1, "collaboration.spawn_agent", 419, 430, "b2/d3", "exact"),
    ]


def test_siblings_share_instructions_tools_permissions_and_environment(found):
    one, two = (found.ids(steps_of(found, thread)[0]) for thread in ("b1", "b2"))
    assert (len(one), len(two)) == (5, 5)
    assert one[:4] == two[:4]
    assert one[4] != two[4]
    first, second = (found.ids(step) for step in steps_of(found, "aa"))
    # The websocket sends four items behind an answer of two: what was asked before is not in the request.
    assert (len(first), len(second)) == (5, 11)
    assert second[:5] == first
    assert first[:4] == one[:4]


def test_hand_offs_are_followed_to_the_item_that_arrived(found):
    assert [
        (e.kind, short(e.from_run_id), short(e.to_run_id), e.at_ms, e.delivered, e.resolution, e.grade)
        for e in found.edges
    ] == [
        ("spawn", "aa/d1", "b1/d2", 399, True, "item", "exact"),
        ("spawn", "aa/d1", "b2/d3", 419, True, "item", "exact"),
        ("result", "b1/d2", "aa/d1", 810, True, "item", "exact"),
        ("result", "b2/d3", "aa/d1", 820, True, "item", "exact"),
    ]


def test_both_sides_of_a_hand_off_can_be_read(found, path):
    def at(edge, end):
        place = (getattr(edge, f"{end}_{name}") for name in ("offset", "length"))
        return json.loads(readers()["codex"].record(path, *place, 1 << 20))

    spawn, result = found.edges[0], found.edges[2]
    assert json.loads(at(spawn, "sent")["payload"]["arguments"])["message"] == "CIPHER-A"
    got = at(spawn, "received")
    assert (got["author"], got["recipient"]) == ("/root", "/root/count")
    assert got["content"][1] == {"type": "encrypted_content", "encrypted_content": "CIPHER-A"}
    assert at(result, "sent")["status"] == {"completed": "42 files"}
    assert at(result, "received")["content"][0]["text"] == at(result, "sent")["message"]


def test_a_run_is_told_as_its_model_saw_it(found, path):
    (run,) = [run for run in found.runs if run.agent_id.endswith("aa")]
    steps = [StepPlace(s.ordinal, s.source_id, s.offset, s.length, s.is_replay) for s in steps_of(found, "aa")]
    place = Place(run.conversation_id, run.agent_id, run.run_id, run.native_run_id, steps)
    told = list(messages(readers()["codex"], {path.name: path}, place))
    assert [(m.role, m.kind, m.step_ordinal) for m in told] == [
        ("system", "text", None), ("system", "other", None), ("developer", "text", None), ("user", "text", None),
        ("user", "text", None), ("assistant", "tool_call", 1), ("assistant", "tool_call", 1),
        ("tool", "tool_result", None), ("tool", "tool_result", None), ("agent", "text", None), ("agent", "text", None),
        ("assistant", "text", 2),
    ]  # fmt: skip
    until = list(messages(readers()["codex"], {path.name: path}, place._replace(until=1)))
    assert until == told[:7]


def test_a_step_is_recorded_as_request_and_answer(found, path):
    step = found.steps[1]
    told = json.loads(readers()["codex"].record(path, step.offset, step.length, 1 << 20))
    assert list(told) == ["payloads/19.json", "payloads/20.json"]
    assert told["payloads/20.json"]["response_id"] == "resp_2"
    for limit in (100, 600):
        assert 0 < len(readers()["codex"].record(path, step.offset, step.length, limit)) <= limit


def test_session_files_of_the_same_threads_count_nothing_twice(found, path):
    both = reading(path, *sorted(CODEX.glob("sessions/**/*.jsonl")))
    own = [step for step in both.steps if not step.is_replay]
    assert own == found.steps
    assert [edge for edge in both.edges if edge.delivered] == found.edges
    assert [edge.kind for edge in both.edges] == [edge.kind for edge in found.edges]
    assert sorted(set(both.codes())) == ["recorded-twice", "replayed-history"]
    assert {finding.source_id[:7] for finding in both.findings if finding.code == "recorded-twice"} == {"rollout"}


def test_a_state_that_the_recorder_reduced_says_the_same(path, tmp_path):
    copy = shutil.copytree(path, tmp_path / path.name)
    state = json.loads((copy / "state.json").read_bytes())
    call = next(iter(state["inference_calls"].values()))
    call["usage"]["input_tokens"] += 1
    del state["threads"][next(iter(state["threads"]))]
    (copy / "state.json").write_text(json.dumps(state))
    found = reading(copy).findings
    assert [(finding.code, finding.severity) for finding in found] == [("state-differs", "info")] * 2
