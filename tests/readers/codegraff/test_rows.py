"""What of a codegraff database ends up in which row. All values here were worked out by hand."""

import json
from dataclasses import asdict
from datetime import datetime, timedelta

import pytest

from tests.readers.codegraff.writing import (
    LEFT,
    RIGHT,
    ROOT,
    call,
    conversation,
    end,
    example,
    in_order,
    of_siblings,
    result,
    row,
    siblings,
    start,
    text,
    tool,
    usage,
)

C = f"s//{ROOT}"
SHA = "sha256:0a1b2c3d4e5f6071"


def clock(seconds):
    """So many seconds after 2026-06-01 07:46:40."""
    return datetime(2026, 6, 1, 7, 46, 40) + timedelta(seconds=seconds)  # noqa: DTZ001


def recorded(row_):
    """The columns of a row that hold something."""
    return {name: value for name, value in asdict(row_).items() if value is not None}


# --- a run, and the agents that it started ---------------------------------------------------------------------------


def test_a_conversation_of_which_only_events_are_kept(reading):
    found = reading(example())
    assert recorded(found.conversation) == {
        "conversation_id": C,
        "source_id": "s",
        "format": "codegraff",
        "title": ROOT,
        "started_at": clock(0.1),
        "ended_at": clock(93.2),
        "steps_recorded": False,
        "tool_calls_recorded": True,
        "extra": f'{{"conversation_id":"{ROOT}"}}',
    }
    assert found.codes() == []
    assert found.report.bad_records == 0


def test_a_run_has_the_sums_of_its_end(reading):
    found = reading(example())
    run = next(run for run in found.runs if run.run_id == f"{C}/forge/1")
    assert recorded(run) == {
        "run_id": f"{C}/forge/1",
        "conversation_id": C,
        "agent_id": f"{C}/forge@0a1b2c3d",
        "ordinal": 1,
        "is_replay": False,
        "status": "completed",
        "started_at": clock(0.1),
        "ended_at": clock(93.2),
        "start_ms": 0,
        "end_ms": 93_100,
        "time_grade": "exact",
        "model": "m-large",
        "reported_scope": "own",
        "reported_steps": 2,
        "reported_input_tokens": 41_200,
        "reported_output_tokens": 610,
        "reported_tool_calls": 1,
        "reported_tool_errors": 0,
        "reported_duration_ms": 93_100,
        "grade": "exact",
    }


def test_a_step_is_a_call_with_its_result(reading):
    (step,) = reading(example()).steps
    assert recorded(step) == {
        "run_id": f"{C}/forge/1",
        "ordinal": 1,
        "started_at": clock(3),
        "start_ms": 2_900,
        "end_ms": 89_900,
        "tokens_grade": "not_recorded",
        "is_replay": False,
        "grade": "exact",
        "source_id": "s",
        "offset": 902,
        "length": 2,
    }


def test_a_tool_call_has_the_times_of_its_call_and_its_result(reading):
    (tool_call,) = reading(example()).tool_calls
    assert recorded(tool_call) == {
        "run_id": f"{C}/forge/1",
        "ordinal": 1,
        "step_ordinal": 1,
        "tool_call_id": "c_91",
        "name": "task",
        "start_ms": 2_900,
        "end_ms": 89_900,
        "is_error": False,
        "grade": "exact",
        "source_id": "s",
        "offset": 902,
        "length": 2,
    }


def test_agents_that_wrote_no_events_are_known_by_the_result_that_names_them(reading):
    """Generation 1: only the root records."""
    found = reading(example())
    left, right = [run for run in found.runs if run.parent_run_id]
    assert recorded(left) == {
        "run_id": f"{C}/sage/1",
        "conversation_id": C,
        "agent_id": f"{C}/forge/1/sage",
        "parent_run_id": f"{C}/forge/1",
        "spawn_tool_call_id": "c_91",
        "ordinal": 1,
        "native_run_id": LEFT,
        "is_replay": False,
        "status": "completed",
        "started_at": clock(3),
        "ended_at": clock(90),
        "start_ms": 2_900,
        "end_ms": 89_900,
        "time_grade": "derived",
        "reported_scope": "own",
        "grade": "exact",
        "extra": f'{{"conversation_id":"{LEFT}"}}',
    }
    assert (right.native_run_id, right.ordinal) == (RIGHT, 2)


