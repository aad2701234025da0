"""What of a weka trace ends up in which row. All values here were worked out by hand."""

import json
from dataclasses import asdict

import pytest

from tests.readers.reading import line, request, sub_agent, trace
from tests.readers.weka.conftest import ABSOLUTE_START, RELATIVE_END

# --- one conversation ------------------------------------------------------------------------------------------------


def test_a_conversation_has_its_own_id_as_title_and_the_path_as_key(reading):
    found = reading(trace(request(), id="trace_0001"))
    assert asdict(found.conversation) == {
        "conversation_id": "s",
        "source_id": "s",
        "format": "weka",
        "title": "trace_0001",
        "group_name": None,
        "cwd": None,
        "started_at": None,
        "ended_at": None,
        "block_scope": "local",
        "steps_recorded": True,
        "tool_calls_recorded": False,
        "extra": '{"models":["m"]}',
    }


def test_the_main_agent_and_its_run(reading):
    found = reading(trace(request(t=0.0, api_time=2.5), request(t=9.0, api_time=1.25, model="other")))
    (agent,) = found.agents
    assert (agent.agent_id, agent.parent_agent_id, agent.name, agent.label) == ("s/main", None, "main", None)
    assert agent.parent_grade == "exact"
    (run,) = found.runs
    assert (run.run_id, run.agent_id, run.parent_run_id, run.ordinal) == ("s/main/1", "s/main", None, 1)
    assert (run.start_ms, run.end_ms, run.time_grade) == (0, 10_250, "exact")
    assert run.model == "m"
    assert (run.status, run.status_detail) == ("unknown", None)


def test_a_step_has_what_the_request_says(reading):
    recorded = {
        "t": 12.0, "type": "s", "model": "claude-x", "in": 200, "out": 30, "hash_ids": [5, 6, 7],
        "input_types": ["text"], "output_types": ["thinking", "text"], "stop": "end_turn", "api_time": 3.125,
        "think_time": 7.5, "ttft": 0.75, "note": {"kept": [1]},
    }  # fmt: skip
    (step,) = reading(trace(recorded)).steps
    values = asdict(step)
    assert json.loads(values.pop("extra")) == {
        "type": "s", "input_types": ["text"], "output_types": ["thinking", "text"], "ttft": 0.75, "note": {"kept": [1]},
    }  # fmt: skip
    assert (values.pop("offset"), values.pop("length")) == (
        line(trace(recorded)).index(b'{"t"'),
        len(line(recorded)),
    )
    assert values == {
        "run_id": "s/main/1",
        "ordinal": 1,
        "started_at": None,
        "start_ms": 12_000,
        "end_ms": 15_125,
        "request_model": None,
        "model": "claude-x",
        "provider": None,
        "input_tokens": 200,
        "cache_read_tokens": None,
        "cache_write_tokens": None,
        "output_tokens": 30,
        "reasoning_tokens": None,
        "tokens_grade": "exact",
        "finish_reason": "end_turn",
        "error": None,
        "is_replay": False,
        "wait_ms": 7_500,
        "grade": "exact",
        "candidates": None,
        "source_id": "s",
    }


@pytest.mark.parametrize("field", ["t", "model", "in", "out", "hash_ids", "api_time", "think_time", "stop"])
def test_a_missing_field_is_not_recorded_and_the_rest_is(reading, field):
    whole = request(think_time=2.0, stop="tool_use")
    (step,) = reading(trace(whole)).steps
    found = reading(trace({key: value for key, value in whole.items() if key != field}))
    (less,) = found.steps
    gone = {
        "t": ["start_ms", "end_ms"],
        "model": ["model"],
        "in": ["input_tokens"],
        "out": ["output_tokens"],
        "api_time": ["end_ms"],
        "think_time": ["wait_ms"],
        "stop": ["finish_reason"],
        "hash_ids": [],
    }[field]
    expected = asdict(step) | dict.fromkeys(gone) | {"length": less.length}
    assert asdict(less) == expected
    assert found.ids(less) == ([] if field == "hash_ids" else [1, 2])
    assert not found.findings


def test_a_request_that_says_nothing_is_a_step_without_values(reading):
    (step,) = reading(trace({})).steps
    assert step.tokens_grade == "not_recorded"
    assert (step.start_ms, step.end_ms, step.model, step.extra) == (None, None, None, None)


def test_a_conversation_without_times_has_no_start(reading):
    (run,) = reading(trace(request(t=..., api_time=...))).runs
    assert (run.start_ms, run.end_ms, run.time_grade) == (None, None, "not_recorded")


