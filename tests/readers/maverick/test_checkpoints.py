"""Saved states: which a resume takes, and what is wrong with the others."""

import json

from explorer.model import Checkpoint
from tests.readers.maverick.worlds import (
    FIRST,
    KEY,
    LEGACY,
    ROOT,
    ROOT_2,
    T,
    answered,
    asked,
    episode,
    goal,
    plan,
    reading,
    saved,
    tool,
    world,
)


def read_saved(tmp_path, *rows, goals=None, episodes=None, events=None, **options):
    episodes = [episode(1, 0, None)] if episodes is None else episodes
    events = [plan(0.5, ROOT)] if events is None else events
    return reading(world(tmp_path / "world.db", goals or [goal(status="active")], episodes, events, rows, **options))


def states(found):
    return {row.offset: row for row in found.of(Checkpoint)}


def test_a_state_says_what_was_spent_and_how_long_it_is(tmp_path):
    messages = [{"role": "user", "content": "go"}, asked("t1"), answered("t1")]
    found = read_saved(tmp_path, saved(4, 7, messages))
    (row,) = found.of(Checkpoint)
    assert row == Checkpoint(
        checkpoint_key="world.db//checkpoint-4", conversation_id=KEY, run_id=FIRST, goal_id="1", episode_id="1",
        checkpoint_id="orchestrator-0", step_seq=7, created_at=row.created_at, at_ms=4000, messages=3,
        input_tokens=123, cache_read_tokens=20, cache_write_tokens=3, output_tokens=10, tool_calls=2, cost_usd=0.5,
        elapsed_ms=7250, pending_tool_calls=0, resumable=True, note=None, source_id="world.db", offset=4,
    )  # fmt: skip
    assert row.created_at.isoformat() == "2026-06-02T11:33:24"
    (event,) = found.events
    assert (event.kind, event.trigger, event.at_ms) == ("note", "checkpoint", 4000)
    assert event.detail == "step_seq 7: 3 messages, 133 tokens, $0.500 spent; a resume would pick this one"
    assert found.codes() == []


def test_a_resume_takes_the_highest_step_of_the_newest_episode(tmp_path):
    found = read_saved(
        tmp_path, saved(1, 2), saved(2, 3), saved(3, 9, episode_id=2), saved(4, 8, episode_id=2),
        saved(5, 1, agent_id="coder-1"), episodes=[episode(1, 0, None), episode(2, 3, None)],
    )  # fmt: skip
    rows = states(found)
    assert [row for row, state in rows.items() if state.resumable] == [3]
    assert rows[1].note == "a resume takes the newer state of episode 2 (row 3)"
    assert rows[4].note == "a resume takes step_seq 9 (row 3)"
    assert "looks for orchestrator-0 alone" in rows[5].note
    assert {row: state.run_id for row, state in rows.items()} == {
        1: FIRST, 2: FIRST, 3: f"{KEY}/orchestrator-0/2", 4: f"{KEY}/orchestrator-0/2", 5: FIRST,
    }  # fmt: skip
    assert found.codes() == ["orphan-checkpoint"]


def test_a_table_of_the_first_shape_resumes_nothing(tmp_path):
    rows = [saved(n, n, agent_id=ROOT if n < 3 else ROOT_2, episode_id=...) for n in (1, 2, 3)]
    found = read_saved(
        tmp_path, *rows, table=LEGACY, episodes=[episode(1, 0, None), episode(2, 10, None)],
        events=[plan(0.5, ROOT), plan(11, ROOT_2)],
    )  # fmt: skip
    assert [(state.run_id, state.episode_id, state.resumable) for state in states(found).values()] == [
        (FIRST, None, False), (FIRST, None, False), (f"{KEY}/orchestrator-0/2", None, False),
    ]  # fmt: skip
    assert all("a name of one process" in state.note for state in states(found).values())
    assert found.codes() == ["legacy-checkpoints", "unstable-checkpoint-key", "unstable-checkpoint-key"]
    assert "rows 1, 2 of orchestrator-0-aaaaa1" in found.findings[1].message


def test_stable_names_do_not_help_a_table_of_the_first_shape(tmp_path):
    found = read_saved(tmp_path, saved(1, 1, episode_id=...), table=LEGACY)
    (state,) = states(found).values()
    assert (state.resumable, state.run_id) == (False, None)
    assert "no episode_id" in state.note


def test_random_names_in_the_new_table_are_found_too(tmp_path):
    found = read_saved(tmp_path, saved(1, 1, agent_id=ROOT))
    assert found.codes() == ["unstable-checkpoint-key"]
    assert not states(found)[1].resumable


def test_a_fork_has_a_copy_of_another_goals_state(tmp_path):
    goals = [goal(), goal(2, parent_id=1, created_at=T + 50, status="active")]
    fork_root = "orchestrator-0-fffff1"
    events = [
        plan(0.5, ROOT),
        tool(1, ROOT),
        plan(60, fork_root) | {"goal_id": 2},
        tool(61, fork_root) | {"goal_id": 2},
    ]
    found = read_saved(
        tmp_path, saved(1, 2), saved(2, 2, goal_id=2), goals=goals, episodes=[episode(1, 0, 99)], events=events
    )
    fork_run = "world.db//goal-2/orchestrator-0/1"
    assert (states(found)[2].run_id, states(found)[2].resumable) == (fork_run, True)
    assert "episode 1 is of goal 1" in states(found)[2].note
    (edge,) = [edge for edge in found.edges if edge.kind == "fork"]
    assert (edge.from_run_id, edge.to_run_id, edge.at_ms, edge.grade) == (FIRST, fork_run, 0, "exact")
    (finding,) = found.findings
    assert (finding.code, finding.conversation_id) == ("foreign-checkpoint", "world.db//goal-2")
    notes = {run.run_id: run.reported_note for run in found.runs}
    assert "goal 2 was forked from it" in notes[FIRST]
    assert "written into episode 1 of goal 1" in notes[fork_run]
    assert json.loads(found.conversations[1].extra)["forked_from"] == "goal 1"