def test_one_agent_stands_for_all_runs_of_a_definition_below_one_run(reading):
    found = reading(example())
    assert [recorded(agent) for agent in found.agents] == [
        {
            "agent_id": f"{C}/forge@0a1b2c3d", "conversation_id": C, "name": "forge", "version": SHA,
            "parent_grade": "exact",
        },
        {
            "agent_id": f"{C}/forge/1/sage", "conversation_id": C, "parent_agent_id": f"{C}/forge@0a1b2c3d",
            "name": "sage", "parent_grade": "exact",
        },
    ]  # fmt: skip


def test_what_a_call_started_and_what_came_back_are_edges(reading):
    edges = [recorded(edge) for edge in reading(example()).edges]
    parent, child = f"{C}/forge/1", f"{C}/sage/1"
    assert edges[:2] == [
        {
            "edge_id": f"{child}>spawn", "kind": "spawn", "from_run_id": parent, "to_run_id": child,
            "tool_call_id": "c_91", "at_ms": 2_900, "grade": "exact",
        },
        {
            "edge_id": f"{child}>result", "kind": "result", "from_run_id": child, "to_run_id": parent,
            "tool_call_id": "c_91", "at_ms": 89_900, "delivered": True, "grade": "exact",
        },
    ]  # fmt: skip
    assert len(edges) == 4


def test_a_call_that_started_one_agent_names_its_run(reading):
    asked = {"agent_id": "sage", "tasks": ["map"]}
    events = [
        row(901, 0, start()),
        row(902, 1, call("c", "task", **asked)),
        row(903, 2, result("c", "task", [{"_kind": "ai", "value": "", "conversation_id": LEFT}])),
        row(904, 3, end()),
    ]
    (tool_call,) = reading(events).tool_calls
    assert tool_call.child_run_id == f"{C}/sage/1"


# --- siblings --------------------------------------------------------------------------------------------------------


def test_siblings_without_messages(reading):
    found = reading(in_order(example(), siblings()))
    mine = {run.run_id.removeprefix(f"{C}/"): run for run in found.runs}
    assert set(mine) == {"forge/1", "sage/1", "sage/2"}
    for name in ("sage/1", "sage/2"):
        assert mine[name].parent_run_id == f"{C}/forge/1"
        assert mine[name].time_grade == "ambiguous"
        assert mine[name].reported_note
    assert sorted((run.reported_input_tokens, run.reported_output_tokens) for run in mine.values()) == [
        (3_000, 90), (5_000, 70), (41_200, 610),
    ]  # fmt: skip
    steps = {step.offset: step for step in found.steps}
    assert set(steps) == {902, 905, 906}
    assert steps[905].grade == steps[906].grade == "derived"
    assert (steps[905].length, steps[906].length) == (4, 2)
    assert steps[905].run_id != steps[906].run_id
    assert {agent.parent_grade for agent in found.agents if agent.parent_agent_id} == {"derived"}


def test_a_collision_is_told_with_the_merged_numbers_beside_the_true_ones(reading):
    (finding,) = reading(in_order(example(), siblings())).findings
    assert (finding.code, finding.severity, finding.run_id) == ("run-collision", "warning", f"{C}/sage/1")
    assert finding.conversation_id == C
    message = finding.message
    assert message.startswith("2 runs of sage share the key (conversation, agent), 2 of them at work together")
    assert "4 seq occur more than once (0, 1, 2, 3)" in message
    assert "Merged they would be one run of 2 tool calls and 8,000 input tokens" in message
    assert "1 calls and 3,000 tokens" in message
    assert "1 calls and 5,000 tokens" in message
    assert "Of 8 events 0 are certain, 4 follow from the others, 4 fit several of the runs" in message