def test_a_conversation_without_requests_is_there(reading):
    found = reading(trace())
    assert found.conversation.title == "c"
    assert (len(found.agents), len(found.runs), len(found.steps)) == (1, 1, 0)


def test_empty_texts_are_not_recorded(reading):
    (step,) = reading(trace(request(model="", stop=""))).steps
    assert (step.model, step.finish_reason) == (None, None)


def test_fields_that_no_column_names_are_kept(reading):
    found = reading(trace(request(mine={"a": [None, 1.5]}), tool_tokens=5, other=[{"x": "é"}], nothing=None))
    assert json.loads(found.steps[0].extra) == {"type": "n", "mine": {"a": [None, 1.5]}}
    assert json.loads(found.conversation.extra) == {"models": ["m"], "tool_tokens": 5, "other": [{"x": "é"}]}


@pytest.mark.parametrize(
    ("first", "ids"), [(0, [0, 1, 2]), (1, [1, 2, 3]), (2**63, [2**63, 2**63 + 1]), (7, [7, 9, 10, 3])]
)
def test_ids_become_runs_from_whatever_the_numbering_starts_with(reading, first, ids):
    found = reading(trace(request(hash_ids=ids)))
    assert found.ids(found.steps[0]) == ids
    assert found.stretches()["s/main/1", 1][0][0] == first


def test_block_runs_say_where_they_stand_and_how_large_a_block_is(reading):
    found = reading(trace(request(hash_ids=[4, 5, 9, 1, 2, 3]), block_size=32))
    rows = [row for row in found.rows if type(row).__name__ == "BlockRun"]
    assert [(row.position, row.first_block, row.block_count) for row in rows] == [(0, 4, 2), (2, 9, 1), (3, 1, 3)]
    assert {(row.namespace, row.block_tokens, row.step_ordinal) for row in rows} == {("s", 32, 1)}


@pytest.mark.parametrize(
    ("scope", "namespace"), [("local", "s"), ("global", "global"), (..., "s"), ("per_context", "s"), (None, "s")]
)
def test_ids_are_compared_within_the_file_unless_it_says_that_they_are_global(reading, scope, namespace):
    found = reading(trace(request(), hash_id_scope=scope))
    (row,) = [row for row in found.rows if type(row).__name__ == "BlockRun"]
    assert row.namespace == namespace
    assert found.conversation.block_scope == (scope if isinstance(scope, str) else None)


@pytest.mark.parametrize("size", [..., None, 0, -1, "64", 64.0])
def test_without_a_block_size_blocks_have_no_tokens(reading, size):
    found = reading(trace(request(), block_size=size))
    (row,) = [row for row in found.rows if type(row).__name__ == "BlockRun"]
    assert row.block_tokens is None


@pytest.mark.parametrize(("tokens", "ids"), [(130, [1, 2]), (130, [1, 2, 3]), (128, [1, 2])])
def test_floor_ceil_and_exact_coverage_are_all_read_as_they_are(reading, tokens, ids):
    found = reading(trace(request(**{"in": tokens, "hash_ids": ids})))
    assert found.steps[0].input_tokens == tokens
    assert found.ids(found.steps[0]) == ids
    assert not found.findings


def test_a_prompt_that_repeats_a_block_keeps_it_and_says_so(reading):
    found = reading(trace(request(hash_ids=[1, 2, 3, 2, 3, 4])))
    assert found.ids(found.steps[0]) == [1, 2, 3, 2, 3, 4]
    (finding,) = found.findings
    assert (finding.code, finding.severity, finding.step_ordinal) == ("duplicate-block", "warning", 1)
    assert "block 2" in finding.message


def test_every_prompt_is_read_on_its_own_though_each_extends_the_last(reading):
    prompts = [[1, 2], [1, 2, 3], [1, 2, 3], [1, 2], [1, 2, 30], [], [1], [12]]
    found = reading(trace(*(request(hash_ids=ids) for ids in prompts)))
    assert [found.ids(step) for step in found.steps] == prompts


# --- totals ----------------------------------------------------------------------------------------------------------


def totals(parent=(130, 7), below=(0, 0), combined=(130, 7), count=0):
    def pair(values):
        return {"input": values[0], "output": values[1]}

    return {
        "parent_tokens": pair(parent),
        "subagent_tokens": pair(below),
        "combined_tokens": pair(combined),
        "subagent_count": count,
    }


