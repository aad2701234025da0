"""Attempts at one goal, kept apart."""

import json

import pytest

from tests.readers.maverick.worlds import (
    FIRST,
    KEY,
    ROOT,
    ROOT_2,
    ROOT_3,
    T,
    episode,
    goal,
    lines,
    plan,
    post,
    reading,
    saved,
    tool,
    world,
)


def steps(found):
    """Run and grade of every step, and its tool."""
    names = {(call.run_id, call.step_ordinal): call.name for call in found.tool_calls}
    return [(step.run_id.removeprefix(KEY), step.grade, names[step.run_id, step.ordinal]) for step in found.steps]


def test_attempts_are_runs_of_one_agent_and_each_has_its_own_steps(tmp_path):
    events = [
        plan(1, ROOT), tool(2, ROOT, "a"), post(3, ROOT, "finding", "done"),
        plan(11, ROOT_2), tool(12, ROOT_2, "b"), tool(13, ROOT_2, "c"),
        plan(21, ROOT_3), tool(22, ROOT_3, "d"),
    ]  # fmt: skip
    episodes = [
        episode(3, 20, 29, outcome="blocked"),
        episode(1, 0, 9),
        episode(2, 10, 19, outcome="failure"),
    ]
    found = reading(world(tmp_path / "world.db", [goal()], episodes, events))
    (agent,) = found.agents
    assert (agent.agent_id, agent.name, agent.label) == (f"{KEY}/orchestrator-0", "orchestrator-0", None)
    assert [(run.run_id, run.ordinal, run.native_run_id, run.status, run.status_detail) for run in found.runs] == [
        (FIRST, 1, "1", "completed", "success"),
        (f"{KEY}/orchestrator-0/2", 2, "2", "failed", "failure"),
        (f"{KEY}/orchestrator-0/3", 3, "3", "failed", "blocked"),
    ]
    assert steps(found) == [
        ("/orchestrator-0/1", "derived", "a"), ("/orchestrator-0/2", "derived", "b"),
        ("/orchestrator-0/2", "derived", "c"), ("/orchestrator-0/3", "derived", "d"),
    ]  # fmt: skip
    assert [json.loads(run.extra)["instances"] for run in found.runs] == [[ROOT], [ROOT_2], [ROOT_3]]
    assert found.codes() == []


def test_an_episodes_figures_are_those_of_its_whole_swarm(tmp_path):
    child = "coder-1-bbbbb1"
    events = [plan(1, ROOT), plan(2, child), tool(3, child)]
    found = reading(world(tmp_path / "world.db", [goal()], [episode(1, 0, 9)], events))
    root, below = found.runs
    assert (root.reported_scope, root.reported_input_tokens, root.reported_output_tokens) == ("total", 1000, 100)
    assert (root.reported_tool_calls, root.reported_cost_usd, root.reported_duration_ms) == (1, 0.5, 9000)
    assert "whole swarm" in root.reported_note
    assert "not recorded" in root.reported_note
    figures = [
        name for name in type(below).__slots__ if name.startswith("reported_") and name[9:] not in ("scope", "note")
    ]
    assert {name: getattr(below, name) for name in figures} == dict.fromkeys(figures)
    for step in found.steps:
        assert step.tokens_grade == "not_recorded"
        assert (step.input_tokens, step.output_tokens, step.cache_read_tokens) == (None, None, None)
    assert found.conversation.steps_recorded is False
    assert found.conversation.tool_calls_recorded is True


def test_times_count_from_the_goals_creation(tmp_path):
    events = [plan(1, ROOT), tool(2.5, ROOT), post(3, ROOT, "finding", "x")]
    found = reading(world(tmp_path / "world.db", [goal(created_at=T - 10)], [episode(1, 0, 9)], events))
    (run,) = found.runs
    assert (run.start_ms, run.end_ms, run.time_grade) == (10_000, 19_000, "exact")
    assert run.started_at.isoformat() == "2026-06-02T11:33:20"
    assert found.conversation.started_at.isoformat() == "2026-06-02T11:33:10"
    (step,) = found.steps
    (call,) = found.tool_calls
    assert (step.start_ms, step.end_ms, call.start_ms, call.end_ms) == (12_500, None, None, 12_500)
    assert (step.source_id, step.offset, step.length) == ("world.db", 2, 1)


