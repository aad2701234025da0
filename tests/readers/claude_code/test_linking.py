"""Who spawned whom, by each piece of evidence alone."""

import pytest

from tests.readers.claude_code.writing import SESSION, answered, call, main, only, result, said, text, write

AGENT = "a11"
TOLD = [said("s1", None, 3, "Look at B", agentId=AGENT), answered("s2", "s1", 4, text("B."), id="ms", agentId=AGENT)]


def spawning(*more):
    """A session that asks for two agents in one answer; the second is the one that is recorded."""
    first = call("t1", "Agent", prompt="Look at A", subagent_type="Explore", description="A")
    second = call("t2", "Agent", prompt="Ask about B", subagent_type="Plan", description="B")
    return [said("u1", None, 0, "Go"), answered("a1", "u1", 1, first, second, stop="tool_use"), *more]


def linked(reading):
    """Which call is said to have started the sub-agent, and how sure that is."""
    (agent,) = [agent for agent in reading.agents if agent.name != "main"]
    run = next(run for run in reading.runs if run.agent_id == agent.agent_id)
    assert (run.parent_run_id is None) == (agent.parent_grade == "not_recorded")
    return run.spawn_tool_call_id, agent.parent_agent_id.rpartition("/")[2], agent.parent_grade


def test_by_the_description_beside_its_transcript(tmp_path):
    write(tmp_path, f"{SESSION}/subagents/agent-{AGENT}.jsonl", *TOLD)
    write(tmp_path, f"{SESSION}/subagents/agent-{AGENT}.meta.json", {"agentType": "Plan", "toolUseId": "t2"})
    assert linked(main(tmp_path, *spawning())) == ("t2", "main", "exact")


OUTCOMES = {
    "by the result": said("u2", "a1", 9, result("t2"), toolUseResult={"status": "completed", "agentId": AGENT}),
    "by an older result": said("u2", "a1", 9, result("t2", f"Done.\nagentId: {AGENT} (for resuming)")),
    "by progress": {
        "type": "progress", "uuid": "p1", "sessionId": SESSION, "parentToolUseID": "t2",
        "data": {"type": "agent_progress", "agentId": AGENT},
    },
    "by a notification": said(
        "u2", "a1", 9,
        f"<task-notification><task-id>{AGENT}</task-id><tool-use-id>t2</tool-use-id><status>completed</status>"
        "</task-notification>",
    ),
    "by the queue": {
        "type": "queue-operation", "operation": "enqueue", "sessionId": SESSION,
        "content": f"<task-notification><task-id>{AGENT}</task-id><tool-use-id>t2</tool-use-id></task-notification>",
    },
}  # fmt: skip


@pytest.mark.parametrize("evidence", OUTCOMES)
def test_by_what_names_it(tmp_path, evidence):
    write(tmp_path, f"agent-{AGENT}.jsonl", *TOLD)
    assert linked(main(tmp_path, *spawning(OUTCOMES[evidence]))) == ("t2", "main", "exact")


def test_by_what_it_was_told(tmp_path):
    told = [said("s1", None, 3, "Ask about B", agentId=AGENT), *TOLD[1:]]
    write(tmp_path, f"agent-{AGENT}.jsonl", *told)
    assert linked(main(tmp_path, *spawning())) == ("t2", "main", "derived")


def test_by_the_letter_that_a_teammate_got(tmp_path):
    letter = '<teammate-message teammate_id="lead" summary="B">\nAsk about B\n</teammate-message>'
    write(tmp_path, f"agent-{AGENT}.jsonl", said("s1", None, 3, letter, agentId=AGENT), *TOLD[1:])
    assert linked(main(tmp_path, *spawning())) == ("t2", "main", "derived")


def test_of_two_that_asked_the_same_none_is_guessed(tmp_path):
    twice = [call(f"t{n}", "Agent", prompt="Look at B") for n in (1, 2)]
    write(tmp_path, f"agent-{AGENT}.jsonl", *TOLD)
    reading = main(tmp_path, said("u1", None, 0, "Go"), answered("a1", "u1", 1, *twice, stop="tool_use"))
    assert linked(reading) == (None, "main", "derived")


