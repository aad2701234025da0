"""One process: turns, children, calls, prompts and times, worked out by hand."""

from datetime import datetime

import pytest

from explorer.model import BlockRun
from tests.readers.graff.by_hand import (
    HERE,
    OTHER,
    SHA,
    STREAM,
    TRACE,
    WHO,
    api,
    began,
    child,
    closed,
    finished,
    opened,
    process,
    told,
    tool,
    turn,
)

utc = datetime.fromisoformat

SUMS = {"model_calls": 3, "tool_errors": 1, "uncached_tokens": 700, "cache_read_tokens": 300, "cost_microusd": 2500}


def run_of(reading, name):
    (run,) = [run for run in reading.runs if run.run_id == f"{HERE}/{name}"]
    return run


def test_a_process_is_a_conversation_with_a_turn_and_a_child(tmp_path):
    found = process(
        tmp_path,
        trajectories=[
            opened(1, 50, task="map  the\nservice"), child(2, 900, 500, tools="bash,grep!"),
            closed(1, 1000, 950, task="map  the\nservice", context_tokens=5000, **SUMS),
        ],
        behavior=[began(), turn(1, 1, 2, 1000.05), finished(3, 1002.5)],
        traces=[
            api(300, 240), api(700, 280, "look"), tool(750, 40, "grep", sub=True, call_id=2, is_error=True),
            tool(910, 520, "subagent", call_id=1), api(990, 70),
        ],
    )  # fmt: skip
    assert found.findings == []
    conversation = found.conversation
    assert (conversation.conversation_id, conversation.source_id, conversation.title) == (HERE, HERE, "map the service")
    assert conversation.started_at == utc("1970-01-01T00:16:40")
    assert conversation.ended_at == utc("1970-01-01T00:16:42.500000")
    assert conversation.steps_recorded
    assert conversation.tool_calls_recorded
    assert conversation.block_scope == "prompt-parts"
    assert '"run_id":"00ff00ff00ff00ff"' in conversation.extra
    assert [(a.agent_id, a.name, a.label, a.version, a.parent_agent_id, a.parent_grade) for a in found.agents] == [
        (f"{HERE}/main", "main", None, SHA, None, "exact"),
        (f"{HERE}/subagent-2", "subagent", "look", OTHER, f"{HERE}/main", "exact"),
    ]
    main, sub = found.runs
    assert (main.run_id, main.native_run_id, main.status, main.start_ms, main.end_ms) == (
        f"{HERE}/main/1", "1", "completed", 50, 1000,
    )  # fmt: skip
    assert (main.reported_scope, main.reported_steps, main.reported_input_tokens) == ("total", 3, 1000)
    assert (main.reported_tool_errors, main.reported_cost_usd, main.reported_duration_ms) == (1, 0.0025, 950)
    assert "children" in main.reported_note
    assert (sub.run_id, sub.parent_run_id, sub.start_ms, sub.end_ms) == (f"{HERE}/subagent-2/1", main.run_id, 400, 900)
    assert (sub.spawn_tool_call_id, sub.model, sub.reported_scope, sub.reported_note) == ("1", "s", "own", None)
    assert (sub.reported_steps, sub.reported_input_tokens, sub.reported_duration_ms) == (None, None, 500)
    assert [(s.run_id, s.ordinal, s.start_ms, s.end_ms, s.grade) for s in found.steps] == [
        (main.run_id, 1, 60, 300, "exact"),
        (sub.run_id, 1, 420, 700, "derived"),
        (main.run_id, 2, 920, 990, "exact"),
    ]
    assert {step.source_id for step in found.steps} == {TRACE}
    assert [(c.run_id, c.name, c.tool_call_id, c.is_error, c.child_run_id, c.step_ordinal, c.grade)
            for c in found.tool_calls] == [
        (main.run_id, "subagent", "1", False, sub.run_id, 1, "exact"),
        (sub.run_id, "grep", "2", True, None, 1, "derived"),
    ]  # fmt: skip
    assert [(e.kind, e.from_run_id, e.to_run_id, e.at_ms, e.grade) for e in found.edges] == [
        ("spawn", main.run_id, sub.run_id, 400, "exact"),
        ("result", sub.run_id, main.run_id, 900, "exact"),
    ]