def test_totals_that_fit_are_reported_and_no_finding(reading):
    found = reading(trace(request(), totals=totals()))
    assert (found.runs[0].reported_input_tokens, found.runs[0].reported_output_tokens) == (130, 7)
    assert not found.findings
    assert json.loads(found.conversation.extra)["totals"] == totals()


def test_totals_of_sub_agents_count_every_level(reading):
    nested = sub_agent(request(), sub_agent(request(), agent_id="agent_002"))
    recorded = totals(below=(260, 14), combined=(390, 21), count=2)
    assert "total-mismatch" not in reading(trace(request(), nested, totals=recorded)).codes()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"below": (1, 0)}, "totals.subagent_tokens.input is 1, the steps sum to 0"),
        ({"combined": (1130, 7)}, "totals.combined_tokens.input is 1,130, the steps sum to 130"),
        ({"combined": (130, 8)}, "totals.combined_tokens.output is 8, the steps sum to 7"),
        ({"count": 3}, "totals.subagent_count is 3, there are 0"),
    ],
)
def test_totals_that_do_not_fit_are_findings(reading, changed, words):
    found = reading(trace(request(), totals=totals(**changed)))
    (finding,) = found.findings
    assert (finding.code, finding.severity, finding.line) == ("total-mismatch", "warning", 1)
    assert finding.message == words


@pytest.mark.parametrize("recorded", ["none", 5, [], {"parent_tokens": 5}, {"combined_tokens": {"input": "1"}}, {}])
def test_totals_of_another_shape_compare_nothing(reading, recorded):
    found = reading(trace(request(), totals=recorded))
    assert "total-mismatch" not in found.codes()
    assert found.runs[0].reported_input_tokens is None


# --- sub-agents ------------------------------------------------------------------------------------------------------


def test_a_sub_agent_is_an_agent_with_a_run_below_its_parents(reading):
    found = reading(trace(request(), sub_agent(request()), request()), facts=RELATIVE_END)
    agent = found.agents[0]
    assert (agent.agent_id, agent.parent_agent_id, agent.name, agent.label, agent.parent_grade) == (
        "s/agent_001", "s/main", "Explore", "agent_001", "exact",
    )  # fmt: skip
    run = found.run("agent_001")
    assert (run.run_id, run.parent_run_id, run.ordinal) == ("s/agent_001/1", "s/main/1", 1)
    assert (run.status, run.status_detail) == ("completed", "completed")
    assert (run.reported_duration_ms, run.reported_tool_calls) == (4000, 2)
    assert json.loads(run.extra) == {"models": ["m"]}
    assert [step.run_id for step in found.steps] == ["s/main/1", "s/agent_001/1", "s/main/1"]
    assert [step.ordinal for step in found.steps] == [1, 1, 2]


def test_a_sub_agent_is_spawned_by_its_parent_and_gives_it_a_result(reading):
    found = reading(trace(request(), sub_agent(request())), facts=ABSOLUTE_START)
    spawn, result = found.edges
    assert (spawn.edge_id, spawn.kind, spawn.from_run_id, spawn.to_run_id, spawn.at_ms) == (
        "s/agent_001/1>spawn", "spawn", "s/main/1", "s/agent_001/1", 10_000,
    )  # fmt: skip
    assert (result.kind, result.from_run_id, result.to_run_id, result.at_ms, result.delivered) == (
        "result", "s/agent_001/1", "s/main/1", 14_000, None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("completed", "completed"),
        ("failed", "failed"),
        ("timeout", "failed"),
        ("cancelled", "cancelled"),
        ("async_launched", "unknown"),
        ("new word", "unknown"),
        (None, "unknown"),
        (..., "unknown"),
    ],
)
def test_a_status_keeps_the_recorders_word(reading, status, expected):
    found = reading(trace(request(), sub_agent(request(), status=status)))
    run = found.run("agent_001")
    assert run.status == expected
    assert run.status_detail == (status if isinstance(status, str) else None)
    assert [edge.kind for edge in found.edges] == ["spawn"] + ["result"] * (status == "completed")


def test_one_launched_in_the_background_starts_at_its_t_and_has_no_recorded_end(reading):
    entry = sub_agent(
        request(t=0.0, api_time=2.0), request(t=5.0, api_time=1.0), t=10.0, duration_ms=None, total_tokens=None,
        tool_use_count=None, status="async_launched",
    )  # fmt: skip
    found = reading(trace(request(t=0.0), entry, request(t=11.0)), facts=RELATIVE_END)
    run = found.run("agent_001")
    assert (run.start_ms, run.end_ms, run.time_grade) == (10_000, 16_000, "exact")
    assert (run.reported_duration_ms, run.reported_tool_calls) == (None, None)
    assert [edge.at_ms for edge in found.edges] == [10_000]
    assert not found.events
    assert not found.findings