def test_an_episode_that_another_process_took_up_again_is_one_run_with_a_resume(tmp_path):
    events = [plan(1, ROOT), tool(2, ROOT, "a"), plan(60, ROOT_2), tool(61, ROOT_2, "b")]
    found = reading(world(tmp_path / "world.db", [goal()], [episode(1, 0, 70)], events))
    (run,) = found.runs
    assert [grade for _, grade, _ in steps(found)] == ["derived", "derived"]
    (event,) = [event for event in found.events if event.kind == "resume"]
    assert (event.run_id, event.at_ms) == (FIRST, 60_000)
    assert event.detail == f"{ROOT_2} went on where {ROOT} had stopped"
    assert "taken up again" in run.reported_note


def test_a_killed_attempt_ends_where_the_next_begins_and_is_resumed_by_it(tmp_path):
    events = [plan(1, ROOT), tool(2, ROOT, "a"), plan(31, ROOT_2), tool(32, ROOT_2, "b")]
    found = reading(world(tmp_path / "world.db", [goal()], [episode(1, 0, None), episode(2, 30, 40)], events))
    first, second = found.runs
    assert (first.status, first.ended_at, first.end_ms) == ("running", None, 2000)
    assert (second.status, second.start_ms) == ("completed", 30_000)
    (edge,) = found.edges
    assert (edge.kind, edge.from_run_id, edge.to_run_id, edge.grade) == (
        "resume", first.run_id, second.run_id, "derived",
    )  # fmt: skip
    assert found.codes() == []


def test_a_goal_put_aside_by_the_next_process_says_that_its_run_crashed(tmp_path):
    put_aside = goal(status="blocked", result="half an answer " * 300 + "[process restarted mid-run]")
    found = reading(world(tmp_path / "world.db", [put_aside], [episode(1, 0, None)], [plan(1, ROOT)]))
    (run,) = found.runs
    assert run.status == "running"
    assert run.status_detail.startswith("crashed")


def test_two_processes_at_once_leave_ambiguous_what_fits_both(tmp_path):
    events = [
        plan(1, ROOT), plan(5, ROOT_2), tool(6, ROOT_2, "inner"), tool(7, ROOT, "outer"),
        post(8, ROOT_2, "finding", "x"), post(20, ROOT, "finding", "x"),
    ]  # fmt: skip
    found = reading(world(tmp_path / "world.db", [goal()], [episode(1, 0, 21), episode(2, 4, 9)], events))
    inner, outer = found.steps
    assert (inner.run_id, inner.grade) == (f"{KEY}/orchestrator-0/2", "ambiguous")
    assert json.loads(inner.candidates) == [f"{KEY}/orchestrator-0/2", FIRST]
    assert (outer.run_id, outer.grade, outer.candidates) == (FIRST, "derived", None)
    assert {run.run_id: run.grade for run in found.runs} == {FIRST: "derived", f"{KEY}/orchestrator-0/2": "ambiguous"}
    (finding,) = found.findings
    assert (finding.code, finding.run_id) == ("overlapping-runs", f"{KEY}/orchestrator-0/2")
    assert "1 agent fits more than one" in finding.message


def test_an_open_attempt_that_is_seen_to_go_on_overlaps_the_next(tmp_path):
    events = [plan(1, ROOT), tool(2, ROOT, "a"), plan(31, ROOT_2), tool(32, ROOT_2, "b"), tool(50, ROOT, "c")]
    found = reading(world(tmp_path / "world.db", [goal()], [episode(1, 0, None), episode(2, 30, 40)], events))
    assert steps(found) == [
        ("/orchestrator-0/1", "derived", "a"), ("/orchestrator-0/2", "ambiguous", "b"),
        ("/orchestrator-0/1", "derived", "c"),
    ]  # fmt: skip
    assert found.codes() == ["overlapping-runs"]


