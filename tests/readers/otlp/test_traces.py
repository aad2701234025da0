"""What traces tell, by hand: who was at work, what counts, and what of it is doubtful."""

import json
import random
from dataclasses import replace

import pytest

from explorer.readers import CallPlace, Place, StepPlace, messages, reader_of
from tests.readers.otlp.spans import TRACE, agent, chat, document, lines, reading, said, span, tool
from tests.readers.reading import SAMPLES, SHARED, read

OTLP = SAMPLES / "otlp"
INVENTED = SHARED / "traces" / "invented" / "otlp" / "traces.jsonl"


def tokens(steps):
    return [(step.input_tokens, step.output_tokens) for step in steps]


# --- the samples -----------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not INVENTED.exists(), reason="the invented traces are not here")
def test_the_invented_trace_adds_up():
    found = read(INVENTED, reader="otlp")
    sums = {
        name: sum(getattr(step, f"{name}_tokens") or 0 for step in found.steps)
        for name in ("input", "cache_read", "cache_write", "output", "reasoning")
    }
    assert sums == {"input": 20_000, "cache_read": 10_200, "cache_write": 9_000, "output": 310, "reasoning": 30}
    lead, reader = found.runs
    assert (lead.reported_scope, lead.reported_input_tokens, lead.reported_output_tokens) == ("total", 20_000, 310)
    assert (reader.parent_run_id, reader.spawn_tool_call_id) == (lead.run_id, "toolu_x1")
    assert [(event.kind, event.at_ms) for event in found.events] == [("compaction", 21_000)]
    failed = [call for call in found.tool_calls if call.is_error]
    assert [(call.name, call.step_ordinal) for call in failed] == [("bash", 2)]
    assert not found.findings


def test_a_trace_in_two_files_is_one_lead_with_three_readers_at_once():
    files = [OTLP / "collector" / f"traces-{n}.jsonl" for n in (1, 2)]
    found = read(files[0], reader="otlp", parts=files[1:])
    lead, *readers = found.runs
    assert [run.agent_id.rpartition("/")[2] for run in readers] == ["reader"] * 3
    assert [(run.ordinal, run.parent_run_id) for run in readers] == [(n, lead.run_id) for n in (1, 2, 3)]
    assert all(one.start_ms < other.end_ms for one in readers for other in readers), "they overlap"
    assert tokens(found.steps) == [
        (45, 85), (230, 36), (83, 34), (157, 29), (83, 34), (157, 29), (83, 33), (155, 30),
    ]  # fmt: skip
    assert (lead.reported_scope, lead.reported_input_tokens, lead.reported_output_tokens) == ("total", 993, 310)
    assert {run.reported_scope for run in readers} == {"own"}
    assert [(row.reason, row.records, row.input_tokens) for row in found.uncounted] == [
        ("wrapping span", 1, 993), ("wrapping span", 3, 718),
    ]  # fmt: skip
    assert [found.ids(step)[:2] for step in found.steps if "/reader/" in step.run_id] == [[8, 9]] * 6
    assert not found.findings


def test_the_messages_of_a_run_are_its_first_prompt_and_what_is_new_behind_it():
    directory = OTLP / "collector"
    files = sorted(directory.iterdir())
    found = read(files[0], reader="otlp", parts=files[1:])
    first = found.runs[1]
    told = said(directory, found, first)
    assert [(role, kind, step) for role, kind, _, step in told] == [
        ("system", "text", None), ("user", "text", None), ("user", "text", None), ("assistant", "tool_call", 1),
        ("tool", "tool_result", None), ("assistant", "text", 2),
    ]  # fmt: skip
    assert told[2][2] == "Read orders.py."
    assert json.loads(told[3][2]) == {"path": "orders.py"}
    assert [step for *_, step in said(directory, found, first, until=1)] == [None, None, None, 1]


def test_older_words_are_read_and_a_wrapper_lends_nothing_that_the_inner_call_has():
    found = read(OTLP / "http" / "export.json", reader="otlp")
    assert [run.conversation_id for run in found.runs] == ["export.json//chat-81"] * 2
    assert [(run.agent_id, run.ordinal) for run in found.runs] == [
        ("export.json//chat-81/orders_chat.workflow", n) for n in (1, 2)
    ]
    assert [(step.input_tokens, step.cache_read_tokens, step.tokens_grade) for step in found.steps] == [
        (38 + 2_048, 0, "derived"), (39 + 2_048, 2_048, "derived"),
    ]  # fmt: skip
    assert [found.ids(step) for step in found.steps] == [[0, 1], [0, 1, 2, 3]]
    assert [(row.reason, row.records, row.input_tokens) for row in found.uncounted] == [("wrapping span", 2, 77)]


