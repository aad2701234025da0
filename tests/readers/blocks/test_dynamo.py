"""Dynamo's request traces: three shapes of who asked, tools, measured cache reads, hashes of 64 bits."""

import gzip
from dataclasses import replace

import pytest

from explorer.model import BlockRun, NamespaceAudit
from explorer.readers.dynamo import links, record
from tests.readers.blocks.counting import infinite_hits, records, reused, written
from tests.readers.reading import SAMPLES, claim, head, read

AT = 1_784_000_000_000
FOLDER = SAMPLES / "dynamo"
TOP = 2**64 - 1


def event(kind, at, context=None, **what):
    record = {"schema": "dynamo.request.trace.v1", "event_type": kind, "event_time_unix_ms": AT + at, **what}
    return record | ({"agent_context": context} if context else {})


def request(at, hashes, context=None, took=100.0, **fields):
    usual = {
        "request_id": "r", "model": "m", "input_tokens": 64 * len(hashes) + 9, "output_tokens": 5, "cached_tokens": 64,
        "request_received_ms": AT + at, "total_time_ms": took,
        "replay": {"trace_block_size": 64, "input_length": 1, "input_sequence_hashes": hashes},
    }  # fmt: skip
    body = {name: value for name, value in (usual | fields).items() if value is not ...}
    return event("request_end", at + 130, context, request=body)


def tool(kind, at, context, call, **fields):
    return event(kind, at, context, tool={"tool_call_id": call, "tool_class": "bash", **fields})


def dynamo(tmp_path, *events):
    path = written(tmp_path / "t.jsonl", *events)
    assert claim(path, head(path)).NAME == "dynamo"
    return read(path, "d", reader="dynamo")


def test_a_request_has_what_was_measured_beside_the_hashes_of_its_prompt(tmp_path):
    found = dynamo(tmp_path, {"timestamp": 3, "event": request(0, [TOP, 2**63, 5])})
    (step,) = found.steps
    assert (step.start_ms, step.end_ms, step.model) == (0, 100, "m")
    assert (step.input_tokens, step.cache_read_tokens, step.output_tokens) == (201, 64, 5)
    assert found.ids(step) == [TOP, 2**63, 5]
    assert {row.block_tokens for row in found.of(BlockRun)} == {64}
    assert found.conversation.block_scope == "hashes"
    assert found.conversation.started_at.isoformat() == "2026-07-14T03:33:20"
    assert [agent.name for agent in found.agents] == ["requests"]


@pytest.mark.parametrize(
    ("lead", "worker", "name"),
    [
        (
            {"workflow_type_id": "w", "workflow_id": "1", "program_id": "lead"},
            {"workflow_type_id": "w", "workflow_id": "1", "program_id": "x", "parent_program_id": "lead"},
            "w",
        ),
        (
            {"session_type_id": "s", "session_id": "1", "trajectory_id": "lead"},
            {"session_type_id": "s", "session_id": "1", "trajectory_id": "x", "parent_trajectory_id": "lead"},
            "s",
        ),
        ({"session_id": "lead"}, {"session_id": "x", "parent_session_id": "lead", "session_final": True}, "session"),
    ],
)
@pytest.mark.parametrize("with_lead", [True, False])
def test_an_agent_has_the_parent_that_its_context_names(lead, worker, name, with_lead, tmp_path):
    """Also where nothing else is known of the parent, as in the later files of a server."""
    found = dynamo(tmp_path, *([request(0, [1], lead)] if with_lead else []), request(500, [1, 2], worker))
    agents = {agent.label: agent for agent in found.agents}
    assert agents["lead"].parent_agent_id is None
    assert agents["x"].parent_agent_id == agents["lead"].agent_id
    assert {agent.name for agent in agents.values()} == {name}
    assert found.run("x").parent_run_id == found.run("lead").run_id
    assert found.run("x").status == ("completed" if name == "session" else "unknown")
    (edge,) = found.edges
    assert (edge.kind, edge.from_run_id, edge.to_run_id) == ("spawn", found.run("lead").run_id, found.run("x").run_id)
    assert len(found.steps_of("lead")) == with_lead


def test_agents_of_two_workflows_may_have_one_name(tmp_path):
    contexts = [{"workflow_id": workflow, "program_id": "lead"} for workflow in ("1", "2")]
    found = dynamo(tmp_path, *(request(0, [1], context) for context in contexts))
    assert [agent.agent_id for agent in found.agents] == ["d/lead", "d/lead~2"]


def test_a_tool_call_is_what_was_asked_for_and_what_came_of_it(tmp_path):
    context = {"session_id": "a"}
    asked = [
        {"id": "c1", "name": "read"},
        {"id": "c2", "name": "shell"},
        {"id": "c3", "name": "spawn"},
        {"name": "web"},
    ]
    found = dynamo(
        tmp_path,
        request(0, [1], context, finish_reason_metadata={"finish_reason": "tool_calls", "tool_calls": asked}),
        tool("tool_start", 150, context, "c1"),
        tool("tool_end", 400, context, "c1", status="succeeded"),
        tool("tool_error", 500, context, "c2", started_at_unix_ms=AT + 160, ended_at_unix_ms=AT + 490),
        tool("tool_end", 900, context, "c9", duration_ms=100.0, status="cancelled"),
    )
    calls = {call.tool_call_id: call for call in found.tool_calls}
    assert [(c.name, c.step_ordinal, c.start_ms, c.end_ms, c.is_error) for c in calls.values()] == [
        ("web", 1, None, None, None),
        ("read", 1, 150, 400, False),
        ("shell", 1, 160, 490, True),
        ("bash", None, 800, 900, True),
        ("spawn", 1, None, None, None),
    ]
    assert list(calls) == [None, "c1", "c2", "c9", "c3"]
    assert found.steps[0].finish_reason == "tool_calls"
    assert found.conversation.tool_calls_recorded
    assert found.run("a").end_ms == 900


