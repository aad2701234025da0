"""Who spawned whom, and how sure that is."""

from tests.readers.maverick.worlds import (
    FIRST,
    KEY,
    ROOT,
    ROOT_2,
    call,
    episode,
    goal,
    lines,
    plan,
    post,
    reading,
    result,
    swarm,
    tool,
    world,
)

A, B, C = "researcher-1-bbbbb1", "researcher-1-bbbbb2", "coder-1-bbbbb3"
DEEP, DEEP_2 = "checker-2-ccccc1", "checker-2-ccccc2"


def parents(found):
    """Label -> label of the parent (None: the root) and grade, of every sub-agent."""
    labels = {agent.agent_id: agent.label for agent in found.agents}
    return {
        agent.label: (labels.get(agent.parent_agent_id, "nobody"), agent.parent_grade)
        for agent in found.agents
        if agent.label
    }


def read_world(tmp_path, events, audit=(), episodes=None):
    path = world(tmp_path / "world.db", [goal()], episodes or [episode(1, 0, 99)], events)
    if audit:
        lines(tmp_path / "audit" / "2026-06-02.ndjson", *sorted(audit, key=lambda line: line["ts"]))
    return reading(path)


def test_a_swarms_plan_names_its_agents(tmp_path):
    events = [plan(1, ROOT), swarm(2, ROOT, A, B), plan(2.1, A), plan(2.2, B), post(5, A, "finding", "x")]
    found = read_world(tmp_path, events)
    assert parents(found) == {A: (None, "exact"), B: (None, "exact")}
    spawns = [edge for edge in found.edges if edge.kind == "spawn"]
    assert [(edge.from_run_id, edge.to_run_id, edge.at_ms, edge.grade) for edge in spawns] == [
        (FIRST, f"{KEY}/{A}/1", 2100, "exact"), (FIRST, f"{KEY}/{B}/1", 2200, "exact"),
    ]  # fmt: skip
    (given,) = [edge for edge in found.edges if edge.kind == "result"]
    assert (given.from_run_id, given.to_run_id, given.at_ms, given.delivered) == (f"{KEY}/{A}/1", FIRST, 5000, None)
    assert {run.run_id: run.parent_run_id for run in found.runs} == {
        FIRST: None, f"{KEY}/{A}/1": FIRST, f"{KEY}/{B}/1": FIRST,
    }  # fmt: skip


def test_roles_with_odd_text_do_not_hide_the_names(tmp_path):
    named = f"spawning swarm of 2: a (b, c) d({A}), researcher-1-bbbbb9({B})"
    found = read_world(tmp_path, [plan(1, ROOT), post(2, ROOT, "plan", named), plan(2.1, A), plan(2.2, B)])
    assert {grade for _, grade in parents(found).values()} == {"exact"}


def test_how_an_agent_ended_is_its_last_answer_or_error(tmp_path):
    events = [
        plan(1, ROOT), plan(2, A), post(3, A, "finding", "x"),
        plan(2, B), post(3, B, "error", "tool=pay DENIED by policy"), post(4, B, "error", "budget exceeded: dollars"),
        plan(2, C), post(3, C, "error", "halted: asked to"), plan(2, DEEP),
    ]  # fmt: skip
    found = read_world(tmp_path, events)
    assert {run.native_run_id: (run.status, run.status_detail) for run in found.runs[1:]} == {
        A: ("completed", None), B: ("failed", "budget exceeded: dollars"), C: ("cancelled", "halted: asked to"),
        DEEP: ("unknown", None),
    }  # fmt: skip
    assert [(event.kind, event.detail) for event in found.events if event.kind != "note"] == [
        ("error", "budget exceeded: dollars"), ("interrupt", "halted: asked to"),
    ]  # fmt: skip
    (denied,) = found.steps
    assert (denied.run_id, denied.error) == (f"{KEY}/{B}/1", "tool=pay DENIED by policy")
    assert [(each.name, each.is_error) for each in found.tool_calls] == [("pay", True)]


def test_a_call_that_was_open_when_an_agent_posted_its_plan_spawned_it(tmp_path):
    events = [plan(1, ROOT), swarm(2, ROOT, A, B), plan(2.1, A), plan(2.2, B), plan(5, DEEP), plan(12, DEEP_2)]
    audit = [
        call(4.9, A, "spawn_subagent", input_summary='{"role": "checker", "brief": "…'), result(8, A, "spawn_subagent"),
        call(11, B, "spawn_specialist", input_summary='{"brief": "no role here"}'), result(14, B, "spawn_specialist"),
    ]  # fmt: skip
    found = read_world(tmp_path, events, audit)
    assert parents(found)[DEEP] == (A, "exact")
    assert parents(found)[DEEP_2] == (B, "derived")  # nothing but the time
    calls = {each.name: each.child_run_id for each in found.tool_calls}
    assert calls == {"spawn_subagent": f"{KEY}/{DEEP}/1", "spawn_specialist": f"{KEY}/{DEEP_2}/1"}


