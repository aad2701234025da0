"""Tool calls and their results, of the audit log and of the blackboard."""

import json

import orjson

from tests.readers.maverick.worlds import (
    FIRST,
    ROOT,
    ROOT_2,
    T,
    call,
    episode,
    goal,
    lines,
    plan,
    post,
    reading,
    result,
    tool,
    world,
)


def read_audit(tmp_path, *audit, events=(), episodes=None, name="2026-06-02.ndjson"):
    path = world(tmp_path / "world.db", [goal()], episodes or [episode(1, 0, 99)], [plan(0.5, ROOT), *events])
    lines(tmp_path / "audit" / name, *audit)
    return reading(path)


def calls(found):
    return [(each.name, each.start_ms, each.end_ms, each.is_error, each.grade) for each in found.tool_calls]


def test_a_result_goes_to_the_open_call_of_its_tool_and_agent(tmp_path):
    found = read_audit(
        tmp_path, call(1, ROOT, "a"), call(2, ROOT, "b"), result(3, ROOT, "b"), result(4, ROOT, "a", status="error"),
    )  # fmt: skip
    assert calls(found) == [("a", 1000, 4000, True, "derived"), ("b", 2000, 3000, False, "derived")]
    assert [(step.run_id, step.ordinal, step.grade, step.error) for step in found.steps] == [
        (FIRST, 1, "derived", "x"), (FIRST, 2, "derived", None),
    ]  # fmt: skip
    assert [step.source_id for step in found.steps] == ["audit/2026-06-02.ndjson"] * 2


def test_a_call_with_its_result_right_behind_it_is_one_stretch_of_the_file(tmp_path):
    found = read_audit(
        tmp_path, call(1, ROOT, "a"), result(2, ROOT, "a"), call(3, ROOT, "b"), call(4, ROOT, "c"), result(5, ROOT, "b")
    )
    content = (tmp_path / "audit" / "2026-06-02.ndjson").read_bytes()
    told = [content[step.offset : step.offset + step.length].split(b"\n") for step in found.steps]
    assert [[json.loads(text)["kind"] for text in each] for each in told] == [
        ["tool_call", "tool_result"], ["tool_call"], ["tool_call"],
    ]  # fmt: skip
    assert calls(found)[2] == ("c", 4000, None, None, "derived")


def test_two_open_calls_of_one_tool_are_ambiguous_and_first_come_first_served(tmp_path):
    found = read_audit(
        tmp_path, call(1, ROOT), call(1.5, ROOT), result(2, ROOT), result(3, ROOT), call(4, ROOT), result(5, ROOT)
    )
    assert calls(found) == [
        ("read_file", 1000, 2000, False, "ambiguous"), ("read_file", 1500, 3000, False, "ambiguous"),
        ("read_file", 4000, 5000, False, "derived"),
    ]  # fmt: skip
    assert {step.grade for step in found.steps} == {"derived"}  # whose they are is not in doubt


def test_agents_do_not_take_each_others_results(tmp_path):
    other = "coder-1-bbbbb1"
    found = read_audit(tmp_path, call(1, ROOT), call(1.5, other), result(2, other), result(3, ROOT))
    assert sorted(calls(found), key=lambda each: each[1]) == [
        ("read_file", 1000, 3000, False, "derived"), ("read_file", 1500, 2000, False, "derived"),
    ]  # fmt: skip


def test_a_result_without_its_call_is_kept(tmp_path):
    found = read_audit(tmp_path, result(2, ROOT))
    assert calls(found) == [("read_file", None, 2000, False, "derived")]
    assert [(finding.code, finding.run_id) for finding in found.findings] == [("unpaired-result", FIRST)]


def test_a_killed_processs_open_call_gets_no_result_of_the_next(tmp_path):
    found = read_audit(
        tmp_path, call(1, ROOT), call(30, ROOT_2), result(31, ROOT_2), events=[plan(29, ROOT_2)],
    )  # fmt: skip
    assert calls(found) == [("read_file", 1000, None, None, "derived"), ("read_file", 30_000, 31_000, False, "derived")]


def test_a_denied_call_is_an_error(tmp_path):
    found = read_audit(
        tmp_path,
        call(1, ROOT, "pay"), call(1.1, ROOT, "pay", kind="capability_denied", input_summary="no"),
        call(2, ROOT, "ask", kind="governance_denied"), call(3, ROOT, "a"), result(4, ROOT, "a"),
        call(5, ROOT, None, kind="shield_block", reason="secret"),
    )  # fmt: skip
    assert [each[0] for each in calls(found)] == ["pay", "ask", "a"]
    assert [each.is_error for each in found.tool_calls] == [True, True, False]
    assert found.steps[0].error.startswith("capability denied")
    assert [(event.kind, event.trigger) for event in found.events] == [("error", "shield_block")]


def test_a_halt_is_an_interrupt_and_what_is_not_shown_is_counted(tmp_path):
    found = read_audit(
        tmp_path, call(1, "system", None, kind="halt", reason="switch"), call(2, ROOT, None, kind="token_exchange"),
        call(3, ROOT, None, kind="approval_decision", approved=True),
        events=[post(1, ROOT, "prm", "0.5"), post(2, ROOT, "prm", "0.6"), post(3, ROOT, "verify", "fine")],
    )  # fmt: skip
    assert [(event.kind, event.trigger) for event in found.events] == [
        ("interrupt", "halt"), ("note", "approval_decision"), ("note", "verify"),
    ] or {event.trigger for event in found.events} == {"halt", "approval_decision", "verify"}  # fmt: skip
    assert json.loads(found.conversation.extra)["not_shown"] == {"prm": 2, "token_exchange": 1}