def test_what_is_no_step_is_shown_and_adds_nothing():
    found = read(OTLP / "phoenix" / "spans.jsonl", reader="otlp")
    assert tokens(found.steps) == [(380, 21), (410, 9), (120, None)]
    assert [(call.name, call.is_error, call.step_ordinal) for call in found.tool_calls] == [
        ("find_order", True, 1), ("search", False, 1),
    ]  # fmt: skip
    assert [(event.kind, event.detail) for event in found.events] == [
        ("note", "embed: m-embed: 7 input tokens, in no total")
    ]
    assert [(edge.kind, edge.from_run_id, edge.to_run_id) for edge in found.edges] == [
        ("message", found.runs[0].run_id, found.runs[1].run_id)
    ]
    assert [run.status for run in found.runs] == ["completed", "running"]
    assert found.runs[0].reported_note == "The agent's span has what its last call used, which is no sum."


def test_tokens_of_what_is_no_call_of_an_agent_are_said_once(tmp_path):
    def of(operation, tokens):
        return {"attributes": {"gen_ai.operation.name": operation, "gen_ai.usage.input_tokens": tokens}}

    found = reading(
        tmp_path, agent("1", "a"), chat("2", "1"), span("3", "2", "raw", **of("raw", 100)),
        span("4", "1", "work", **of("embeddings", 8)), span("5", "4", "e", **of("embeddings", 8)),
        span("6", "1", "check", **of("evaluate", 50)), chat("7", "6"), span("8", None, "e", **of("embeddings", 9_999)),
        tool("9", "rerank", "1", attributes={"gen_ai.usage.input_tokens": 3}),
    )  # fmt: skip
    assert tokens(found.steps) == [(100, 10)] * 2
    assert [(row.reason, row.records, row.input_tokens) for row in found.uncounted] == [("no model call", 2, 11)]
    assert [(each.code, each.message, each.conversation_id) for each in found.findings] == [(
        "unsummed-usage", "embeddings ×2, execute_tool ×1: 10,010 input tokens, in no total",
        found.conversation.conversation_id,
    )]  # fmt: skip


# --- runs and agents -------------------------------------------------------------------------------------------------


def test_two_spans_of_one_agent_are_one_run_where_the_outer_does_nothing_else(tmp_path):
    found = reading(tmp_path, agent("1", "a", kind=3), agent("2", "a", "1"), chat("3", "2"))
    assert [(run.agent_id, run.native_run_id) for run in found.runs] == [(f"t.jsonl//{TRACE}/a", f"{1:016}")]
    itself = reading(
        tmp_path, agent("1", "a"), chat("4", "1"), tool("5", "again", "1"), agent("2", "a", "5"), chat("3", "2")
    )
    assert [run.agent_id.partition(f"{TRACE}/")[2] for run in itself.runs] == ["a", "a/a"]


def test_an_id_is_an_agent_wherever_it_is_asked_and_a_name_only_below_one_parent(tmp_path):
    same = {"gen_ai.agent.id": "r1"}
    found = reading(
        tmp_path, agent("1", "lead"), agent("2", "x", "1", attributes=same), agent("3", "y", "1"), agent("4", "y", "3"),
        agent("5", "x", "3", attributes=same),
    )  # fmt: skip
    assert [each.agent_id.partition(f"{TRACE}/")[2] for each in found.agents] == ["lead", "@r1", "lead/y", "lead/y/y"]
    assert [run.ordinal for run in found.runs if run.agent_id.endswith("@r1")] == [1, 2]


@pytest.mark.parametrize(
    ("attributes", "resource", "expected"),
    [
        ({"gen_ai.conversation.id": "c", "session.id": "s"}, {"session.id": "r"}, "c"),
        ({"langfuse.session.id": "s"}, {"session.id": "r"}, "s"),
        ({}, {"session.id": "r"}, "r"),
        ({}, {}, TRACE),
    ],
)
def test_a_conversation_is_named_by_what_says_most_of_it(tmp_path, attributes, resource, expected):
    found = reading(tmp_path, agent("1", "a"), chat("2", "1", attributes=attributes), resource=resource)
    assert found.conversation.conversation_id == f"t.jsonl//{expected}"


