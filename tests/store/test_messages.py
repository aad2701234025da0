"""What was said in the runs of the samples, asked as a screen asks it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from explorer.readers import MESSAGE_CHARACTERS, MessageKind, MessageRole
from explorer.store import queries
from explorer.store.database import Database
from explorer.store.ingest import Options, ingest
from explorer.store.queries import Message, NotRecorded
from tests.store.world import agent, conversation, make_database, run, step

SAMPLES = Path(__file__).parents[2] / "sample_traces"


def opened(path: Path) -> Database:
    return Database(ingest([path], Options(jobs=0, use_cache=False)))


@pytest.fixture(scope="module")
def codegraff() -> Iterator[Database]:
    database = opened(SAMPLES / "codegraff")
    yield database
    database.close()


def run_like(database: Database, text: str) -> str:
    with database.cursor() as cursor:
        (found,) = cursor.execute("SELECT run_id FROM runs WHERE run_id LIKE $1", [text]).fetchall()
    return str(found[0])


def said(database: Database, run: str, until: int | None = None) -> list[Message]:
    return list(queries.messages(database, run_like(database, run), until))


def lines(messages: list[Message]) -> list[str]:
    """Role, kind and what the message is about, without the ids that the generator makes up."""
    return [
        f"{m.role} {m.kind} {m.name or m.text.partition(chr(10))[0][:24]}"
        + (f" #{m.step_ordinal}" if m.step_ordinal else "")
        for m in messages
    ]


SECOND = [
    "user text now show it on the order",
    "assistant tool_call patch #1",
    "assistant tool_call read #1",
    "tool tool_result patch",
    "tool tool_result read",
    "assistant tool_call read #2",
    "tool tool_result read",
    "assistant tool_call patch #3",
    "tool tool_result patch",
    "assistant text Done: now show it on the #4",
]


def test_kept_messages_are_those_of_the_conversation_up_to_the_run(codegraff: Database) -> None:
    # The generator's script of ``clean``: a request, and a second one in the same conversation.
    found = lines(said(codegraff, "clean%70e4ddbb%/forge/2"))
    assert found[:3] == [
        "system text You are Forge, a softwar",
        "system text <system_information>",
        "user text add a voucher field to t",
    ]
    assert found[-10:] == SECOND


def test_up_to_a_step_its_answer_is_the_last(codegraff: Database) -> None:
    found = lines(said(codegraff, "clean%70e4ddbb%/forge/2", until=2))
    assert found[-6:] == SECOND[:6]


def test_a_sub_agent_has_its_own_conversation(codegraff: Database) -> None:
    found = said(codegraff, "fan-out-2%/sage/1")
    assert found[0].text.startswith("You are Sage")
    assert found[2].text.startswith("look for slow queries in")
    # What it was told, and every call, has its result behind it.
    asked = [m.call_id for m in found if m.kind == "tool_call"]
    assert asked == [m.call_id for m in found if m.kind == "tool_result"]


def test_a_dump_says_what_the_database_said(codegraff: Database) -> None:
    assert said(codegraff, "dump/%/sage/1") == said(codegraff, "fan-out-2%/sage/1")


def test_events_tell_calls_and_results_where_no_messages_are_kept(codegraff: Database) -> None:
    for source in ("fan-out-3%", "captured%"):
        found = said(codegraff, f"{source}/forge/1")
        assert lines(found)[:4] == [
            "assistant tool_call shell #1", "tool tool_result shell", "assistant tool_call task #2",
            "tool tool_result task",
        ]  # fmt: skip
        assert (found[0].text, found[1].text) == ('{"command":"pytest -q"}', "48 passed in 3.21s")
        assert found[0].call_id == found[1].call_id


@pytest.fixture(scope="module")
def maverick() -> Iterator[Database]:
    database = opened(SAMPLES / "maverick")
    yield database
    database.close()


def test_posts_and_the_audit_log_make_one_conversation(maverick: Database) -> None:
    # The generator's goal 12: two researchers side by side, then a cartographer.
    found = said(maverick, "ada/world.db//goal-12/orchestrator%")
    assert lines(found) == [
        "user text Compare three route maps",
        "assistant tool_call list_files #1", "tool tool_result list_files",
        "assistant text Three maps. Two agents c", "assistant text spawning swarm of 2: res",
        "assistant tool_call spawn_swarm #2", "tool tool_result spawn_swarm",
        "assistant tool_call spawn_specialist #3", "tool tool_result spawn_specialist",
        "assistant tool_call write_file #4", "tool tool_result write_file",
        "assistant text confidence 0.93", "assistant text Map B is the shortest",
    ]  # fmt: skip
    assert found[1].text == '{"path": "."}'
    assert found[2].text.endswith("a.txt b.txt c.txt")
    assert lines(said(maverick, "ada/world.db//goal-12/orchestrator%", until=2))[-1] == lines(found)[5]
    assert lines(said(maverick, "ada/world.db//goal-12/checker%"))[0] != lines(found)[0]


def test_a_saved_state_is_the_conversation_as_far_as_it_goes(maverick: Database) -> None:
    found = said(maverick, "ada/world.db//goal-13/orchestrator-0/3")
    assert lines(found)[:4] == [
        "user text Sub-goal: do what was as", "assistant text Next.", "assistant tool_call search",
        "tool tool_result search",
    ]  # fmt: skip
    assert [m.text for m in found if m.kind == "tool_call"] == [f'{{"q":"winds {i}"}}' for i in range(3)]
    # The checkpoint was written before the budget was exceeded: that is from the posts.
    assert (found[-1].text, found[-1].is_error) == ("budget exceeded: dollars", True)
    assert "by the saved state" in (found[-2].note or "")
    # A step is known by its post and not by the state.
    assert said(maverick, "ada/world.db//goal-13/orchestrator-0/3", until=2)[-1].step_ordinal == 2


def test_sealed_text_is_told_and_not_shown(maverick: Database) -> None:
    sealed = [m for m in said(maverick, "ada/world.db//goal-17/%") if m.kind == "text"]
    assert sealed
    assert all(m.text == "" and "sealed" in (m.note or "") for m in sealed)


@pytest.mark.parametrize("source", ["alone/goal-13.jsonl", "alone/goal-13.json", "alone/2026%", "alone/traj%"])
def test_files_without_a_database_tell_what_they_have(maverick: Database, source: str) -> None:
    found = said(maverick, f"{source}//goal-1_/orchestrator-0/1")
    assert [m.step_ordinal for m in found if m.kind == "tool_call"][:2] == [1, 2]


def test_graff_tells_prompts_tasks_and_what_its_behavioral_stream_has() -> None:
    database = opened(SAMPLES / "graff" / "shop")
    # The generator's full mode: the first call is of part1.py, the text of the turn comes at its end.
    found = said(database, "%0a1b2c3d4e5f6071.jsonl/main/1")
    assert lines(found) == [
        "system text You are graff, a coding ", "user text map the shop service",
        "assistant tool_call read_file #1", "tool tool_result read_file",
        "assistant tool_call subagent #2", "tool tool_result subagent",
        "assistant tool_call subagent #2", "tool tool_result subagent",
        "assistant text Done: map the shop servi #3",
    ]  # fmt: skip
    assert (found[2].text, found[3].note) == ('{"path":"src/part1.py"}', "3,306 bytes, which are not recorded")
    child = said(database, "%0a1b2c3d4e5f6071.jsonl/subagent-3/1", until=4)
    assert [m.text for m in child[:2]] == [
        "You are a sub-agent of graff. Do the one task you are given and report on it in a few lines.",
        "map routes, then report",
    ]
    assert child[-1].step_ordinal == 4
    # Without the full mode there are no arguments, and it is said.
    bare = said(database, "%1b2c3d4e5f607182.jsonl/main/1")
    assert {m.note for m in bare if m.kind == "tool_call"} == {"its arguments are not recorded"}


def test_a_conversation_stands_for_the_latest_run_of_its_root(codegraff: Database) -> None:
    conversation_id = run_like(codegraff, "clean%70e4ddbb%/forge/2").rpartition("/forge")[0]
    with codegraff.cursor() as cursor:
        talk = queries.talk(cursor, conversation_id)
        assert talk is not None
        assert (talk.name, talk.ordinal, talk.runs, talk.chosen) == ("forge", 2, 2, False)
        first = queries.talk(cursor, conversation_id, run_id=f"{conversation_id}/forge/1")
        assert first is not None
        assert first.ordinal == 1
        assert queries.talk(cursor, None) is None  # there are several conversations
        assert queries.talk(cursor, None, run_id=first.run_id) == first


def test_a_format_without_text_says_so() -> None:
    database = opened(SAMPLES / "weka" / "one-namespace" / "batch-a.json")
    with database.cursor() as cursor:
        talk = queries.talk(cursor, None)
    assert talk is not None
    with pytest.raises(NotRecorded, match=r"Weka traces record the ids .* no text"):
        next(queries.messages(database, talk.run_id))


def test_an_export_says_that_the_traces_are_wanted() -> None:
    database = make_database([conversation(), agent("a"), run("r", "a"), step("r")])
    with pytest.raises(NotRecorded, match="open the traces"):
        next(queries.messages(database, "r"))


def test_a_source_that_has_changed_is_not_read_as_if_it_had_not(tmp_path: Path) -> None:
    copy = tmp_path / "events.jsonl"
    shutil.copy(SAMPLES / "codegraff" / "captured" / "fan-out-3.jsonl", copy)
    database = opened(tmp_path)
    with copy.open("a") as file:
        file.write("\n")
    with pytest.raises(OSError, match=r"ctrl\+r"):
        said(database, "events%/forge/1")


@pytest.mark.parametrize("format_", ["codegraff", "maverick", "codex"])
def test_every_run_of_the_samples_keeps_the_contract(format_: str, request: pytest.FixtureRequest) -> None:
    shared = format_ in ("codegraff", "maverick")
    database = request.getfixturevalue(format_) if shared else opened(SAMPLES / format_)
    with database.cursor() as cursor:
        runs = cursor.execute(
            "SELECT r.run_id, list(s.ordinal ORDER BY s.ordinal) FILTER (s.ordinal IS NOT NULL) "
            "FROM runs AS r LEFT JOIN steps AS s USING (run_id) GROUP BY 1"
        ).fetchall()
    told = 0
    for run_id, steps in runs:
        try:
            found = list(queries.messages(database, run_id))
        except NotRecorded:
            continue
        told += 1
        for message in found:
            assert message.role in get_args(MessageRole)
            assert message.kind in get_args(MessageKind)
            assert len(message.text) <= min(message.characters, MESSAGE_CHARACTERS)
        by = [message.step_ordinal for message in found if message.step_ordinal is not None]
        assert by == sorted(by)
        assert set(by) <= set(steps or [])
        if by:  # up to its last step there is nothing of a later one, and that step's answer is the end
            until = list(queries.messages(database, run_id, by[0]))
            assert all((message.step_ordinal or 0) <= by[0] for message in until)
            assert until[-1].step_ordinal == by[0]
    assert told