def test_what_a_model_call_used_is_its_cache_and_no_input(tmp_path):
    """``context_tokens`` holds the answer too, and may be an estimate."""
    found = process(tmp_path, trajectories=[closed(1, 500, 500)], traces=[api(300, 200), api(400, 50, is_error=True)])
    step = found.steps[0]
    assert (step.input_tokens, step.output_tokens, step.cache_read_tokens) == (None, None, 100)
    assert '"context_tokens":900' in step.extra
    assert step.error is None
    assert found.steps[1].error


def test_zeros_of_a_call_that_failed_are_no_figures(tmp_path):
    failed = api(300, 0, context_tokens=0, cache_read_tokens=0, is_error=True)
    (step,) = process(tmp_path, trajectories=[closed(1, 500, 500)], traces=[failed]).steps
    assert (step.cache_read_tokens, step.tokens_grade) == (None, "not_recorded")


def test_zeros_where_nothing_was_counted_are_not_recorded(tmp_path):
    """Without a budget, usage or a price, the recorder writes 0."""
    sums = dict.fromkeys(SUMS, 0)
    (run,) = process(tmp_path, trajectories=[closed(1, 500, 500, **sums)]).runs
    assert (run.reported_steps, run.reported_input_tokens, run.reported_cost_usd) == (None, None, None)
    assert run.reported_tool_errors == 0


def test_without_a_clock_times_count_from_the_start_alone(tmp_path):
    found = process(tmp_path, trajectories=[opened(1, 10), closed(1, 500, 490)], traces=[api(300, 200)])
    assert found.conversation.started_at is None
    assert (found.runs[0].started_at, found.runs[0].start_ms) == (None, 10)
    assert (found.steps[0].started_at, found.steps[0].start_ms) == (None, 100)


def test_a_session_record_has_the_clock_too(tmp_path):
    header = WHO | {"kind": "session", "version": "0.9", "unix_ms": 5_000}
    found = process(tmp_path, trajectories=[header, opened(1, 10)])
    assert found.conversation.started_at == utc("1970-01-01T00:00:05")
    assert found.runs[0].started_at == utc("1970-01-01T00:00:05.010000")


# --- turns -----------------------------------------------------------------------------------------------------------


def test_of_a_turn_that_was_written_twice_the_end_counts(tmp_path):
    found = process(tmp_path, trajectories=[opened(1, 50, task="a"), closed(1, 1000, 940, task="b")])
    (run,) = found.runs
    assert (run.status, run.start_ms, run.end_ms) == ("completed", 50, 1000)
    assert '"task":"b"' in run.extra


@pytest.mark.parametrize(
    ("nodes", "end", "status", "detail"),
    [
        ([opened(1, 50)], [], "running", None),
        ([opened(1, 50)], [finished(3)], "unknown", "no end is recorded, though the process closed"),
        ([opened(1, 50)], [finished(3, status="error")], "failed", "the process ended with an error"),
        ([opened(1, 50), closed(1, 90, 40, ok=False)], [], "failed", None),
        ([closed(1, 90, 40, ok=False), {"kind": "turn_error", "parent": 1, "t": 90, "detail": "5xx"}], [], "failed",
         "5xx"),
        ([closed(1, 90, 40)], [], "completed", None),
    ],
)  # fmt: skip
def test_how_a_turn_ended(tmp_path, nodes, end, status, detail):
    (run,) = process(tmp_path, trajectories=nodes, behavior=[began(), turn(1, 1, 2, 1000.05), *end]).runs
    assert (run.status, run.status_detail) == (status, detail)


def test_a_turn_error_is_an_event_of_its_turn(tmp_path):
    error = {"kind": "turn_error", "parent": 1, "t": 91, "detail": "5xx"}
    (event,) = process(tmp_path, trajectories=[closed(1, 90, 40, ok=False), error]).events
    assert (event.kind, event.trigger, event.detail) == ("error", "turn_error", "5xx")