def test_a_conversation_is_of_the_file_that_has_its_beginning_whatever_is_read_with_it(tmp_path):
    other = {"trace": TRACE[::-1], "attributes": {"gen_ai.conversation.id": "other"}}
    texts = {
        "a.jsonl": [chat("9", "8", start=90)],
        "b.jsonl": [chat("2", "1", start=10), agent("5", "late", start=500, **other)],
        "c.jsonl": [agent("1", "lead"), agent("4", "x", start=300, **other)],
    }
    files = [tmp_path / name for name in texts]
    for file in files:
        file.write_bytes(lines(document(*texts[file.name])))
    found = read(files[0], reader="otlp", parts=files[1:])
    assert {(each.conversation_id, each.source_id) for each in found.conversations} == {
        (f"c.jsonl//{TRACE}", "c.jsonl"), ("c.jsonl//other", "c.jsonl"),
    }  # fmt: skip
    assert {step.run_id.partition("//")[0] for step in found.steps} == {"c.jsonl"}


def test_calls_without_an_agent_are_of_the_outermost_span_for_each_agent_that_they_name(tmp_path):
    named = {"gen_ai.agent.name": "critic"}
    found = reading(
        tmp_path, span("1", name="POST /ask", end=900), chat("2", "1"), chat("4", "1"),
        chat("3", "1", attributes=named),
    )  # fmt: skip
    runs = {run.agent_id.rpartition("/")[2]: run for run in found.runs}
    assert set(runs) == {"POST ∕ask", "critic"}
    steps = [step.run_id for step in found.steps]
    assert steps.count(runs["critic"].run_id) == 1
    assert {(run.grade, run.start_ms, run.end_ms) for run in found.runs} == {("derived", 0, 900)}


def test_calls_whose_parent_is_lost_are_one_run_over_their_own_times(tmp_path):
    found = reading(
        tmp_path, chat("2", "9", start=10, end=50), chat("3", "9", start=60, end=80), chat("4", "8", start=60)
    )
    assert [(run.native_run_id, run.start_ms, run.end_ms, run.status) for run in found.runs] == [
        (f"{9:016}", 0, 70, "unknown"), (f"{8:016}", 50, 990, "unknown"),
    ]  # fmt: skip
    assert found.codes() == ["unknown-parent"] * 2


def test_parents_that_lead_in_a_circle_are_cut_at_the_earliest(tmp_path):
    found = reading(tmp_path, agent("1", "a", "2"), agent("2", "b", "1", start=5), chat("3", "2"), agent("4", "c", "4"))
    assert [(run.agent_id.rpartition("/")[2], bool(run.parent_run_id)) for run in found.runs] == [
        ("c", False), ("a", False), ("b", True),
    ]  # fmt: skip
    assert sorted(found.codes()) == ["parent-cycle", "self-parent"]


def test_a_tool_with_agents_in_it_is_the_spawn_of_each(tmp_path):
    found = reading(
        tmp_path, agent("1", "lead", end=99), chat("2", "1", end=9), tool("3", "fan_out", "1", "c1", start=10, end=90),
        agent("4", "r", "3", start=11, end=80), agent("5", "r", "3", start=12, end=70, error="ValueError"),
    )  # fmt: skip
    lead, one, other = found.runs
    assert (one.spawn_tool_call_id, other.spawn_tool_call_id) == ("c1", "c1")
    assert [(call.child_run_id, call.step_ordinal) for call in found.tool_calls] == [(one.run_id, 1)]
    assert [(edge.kind, edge.to_run_id, edge.at_ms, edge.delivered) for edge in found.edges] == [
        ("spawn", one.run_id, 11, True), ("result", lead.run_id, 80, True), ("spawn", other.run_id, 12, True),
    ]  # fmt: skip
    assert (other.status, other.status_detail) == ("failed", "ValueError")


def test_a_transfer_goes_to_the_next_run_of_that_name(tmp_path):
    to = {"gen_ai.transfer.target.name": "billing", "gen_ai.transfer.mode": "pass_control"}
    found = reading(
        tmp_path, span("1", name="flow"), agent("2", "triage", "1", end=20), agent("4", "billing", "1", start=40),
        tool("3", "transfer_to_billing", "2", "c", start=15, end=16, attributes=to),
    )  # fmt: skip
    names = {run.run_id: run.agent_id.rpartition("/")[2] for run in found.runs}
    assert [(edge.kind, names[edge.from_run_id], names[edge.to_run_id], edge.grade) for edge in found.edges] == [
        ("assign", "triage", "billing", "derived")
    ]