def test_siblings_with_messages_are_known_by_their_calls(reading):
    found = reading(in_order(example(), siblings()), of_siblings())
    by_task = {run.native_run_id: run for run in found.runs if run.parent_run_id}
    assert set(by_task) == {LEFT, RIGHT}
    assert by_task[LEFT].reported_input_tokens == 3_000
    assert by_task[RIGHT].reported_input_tokens == 5_000
    for native, call_id, tokens in ((LEFT, "c_a", (1_400, 1_600)), (RIGHT, "c_b", (2_400, 2_600))):
        run_id = by_task[native].run_id
        steps = [step for step in found.steps if step.run_id == run_id]
        assert tuple(step.input_tokens for step in steps) == tokens
        assert {step.grade for step in steps} == {"exact"}
        (tool_call,) = [each for each in found.tool_calls if each.run_id == run_id]
        assert (tool_call.tool_call_id, tool_call.grade) == (call_id, "exact")
    assert {agent.parent_grade for agent in found.agents} == {"exact"}
    assert found.codes() == ["run-collision"]


def test_a_model_call_has_the_usage_of_its_message_and_the_times_around_it(reading):
    found = reading(in_order(example(), siblings()), of_siblings())
    first, last = [step for step in found.steps if step.run_id == f"{C}/forge/1"]
    assert recorded(first) == {
        "run_id": f"{C}/forge/1",
        "ordinal": 1,
        "started_at": clock(0.1),
        "start_ms": 100,
        "end_ms": 3_000,
        "model": "m-large",
        "input_tokens": 20_000,
        "cache_read_tokens": 0,
        "output_tokens": 300,
        "tokens_grade": "exact",
        "is_replay": False,
        "grade": "exact",
        "source_id": "s",
        "offset": 902,
        "length": 10,
        "extra": '{"message":2}',
    }
    # The last one asked for nothing: it went from the last result to the end of the run.
    assert (last.start_ms, last.end_ms, last.offset) == (90_000, 93_200, None)
    assert (last.input_tokens, last.cache_read_tokens, last.output_tokens) == (21_200, 19_000, 310)


def test_the_conversation_has_title_workspace_and_times_of_its_own_row(reading):
    found = reading(in_order(example(), siblings()), of_siblings())
    assert recorded(found.conversation) == {
        "conversation_id": C,
        "source_id": "s",
        "format": "codegraff",
        "title": "map the shop",
        "group_name": "workspace -77",
        "started_at": clock(0),
        "ended_at": clock(93.2),
        "block_scope": "prompt-parts",
        "steps_recorded": True,
        "tool_calls_recorded": True,
        "extra": f'{{"conversation_id":"{ROOT}"}}',
    }


def test_siblings_share_the_beginning_of_their_prompts(reading):
    """Two system messages are the same; the tasks are not."""
    found = reading(in_order(example(), siblings()), of_siblings())
    of_run = {run.native_run_id: run.run_id for run in found.runs}
    left, right = (
        [found.ids(step) for step in found.steps if step.run_id == of_run[native]] for native in (LEFT, RIGHT)
    )
    assert [len(prompt) for prompt in left] == [3, 5]
    assert left[0][:2] == right[0][:2]
    assert left[0][2] != right[0][2]
    assert left[1][:3] == left[0]
    root = [found.ids(step) for step in found.steps if step.run_id == f"{C}/forge/1"]
    assert not set(root[0]) & set(left[0])