def test_a_fork_of_which_no_state_is_left_is_known_by_its_parent(tmp_path):
    root = "orchestrator-0-fffff1"
    goals = [
        goal(),
        goal(2, parent_id=1, created_at=T + 50),
        goal(3, parent_id=1, created_at=T + 5),
        goal(4, parent_id=1),
    ]
    events = [plan(60, root) | {"goal_id": 2}, plan(9, "orchestrator-0-fffff2") | {"goal_id": 3}]
    path = world(tmp_path / "world.db", goals, [episode(1, 0, 9), episode(2, 10, 20)], events)
    forks = {edge.to_run_id: (edge.from_run_id, edge.grade) for edge in reading(path).edges if edge.kind == "fork"}
    assert forks == {
        "world.db//goal-2/orchestrator-0/1": (f"{KEY}/orchestrator-0/2", "ambiguous"),
        "world.db//goal-3/orchestrator-0/1": (FIRST, "derived"),
    }  # fmt: skip


def test_states_without_their_run_or_goal_are_orphans(tmp_path):
    found = read_saved(
        tmp_path, saved(1, 1, episode_id=0), saved(2, 1, episode_id=77), saved(3, 1, goal_id=9, episode_id=8)
    )
    messages = [finding.message for finding in found.findings if finding.code == "orphan-checkpoint"]
    assert [message.rpartition(": ")[2] for message in messages] == [
        "there is no episode 0", "there is no episode 77", "there is no goal 9",
    ]  # fmt: skip
    assert states(found)[1].run_id is None


def test_several_rows_of_one_key_are_said(tmp_path):
    found = read_saved(tmp_path, saved(1, 2), saved(2, 2), saved(3, 1))
    (finding,) = found.findings
    assert finding.code == "duplicate-checkpoint"
    assert "2 states of step_seq 2 (rows 1, 2)" in finding.message
    assert [row for row, state in states(found).items() if state.resumable] == [2]


def test_an_answer_whose_tools_have_no_result_was_stopped(tmp_path):
    whole = [{"role": "user", "content": "go"}, asked("t1"), answered("t1"), asked("t2", "t3")]
    found = read_saved(tmp_path, saved(1, 2, whole[:3]), saved(2, 3, [*whole, answered("t2")]), saved(3, 4, whole))
    assert [state.pending_tool_calls for state in states(found).values()] == [0, 1, 2]
    (finding,) = found.findings
    assert finding.code == "interrupted-step"
    assert "row 3" in finding.message
    assert "asks for 2 tools" in finding.message


def test_a_states_calls_are_the_steps_where_no_others_are_recorded(tmp_path):
    messages = [{"role": "user", "content": "go"}, asked("t1"), answered("t1", is_error=True), asked("t2", name="run")]
    found = read_saved(tmp_path, saved(1, 2, messages[:3]), saved(2, 3, messages))
    assert [(step.run_id, step.grade, step.error, step.offset) for step in found.steps] == [
        (FIRST, "exact", "error", None), (FIRST, "exact", None, None),
    ]  # fmt: skip
    assert [(call.tool_call_id, call.name, call.is_error, call.grade) for call in found.tool_calls] == [
        ("t1", "read_file", True, "exact"), ("t2", "run", None, "exact"),
    ]  # fmt: skip
    assert json.loads(found.steps[0].extra) == {"checkpoint_row": 2, "input": '{"input":{"p":"t1"}}'}
    assert len(read_saved(tmp_path / "b", saved(1, 2, messages), events=[plan(1, ROOT), tool(2, ROOT)]).steps) == 1


def test_what_a_cache_served_is_known_from_a_state(tmp_path):
    (run,) = read_saved(tmp_path, saved(1, 2), saved(2, 3)).runs
    assert "until checkpoint row 2 that was 20 tokens read and 3 written" in run.reported_note


def test_states_that_cannot_be_read_cost_what_is_unreadable_of_them(tmp_path):
    rows = [
        saved(1, 1, messages="[{"), saved(2, 2, budget="none"), saved(3, 3, messages='{"a": 1}', budget="[1]"),
        saved(4, 4, messages="[1, null, {\"role\": 5, \"content\": [7, {\"type\": \"tool_use\"}]}]"),
        saved(5, 5, budget='{"input_tokens": "9", "dollars": true, "_elapsed": -1, "tool_calls": 1e30}'),
        saved(6, 6, created_at="yesterday", step_seq="x"),
    ]  # fmt: skip
    found = read_saved(tmp_path, *rows)
    assert [finding.message[:35] for finding in found.findings if finding.code == "bad-record"] == [
        "checkpoint row 1: its messages cann", "checkpoint row 2: its budget cannot",
        "checkpoint row 3: its messages cann", "checkpoint row 3: its budget cannot",
    ]  # fmt: skip
    rows = states(found)
    assert [rows[n].messages for n in (1, 3, 4)] == [None, None, 3]
    assert rows[4].pending_tool_calls == 1
    assert (rows[5].input_tokens, rows[5].cost_usd, rows[5].elapsed_ms, rows[5].tool_calls) == (None, None, None, None)
    assert (rows[6].created_at, rows[6].step_seq) == (None, None)
    assert found.report.bad_records == 4
