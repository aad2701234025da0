"""What agents of a team write to each other."""

import json

import pytest

from tests.readers.claude_code.families import readings
from tests.readers.claude_code.writing import SESSION, answered, call, main, only, result, said, text, write
from tests.readers.reading import SAMPLES

BOB = f"{SESSION}/subagents/agent-a11.jsonl"
OWN = {"agentId": "a11"}


def envelope(words, sender="bob"):
    return f'<teammate-message teammate_id="{sender}" color="blue" summary="a -> b">\n{words}\n</teammate-message>'


def team(directory, given, told, *, arrives="s1", success=True):
    """A lead that starts bob and asks him for more, which is what bob is told last."""
    spawn = call("t1", "Agent", prompt="Count", name="bob")
    lead = [
        said("u1", None, 0, "Go"), answered("a1", "u1", 1, spawn, stop="tool_use"),
        said("u2", "a1", 2, result("t1"), toolUseResult={"status": "teammate_spawned"}),
        answered("a2", "u2", 3, call("t2", "SendMessage", **given), id="m2", stop="tool_use"),
        said("u3", "a2", 4, result("t2"), toolUseResult={"success": success}),
    ]  # fmt: skip
    bob = [said("s1", None, 2, envelope("Count", "team-lead"), **OWN), answered("s2", "s1", 2.5, id="ms1", **OWN)]
    if told is not None:
        bob += [said("s3", "s2", 5, told, **OWN), answered("s4", "s3", 6, id="ms2", **OWN)]
    write(directory, BOB, *bob)
    return main(directory, *lead)


def letters(reading):
    return [
        (edge.kind, edge.from_run_id and edge.from_run_id.rpartition("jsonl/")[2],
         edge.to_run_id and edge.to_run_id.rpartition("jsonl/")[2], edge.at_ms, edge.delivered, edge.resolution)
        for edge in reading.edges if edge.kind in ("message", "close")
    ]  # fmt: skip


ASKED = ("message", "main/1", "agent-a11/2", 3000, True, "item")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"to": "bob", "message": "More"}, envelope("More", "team-lead")),
        ({"type": "message", "recipient": "bob", "content": "More"}, envelope("More\n", "team-lead")),
        ({"to": "a11", "message": "More"}, "More"),
        ({"to": "*", "message": "More"}, envelope("More", "team-lead")),
        ({"type": "broadcast", "content": "More"}, f"Another Claude session sent a message:\n{envelope('More', 'x')}"),
    ],
)
def test_a_letter_goes_to_whom_it_names(tmp_path, given, told):
    reading = team(tmp_path, given, told)
    assert letters(reading) == [ASKED]
    (edge,) = [edge for edge in reading.edges if edge.kind == "message"]
    sides = {}
    for side in ("sent", "received"):
        name, offset, length = (getattr(edge, f"{side}_{field}") for field in ("source_id", "offset", "length"))
        sides[side] = json.loads((tmp_path / name).read_bytes()[offset : offset + length])["uuid"]
    assert sides == {"sent": "a2", "received": "s3"}


def test_a_request_to_shut_down_closes(tmp_path):
    given = {"type": "shutdown_request", "recipient": "bob", "content": "Done, thanks"}
    arrived = envelope('{"type":"shutdown_request","requestId":"r@bob","from":"team-lead"}', "team-lead")
    assert letters(team(tmp_path, given, arrived)) == [("close", *ASKED[1:])]


@pytest.mark.parametrize(
    ("given", "told", "success", "to", "delivered"),
    [
        ({"to": "bob", "message": "More"}, "Something else", True, "agent-a11/1", False),
        ({"to": "bob", "message": "More"}, None, True, "agent-a11/1", None),  # it may come yet
        ({"to": "bob", "message": "More"}, None, False, "agent-a11/1", False),
        ({"to": "carol", "message": "More"}, None, True, None, None),
        ({"to": "carol", "message": "More"}, None, False, None, False),
        ({}, None, True, None, None),
    ],
)
def test_a_letter_that_is_in_no_prompt(tmp_path, given, told, success, to, delivered):
    reading = team(tmp_path, given, told, success=success)
    assert letters(reading) == [("message", "main/1", to, 3000, delivered, "pending")]


def test_a_letter_of_which_no_sending_is_recorded(tmp_path):
    """Carol is another session; that bob has nothing to do is no letter."""
    idle = envelope('{"type":"idle_notification","from":"bob"}')
    spawn = call("t1", "Agent", prompt="Count", name="bob")
    write(tmp_path, BOB, said("s1", None, 2, envelope("Count", "team-lead"), **OWN), answered("s2", "s1", 2.5, **OWN))
    reading = main(
        tmp_path, said("u1", None, 0, "Go"), answered("a1", "u1", 1, spawn, id="m2", stop="tool_use"),
        said("u2", "a1", 8, envelope("Four.") + "\n\n" + idle), said("u3", "u2", 9, envelope("Hello", "carol")),
    )  # fmt: skip
    assert letters(reading) == [
        ("message", "agent-a11/1", "main/1", 8000, True, "item"), ("message", None, "main/1", 9000, True, "item"),
    ]  # fmt: skip
    assert len([run for run in reading.runs if run.agent_id.endswith("main")]) == 1


def test_letters_that_a_fork_copied_were_written_once(tmp_path):
    team(tmp_path, {"to": "bob", "message": "More"}, envelope("More", "team-lead"))
    other = SESSION[:-1] + "1"
    records = [json.loads(line) for line in (tmp_path / f"{SESSION}.jsonl").read_bytes().splitlines()]
    more = answered("b1", "u3", 90, text("x"), id="m9", sessionId=other)
    write(tmp_path, f"{other}.jsonl", *(each | {"sessionId": other} for each in records), more)
    assert letters(only(tmp_path)) == [ASKED]


def test_the_team_of_the_samples():
    (reading,) = readings(SAMPLES / "claude-code" / "team")
    found = [(sender, to, delivered) for _, sender, to, _, delivered, _ in letters(reading)]
    assert sorted(found, key=str) == [
        ("agent-a6000000000000001/1", "main/1", True), ("agent-a6000000000000001/2", "main/1", False),
        ("main/1", "agent-a6000000000000001/2", True), ("main/1", None, None),
    ]  # fmt: skip