def test_tool_lists_are_the_first_part_of_a_prompt_and_shared_where_they_are_equal(reading):
    tools = [{"name": "read", "description": "read a file", "input_schema": {"type": "object"}}]
    turned = [{"input_schema": {"type": "object"}, "description": "read a file", "name": "read"}]
    messages = [text("System", "You are forge."), text("User", "go"), text("Assistant", "Done.", usage=usage(9, 1))]
    rows = [conversation(f"{n}", messages, f"{n}") for n in range(3)]
    rows[0]["context"]["tools"] = tools
    rows[1]["context"]["tools"] = turned
    found = reading((), rows)
    prompts = [found.ids(step) for step in found.steps]
    assert [len(prompt) for prompt in prompts] == [3, 3, 2]
    assert {conversation.block_scope for conversation in found.conversations} == {"prompt-parts"}


# --- how runs end ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "status", "detail"),
    [
        (end(), "completed", None),
        (end(success=False, interrupt_reason="max_requests_per_turn_reached: 100"), "failed",
         "max_requests_per_turn_reached: 100"),
        (end(success="yes"), "unknown", None),
        (None, "running", "no end was recorded: killed, crashed, or still running"),
    ],
)  # fmt: skip
def test_the_status_of_a_run(reading, payload, status, detail):
    events = [row(901, 0, start()), row(902, 1, call("c")), row(903, 2, result("c"))]
    (run,) = reading([*events, row(904, 3, payload)] if payload else events).runs
    assert (run.status, run.status_detail) == (status, detail)
    assert (run.end_ms is None) == (payload is None)


def test_an_error_is_a_step_and_an_event(reading):
    events = [
        row(901, 0, start()),
        row(902, 1, {"kind": "error", "message": "the provider is busy", "source": "retry"}),
        row(903, 2, end(turns=0, calls=0)),
    ]
    found = reading(events)
    (step,) = found.steps
    assert (step.error, step.extra, step.start_ms, step.end_ms) == (
        "the provider is busy", '{"source":"retry"}', 100, 100,
    )  # fmt: skip
    (event,) = found.events
    assert (event.kind, event.at_ms, event.detail) == ("error", 100, "the provider is busy")
    assert found.tool_calls == []


def test_two_models_are_kept_where_one_was_asked_for_and_another_taken(reading):
    (run,) = reading([row(901, 0, start(requested_model="m-best")), row(902, 1, end(1, 0))]).runs
    assert (run.request_model, run.model) == ("m-best", "m-large")


def test_versions_of_a_definition_are_agents_of_their_own(reading):
    events = [row(901, 0, start()), row(902, 1, end(1, 0))]
    events += [row(903, 2, start(agent_version="sha256:ffff000011112222")), row(904, 3, end(1, 0))]
    events += [row(905, 4, start(agent_version=None)), row(906, 5, end(1, 0))]
    found = reading(events)
    assert [(agent.agent_id, agent.version) for agent in found.agents] == [
        (f"{C}/forge@0a1b2c3d", SHA),
        (f"{C}/forge@ffff0000", "sha256:ffff000011112222"),
        (f"{C}/forge", None),
    ]
    assert [run.ordinal for run in found.runs] == [1, 1, 1]


# --- messages alone --------------------------------------------------------------------------------------------------