def test_a_transfer_to_an_agent_of_the_same_name_is_none_to_the_run_itself(tmp_path):
    to = {"gen_ai.transfer.target.name": "a"}
    found = reading(
        tmp_path, span("1", name="flow"), agent("2", "a", "1", start=10, end=90), agent("4", "a", "1", start=40),
        tool("3", "transfer", "2", "c", start=10, end=16, attributes=to), agent("5", "a", "1", start=60),
        tool("6", "transfer", "5", "d", start=70, end=80, attributes=to),
    )  # fmt: skip
    assert [(edge.from_run_id[-1], edge.to_run_id[-1]) for edge in found.edges] == [("2", "4")]


# --- what counts -----------------------------------------------------------------------------------------------------


def usage(tokens_in, tokens_out):
    return {"gen_ai.usage.input_tokens": tokens_in, "gen_ai.usage.output_tokens": tokens_out}


@pytest.mark.parametrize(
    ("said", "scope", "note"),
    [
        ((300, 30), "own", "repeats the sum of its own calls"),
        ((340, 34), "total", "repeats the sum of all calls in it and below"),
        ((200, 20), "own", "what its last call used"),
        ((999, 99), "total", "a sum that is not that of its calls"),
    ],
)
def test_what_the_span_of_an_agent_says_is_shown_beside_the_sum(tmp_path, said, scope, note):
    found = reading(
        tmp_path, agent("1", "lead", attributes=usage(*said)), chat("2", "1"), chat("3", "1", (200, 20), start=5),
        agent("4", "r", "1"), chat("5", "4", (40, 4)),
    )  # fmt: skip
    lead = found.runs[0]
    assert sum(step.input_tokens for step in found.steps) == 340
    assert (lead.reported_scope, lead.reported_input_tokens, lead.reported_output_tokens) == (scope, *said)
    assert note in lead.reported_note
    assert [(row.records, row.input_tokens) for row in found.uncounted] == [(1, said[0])]


def test_where_no_call_has_usage_the_agents_own_is_all_there_is(tmp_path):
    found = reading(tmp_path, agent("1", "a", attributes=usage(70, 7)), chat("2", "1", None))
    assert (found.runs[0].reported_scope, found.runs[0].reported_input_tokens) == ("own", 70)
    assert tokens(found.steps) == [(None, None)]
    assert not found.uncounted
    aggregated = {"gen_ai.aggregated_usage.input_tokens": 100, "gen_ai.aggregated_usage.output_tokens": 10}
    found = reading(
        tmp_path, agent("1", "a", attributes=aggregated), chat("2", "1"), agent("3", "b", "1"), chat("4", "3")
    )
    assert (found.runs[0].reported_scope, found.runs[0].reported_input_tokens, found.uncounted) == ("own", 100, [])


@pytest.mark.parametrize(
    ("said", "scope", "note"),
    [
        ((300, 30), "total", "250 in and 25 out: that is taken for a part of this"),
        ((250, 25), "total", "250 in and 25 out: that is taken for a part of this"),
        ((200, 30), "own", "250 in and 25 out: more than this, which is without them"),
    ],
)
def test_what_agents_alone_tell_is_over_those_below_unless_it_is_less(tmp_path, said, scope, note):
    spans = [agent("1", "lead", attributes=usage(*said)), agent("4", "between", "1")]
    spans += [agent("2", "sub", "4", attributes=usage(100, 10)), agent("3", "sub", "4", attributes=usage(150, 15))]
    found = reading(tmp_path, *spans).runs
    assert [(run.reported_scope, run.reported_input_tokens) for run in found] == [
        (scope, said[0]), ("own", None), ("own", 100), ("own", 150),
    ]  # fmt: skip
    assert note in found[0].reported_note