def test_the_conversation_starts_with_the_earliest_and_not_with_the_first_line(tmp_path):
    """Lines are in the order in which requests end."""
    found = dynamo(tmp_path, request(700, [1], took=50.0), request(0, [1, 2], took=900.0))
    assert [step.start_ms for step in found.steps] == [700, 0]
    path = tmp_path / "t.jsonl"
    assert [(row.ordinal, row.hit_own) for row in reused(path)] == [(2, 0), (1, 1)], "the second line arrived first"


def test_a_request_without_a_beginning_began_as_long_before_its_end_as_it_took(tmp_path):
    found = dynamo(tmp_path, request(0, [1]), request(1000, [1], request_received_ms=..., input_tokens=...))
    assert [(step.start_ms, step.end_ms, step.input_tokens) for step in found.steps] == [(0, 100, 73), (1030, 1130, 1)]
    assert found.runs[0].time_grade == "derived"


def test_what_is_no_request_is_counted_or_a_finding(tmp_path):
    found = dynamo(
        tmp_path,
        request(0, [1]),
        event("request_payload", 5, payload={"request_id": "r"}),
        {"verification": {"records": 3}},
        event("tool_end", 6),
        event("request_moved", 7),
        request(10, [-1], context={"agent": "x"}),
        {"schema": "another"},
    )
    assert found.conversation.extra == '{"records_aside":{"request_payload":1,"verification":1}}'
    assert [(row.code, row.line) for row in found.findings] == [
        ("bad-record", 4),
        ("unknown-kind", 5),
        ("bad-record", 6),
        ("bad-field", 6),
        ("bad-record", 7),
    ]
    assert len(found.steps) == 2


def test_the_sample_reuses_what_sets_say_and_workers_find_each_others_blocks():
    path = FOLDER / "trajectories.jsonl.gz"
    ended = [r["event"]["request"] for r in records(path) if r.get("event", {}).get("event_type") == "request_end"]
    ended.sort(key=lambda body: body["request_received_ms"])
    prompts = [(body["replay"]["input_sequence_hashes"], body["input_tokens"], 64) for body in ended]
    reuse = reused(path)
    hits = [row.hit_own + row.hit_ancestor + row.hit_sibling + row.hit_other for row in reuse]
    assert sum(hits) == infinite_hits(prompts)[0]
    sibling = {row.run_id.split("/")[1]: row.hit_sibling for row in reuse if row.ordinal == 1}
    assert sibling["worker-2"] == 700 // 64 + (1300 % 64 + 700 % 64) // 64, "the briefing, but for what the tail holds"
    (audit,) = reused(path, NamespaceAudit)
    assert (audit.chained, audit.coverage, audit.block_tokens) == (True, "floor", 64)


def test_plain_and_gzipped_are_the_same(tmp_path):
    content = gzip.decompress((FOLDER / "trajectories.jsonl.gz").read_bytes())
    path = tmp_path / "plain.jsonl"
    path.write_bytes(content)
    whole = read(FOLDER / "trajectories.jsonl.gz", "d", reader="dynamo")
    assert read(path, "d", reader="dynamo").rows == whole.rows
    step = whole.steps[3]
    wanted = content[step.offset : step.offset + step.length]
    assert record(FOLDER / "trajectories.jsonl.gz", step.offset, step.length, 1 << 20) == wanted


def test_the_numbered_files_of_a_writer_are_read_as_one(tmp_path):
    """Cut between two lines, one of them damaged; but for where they stand, the rows are those of the whole."""
    lines = gzip.decompress((FOLDER / "trajectories.jsonl.gz").read_bytes()).splitlines(keepends=True)
    paths = [tmp_path / f"trace.{number:06}.jsonl{suffix}" for number, suffix in enumerate(("", ".gz"))]
    paths[0].write_bytes(b"".join(lines[:8]))
    paths[1].write_bytes(gzip.compress(b"{\n" + b"".join(lines[8:])))
    assert links(paths[0], None) == links(paths[1], None) != links(tmp_path / "other.000001.jsonl", None)
    assert links(tmp_path / "trace.jsonl", None) == []
    found = read(paths[0], "d", reader="dynamo", parts=paths[1:])
    whole = read(FOLDER / "trajectories.jsonl.gz", "d", reader="dynamo")
    assert found.runs == whole.runs
    placed = [replace(step, source_id="d", offset=0) for step in found.steps]
    assert placed == [replace(step, offset=0) for step in whole.steps]
    assert found.stretches() == whole.stretches()
    assert {step.source_id for step in found.steps} == {"d", "trace.000001.jsonl.gz"}
    assert [(row.code, row.source_id, row.line) for row in found.findings] == [
        ("bad-record", "trace.000001.jsonl.gz", 1)
    ]
    assert (found.report.bad_records, found.report.bad_of_parts) == (0, {"trace.000001.jsonl.gz": 1})
    for call in found.tool_calls:
        path = paths[call.source_id != "d"]
        assert call.tool_call_id.encode() in record(path, call.offset, call.length, 1 << 20)