def test_upstream_forge_keeps_conversations_only(reading):
    """A run for each message of the user; neither the agent's name nor the times of its calls are recorded."""
    messages = [
        text("System", "You are forge."), text("User", "one"),
        text("Assistant", calls=[("read", "a", {})], usage=usage(100, 5, 40, cost=0.25)), tool("a", is_error=True),
        text("Assistant", "Done.", usage=usage(130, 6, 90, "approx")),
        text("User", "two"), text("Assistant", "Yes.", usage=usage(150, 1), model="m-small"),
    ]  # fmt: skip
    found = reading((), [conversation(ROOT, messages, "one")])
    assert [run.run_id for run in found.runs] == [f"{C}/root/1", f"{C}/root/2"]
    assert {(run.status, run.grade) for run in found.runs} == {("unknown", "exact")}
    # Only the conversation has times: its beginning is that of the first run, its end that of the last.
    assert [(run.start_ms, run.end_ms, run.time_grade) for run in found.runs] == [
        (0, None, "derived"), (None, 80_000, "not_recorded"),
    ]  # fmt: skip
    (agent,) = found.agents
    assert (agent.name, agent.label) == (None, "definition not recorded")
    tokens = [(s.input_tokens, s.cache_read_tokens, s.output_tokens, s.tokens_grade) for s in found.steps]
    assert tokens == [(100, 40, 5, "exact"), (130, 90, 6, "derived"), (150, 0, 1, "exact")]
    assert [step.run_id for step in found.steps] == [f"{C}/root/1", f"{C}/root/1", f"{C}/root/2"]
    assert json.loads(found.steps[0].extra) == {"message": 2, "cost_usd": 0.25}
    assert [step.model for step in found.steps] == [None, None, "m-small"]
    (tool_call,) = found.tool_calls
    assert (tool_call.tool_call_id, tool_call.name, tool_call.is_error, tool_call.offset) == ("a", "read", True, None)
    assert found.conversation.steps_recorded
    assert found.codes() == []


@pytest.mark.parametrize("word", ["actual", "Actual"])
@pytest.mark.parametrize("wrapped", [True, False])
def test_older_shapes_of_messages(reading, word, wrapped):
    messages = [text("User", "go"), text("Assistant", "Done.", usage=usage(10, 2, 4, word))]
    if not wrapped:
        messages = [each["message"] | ({"usage": each["usage"]} if "usage" in each else {}) for each in messages]
    (step,) = reading((), [conversation(ROOT, messages)]).steps
    assert (step.input_tokens, step.cache_read_tokens, step.output_tokens, step.tokens_grade) == (10, 4, 2, "exact")


@pytest.mark.parametrize("word", ["approx", "Approx"])
def test_counts_that_were_estimated_are_derived(reading, word):
    (step,) = reading((), [conversation(ROOT, [text("Assistant", usage=usage(10, 2, 4, word))])]).steps
    assert (step.input_tokens, step.tokens_grade) == (10, "derived")


@pytest.mark.parametrize("tag", ["aI", "ai", "AI"])
def test_children_are_known_by_messages_alone(reading, tag):
    asked = {"agent_id": "sage", "tasks": ["map"]}
    parent = [
        text("User", "go"), text("Assistant", calls=[("task", "t", asked)], usage=usage(10, 1)),
        tool("t", "task", [{tag: {"value": "", "conversation_id": LEFT}}]),
    ]  # fmt: skip
    child = [text("User", "map"), text("Assistant", "Done.", usage=usage(7, 1))]
    found = reading((), [conversation(ROOT, parent, "go"), conversation(LEFT, child, "map", True)])
    (conversation_,) = found.conversations
    assert conversation_.title == "go"
    below = next(run for run in found.runs if run.parent_run_id)
    assert (below.run_id, below.parent_run_id, below.native_run_id) == (f"{C}/sage/1", f"{C}/root/1", LEFT)
    assert [step.input_tokens for step in found.steps if step.run_id == below.run_id] == [7]


def test_a_summary_stands_for_messages_that_are_gone(reading):
    messages = [
        text("System", "You are forge."), text("User", "summary of before", usage=usage(900, 90)),
        text("Assistant", "Done.", usage=usage(40, 4)),
    ]  # fmt: skip
    found = reading((), [conversation(ROOT, messages)])
    (event,) = found.events
    assert event.kind == "compaction"
    assert [step.input_tokens for step in found.steps] == [40]