def test_sub_agents_nest_to_any_depth(reading):
    inner = sub_agent(request(t=1.0, out=3), agent_id="c", t=6.0, duration_ms=2000)
    middle = sub_agent(request(t=0.0), inner, request(t=8.0), agent_id="b", t=30.0, duration_ms=20_000)
    found = reading(trace(request(t=0.0), middle, request(t=31.0)), facts=RELATIVE_END)
    assert {agent.agent_id: agent.parent_agent_id for agent in found.agents} == {
        "s/main": None,
        "s/b": "s/main",
        "s/b/c": "s/b",
    }
    assert found.run("b/c").parent_run_id == "s/b/1"
    # b runs from 30 - 20 = 10 s; c, whose t counts from there, from 10 + 6 - 2 = 14 s; its call 1 s later.
    assert (found.run("b").start_ms, found.run("b/c").start_ms) == (10_000, 14_000)
    assert [step.start_ms for step in found.steps_of("b/c")] == [15_000]
    assert [step.start_ms for step in found.steps_of("b")] == [10_000, 18_000]


def test_agents_of_the_same_name_are_told_apart_by_order(reading):
    found = reading(trace(*(sub_agent(request(out=n), agent_id="a") for n in (1, 2, 3))))
    assert [agent.agent_id for agent in found.agents] == ["s/a", "s/a~2", "s/a~3", "s/main"]
    assert [agent.label for agent in found.agents[:3]] == ["a"] * 3
    assert [step.output_tokens for step in found.steps] == [1, 2, 3]
    assert found.codes().count("duplicate-id") == 2


def test_agents_without_a_name_are_told_apart_by_order(reading):
    found = reading(trace(*(sub_agent(request(), agent_id=label) for label in (..., None, "", 5))))
    assert [agent.agent_id for agent in found.agents] == ["s/agent", "s/agent~2", "s/agent~3", "s/agent~4", "s/main"]
    assert {agent.label for agent in found.agents} == {None}
    assert found.codes() == ["bad-field"], "5 is not a name"


@pytest.mark.parametrize(
    "labels", [["main"], ["a~2", "a", "a"], ["a", "a", "a~2"], ["main~2", "main", "main"], ["agent~2", None, None]]
)
def test_no_name_takes_the_key_of_another(reading, labels):
    found = reading(trace(*(sub_agent(request(), agent_id=label) for label in labels)))
    keys = [agent.agent_id for agent in found.agents]
    assert len(set(keys)) == len(labels) + 1
    assert keys[-1] == "s/main"


def test_a_name_with_a_slash_is_not_taken_for_a_nested_agent(reading):
    nested = sub_agent(request(), sub_agent(request(), agent_id="b"), agent_id="a")
    found = reading(trace(sub_agent(request(), agent_id="a/b"), nested))
    assert len({agent.agent_id for agent in found.agents}) == 4
    assert len({run.run_id for run in found.runs}) == 4


def test_a_sub_agent_without_calls_is_there(reading):
    found = reading(trace(request(), sub_agent(), request()), facts=ABSOLUTE_START)
    assert found.run("agent_001").model is None
    assert len(found.steps) == 2
    assert not found.findings


@pytest.mark.parametrize("requests", [..., None, "[]", {}, 5])
def test_a_sub_agent_without_a_list_of_requests_is_one_and_no_call(reading, requests):
    found = reading(trace(request(), sub_agent(requests=requests), request()))
    assert len(found.steps) == 2
    assert found.run("agent_001").parent_run_id == "s/main/1"
    assert [finding.message for finding in found.findings] == ["a sub-agent without a list of requests"]


# --- total_tokens ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("total", "words", "finding"),
    [
        (138, "the final context (last step 137), not a sum", False),
        (120, "the final context", False),
        (274, "its steps sum to 274", False),
        (500, "neither a sum nor the final context", True),
        (0, "neither a sum nor the final context", True),
    ],
)
def test_total_tokens_are_told_for_what_they_are(reading, total, words, finding):
    found = reading(trace(request(), sub_agent(request(), request(), total_tokens=total)), facts=ABSOLUTE_START)
    (note,) = found.events
    assert (note.run_id, note.kind, note.trigger) == ("s/agent_001/1", "note", "total_tokens")
    assert words in note.detail
    assert found.codes() == ["total-mismatch"] * finding