def test_two_open_calls_leave_two_parents(tmp_path):
    events = [plan(1, ROOT), swarm(2, ROOT, A, B), plan(2.1, A), plan(2.2, B), plan(5, DEEP), plan(5.1, DEEP_2)]
    asked = '{"role": "checker"}'
    audit = [call(4, A, "spawn_subagent", input_summary=asked), call(4.5, B, "spawn_subagent", input_summary=asked)]
    found = read_world(tmp_path, events, audit)
    assert {grade for label, (_, grade) in parents(found).items() if label.startswith("checker")} == {"ambiguous"}
    messages = [finding.message for finding in found.findings if finding.code == "ambiguous-parent"]
    assert len(messages) == 2
    assert all(f"2 may have spawned checker-2-ccccc{n}: {A}, {B}" in messages[n - 1] for n in (1, 2))


def test_a_call_spawns_one_agent_so_what_is_left_is_the_others(tmp_path):
    events = [plan(1, ROOT), swarm(2, ROOT, A, B), plan(2.1, A), plan(2.2, B), plan(4.2, DEEP), plan(5.1, DEEP_2)]
    asked = '{"role": "checker"}'
    audit = [call(4, A, "spawn_subagent", input_summary=asked), call(4.5, B, "spawn_subagent", input_summary=asked)]
    found = read_world(tmp_path, events, audit)
    assert (parents(found)[DEEP], parents(found)[DEEP_2]) == ((A, "exact"), (B, "derived"))


def test_without_evidence_the_depth_and_the_time_tell_the_parent_if_there_is_one(tmp_path):
    events = [plan(1, ROOT), plan(2, A), plan(3, DEEP), post(4, A, "finding", "x"), plan(5, B), plan(6, DEEP_2)]
    found = read_world(tmp_path, events)
    assert parents(found) == {
        A: (None, "derived"), B: (None, "derived"), DEEP: (A, "derived"), DEEP_2: (B, "derived"),
    }  # fmt: skip
    events = [plan(1, ROOT), plan(2, A), plan(2.5, B), plan(3, DEEP)]
    found = read_world(tmp_path / "b", events)
    assert parents(found)[DEEP] == (B, "ambiguous")


def test_an_agent_whose_parents_posts_are_gone_is_below_the_root(tmp_path):
    found = read_world(tmp_path, [plan(1, ROOT), plan(2, DEEP)])
    assert parents(found) == {DEEP: (None, "ambiguous")}
    assert found.codes() == ["ambiguous-parent"]
    assert {run.parent_run_id for run in found.runs} == {None, FIRST}


def test_agents_of_each_attempt_are_below_its_own_root(tmp_path):
    events = [plan(1, ROOT), plan(2, A), plan(11, ROOT_2), plan(12, B), swarm(13, ROOT_2, C), plan(13.1, C)]
    found = read_world(tmp_path, events, episodes=[episode(1, 0, 9), episode(2, 10, 19)])
    second = f"{KEY}/orchestrator-0/2"
    above = {run.native_run_id: run.parent_run_id for run in found.runs}
    assert (above[A], above[B], above[C]) == (FIRST, second, second)


def test_an_agent_in_two_attempts_windows_has_either_root(tmp_path):
    events = [
        plan(1, ROOT),
        plan(3, ROOT_2),
        plan(4, A),
        post(18, ROOT, "finding", "x"),
        post(9, ROOT_2, "finding", "x"),
    ]
    found = read_world(tmp_path, events, episodes=[episode(1, 0, 20), episode(2, 2, 10)])
    assert parents(found)[A] == (None, "ambiguous")
    assert sorted(found.codes()) == ["ambiguous-parent", "overlapping-runs"]


def test_plans_that_name_each_other_make_no_circle(tmp_path):
    events = [plan(1, ROOT), plan(2, A), plan(2, B), swarm(3, A, B), swarm(3, B, A)]
    found = read_world(tmp_path, events)
    above = {agent.agent_id: agent.parent_agent_id for agent in found.agents}
    for agent_id in above:
        seen = set()
        while agent_id:
            assert agent_id not in seen
            seen.add(agent_id)
            agent_id = above[agent_id]


def test_one_name_announced_by_two_has_two_parents(tmp_path):
    events = [plan(1, ROOT), plan(2, A), plan(2, B), swarm(3, A, DEEP), swarm(3.1, B, DEEP), plan(3.2, DEEP)]
    assert parents(read_world(tmp_path, events))[DEEP] == (B, "ambiguous")


def test_what_is_not_called_like_an_instance_has_no_recorded_parent(tmp_path):
    events = [
        plan(1, ROOT),
        tool(2, "odd/name", "a"),
        post(3, "system", "note", "x"),
        post(4, "orchestrator-0", "note", "y"),
    ]
    found = read_world(tmp_path, events)
    (odd,) = [agent for agent in found.agents if agent.name == "odd/name"]
    assert (odd.agent_id, odd.parent_agent_id, odd.parent_grade) == (f"{KEY}/odd∕name", None, "not_recorded")
    assert [(event.run_id, event.detail) for event in found.events] == [(FIRST, "x"), (FIRST, "y")]


def test_names_that_would_make_one_key_make_two(tmp_path):
    found = read_world(tmp_path, [plan(1, ROOT), tool(2, "a/b"), tool(3, "a∕b")])
    assert [agent.agent_id for agent in found.agents][1:] == [f"{KEY}/a∕b", f"{KEY}/a∕b~2"]