def test_never_by_position(tmp_path):
    write(tmp_path, f"agent-{AGENT}.jsonl", *TOLD)
    reading = main(tmp_path, *spawning())
    assert linked(reading) == (None, "main", "not_recorded")
    assert "orphan-agent" in reading.codes()


def test_an_agent_of_an_agent_hangs_below_it(tmp_path):
    write(
        tmp_path, f"{SESSION}/subagents/agent-a12.jsonl", said("s1", None, 3, "Ask about B", agentId="a12"),
        answered("s2", "s1", 4, call("t9", "Agent", prompt="Look at B"), id="ms", stop="tool_use", agentId="a12"),
    )  # fmt: skip
    asked, answer = said("i1", None, 5, "Look at B", agentId="a13"), answered("i2", "i1", 6, id="mi", agentId="a13")
    write(tmp_path, f"{SESSION}/subagents/agent-a13.jsonl", asked, answer)
    reading = main(tmp_path, *spawning())
    parents = {agent.agent_id.rpartition("/")[2]: agent.parent_agent_id for agent in reading.agents}
    assert [parents[f"agent-a1{n}"].rpartition("/")[2] for n in (2, 3)] == ["main", "agent-a12"]


def test_agents_that_name_each_other_are_not_each_others_parents(tmp_path):
    for one, other in (("a21", "a22"), ("a22", "a21")):
        spawn = call(f"t{one}", "Agent", prompt="x")
        write(
            tmp_path, f"{SESSION}/subagents/agent-{one}.jsonl", said(f"{one}1", None, 3, "hm", agentId=one),
            answered(f"{one}2", f"{one}1", 4, spawn, id=one, stop="tool_use", agentId=one),
            said(f"{one}3", f"{one}2", 5, result(f"t{one}"), toolUseResult={"agentId": other}, agentId=one),
        )  # fmt: skip
    reading = only(tmp_path)
    assert sorted(agent.parent_grade for agent in reading.agents) == ["exact", "exact", "not_recorded"]
    assert reading.codes().count("orphan-agent") == 1


def test_a_session_without_a_transcript_has_a_main_agent_all_the_same(tmp_path):
    write(tmp_path, f"agent-{AGENT}.jsonl", *TOLD)
    reading = only(tmp_path)
    main, agent = sorted(reading.agents, key=lambda each: each.name == "agent")
    assert (main.name, agent.parent_agent_id) == ("main", main.agent_id)
    assert {run.agent_id for run in reading.runs} == {agent.agent_id}


def test_a_sidechain_within_the_session_is_known_by_its_prompt(tmp_path):
    asked = said("s1", None, 3, "Ask about B", isSidechain=True)
    answer = answered("s2", "s1", 4, text("B."), id="ms", isSidechain=True)
    assert linked(main(tmp_path, *spawning(asked, answer))) == ("t2", "main", "derived")


def test_a_call_whose_agent_is_not_there_is_told(tmp_path):
    reading = main(tmp_path, *spawning(OUTCOMES["by the result"]))
    (finding,) = [finding for finding in reading.findings if finding.code == "missing-transcript"]
    assert finding.line == 2


def test_hand_offs_say_where_both_sides_stand(tmp_path):
    write(tmp_path, f"{SESSION}/subagents/agent-{AGENT}.jsonl", *TOLD)
    outcome = said("u2", "a1", 9, result("t2"), toolUseResult={"status": "completed", "agentId": AGENT})
    reading = main(tmp_path, *spawning(outcome))
    found = {}
    for edge in reading.edges:
        places = []
        for side in ("sent", "received"):
            content = (tmp_path / getattr(edge, f"{side}_source_id")).read_bytes()
            at = getattr(edge, f"{side}_offset")
            places.append(content[at : at + getattr(edge, f"{side}_length")])
        found[edge.kind] = places
    assert b'"t2"' in found["spawn"][0] and b"Look at B" in found["spawn"][1]
    assert b'"B."' in found["result"][0] and b"tool_result" in found["result"][1]