def test_a_last_turn_that_never_landed_is_known_from_the_streams(tmp_path):
    """Its calls have its number, the trace its outcome."""
    outcome = api(0, 0) | {"ev": "recipe_outcome", "t": 990, "latency_ms": 390, "executed": True, **SUMS}
    found = process(
        tmp_path,
        trajectories=[closed(1, 500, 450)],
        behavior=[began(), turn(1, 1, 2, 1000.05), turn(2, 4, 3, 1000.6), finished(4)],
        traces=[api(300, 200), api(900, 200, turn=2), outcome],
    )
    last = run_of(found, "main/4")
    assert (last.status, last.start_ms, last.end_ms, last.reported_steps) == ("completed", 600, 990, 3)
    assert [(step.run_id, step.grade) for step in found.steps][1] == (last.run_id, "exact")
    assert found.codes() == ["missing-end"]


def test_modes_without_nodes_for_turns_have_runs_by_number(tmp_path):
    found = process(
        tmp_path,
        behavior=[began(), turn(1, 0, 2, 1000.05), finished(3)],
        traces=[api(300, 200), tool(350, 40), api(990, 70, turn=0)],
    )
    (run,) = found.runs
    assert (run.run_id, run.status) == (f"{STREAM}/main/turn-1", "completed")
    assert [(step.run_id, step.grade) for step in found.steps] == [(run.run_id, "exact"), (run.run_id, "derived")]


def test_calls_outside_of_any_turn_are_the_sessions_own(tmp_path):
    found = process(
        tmp_path,
        trajectories=[opened(1, 500), closed(1, 900, 400)],
        behavior=[began(), turn(1, 1, 2, 1000.5), finished(3)],
        traces=[api(300, 200, turn=0), api(800, 200)],
    )
    assert [(run.run_id, run.ordinal, run.status) for run in found.runs] == [
        (f"{HERE}/main/1", 1, "completed"),
        (f"{HERE}/main/0", 2, "unknown"),
    ]
    assert [(step.run_id, step.grade) for step in found.steps] == [
        (f"{HERE}/main/0", "derived"),
        (f"{HERE}/main/1", "exact"),
    ]


def test_without_the_link_of_the_numberings_a_turn_is_found_by_its_time(tmp_path):
    found = process(
        tmp_path,
        trajectories=[opened(1, 50), closed(1, 500, 450), opened(3, 600, 1), closed(3, 900, 300, 1)],
        traces=[api(300, 200, turn=1), api(880, 200, turn=2)],
    )
    assert [(step.run_id, step.grade) for step in found.steps] == [
        (f"{HERE}/main/1", "derived"),
        (f"{HERE}/main/3", "derived"),
    ]


def test_a_trace_alone_has_its_turns_by_number(tmp_path):
    found = process(
        tmp_path, traces=[api(300, 200), tool(350, 40), api(700, 200, turn=2), api(900, 30, "look", turn=2)]
    )
    assert [(run.run_id, run.status) for run in found.runs] == [
        (f"{TRACE}/main/turn-1", "unknown"),
        (f"{TRACE}/main/turn-2", "unknown"),
        (f"{TRACE}/unrecorded-look/1", "unknown"),
    ]
    assert [step.grade for step in found.steps] == ["exact", "exact", "derived"]
    assert found.runs[2].parent_run_id == f"{TRACE}/main/turn-2"


# --- children --------------------------------------------------------------------------------------------------------

TWO_TURNS = [opened(1, 50), closed(1, 500, 450), opened(3, 600, 1)]


def test_a_child_that_ends_in_a_later_turn_hangs_below_the_one_that_began_it(tmp_path):
    found = process(tmp_path, trajectories=[*TWO_TURNS, child(4, 900, 700, parent=3), closed(3, 1000, 400, 1)])
    sub = run_of(found, "subagent-4/1")
    assert sub.parent_run_id == f"{HERE}/main/1"
    assert '"recorded_parent":3' in sub.extra
    assert [(e.kind, e.from_run_id, e.to_run_id, e.grade) for e in found.edges] == [
        ("spawn", f"{HERE}/main/1", sub.run_id, "derived"),
        ("result", sub.run_id, f"{HERE}/main/3", "exact"),
    ]
    (finding,) = found.findings
    assert (finding.code, finding.severity, finding.line, finding.run_id) == ("late-parent", "info", 4, sub.run_id)


