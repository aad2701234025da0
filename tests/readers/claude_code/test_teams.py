"""Teammates that are sessions of their own, by each piece of evidence of who started them."""

import pytest

from explorer.readers import Place, StepPlace
from tests.readers.claude_code.counting import counts
from tests.readers.claude_code.families import READER, families, readings
from tests.readers.claude_code.writing import answered, call, result, said, text, write
from tests.readers.reading import SAMPLES

LEAD, OTHER, BOB, ROB = (f"5e55101{n}-0000-4000-8000-000000000000" for n in range(4))


def letter(words):
    return f'<teammate-message teammate_id="team-lead" summary="x">\n{words}\n</teammate-message>'


def lead(directory, session=LEAD, *, prompt="Count", call_id="t1", asked=None, known="bob@shop"):
    """A session that asks for a teammate, and the result if it is there."""
    own = {"sessionId": session}
    spawn = call(call_id, "Agent", prompt=prompt, name="bob", **(asked or {}))
    records = [
        said(f"u1{call_id}", None, 0, "Go", **own),
        answered(f"a1{call_id}", f"u1{call_id}", 1, spawn, id=call_id, stop="tool_use", **own),
    ]
    if known:
        outcome = {"status": "teammate_spawned", "name": "bob", "team_name": known.partition("@")[2], "agent_id": known}
        records.append(said(f"u2{call_id}", f"a1{call_id}", 2, result(call_id), toolUseResult=outcome, **own))
    write(directory, f"{session}.jsonl", *records)
    return records


def mate(directory, session=BOB, *, told="Count", team="shop", name="bob"):
    """The session of a teammate."""
    own = {"sessionId": session, "teamName": team, "agentName": name}
    asked = said(f"s1{session}", None, 2, letter(told), **own)
    write(directory, f"{session}.jsonl", asked, answered(f"s2{session}", f"s1{session}", 3, id=session, **own))


def started(reading, session=BOB):
    """By which call a teammate was started, whose it is, and how sure that is."""
    (agent,) = [agent for agent in reading.agents if agent.agent_id.endswith(f"/teammate-{session}")]
    (run,) = [run for run in reading.runs if run.agent_id == agent.agent_id]
    assert agent.parent_agent_id == f"{agent.conversation_id}/main"
    assert run.parent_run_id in (None, f"{agent.conversation_id}/main/1")
    return agent.conversation_id, run.spawn_tool_call_id, agent.parent_grade


NAMED = {"team_name": "shop"}


@pytest.mark.parametrize(
    ("asked", "known", "grade"),
    [(NAMED, "bob@shop", "exact"), (None, "bob@session-00c0ffee", "exact"), (NAMED, None, "derived")],
)
def test_what_a_lead_has_asked_for_is_of_its_conversation(tmp_path, asked, known, grade):
    lead(tmp_path, asked=asked, known=known)
    mate(tmp_path, told="Something else", team=(known or "bob@shop").partition("@")[2])
    (reading,) = readings(tmp_path)
    assert len(reading.conversations) == 1
    assert started(reading) == (f"{LEAD}.jsonl", "t1", grade)
    assert reading.codes() == []
    assert sorted(step.run_id.split("/")[1] for step in reading.steps) == ["main", f"teammate-{BOB}"]


def test_of_two_calls_it_is_the_one_that_asked_for_what_it_was_told(tmp_path):
    lead(tmp_path, prompt="Wait")
    lead(tmp_path, OTHER, call_id="t2", prompt="Count")
    mate(tmp_path)
    (reading,) = readings(tmp_path)
    assert started(reading) == (f"{OTHER}.jsonl", "t2", "derived")


def test_one_of_two_calls_of_a_lead_is_not_guessed_and_the_lead_is_known(tmp_path):
    again = lead(tmp_path, call_id="t2")
    write(tmp_path, f"{LEAD}.jsonl", *lead(tmp_path), *again)
    mate(tmp_path)
    (reading,) = readings(tmp_path)
    assert started(reading) == (f"{LEAD}.jsonl", None, "derived")


