"""Real transcripts, counted again with nothing but the json module."""

import json
from itertools import chain

import pytest

from tests.readers.claude_code.counting import FIELDS, counts
from tests.readers.claude_code.families import readings
from tests.readers.reading import SHARED

REAL = SHARED / "traces" / "claude-code"
INVENTED = SHARED / "traces" / "invented" / "claude"
WORKTREES = REAL / "-experiments-worktrees"

pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason="the real traces are not here")


@pytest.fixture(scope="module")
def worktrees():
    (reading,) = readings(WORKTREES)
    return reading


def own_steps(found):
    return [step for reading in found for step in reading.steps if not step.is_replay]


def fields_of(steps):
    """The figures as the recorder has them, input apart from cache."""
    read, write = (sum(getattr(step, f"cache_{way}_tokens") or 0 for step in steps) for way in ("read", "write"))
    whole = sum(step.input_tokens or 0 for step in steps)
    return dict(zip(FIELDS, (whole - read - write, write, read, sum(s.output_tokens or 0 for s in steps)), strict=True))


@pytest.mark.parametrize("directory", [REAL, *(sorted(REAL.iterdir()) if REAL.is_dir() else ()), INVENTED], ids=str)
def test_steps_tokens_and_sub_agents_are_those_of_an_independent_count(directory):
    expected = counts(*directory.rglob("*.jsonl"))
    found = readings(directory)
    steps = own_steps(found)
    assert len(steps) == expected.steps
    assert fields_of(steps) == expected.fields
    agents = [
        agent for reading in found for agent in reading.agents if "/agent-" in agent.agent_id.rpartition("jsonl")[2]
    ]
    assert len(agents) == len(expected.agents)
    uncounted = [row for reading in found for row in reading.uncounted]
    for field, column in zip(FIELDS[1:], ("cache_write_tokens", "cache_read_tokens", "output_tokens"), strict=True):
        assert fields_of(steps)[field] + sum(getattr(row, column) for row in uncounted) == expected.naive[field]


def test_the_invented_example_adds_up_to_what_it_was_made_of():
    found = readings(INVENTED)
    assert fields_of(own_steps(found)) == dict(zip(FIELDS, (31, 17_451, 24_500, 306), strict=True))
    (reading,) = found
    assert [event.tokens_before for event in reading.events if event.kind == "compaction"] == [155_025]
    unconfirmed = [step.run_id for step in reading.steps if step.tokens_grade == "derived"]
    assert [run_id.rpartition("agent-")[2] for run_id in unconfirmed] == ["bb11cc22dd33ee44f/1"]


def rounds(reading):
    """The six sub-agents by the message that spawned them, in the order of their beginning."""
    steps = {(step.run_id, step.ordinal): json.loads(step.extra)["message_id"] for step in reading.steps}
    spawned = {}
    for tool in reading.tool_calls:
        if tool.child_run_id:
            spawned.setdefault(steps[tool.run_id, tool.step_ordinal], []).append(tool.child_run_id)
    runs = {run.run_id: run for run in reading.runs}
    return [sorted((runs[each] for each in ids), key=lambda run: run.start_ms) for ids in spawned.values()]


def test_six_sub_agents_stand_under_the_two_messages_that_spawned_them(worktrees):
    found = rounds(worktrees)
    assert [len(each) for each in found] == [3, 3]
    named = [{run.agent_id.rpartition("agent-")[2] for run in each} for each in found]
    assert named == [
        {"ab1e6e141221a29ab", "a52886dc180afb356", "a4ca7529859c158c2"},
        {"aef063ba534d73153", "a6aa8ad077d9ea083", "a36efb2a1231c41e2"},
    ]
    grades = {agent.parent_grade for agent in worktrees.agents}
    assert grades == {"exact"}


def test_the_three_of_the_first_message_are_together_for_seven_and_a_half_minutes(worktrees):
    first = rounds(worktrees)[0]
    together = min(run.end_ms for run in first) - max(run.start_ms for run in first)
    assert together == (7 * 60 + 26) * 1000 + 932  # from 13:20:58.485 to 13:28:25.417
    assert [round((run.start_ms - first[0].start_ms) / 1000) for run in first] == [0, 10, 22]


def test_what_each_of_the_six_found_cached(worktrees):
    first = {s.run_id: (s.cache_read_tokens, s.cache_write_tokens) for s in worktrees.steps if s.ordinal == 1}
    assert [[first[run.run_id] for run in each] for each in rounds(worktrees)] == [
        [(0, 15_126), (10_403, 4_794), (10_403, 4_855)],
        [(0, 15_961), (11_482, 4_405), (11_482, 4_425)],
    ]


def test_warm_ups_and_lost_sub_agents_are_told_apart():
    found = readings(REAL / "-Users-dain-workspace-coderabbit-review-helper")
    agents = list(chain.from_iterable(reading.agents for reading in found))
    first = {}
    for path in (REAL / "-Users-dain-workspace-coderabbit-review-helper").glob("agent-*.jsonl"):
        first[path.stem] = json.loads(path.read_bytes().split(b"\n")[0])["message"]["content"]
    warm = {name for name, content in first.items() if content == "Warmup"}
    assert {agent.agent_id.rpartition("/")[2] for agent in agents if agent.helper == "warm-up"} == warm
    lost = [finding for reading in found for finding in reading.findings if finding.code == "orphan-agent"]
    orphans = {finding.agent_id.rpartition("/")[2] for finding in lost}
    assert orphans == first.keys() - warm - {"agent-ea02459f"}