def test_records_outside_every_episode_are_kept_and_said(tmp_path):
    events = [plan(1, ROOT), tool(2, ROOT, "a"), plan(50, ROOT_2), tool(51, ROOT_2, "late"), tool(90, ROOT_3, "later")]
    episodes = [episode(1, 0, 9), episode(2, 80, 85)]
    found = reading(world(tmp_path / "world.db", [goal()], episodes, events))
    assert steps(found) == [
        ("/orchestrator-0/1", "derived", "a"), ("/orchestrator-0/1", "ambiguous", "late"),
        ("/orchestrator-0/2", "ambiguous", "later"),
    ]  # fmt: skip
    stray = [(finding.run_id, finding.message[:22]) for finding in found.findings if finding.code == "stray-events"]
    assert stray == [(FIRST, "2 records lie outside "), (f"{KEY}/orchestrator-0/2", "1 record lies outside ")]
    assert "row 3" in found.findings[0].message


def test_a_post_written_just_after_the_end_belongs_to_its_attempt(tmp_path):
    events = [plan(0.05, ROOT), tool(2, ROOT), post(9.6, ROOT, "finding", "x"), plan(9.9, ROOT_2), tool(12, ROOT_2)]
    episodes = [episode(1, 0.1, 9), episode(2, 9.7, 20)]
    found = reading(world(tmp_path / "world.db", [goal()], episodes, events))
    assert [run[:18] for run, _, _ in steps(found)] == ["/orchestrator-0/1", "/orchestrator-0/2"]
    assert found.codes() == []


def test_a_goal_without_an_episode_has_a_run_for_each_root(tmp_path):
    events = [plan(1, ROOT), tool(2, ROOT, "a"), plan(5, ROOT_2), tool(6, ROOT_2, "b")]
    found = reading(world(tmp_path / "world.db", [goal(status="active")], [], events))
    assert [(run.ordinal, run.native_run_id, run.status, run.reported_cost_usd) for run in found.runs] == [
        (1, None, "unknown", None), (2, None, "unknown", None),
    ]  # fmt: skip
    assert [run for run, _, _ in steps(found)] == ["/orchestrator-0/1", "/orchestrator-0/2"]


def test_a_goal_of_which_there_is_nothing_else_is_a_conversation(tmp_path):
    found = reading(world(tmp_path / "world.db", [goal(status="pending", domain="finance")]))
    assert (found.runs, found.agents) == ([], [])
    assert (found.conversation.title, found.conversation.group_name) == ("goal number 1", "finance")
    assert json.loads(found.conversation.extra)["status"] == "pending"


def test_rows_of_a_goal_that_is_gone_are_read(tmp_path):
    found = reading(world(tmp_path / "world.db", [], [episode(1, 0, 9)], [plan(1, ROOT), tool(2, ROOT)]))
    assert found.conversation.title == "goal 1"
    assert len(found.steps) == 1


def test_the_root_of_a_pack_has_its_name(tmp_path):
    found = reading(world(tmp_path / "world.db", [goal(domain="finance")], [episode(1, 0, 9)]))
    assert [agent.name for agent in found.agents] == ["finance-0"]
    events = [plan(1, "legal-0-ccccc1"), tool(2, "legal-0-ccccc1")]
    found = reading(world(tmp_path / "b" / "world.db", [goal(domain="finance")], [episode(1, 0, 9)], events))
    assert [run.run_id for run in found.runs] == [f"{KEY}/legal-0/1"]


def test_figures_of_nothing_after_an_exception_are_not_recorded(tmp_path):
    nothing = {"cost_dollars": 0, "input_tokens": 0, "output_tokens": 0, "tool_calls": 0}
    episodes = [episode(1, 0, 9, outcome="failure", **nothing), episode(2, 10, 19, **nothing)]
    events = [plan(1, ROOT), tool(2, ROOT), plan(11, ROOT_2)]
    found = reading(world(tmp_path / "world.db", [goal()], episodes, events))
    first, second = found.runs
    assert (first.reported_input_tokens, first.reported_cost_usd, first.reported_tool_calls) == (None, None, None)
    assert first.reported_note.startswith("0 is recorded of everything")
    assert (second.reported_input_tokens, second.reported_cost_usd) == (0, 0.0)