@pytest.mark.parametrize(
    ("outer_id", "inner_id", "outer_tokens", "steps"),
    [
        ("r1", "r1", (100, 10), [(100, 10)]),
        (None, "r1", (900, 90), [(100, 10)]),
        ("gateway", "r1", (100, 10), [(100, 10)]),
        ("r0", "r1", (900, 90), [(900, 90), (100, 10)]),
    ],
)
def test_of_calls_inside_each_other_the_inner_counts(tmp_path, outer_id, inner_id, outer_tokens, steps):
    ids = [{"gen_ai.response.id": each} if each else {} for each in (outer_id, inner_id)]
    found = reading(
        tmp_path, agent("1", "a"), chat("2", "1", outer_tokens, attributes=ids[0]), span("3", "2", name="http"),
        chat("4", "3", start=5, attributes=ids[1]),
    )  # fmt: skip
    assert tokens(found.steps) == steps


def test_a_wrapper_lends_tokens_and_contents_to_the_only_call_in_it(tmp_path):
    content = {"gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": "hi"}]}])}
    found = reading(tmp_path, agent("1", "a"), chat("2", "1", attributes=content), chat("3", "2", None))
    assert [(step.input_tokens, step.tokens_grade) for step in found.steps] == [(100, "derived")]
    assert [found.ids(step) for step in found.steps] == [[0]]
    assert said(tmp_path, found, found.runs[0])[0] == ("user", "text", "hi", None)


def test_an_exclusive_recorder_is_told_by_one_call_and_for_one_provider(tmp_path):
    def call(span_id, read, provider):
        cached = {"gen_ai.usage.cache_read.input_tokens": read, "gen_ai.provider.name": provider}
        return chat(span_id, "1", start=int(span_id), attributes=cached)

    found = reading(tmp_path, agent("1", "a"), call("2", 40, "x"), call("3", 5_000, "x"), call("4", 40, "y"))
    assert [step.input_tokens for step in found.steps] == [140, 5_100, 100]
    assert [(each.code, each.step_ordinal) for each in found.findings] == [("exclusive-input", 2)]