def test_what_was_said_before_events_were_recorded_is_a_run_too(reading):
    """A conversation that upstream forge began and codegraff went on with."""
    messages = [
        text("User", "one"), text("Assistant", calls=[("read", "a", {})], usage=usage(100, 5)), tool("a"),
        text("Assistant", "Done.", usage=usage(110, 5)),
        text("User", "two"), text("Assistant", calls=[("read", "b", {})], usage=usage(120, 5)), tool("b"),
        text("Assistant", "Done.", usage=usage(130, 5)),
    ]  # fmt: skip
    events = [
        row(901, 0, start()), row(902, 1, call("b")), row(903, 2, result("b")),
        row(904, 3, end(prompt_tokens=250, completion_tokens=10)),
    ]  # fmt: skip
    found = reading(events, [conversation(ROOT, messages)])
    assert {run.run_id for run in found.runs} == {f"{C}/forge/1", f"{C}/root/1"}
    assert sorted(step.input_tokens for step in found.steps) == [100, 110, 120, 130]
    assert [step.input_tokens for step in found.steps if step.run_id == f"{C}/forge/1"] == [120, 130]
    assert len(found.tool_calls) == 2


# --- children that are hard to find ----------------------------------------------------------------------------------


def lost():
    """A batch of which one task failed: the result is a text, and the ids of all children are lost."""
    asked = {"agent_id": "sage", "tasks": ["map routes", "map models"]}
    return [
        row(901, 0, start()),
        row(902, 1, call("t", "task", **asked), ts=1_780_300_003_000),
        row(903, 2, result("t", "task", ["a task failed"], is_error=True), ts=1_780_300_090_000),
        row(904, 3, end(tool_errors=1), ts=1_780_300_093_000),
    ]


def test_children_whose_ids_are_lost_are_known_by_title_and_time(reading):
    _, left, right = of_siblings()
    late = conversation("late", [text("Assistant", usage=usage(1, 1))], "map routes", True, "2026-06-02 00:00:00.000")
    found = reading(lost(), [left, right, late])
    below = [run for run in found.runs if run.parent_run_id]
    assert {run.native_run_id for run in below} == {LEFT, RIGHT}
    assert {run.status for run in below} == {"failed"}
    assert {agent.parent_grade for agent in found.agents if agent.parent_agent_id} == {"derived"}
    assert not [edge for edge in found.edges if edge.kind == "result"]
    codes = {finding.code: finding for finding in found.findings}
    assert set(codes) == {"lost-child-ids", "unknown-parent"}
    assert codes["lost-child-ids"].run_id == f"{C}/forge/1"
    assert codes["unknown-parent"].conversation_id == "s//late"


def test_a_run_with_events_and_without_calls_is_not_counted_again_by_its_messages(reading):
    """Killed before its first call, so its events tell nothing of its conversation."""
    asked = {"agent_id": "sage", "tasks": ["map routes"]}
    events = [
        row(901, 0, start()),
        row(902, 1, call("t", "task", **asked), ts=1_780_300_003_000),
        row(903, 0, start("sage", "forge"), "sage", "forge", ts=1_780_300_004_000),
        row(904, 2, result("t", "task", ["killed"], is_error=True), ts=1_780_300_090_000),
        row(905, 3, end(tool_errors=1), ts=1_780_300_093_000),
    ]
    messages = [text("System", "You are sage."), text("User", "map routes")]
    found = reading(events, [conversation(LEFT, messages, "map routes", True, "2026-06-01 07:46:44.000")])
    assert sorted(run.run_id for run in found.runs) == [f"{C}/forge/1", f"{C}/sage/1"]
    assert len(found.conversations) == 1


def test_a_child_with_events_is_the_child_that_the_result_names(reading):
    asked = {"agent_id": "sage", "tasks": ["map"]}
    events = [
        row(901, 0, start()),
        row(902, 1, call("t", "task", **asked)),
        row(903, 0, start("sage", "forge"), "sage", "forge"),
        row(904, 1, end(1, 0), "sage", "forge"),
        row(905, 2, result("t", "task", [{"_kind": "ai", "value": "", "conversation_id": LEFT}])),
        row(906, 3, end()),
    ]
    found = reading(events)
    child = next(run for run in found.runs if run.parent_run_id)
    assert (child.run_id, child.parent_run_id) == (f"{C}/sage/1", f"{C}/forge/1")
    assert len(found.runs) == 2
    assert found.codes() == []