def test_a_database_of_the_first_version_has_no_tokens(tmp_path):
    path = world(tmp_path / "world.db", [goal()], [episode(1, 0, 9)], [plan(1, ROOT)])
    import sqlite3

    connection = sqlite3.connect(path)
    for column in ("input_tokens", "output_tokens", "tool_calls"):
        connection.execute(f"ALTER TABLE episodes DROP COLUMN {column}")
    for column in ("owner", "domain", "project_id"):
        connection.execute(f"ALTER TABLE goals DROP COLUMN {column}")
    connection.commit()
    connection.close()
    (run,) = reading(path).runs
    assert (run.reported_input_tokens, run.reported_tool_calls, run.reported_cost_usd) == (None, None, 0.5)


# --- replay traces ---------------------------------------------------------------------------------------------------


def traced(*posts, start=1):
    """Posts as lines of a trace, numbered."""
    return [
        {"seq": number, "t": each["ts"], "kind": each["kind"], "agent": each["agent"], "content": each["content"]}
        for number, each in enumerate(posts, start)
    ]


def test_where_a_traces_numbers_start_again_another_run_begins(tmp_path):
    first, second = (
        traced(plan(1, ROOT), tool(2, ROOT, "a"), tool(3, ROOT, "b")),
        traced(plan(9, ROOT_2), tool(10, ROOT_2, "c")),
    )
    path = lines(tmp_path / "goal-1.jsonl", *first, *second)
    found = reading(path, "goal-1.jsonl")
    assert [run.run_id for run in found.runs] == [f"goal-1.jsonl//goal-1/orchestrator-0/{n}" for n in (1, 2)]
    assert [step.run_id[-1] for step in found.steps] == ["1", "1", "2"]
    (finding,) = found.findings
    assert (finding.code, finding.line) == ("repeated-sequence", 4)
    content = path.read_bytes()
    for step in found.steps:
        assert json.loads(content[step.offset : step.offset + step.length])["kind"] == "observation"


def test_two_processes_that_write_one_trace_in_turn_are_two_runs(tmp_path):
    one = traced(plan(1, ROOT), tool(2, ROOT, "a"), tool(4, ROOT, "c"))
    other = traced(plan(1.5, ROOT_2), tool(3, ROOT_2, "b"), tool(5, ROOT_2, "d"))
    mixed = [line for pair in zip(one, other, strict=True) for line in pair]
    found = reading(lines(tmp_path / "goal-1.jsonl", *mixed), "goal-1.jsonl")
    assert [step.run_id[-1] for step in found.steps] == ["1", "2", "1", "2"]
    assert len(found.runs) == 2


def test_a_trace_beside_the_database_adds_the_agents_that_it_lost(tmp_path):
    lost = "coder-1-ddddd1"
    world(tmp_path / "world.db", [goal()], [episode(1, 0, 9)], [plan(1, ROOT), tool(2, ROOT, "a")])
    posts = traced(plan(1, ROOT), tool(2, ROOT, "a"), plan(3, lost), tool(4, lost, "b"))
    lines(tmp_path / "traces" / "goal-1.jsonl", *posts)
    found = reading(tmp_path / "world.db")
    assert [(run, name) for run, _, name in steps(found)] == [("/orchestrator-0/1", "a"), (f"/{lost}/1", "b")]
    assert {step.source_id for step in found.steps} == {"world.db", "traces/goal-1.jsonl"}


def test_a_goal_of_which_only_the_trace_is_left_is_read_with_the_database(tmp_path):
    world(tmp_path / "world.db", [goal()])
    lines(tmp_path / "goal-9.jsonl", *traced(plan(1, ROOT), tool(2, ROOT)))
    found = reading(tmp_path / "world.db")
    assert [conversation.title for conversation in found.conversations] == ["goal number 1", "goal 9"]
    assert len(found.steps) == 1


@pytest.mark.parametrize("end", [b'{"seq":3,"t":', b'{"seq":3,"t":1780400004.0,"kind":"plan"'])
def test_a_torn_last_line_costs_itself(tmp_path, end):
    path = lines(tmp_path / "goal-1.jsonl", *traced(plan(1, ROOT), tool(2, ROOT)), end)
    found = reading(path, "goal-1.jsonl")
    assert [(finding.code, finding.line) for finding in found.findings] == [("truncated-record", 3)]
    assert len(found.steps) == 1


def test_checkpoints_alone_make_a_run(tmp_path):
    found = reading(world(tmp_path / "world.db", [goal()], [], [], [saved(1, 2)]))
    assert len(found.runs) == 1