@pytest.mark.parametrize("leads", [(), (LEAD, OTHER)])
def test_a_teammate_whose_lead_is_not_told_is_a_conversation_of_its_own(tmp_path, leads):
    for number, session in enumerate(leads):
        lead(tmp_path, session, call_id=f"t{number}")
    mate(tmp_path)
    (reading,) = readings(tmp_path)
    assert started(reading) == (f"{BOB}.jsonl", None, "not_recorded")
    assert reading.codes().count("orphan-agent") == 1
    assert [each.title for each in reading.conversations if BOB in each.conversation_id] == ["Count"]


@pytest.mark.parametrize(
    "change",
    [{"team": "stock"}, {"name": "rob"}],
)
def test_another_name_or_team_is_somebody_else(tmp_path, change):
    lead(tmp_path, asked=NAMED)
    mate(tmp_path, **change)
    found = [each for reading in readings(tmp_path) for each in reading.conversations]
    assert sorted(each.conversation_id for each in found) == [f"{LEAD}.jsonl", f"{BOB}.jsonl"]


def test_a_fork_of_the_lead_has_started_nobody(tmp_path):
    records = lead(tmp_path)
    copy = [each | {"sessionId": OTHER, "forkedFrom": {"sessionId": LEAD}} for each in records]
    more = answered("b1", "u2t1", 90, text("x"), id="m9", sessionId=OTHER)
    write(tmp_path, f"{OTHER}.jsonl", *copy, more)
    mate(tmp_path)
    (reading,) = readings(tmp_path)
    assert started(reading) == (f"{LEAD}.jsonl", "t1", "exact")


def test_teammates_that_have_started_each_other_are_both_there(tmp_path):
    for session, name, other in ((BOB, "bob", "rob"), (ROB, "rob", "bob")):
        own = {"sessionId": session, "teamName": "shop", "agentName": name}
        spawn = call(f"t{name}", "Agent", prompt="x", name=other, team_name="shop")
        first = said(f"s1{name}", None, 2, letter("Count"), **own)
        then = answered(f"s2{name}", f"s1{name}", 3, spawn, id=name, stop="tool_use", **own)
        write(tmp_path, f"{session}.jsonl", first, then)
    (reading,) = readings(tmp_path)
    assert len(reading.conversations) == 1 and len(reading.steps) == 2
    assert reading.codes().count("orphan-agent") == 1


def test_sessions_that_use_a_team_of_something_else_are_read_alone(tmp_path):
    for session in (LEAD, OTHER):
        use = call("t1", "mcp__issues__create", title="x", team_name="shop")
        own = {"sessionId": session}
        write(
            tmp_path, f"{session}.jsonl", said(f"u{session}", None, 0, "Go", **own), answered("a", "u", 1, use, **own)
        )
    assert len(families(tmp_path)) == 2


def test_the_teammates_of_the_samples(tmp_path):
    directory = SAMPLES / "claude-code" / "windows"
    (reading,) = readings(directory)
    found = counts(*directory.rglob("*.jsonl"))
    assert (len(reading.steps), sum(step.input_tokens for step in reading.steps)) == (found.steps, found.tokens_in)
    spawns = {(edge.from_run_id, edge.to_run_id): edge.grade for edge in reading.edges if edge.kind == "spawn"}
    (key,) = [each.conversation_id for each in reading.conversations]
    main, ada, bob = (
        f"{key}/{name}" for name in ("main", *(f"teammate-c8{x}00000-0000-4000-8000-000000000001" for x in "ab"))
    )
    assert spawns == {
        (f"{main}/1", f"{ada}/1"): "exact", (f"{main}/1", f"{bob}/1"): "exact",
        (f"{ada}/1", f"{key}/agent-a8000000000000001/1"): "exact",
    }  # fmt: skip
    letters = {(each.from_run_id, each.to_run_id, each.delivered) for each in reading.edges if each.kind == "message"}
    assert letters == {(f"{ada}/1", f"{main}/1", True), (f"{bob}/1", f"{ada}/2", True)}


def test_what_was_said_to_a_teammate(tmp_path):
    lead(tmp_path)
    mate(tmp_path)
    (reading,) = readings(tmp_path)
    (step,) = [step for step in reading.steps if "teammate-" in step.run_id]
    agent_id = step.run_id.rpartition("/")[0]
    place = Place(
        f"{LEAD}.jsonl", agent_id, step.run_id, None, [StepPlace(1, step.source_id, step.offset, step.length, False)]
    )
    first = next(READER.messages({step.source_id: tmp_path / step.source_id}, place))
    assert (first.role, first.text) == ("agent", "Count")
