"""Runs of one group that were there at once: how long, whether both were at work, on what."""

import json

import pytest

from explorer.readers._findings import EACH
from tests.readers.claude_code.writing import SESSION, answered, said, stamp, text
from tests.readers.deus.checkout import (
    OTHER,
    compacted,
    container,
    epoch,
    evolution_db,
    messages_db,
    opened,
    run_of,
    told,
    transcript,
    usage,
    used,
    write,
)

THIRD = "7417d000-0000-4000-8000-000000000000"


def only(reading, code="overlapping-runs"):
    """The only finding of a code."""
    (finding,) = [each for each in reading.findings if each.code == code]
    return finding


def mounted(key):
    """What a log has of the IPC folder that its container was given."""
    return f"\n=== Mounts ===\n/srv/deus/data/ipc/chat{f'/{key}' if key else ''} -> /workspace/ipc\n"


# --- how long --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("start", "found"), [(53, False), (52.9, True), (40, True)])
def test_lives_overlap_by_more_than_a_container_takes_to_start(tmp_path, start, found):
    first = container(tmp_path, 0, 60)
    second = container(tmp_path, start, 90, OTHER)
    reading = opened(tmp_path)
    assert reading.codes() == ["overlapping-runs"] * found
    if found:
        finding = only(reading)
        assert finding.run_id == run_of(reading, second).run_id
        assert finding.message.startswith(f"beside {first} (session {SESSION[:8]}) for {60 - start:.1f} s (")
        assert "was at work is not recorded" in finding.message
        assert finding.source_id == f"groups/chat/logs/{second}.log"


def test_the_name_of_a_container_tells_when_its_process_was_there(tmp_path):
    container(tmp_path, 0, 60)
    container(tmp_path, 52, 90, OTHER, more=f"Container: deus-chat-{epoch(57)}\n")
    assert " for 3.0 s (09:00:57.0 to 09:01:00.0)" in only(opened(tmp_path)).message


@pytest.mark.parametrize(
    ("lines", "severity", "words"),
    [
        ([used(2, 40), used(30, 80, OTHER)], "warning", ", both at work for 10.0 s; "),
        ([used(2, 20), used(30, 80, OTHER)], "info", ", never both at work: one was idle; "),
        ([used(2, 20)], "warning", "was at work is not recorded; "),
    ],
)
def test_work_at_once_is_told_from_a_container_that_is_idle(tmp_path, lines, severity, words):
    container(tmp_path, 0, 60)
    container(tmp_path, 25, 90, OTHER)
    usage(tmp_path, *lines)
    finding = only(opened(tmp_path))
    assert finding.severity == severity
    assert words in finding.message


def test_runs_of_other_groups_are_no_matter(tmp_path):
    container(tmp_path, 0, 60)
    container(tmp_path, 10, 90, OTHER, folder="else")
    assert opened(tmp_path).findings == []


def test_three_at_once_are_three_pairs(tmp_path):
    for number, session in enumerate((SESSION, OTHER, THIRD)):
        container(tmp_path, 10 * number, 90 + number, session)
    assert told(opened(tmp_path)) == [("overlapping-runs", "warning")] * 3


# --- what else tells of runs -----------------------------------------------------------------------------------------


def test_answers_tell_of_overlap_without_containers(tmp_path):
    messages_db(tmp_path)
    evolution_db(tmp_path, (0, 30_000, SESSION, "runtime", None), (20, 30_000, OTHER, "runtime", None))
    finding = only(opened(tmp_path))
    assert f"answer chat-{epoch(0)}" in finding.message
    assert " for 10.0 s (" in finding.message


def test_lines_of_usage_of_one_session_tell_of_two_processes(tmp_path):
    usage(tmp_path, used(0, 30), used(25, 40), used(50, 60, OTHER))
    reading = opened(tmp_path)
    assert told(reading) == [("overlapping-runs", "warning"), ("shared-transcript", "warning")]
    message = only(reading, "shared-transcript").message
    assert f"usage 1 (session {SESSION[:8]}) had resumed session {SESSION}, and both were at work for 5.0 s" in message


def test_a_task_without_a_container_ran_beside_one(tmp_path):
    container(tmp_path, 0, 60)
    messages_db(tmp_path, [(50, 20_000, "success", None)])
    reading = opened(tmp_path)
    assert " for 20.0 s (" in only(reading).message
    assert only(reading).run_id == run_of(reading, "task water").run_id


def test_turns_of_two_sessions_tell_of_overlap_without_containers(tmp_path):
    for session, start in ((SESSION, 0), (OTHER, 15)):
        transcript(
            tmp_path, said("u1", None, start, "Go"),
            answered("a1", "u1", start + 20, text("Done."), id=f"m{start}", request=f"r{start}"), session=session,
        )  # fmt: skip
    assert ", both at work for 5.0 s; " in only(opened(tmp_path)).message


def test_usage_that_may_be_of_two_is_no_third_run(tmp_path):
    container(tmp_path, 0, 60)
    container(tmp_path, 20, 50)
    usage(tmp_path, used(25, 45))
    assert opened(tmp_path).codes().count("overlapping-runs") == 1