def test_counters_of_turns_that_share_a_child_are_not_compared_with_the_runs_below(tmp_path):
    late = [opened(1, 50), closed(1, 500, 450, **SUMS), opened(3, 600, 1), child(4, 900, 700, parent=3)]
    found = process(tmp_path, trajectories=[*late, closed(3, 1000, 400, 1, **SUMS), closed(5, 1200, 100, 3, **SUMS)])
    assert [run.reported_steps for run in found.runs if run.parent_run_id is None] == [None, None, 3]
    assert [run.reported_input_tokens for run in found.runs if run.parent_run_id is None] == [1000] * 3
    assert ["another turn" in run.reported_note or "went on" in run.reported_note for run in found.runs[:3]] == [
        True,
        True,
        False,
    ]
    assert '"model_calls":3' in found.runs[0].extra


@pytest.mark.parametrize(
    ("node", "parent", "grade"),
    [
        (child(2, 400, 100, parent=1), "1", "exact"),
        (child(2, 400, 100, parent=0), "1", "derived"),
        (child(2, 580, 20, parent=1), "1", "exact"),  # between the turns, the first is still the current one
        (child(2, 700, 85, parent=3), "3", "exact"),
        (child(2, 40, 30, parent=0), "1", "ambiguous"),
        (child(2, 900, 100, parent=77), "3", "derived"),
    ],
)
def test_the_parent_of_a_child_is_the_turn_of_its_start(tmp_path, node, parent, grade):
    found = process(tmp_path, trajectories=[*TWO_TURNS, node])
    spawn = next(edge for edge in found.edges if edge.kind == "spawn")
    assert (spawn.from_run_id, spawn.grade) == (f"{HERE}/main/{parent}", grade)
    assert "late-parent" not in found.codes()


def test_every_kind_of_node_with_a_duration_is_an_agent_and_others_are_remarks(tmp_path):
    score = {"kind": "score", "parent": 1, "t": 480, "value": 0.5}
    found = process(
        tmp_path,
        trajectories=[
            opened(1, 50), child(2, 400, 90, kind="judge_task"), child(3, 450, 90, kind="never/seen"), score,
            {"kind": "diversity", "spread": 3}, closed(1, 500, 450),
        ],
    )  # fmt: skip
    assert [(a.agent_id, a.name) for a in found.agents[1:]] == [
        (f"{HERE}/judge_task-2", "judge_task"),
        (f"{HERE}/never∕seen-3", "never/seen"),
    ]
    assert [(event.run_id, event.trigger, event.detail) for event in found.events] == [
        (f"{HERE}/main/1", "score", '{"value":0.5}'),
        (f"{HERE}/main/1", "diversity", '{"spread":3}'),
    ]


def test_a_second_node_with_an_id_is_another_child(tmp_path):
    found = process(tmp_path, trajectories=[opened(1, 50), child(2, 400, 90), child(2, 450, 90)])
    assert [agent.agent_id for agent in found.agents[1:]] == [f"{HERE}/subagent-2", f"{HERE}/subagent-2~2"]
    assert found.codes() == ["duplicate-id"]


def test_a_child_without_a_report_has_no_result(tmp_path):
    found = process(tmp_path, trajectories=[opened(1, 50), child(2, 400, 90, ok=False)])
    assert run_of(found, "subagent-2/1").status == "failed"
    assert [edge.kind for edge in found.edges] == ["spawn"]


# --- tools -----------------------------------------------------------------------------------------------------------


def test_without_a_trace_tool_calls_are_those_of_the_lists(tmp_path):
    found = process(tmp_path, trajectories=[opened(1, 50), child(2, 400, 90, tools="bash,grep!"), closed(1, 500, 450)])
    sub = run_of(found, "subagent-2/1").run_id
    assert [(c.run_id, c.name, c.is_error, c.start_ms, c.grade) for c in found.tool_calls] == [
        (sub, "bash", False, None, "derived"),
        (sub, "grep", True, None, "derived"),
    ]
    assert found.steps == []
    assert not found.conversation.steps_recorded
    assert found.conversation.tool_calls_recorded


def test_a_full_list_may_have_been_longer(tmp_path):
    tools = ",".join(["bash"] * 64)
    found = process(tmp_path, trajectories=[closed(1, 500, 450, tools=tools)])
    assert len(found.tool_calls) == 64
    assert found.codes() == ["capped-tools"]
    traced = process(tmp_path, trajectories=[closed(1, 500, 450, tools=tools)], traces=[tool(100, 9)] * 70)
    assert (len(traced.tool_calls), traced.codes()) == (70, [])