def test_the_blackboard_is_used_where_the_log_has_less(tmp_path):
    found = read_audit(
        tmp_path, call(8, ROOT, "c"), result(9, ROOT, "c"),
        events=[tool(2, ROOT, "a"), tool(4, ROOT, "b"), tool(9, ROOT, "c")],
    )  # fmt: skip
    assert [each[0] for each in calls(found)] == ["a", "b", "c"]
    assert {step.source_id for step in found.steps} == {"world.db"}
    assert json.loads(found.conversation.extra)["steps_from"] == {"posts": 3}


def test_a_call_is_counted_once_where_both_have_it(tmp_path):
    found = read_audit(tmp_path, call(1, ROOT, "a"), result(2, ROOT, "a"), events=[tool(2, ROOT, "a")])
    assert len(found.steps) == len(found.tool_calls) == 1
    assert json.loads(found.conversation.extra)["steps_from"] == {"audit log": 1}


def test_goals_share_a_days_file_and_nothing_else(tmp_path):
    other = [
        line | {"goal_id": 2}
        for line in (call(1.2, "orchestrator-0-fffff1", "z"), result(1.4, "orchestrator-0-fffff1", "z"))
    ]
    nobody = {"v": 1, "ts": T, "kind": "learning_update", "agent": "system", "goal_id": None}
    found = read_audit(tmp_path, call(1, ROOT, "a"), *other, nobody, result(2, ROOT, "a"))
    by_goal = {step.run_id.split("//")[1].split("/")[0]: step for step in found.steps}
    assert by_goal.keys() == {"goal-1", "goal-2"}
    assert [conversation.title for conversation in found.conversations] == ["goal number 1", "goal 2"]


def test_a_run_over_midnight_is_in_two_files(tmp_path):
    lines(tmp_path / "audit" / "2026-06-03.ndjson", result(90, ROOT, "a"), call(91, ROOT, "b"))
    found = read_audit(tmp_path, call(1, ROOT, "a"))
    assert [each[:3] for each in calls(found)] == [("a", 1000, 90_000), ("b", 91_000, None)]
    assert [step.source_id[-8:-7] for step in found.steps] == ["2", "3"]


def test_a_log_alone_tells_the_title_and_the_end(tmp_path):
    start = call(0, ROOT, None, kind="goal_start", title="Count", description="d")
    end = call(9, ROOT, None, kind="goal_end", status="done", result="3")
    found = reading(
        lines(tmp_path / "2026-06-02.ndjson", start, call(1, ROOT), result(2, ROOT), end), "2026-06-02.ndjson"
    )
    assert found.conversation.title == "Count"
    (run,) = found.runs
    assert (run.status, run.status_detail, run.grade) == ("completed", "the goal is done", "derived")


def test_more_records_than_are_held_are_read_twice_with_the_same_rows(tmp_path, monkeypatch):
    from explorer.readers.maverick import _evidence

    events = [tool(n, ROOT, f"t{n}") for n in range(1, 40)] + [post(50, ROOT, "observation", "x", ts="no time")]
    audit = [line for n in range(20) for line in (call(n, ROOT_2, "a"), result(n + 0.5, ROOT_2, "a"))]
    whole = read_audit(tmp_path, *audit, events=events)
    monkeypatch.setattr(_evidence, "HELD", 5)
    assert reading(tmp_path / "world.db").rows == whole.rows
    assert whole.codes() == ["bad-field"]


def test_steps_of_a_role_in_trajectories_are_the_model_calls_of_its_only_agent(tmp_path):
    one, two = "coder-1-bbbbb1", "coder-1-bbbbb2"
    world(
        tmp_path / "world.db",
        [goal()],
        [episode(1, 0, 99)],
        [plan(1, ROOT), plan(2, one), plan(2, "checker-1-bbbbb3"), plan(2, two)],
    )
    record = {"ts": T, "goal_id": 1, "episode_id": 1, "tool": "a", "is_final": False}
    steps = [
        ("orchestrator", 1),
        ("orchestrator", 2),
        ("coder", 1),
        ("coder", 1),
        ("checker", 1),
        ("checker", 2),
        ("checker", 3),
        ("scout", 2),
    ]

    def write(steps):
        lines(tmp_path / "trajectories.ndjson",
              *(record | {"role": role, "step": step, "parent_step": step - 1} for role, step in steps))  # fmt: skip
        found = reading(tmp_path / "world.db")
        own = {run.native_run_id: orjson.loads(run.extra or "{}").get("own_model_calls") for run in found.runs}
        return {run.native_run_id: (run.reported_scope, run.reported_steps) for run in found.runs}, own["1"]

    # What an episode reports is of the whole swarm, its steps as well as its tokens; the root's own are beside them.
    of_agents = {one: ("own", None), two: ("own", None), "checker-1-bbbbb3": ("own", 3)}
    assert write(steps[:-1]) == ({"1": ("total", 7)} | of_agents, 2)
    # The oldest lines are dropped from the file: a sum over the rest would be none of the episode.
    assert write(steps) == ({"1": ("total", None)} | of_agents, 2)