# --- on which folder -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "severity", "words"),
    [
        ("", "", "warning", "both on one IPC folder, data/ipc/chat"),
        ("one", "one", "warning", "both on one IPC folder, data/ipc/chat/one"),
        ("one", "two", "info", "each with an IPC folder of its own (data/ipc/chat/one, data/ipc/chat/two)"),
    ],
)
def test_the_mounts_tell_the_ipc_folder(tmp_path, first, second, severity, words):
    container(tmp_path, 0, 60, more=mounted(first))
    container(tmp_path, 10, 90, OTHER, more=mounted(second))
    reading = opened(tmp_path)
    finding = only(reading)
    assert (finding.severity, words in finding.message) == (severity, True)
    assert [agent.name for agent in reading.agents] == [first or "main", second or "main"]


@pytest.mark.parametrize(
    ("outputs", "words"),
    [
        ({}, "whether they shared an IPC folder is not recorded"),
        ({"output/0.json": SESSION}, "both on one IPC folder, data/ipc/chat"),  # no run has one of its own
        ({"t1/output/0.json": SESSION, "t2/output/0.json": OTHER}, "(data/ipc/chat/t1, data/ipc/chat/t2)"),
        ({"t1/output/0.json": SESSION}, "whether they shared an IPC folder is not recorded"),
    ],
)
def test_else_what_was_written_there_tells(tmp_path, outputs, words):
    container(tmp_path, 0, 60)
    container(tmp_path, 10, 90, OTHER)
    for name, session in outputs.items():
        write(tmp_path, f"data/ipc/chat/{name}", json.dumps({"status": "success", "newSessionId": session}))
    assert words in only(opened(tmp_path)).message


# --- on one session --------------------------------------------------------------------------------------------------


def test_a_compaction_beside_a_turn_by_the_length_of_its_prompt(tmp_path):
    """The case of Deus#985 as its orchestrator records it."""
    first, second = container(tmp_path, 0, 40.5), container(tmp_path, 32, 52, prompt=8)
    usage(tmp_path, used(2, 39), used(33, 50))
    reading = opened(tmp_path)
    assert told(reading) == [("compaction-race", "warning"), ("shared-transcript", "warning")]
    finding = only(reading, "compaction-race")
    assert finding.run_id == run_of(reading, second).run_id
    assert f"a /compact, by its prompt of 8 characters, beside {first}" in finding.message
    assert " for 8.5 s (09:00:32.0 to 09:00:40.5), both at work for 6.0 s" in finding.message


def test_a_transcript_tells_when_it_was_compacted(tmp_path):
    first = container(tmp_path, 0, 60)
    container(tmp_path, 20, 50, prompt=99)
    transcript(
        tmp_path, said("u1", None, 2, "Go"), answered("a1", "u1", 15, text("Done.")), compacted("c1", 40, "auto")
    )
    finding = only(opened(tmp_path), "compaction-race")
    assert finding.message.startswith(f"compacted the session at 09:00:40.0, beside {first}")


@pytest.mark.parametrize(
    ("prompt", "session", "at"),
    [(8, OTHER, None), (9, SESSION, None), (9, SESSION, 55)],  # another session, another prompt, when one had ended
)
def test_what_is_no_race(tmp_path, prompt, session, at):
    container(tmp_path, 0, 60)
    container(tmp_path, 20, 50, session, prompt=prompt)
    if at is not None:
        transcript(tmp_path, said("u1", None, 2, "Go"), answered("a1", "u1", 15, text("Done.")), compacted("c1", at))
    assert "compaction-race" not in opened(tmp_path).codes()


def test_a_compaction_beside_a_container_that_is_idle_is_no_race(tmp_path):
    container(tmp_path, 0, 60)
    container(tmp_path, 40, 90)
    usage(tmp_path, used(2, 20), used(42, 88))
    transcript(
        tmp_path, said("u1", None, 3, "Go"), answered("a1", "u1", 19, text("Done.")), said("u2", "a1", 43, "On"),
        answered("a2", "u2", 50, text("Yes."), id="m2", request="r2"), compacted("c1", 55, "auto"),
    )  # fmt: skip
    assert told(opened(tmp_path)) == [("overlapping-runs", "info")]


def test_eight_characters_that_were_answered_are_no_compaction(tmp_path):
    container(tmp_path, 0, 60)
    container(tmp_path, 20, 50, prompt=8)
    transcript(tmp_path, said("u1", None, 22, "Good day"), answered("a1", "u1", 30, text("Good day.")))
    reading = opened(tmp_path)
    assert reading.codes() == ["overlapping-runs"]
    assert stamp(22)[:19] == reading.steps[0].started_at.isoformat()[:19]


def test_a_group_whose_containers_always_overlap_is_no_flood_of_findings(tmp_path):
    for number in range(EACH + 3):
        container(tmp_path, 50 * number, 50 * number + 60, f"{number:08x}-0000-4000-8000-000000000000")
    findings = opened(tmp_path).findings
    assert len(findings) == EACH + 1
    assert findings[-1].message == "2 more of this kind in this conversation"