def test_in_full_mode_a_tool_call_leads_to_its_arguments(tmp_path):
    started = told("tool_started", 3, 1000.2, turn=1, call_id=7, name="bash", args={"command": "ls"})
    ended = told("tool_finished", 4, 1000.25, turn=1, call_id=7, name="bash", ms=50, is_error=True, result_bytes=3)
    open_ = told("tool_started", 5, 1000.3, turn=1, call_id=8, name="grep", args={})
    found = process(
        tmp_path,
        trajectories=[opened(1, 50)],
        behavior=[began(), turn(1, 1, 2, 1000.05), started, ended, open_],
        traces=[tool(250, 50, call_id=7, is_error=True)],
    )
    content = (tmp_path / STREAM).read_bytes()
    done, never = found.tool_calls
    assert done.source_id == STREAM
    assert b'"command": "ls"' in content[done.offset : done.offset + done.length]
    assert (done.start_ms, done.end_ms, done.is_error, done.grade) == (200, 250, True, "exact")
    assert (never.name, never.start_ms, never.end_ms, never.is_error) == ("grep", 300, None, None)
    without = process(
        tmp_path / "b", trajectories=[opened(1, 50)], behavior=[began(), turn(1, 1, 2, 1000.05), started, ended]
    )
    (call,) = without.tool_calls
    assert (call.start_ms, call.end_ms, call.is_error, call.grade) == (200, 250, True, "derived")


# --- prompts ---------------------------------------------------------------------------------------------------------


def test_the_system_prompt_is_the_block_of_every_step(tmp_path):
    found = process(
        tmp_path,
        trajectories=[opened(1, 50), child(2, 400, 300), child(3, 800, 300), closed(1, 900, 850)],
        traces=[api(90, 30), api(380, 200, "look"), api(790, 200, "look"), api(890, 30)],
    )
    assert {row.namespace for row in found.of(BlockRun)} == {HERE}
    assert {row.block_tokens for row in found.of(BlockRun)} == {None}
    assert [found.stretches()[step.run_id, step.ordinal] for step in found.steps] == [
        [(0, 1)], [(1, 1)], [(1, 1)], [(0, 1)],
    ]  # fmt: skip


def test_of_a_prompt_that_changed_during_a_turn_only_the_first_steps_is_known(tmp_path):
    found = process(
        tmp_path,
        trajectories=[opened(1, 50), closed(1, 900, 850, prompt_sha=OTHER, prompt_mutated=True)],
        traces=[api(90, 30), api(190, 30)],
    )
    assert found.stretches() == {(f"{HERE}/main/1", 1): [(0, 1)]}
    (event,) = found.events
    assert (event.trigger, OTHER in event.detail) == ("prompt_mutated", True)


def test_without_steps_there_are_no_blocks(tmp_path):
    found = process(tmp_path, trajectories=[closed(1, 900, 850)])
    assert found.of(BlockRun) == []
    assert found.conversation.block_scope is None


# --- the behavioral stream -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("records", "codes"),
    [
        ([began(), finished(2)], []),
        ([began()], ["missing-end"]),
        ([began(), finished(4)], ["seq-gap"]),
        ([began(), finished(4, dropped=2)], ["dropped-records"]),
        ([began(), finished(4, dropped=1)], ["dropped-records", "seq-gap"]),
        ([began(), finished(2), finished(2)], ["seq-gap"]),
        ([began(2), finished(3)], ["seq-gap"]),
    ],
)
def test_what_a_behavioral_stream_lacks(tmp_path, records, codes):
    assert process(tmp_path, trajectories=[closed(1, 900, 850)], behavior=records).codes() == codes


def test_notes_of_the_trace_are_events_of_the_turn_that_was_current(tmp_path):
    note = {key: value for key, value in api(700, 0).items() if key in ("run_id", "pid", "session_id", "t")}
    found = process(
        tmp_path,
        trajectories=TWO_TURNS,
        traces=[note | {"ev": "retry", "detail": "429"}, note | {"ev": "compact_done", "detail": "x", "t": 10}],
    )
    assert [(e.run_id, e.kind, e.trigger, e.at_ms, e.detail) for e in found.events] == [
        (f"{HERE}/main/3", "note", "retry", 700, "429"),
        (f"{HERE}/main/1", "compaction", "compact_done", 10, "x"),
    ]