def test_an_agent_that_is_a_tool_has_the_tools_name(reading):
    values = [{"_kind": "ai", "value": "", "conversation_id": LEFT}]
    events = [row(901, 0, start()), row(902, 1, call("t", "muse")), row(903, 2, result("t", "muse", values))]
    found = reading(events)
    assert [run.run_id for run in found.runs if run.parent_run_id] == [f"{C}/muse/1"]


def test_children_of_children(reading):
    def asks(call_id, agent, child, n):
        asked = {"agent_id": agent, "tasks": ["x"]}
        values = [{"_kind": "ai", "value": "", "conversation_id": child}]
        return (n, call(call_id, "task", **asked)), (n + 1, result(call_id, "task", values))

    deep = "5b7e0000-0000-4000-8000-00000000000d"
    (a, b), (x, y) = asks("t1", "sage", LEFT, 1), asks("t2", "muse", deep, 1)
    events = [
        row(901, 0, start()), row(902, *a), row(903, 0, start("sage", "forge"), "sage", "forge"),
        row(904, *x, "sage", "forge"), row(905, 0, start("muse", "sage"), "muse", "sage"),
        row(906, 1, end(1, 0), "muse", "sage"), row(907, *y, "sage", "forge"), row(908, 3, end(), "sage", "forge"),
        row(909, *b), row(910, 3, end()),
    ]  # fmt: skip
    found = reading(events)
    parents = {run.run_id.removeprefix(f"{C}/"): run.parent_run_id for run in found.runs}
    assert parents == {"forge/1": None, "sage/1": f"{C}/forge/1", "muse/1": f"{C}/sage/1"}
    assert found.codes() == []


@pytest.mark.parametrize(
    ("agent", "parent", "code"), [("sage", "sage", "self-parent"), ("sage", "nobody", "unknown-parent")]
)
def test_a_parent_that_is_not_there(reading, agent, parent, code):
    found = reading([row(901, 0, start(agent, parent), agent, parent), row(902, 1, end(1, 0), agent, parent)])
    (run,) = found.runs
    assert run.parent_run_id is None
    (finding,) = found.findings
    assert (finding.code, finding.run_id) == (code, run.run_id)
    (agent_row,) = found.agents
    assert agent_row.parent_grade == "not_recorded"


def test_a_cycle_of_parents_is_cut(reading):
    """Two conversations' results that name each other's runs cannot both be above the other."""
    events = [
        row(901, 0, start("a", "b"), "a", "b"), row(902, 0, start("b", "a"), "b", "a"),
        row(903, 1, end(1, 0), "a", "b"), row(904, 1, end(1, 0), "b", "a"),
    ]  # fmt: skip
    found = reading(events)
    assert {"parent-cycle", "unknown-parent"} & set(found.codes())
    above = {run.run_id: run.parent_run_id for run in found.runs}
    for run_id in above:
        seen = set()
        while run_id is not None:
            assert run_id not in seen
            seen.add(run_id)
            run_id = above[run_id]


def test_the_root_and_its_children_may_be_of_one_definition(reading):
    asked = {"agent_id": "forge", "tasks": ["x"]}
    events = [
        row(901, 0, start()), row(902, 1, call("t", "task", **asked)),
        row(903, 2, start("forge", "forge"), parent="forge"),
        row(904, 2, result("t", "task", [{"_kind": "ai", "value": "", "conversation_id": LEFT}])),
        row(905, 3, end(1, 0), parent="forge"), row(906, 3, end()),
    ]  # fmt: skip
    found = reading(events)
    parents = {run.run_id: run.parent_run_id for run in found.runs}
    (root,) = [run_id for run_id, parent in parents.items() if parent is None]
    assert sorted(parents) == [f"{C}/forge/1", f"{C}/forge/2"]
    assert root in parents.values()
    assert "self-parent" not in found.codes()