def test_a_span_that_was_exported_while_it_ran_counts_as_it_ended(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_bytes(lines(document(agent("1", "a"), chat("2", "1", None, end=None)), document(chat("2", "1"))))
    found = read(path, reader="otlp")
    assert tokens(found.steps) == [(100, 10)]
    assert (found.codes(), found.uncounted) == (["recorded-twice"], [])


def test_tools_that_only_an_answer_asks_for_are_tool_calls_without_an_outcome(tmp_path):
    asked = [{"role": "assistant", "parts": [{"type": "tool_call", "id": n, "name": "f"} for n in ("c1", "c2")]}]
    found = reading(
        tmp_path, agent("1", "a"), chat("2", "1", attributes={"gen_ai.output.messages": asked}),
        tool("3", "f", "1", "c2"),
    )  # fmt: skip
    assert sorted((call.tool_call_id, call.step_ordinal, call.is_error) for call in found.tool_calls) == [
        ("c1", 1, None), ("c2", 1, False),
    ]  # fmt: skip


def test_calls_in_a_tool_that_name_another_agent_are_a_run_that_the_tool_started(tmp_path):
    """As Claude Code records sub-agents: there is no span of theirs, and the input leaves the cache out."""

    def request(span_id, parent, tokens, **fields):
        usage = {"input_tokens": tokens, "output_tokens": 1, "cache_read_tokens": 500, "model": "m"}
        return span(span_id, parent, "claude_code.llm_request", attributes=usage | fields)

    found = reading(
        tmp_path, span("1", name="claude_code.interaction"), request("2", "1", 3),
        span("3", "1", "claude_code.tool", attributes={"tool_name": "Task", "tool_use_id": "u1"}, end=700),
        span("4", "3", "claude_code.tool.execution"), request("5", "4", 4, agent_id="a7"),
        span("6", "4", "claude_code.tool", attributes={"tool_name": "Read", "success": False}, start=2),
        request("7", "4", 5, agent_id="a7"), request("8", "1", 6),
    )  # fmt: skip
    main, task = found.runs
    assert (main.parent_run_id, task.parent_run_id, task.spawn_tool_call_id) == (None, main.run_id, "u1")
    assert task.agent_id.endswith("/@a7")
    assert tokens(found.steps) == [(503, 1), (506, 1), (504, 1), (505, 1)]
    assert [(call.name, call.run_id == main.run_id, call.child_run_id, call.is_error) for call in found.tool_calls] == [
        ("Task", True, task.run_id, False), ("Read", False, None, True),
    ]  # fmt: skip
    assert (task.status, task.grade, task.start_ms, task.end_ms) == ("completed", "derived", 0, 1_000)


def test_what_calls_cost_is_summed_where_each_says_so(tmp_path):
    def call(span_id, parent, cost):
        found = chat(span_id, parent)
        return found | {"attributes": [*found["attributes"], {"key": "operation.cost", "value": {"doubleValue": cost}}]}

    sums = {"gen_ai.usage.input_tokens": 300, "gen_ai.usage.output_tokens": 30}
    found = reading(
        tmp_path, agent("1", "lead", attributes=sums), call("2", "1", 0.25), call("3", "1", 0.5), agent("4", "r", "1"),
        call("5", "4", 0.125),
    )  # fmt: skip
    assert [(run.reported_scope, run.reported_cost_usd) for run in found.runs] == [("total", 0.875), ("own", 0.125)]
    found = reading(tmp_path, agent("1", "a"), call("2", "1", 0.25), chat("3", "1"), call("4", "1", float("nan")))
    assert [run.reported_cost_usd for run in found.runs] == [None]
    assert found.codes() == ["bad-field"]


def test_where_nothing_was_said_the_calls_are_told_with_what_failed(tmp_path):
    found = reading(tmp_path, agent("1", "a"), chat("2", "1"), tool("3", "sh", "1", "c", start=5, error="timed out"))
    place = Place(
        found.conversation.conversation_id, found.agents[0].agent_id, found.runs[0].run_id, None,
        [StepPlace(1, "t.jsonl", found.steps[0].offset, found.steps[0].length, False, found.steps[0].extra)],
        calls=[CallPlace(1, "c", "sh", True)],
    )  # fmt: skip
    told = [*messages(reader_of("otlp"), {"t.jsonl": tmp_path / "t.jsonl"}, place)]
    assert [(each.role, each.kind, each.name, each.is_error) for each in told] == [
        ("assistant", "text", None, False), ("assistant", "tool_call", "sh", False),
        ("tool", "tool_result", "sh", True),
    ]  # fmt: skip
    assert "not recorded" in told[0].note


def test_the_order_of_spans_and_a_second_export_change_nothing(tmp_path):
    files = sorted((OTLP / "collector").iterdir())
    documents = [json.loads(text) for file in files for text in file.read_bytes().splitlines()]
    spans = [each for one in documents for each in one["resourceSpans"][0]["scopeSpans"][0]["spans"]]
    rows = []
    for seed in range(4):
        again = spans + (spans[::3] if seed % 2 else [])
        random.Random(seed).shuffle(again)
        (tmp_path / "t.jsonl").write_bytes(lines(*(document(*again[n::3], scope="shop.genai") for n in range(3))))
        found = read(tmp_path / "t.jsonl", reader="otlp")
        assert found.codes() == ["recorded-twice"] * (seed % 2)
        steps = [replace(step, offset=0, length=0) for step in found.steps]
        calls = [replace(call, offset=0, length=0) for call in found.tool_calls]
        rows.append((found.runs, found.agents, steps, calls, found.events, list(found.stretches().values())))
    assert all(each == rows[0] for each in rows)


@pytest.mark.parametrize(
    "attributes",
    [
        {"gen_ai.usage.cost": 0.5}, {"gen_ai.usage.cost_usd": 0.5}, {"gen_ai.cost.total_cost": 0.5},
        {"langfuse.observation.cost_details": '{"input":0.25,"total":0.5}'},
    ],
)  # fmt: skip
def test_a_cost_is_known_by_several_names(tmp_path, attributes):
    found = reading(tmp_path, agent("1", "a"), chat("2", "1", attributes=attributes))
    assert [json.loads(step.extra)["cost_usd"] for step in found.steps] == [0.5]
    assert [run.reported_cost_usd for run in found.runs] == [0.5]


@pytest.mark.parametrize("tokens_of_lead", [{}, usage(300, 30)])
def test_what_a_span_of_an_agent_says_of_cost_counts_where_a_call_says_nothing(tmp_path, tokens_of_lead):
    cost = {"gen_ai.usage.cost": 0.5}
    found = reading(
        tmp_path, agent("1", "lead", attributes=cost | tokens_of_lead), chat("2", "1", None),
        agent("3", "sub", "1", attributes=cost), chat("4", "3", None, attributes={"gen_ai.usage.cost": 0.25}),
    )  # fmt: skip
    assert [(run.reported_scope, run.reported_cost_usd) for run in found.runs] == [("total", 0.5), ("own", 0.25)]
