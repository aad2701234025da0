"""Which records are one run, when it was, and what it took."""

import json
import sqlite3

import pytest

from explorer.readers import claim
from tests.readers.claude_code.writing import SESSION, answered, call, result, said, text
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
from tests.readers.test_contract import assert_sound


def turn(number, at, end, prompt="Go", tool=None):
    """A prompt and its answer."""
    uuid, before = f"u{number}", f"a{number - 1}" if number > 1 else None
    blocks = [call(tool)] if tool else [text("Done.")]
    return [
        said(uuid, before, at, prompt),
        answered(f"a{number}", uuid, end, *blocks, id=f"m{number}", request=f"r{number}"),
    ]


# --- times and states ------------------------------------------------------------------------------------------------


def test_a_container_ran_from_its_end_less_how_long_it_took(tmp_path):
    first = container(tmp_path, 0, 60)
    second = container(tmp_path, 100, 130.5)
    reading = opened(tmp_path)
    assert reading.conversation.conversation_id == "groups/chat"
    assert (reading.conversation.title, reading.conversation.group_name) == ("The Chat", "chat")
    runs = [run_of(reading, name) for name in (first, second)]
    assert [(run.start_ms, run.end_ms, run.ordinal) for run in runs] == [(0, 60_000, 1), (100_000, 130_500, 2)]
    assert runs[1].started_at.isoformat() == "2026-05-04T09:01:40"
    assert {run.agent_id for run in runs} == {f"groups/chat/{SESSION}/main"}
    assert reading.findings == []


@pytest.mark.parametrize(
    ("more", "status", "words"),
    [
        ({"code": 0}, "completed", None),
        ({"code": 137}, "failed", "exit code 137: killed"),
        ({"code": 1}, "failed", "exit code 1"),
        ({"code": None}, "unknown", "no exit code is recorded"),
        ({"timeout": True, "more": "Had Streaming Output: true\n"}, "completed", "closed after it had been idle"),
        ({"timeout": True, "more": "Had Streaming Output: false\n"}, "failed", "it ran out of time without any output"),
    ],
)
def test_how_a_container_ended(tmp_path, more, status, words):
    name = container(tmp_path, 0, 60, **more)
    run = run_of(opened(tmp_path), name)
    assert (run.status, run.status_detail) == (status, words)


def test_an_error_behind_an_answer_is_no_failure(tmp_path):
    name = container(tmp_path, 0, 60, code=1)
    usage(tmp_path, used(2, 50))
    assert run_of(opened(tmp_path), name).status == "completed"


# --- usage -----------------------------------------------------------------------------------------------------------


def test_usage_is_that_of_the_container_within_whose_life_it_lies(tmp_path):
    first, second = container(tmp_path, 0, 60), container(tmp_path, 50, 90)
    usage(tmp_path, used(2, 58, figures=(10, 200, 3000, 7)), used(55, 88, figures=(1, 2, 3, 4), total_cost_usd=0.5))
    reading = opened(tmp_path)
    taken = [
        (run.reported_input_tokens, run.reported_output_tokens, run.reported_cost_usd)
        for run in (run_of(reading, first), run_of(reading, second))
    ]
    assert taken == [(3210, 7, None), (6, 4, 0.5)]


@pytest.mark.parametrize(
    ("lines", "tokens"),
    [
        ([(1, 0, 0, 1), (5, 0, 0, 2)], (5, 2)),  # none less than before: running totals
        ([(5, 0, 0, 2), (1, 0, 0, 3)], (6, 5)),
    ],
)
def test_several_lines_of_usage_are_counted_so_that_nothing_counts_twice(tmp_path, lines, tokens):
    name = container(tmp_path, 0, 100)
    usage(tmp_path, *(used(20 * n, 20 * n + 10, figures=figures) for n, figures in enumerate(lines)))
    run = run_of(opened(tmp_path), name)
    assert (run.reported_input_tokens, run.reported_output_tokens) == tokens
    assert "2 lines of usage" in run.reported_note


def test_a_line_is_of_no_process_that_has_another_one_at_that_time(tmp_path):
    first, second = container(tmp_path, 0, 60), container(tmp_path, 20, 50)
    usage(tmp_path, used(25, 45, figures=(1, 0, 0, 1)), used(3, 55, figures=(9, 0, 0, 9)))
    reading = opened(tmp_path)
    assert [run_of(reading, name).reported_input_tokens for name in (first, second)] == [9, 1]
    assert "unplaced-usage" not in reading.codes()


def test_a_line_that_may_be_of_two_containers_is_in_neither_and_counts_once(tmp_path):
    names = container(tmp_path, 0, 60), container(tmp_path, 20, 50)
    usage(tmp_path, used(25, 45, figures=(7, 0, 0, 1)))
    reading = opened(tmp_path)
    assert [run_of(reading, name).reported_input_tokens for name in names] == [None, None]
    line = run_of(reading, "usage 1")
    assert (line.reported_input_tokens, line.grade) == (7, "ambiguous")
    (finding,) = [each for each in reading.findings if each.code == "unplaced-usage"]
    assert all(name in finding.message for name in names)
    assert (finding.run_id, finding.line) == (line.run_id, 1)


def test_usage_without_a_container_is_a_run(tmp_path):
    usage(tmp_path, used(2, 30, figures=(1, 2, 3, 4)) | {"subtype": "error_max_turns"})
    reading = opened(tmp_path)
    (run,) = reading.runs
    assert (run.start_ms, run.end_ms, run.status, run.reported_input_tokens) == (0, 28_000, "failed", 6)
    assert [(each.kind, each.at_ms, each.detail) for each in reading.events] == [
        ("note", 28_000, "error_max_turns, 1 turn")
    ]
    assert not reading.conversation.steps_recorded


def test_figures_of_a_model_come_before_those_beside_it_which_are_often_null(tmp_path):
    plain = {"input_tokens": 5, "cache_read_input_tokens": 1, "output_tokens": None}
    usage(tmp_path, used(0, 1) | plain, used(2, 3) | plain | {"model_usage": {}})
    taken = [(run.reported_input_tokens, run.reported_output_tokens) for run in opened(tmp_path).runs]
    assert taken == [(6, 4), (6, 0)]


# --- turns -----------------------------------------------------------------------------------------------------------


def test_the_turns_of_a_container_are_one_run(tmp_path):
    name = container(tmp_path, 0, 200)
    usage(tmp_path, used(2, 10, figures=(900, 0, 0, 900)))
    path = transcript(tmp_path, *turn(1, 2, 10), *turn(2, 100, 110), *turn(3, 500, 510))
    reading = opened(tmp_path)
    run = run_of(reading, name)
    assert (run.start_ms, run.end_ms) == (0, 200_000)
    steps = [step for step in reading.steps if step.run_id == run.run_id]
    assert [(step.ordinal, step.end_ms, step.grade, step.source_id) for step in steps] == [
        (1, 10_000, "derived", path), (2, 110_000, "derived", path),
    ]  # fmt: skip
    assert run.reported_input_tokens is None, "the transcript tells"
    assert json.loads(run.extra)["usage_by_model"] == {
        "m": {"input": 900, "cache_write": 0, "cache_read": 0, "output": 900}
    }
    (alone,) = [each for each in reading.runs if each.run_id != run.run_id]
    assert (alone.start_ms, alone.ordinal, alone.grade) == (500_000, 2, "exact")
    assert reading.conversation.steps_recorded


def test_a_sub_agent_hangs_on_the_run_that_its_parents_turn_is_in(tmp_path):
    name = container(tmp_path, 0, 200)
    asked = call("t1", "Agent", prompt="Look", subagent_type="Explore")
    transcript(
        tmp_path, *turn(1, 2, 10), said("u2", "a1", 20, "Go on"),
        answered("a2", "u2", 25, asked, id="m2", request="r2", stop="tool_use"),
        said("u3", "a2", 60, result("t1"), toolUseResult={"agentId": "b1", "status": "completed"}),
    )  # fmt: skip
    transcript(
        tmp_path, said("s1", None, 26, "Look", agentId="b1"),
        answered("s2", "s1", 59, text("Seen."), id="m9", request="r9", agentId="b1"), agent="b1",
    )  # fmt: skip
    reading = opened(tmp_path)
    child = reading.run("agent-b1")
    assert child.parent_run_id == run_of(reading, name).run_id
    assert [tool.child_run_id for tool in reading.tool_calls] == [child.run_id]


@pytest.mark.parametrize(
    ("prompt", "logged", "grades"),
    [
        ("x" * 99, None, {"ambiguous"}),
        ("y" * 17, None, {"derived"}),  # as long as the log of the second says
        ("x" * 99, 20, {"exact"}),  # the log of tool calls names the second's answer
    ],
)
def test_a_turn_within_two_lives_is_of_the_one_that_something_tells(tmp_path, prompt, logged, grades):
    first, second = container(tmp_path, 0, 100, prompt=40), container(tmp_path, 20, 90, prompt=17)
    transcript(tmp_path, *turn(1, 30, 35, prompt, "t1"))
    if logged is not None:
        log = [{"ts": stamp_of(36), "session_id": SESSION, "tool_use_id": "t1", "name": "Read", "is_error": False}]
        write(tmp_path, f"groups/chat/logs/tool-calls/chat-{epoch(logged)}.jsonl", log)
    reading = opened(tmp_path)
    (step,) = reading.steps
    ids = [run_of(reading, name).run_id for name in (second, first)]
    assert step.run_id == ids[0]
    assert {step.grade} == grades
    assert step.candidates == (json.dumps(ids, separators=(",", ":")) if grades == {"ambiguous"} else None)


def stamp_of(second):
    return used(second, second)["ts"]


def test_a_new_session_is_that_which_is_first_heard_of_within_its_containers_life(tmp_path):
    by_usage, by_transcript, by_nothing = (
        container(tmp_path, 0, 60, "new"), container(tmp_path, 100, 160, "new"), container(tmp_path, 200, 260, "new")
    )  # fmt: skip
    usage(tmp_path, used(3, 50))
    transcript(tmp_path, *turn(1, 110, 150), session=OTHER)
    reading = opened(tmp_path)
    agents = [run_of(reading, name).agent_id for name in (by_usage, by_transcript, by_nothing)]
    assert agents == [f"groups/chat/{each}/main" for each in (SESSION, OTHER, "session not recorded")]


def test_tool_calls_that_no_transcript_has_are_those_of_the_log(tmp_path):
    name = container(tmp_path, 0, 60)
    lines = [
        {"ts": stamp_of(9), "session_id": None, "tool_use_id": "t1", "name": "Bash", "is_error": True},
        {"ts": stamp_of(12), "session_id": SESSION, "tool_use_id": "t2", "name": "Read", "is_error": False},
    ]
    path = f"groups/chat/logs/tool-calls/chat-{epoch(0.3)}.jsonl"
    write(tmp_path, path, lines)
    sizes = [{"ts": stamp_of(9), "tool": "Bash", "tool_use_id": "t1", "bytes": 370, "approx_tokens": 100}]
    write(tmp_path, "groups/chat/logs/tool-sizes.jsonl", sizes)
    reading = opened(tmp_path)
    calls = [(each.tool_call_id, each.start_ms, each.end_ms, each.is_error) for each in reading.tool_calls]
    assert calls == [("t1", None, 9_000, True), ("t2", None, 12_000, False)]
    assert {each.source_id for each in reading.tool_calls} == {path}
    extra = json.loads(run_of(reading, name).extra)
    assert (extra["tool_result_bytes"], extra["derived_at_work_ms"]) == (370, 12_000)


def test_a_compaction_is_an_event_of_the_run_that_asked_for_it(tmp_path):
    first, second = container(tmp_path, 0, 60), container(tmp_path, 80, 95, prompt=8)
    transcript(tmp_path, *turn(1, 2, 50), compacted("c1", 90))
    reading = opened(tmp_path)
    (event,) = reading.events
    assert (event.run_id, event.at_ms, event.tokens_before) == (run_of(reading, second).run_id, 90_000, 900)
    assert [step.run_id for step in reading.steps] == [run_of(reading, first).run_id]
    assert reading.findings == []


# --- databases -------------------------------------------------------------------------------------------------------


def test_a_task_is_the_container_that_ended_with_it_or_a_run_of_its_own(tmp_path):
    name = container(tmp_path, 0, 60)
    messages_db(tmp_path, [(61, 60_500, "success", None), (500, 30_000, "error", "no water")], name="Garden")
    reading = opened(tmp_path)
    assert reading.conversation.title == "Garden"
    assert json.loads(run_of(reading, name).extra)["task"] == "water"
    alone = run_of(reading, "task water")
    assert (alone.start_ms, alone.end_ms, alone.status) == (470_000, 500_000, "failed")
    assert alone.status_detail == "no water"
    (agent,) = [each for each in reading.agents if each.agent_id == alone.agent_id]
    assert (agent.name, agent.label) == ("task", "water")
    assert len(reading.runs) == 2


def test_a_judged_answer_rewards_the_container_that_gave_it(tmp_path):
    name = container(tmp_path, 0, 60)
    container(tmp_path, 900, 910, folder="else", session=OTHER)
    messages_db(tmp_path)
    evolution_db(
        tmp_path, (5, 20_000, SESSION, "runtime", 0.75), (300, 4_000, None, "runtime", None),
        (5, 1, None, "claude_code", 0.1),
    )  # fmt: skip
    reading = opened(tmp_path)
    assert run_of(reading, name).reward == 0.75
    other = run_of(reading, f"chat-{epoch(300)}")
    assert (other.start_ms, other.end_ms, other.reward) == (300_000, 304_000, None)
    assert [c.group_name for c in reading.conversations] == ["chat", "else"]
    assert len(reading.runs) == 3


def test_transcripts_of_a_group_are_no_users_of_their_own(tmp_path):
    group = tmp_path / transcript(tmp_path, *turn(1, 0, 1))
    own = write(tmp_path, f".claude/projects/-srv-shop/{SESSION}.jsonl", turn(1, 0, 1))
    assert [claim(path, path.read_bytes()).NAME for path in (group, own)] == ["deus", "claude-code"]


def test_a_group_that_is_only_registered_is_shown(tmp_path):
    messages_db(tmp_path)
    reading = opened(tmp_path)
    assert (reading.conversation.title, reading.runs, told(reading)) == ("The Chat", [], [])


def test_what_is_said_of_a_turn_is_said_of_its_container(tmp_path):
    """Two processes on one transcript: a branch that had been left goes on."""
    name = container(tmp_path, 0, 60)
    transcript(
        tmp_path, *turn(1, 1, 2), *turn(2, 3, 4), said("u3", "a1", 5, "Again"),
        answered("a3", "u3", 6, text("Yes."), id="m3", request="r3"), said("u4", "a2", 7, "Go on"),
        answered("a4", "u4", 8, text("Yes."), id="m4", request="r4"),
    )  # fmt: skip
    reading = opened(tmp_path)
    (finding,) = [each for each in reading.findings if each.code == "concurrent-writers"]
    assert finding.run_id == run_of(reading, name).run_id
    assert_sound(reading)


def test_an_agent_beside_the_chat_was_handed_what_its_prompt_says(tmp_path):
    sessions = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(3)]
    for number, (session, task) in enumerate(zip(sessions, ("t1", "t2", "t3"), strict=True)):
        more = f"\n=== Mounts ===\n/srv/data/ipc/chat/multi-agent-{task} -> /workspace/ipc\n"
        container(tmp_path, 100 * number, 100 * number + 60, session, more=more)
        needed = "--- Context from t1 ---\nA.\n--- Context from t9 ---\n" if task == "t3" else ""
        at, prompt = 100 * number, f"Your goal: {task}\n{needed}"
        answer = answered(f"a{task}", f"u{task}", at + 50, text("A."), id=f"m{task}", request=f"r{task}")
        transcript(tmp_path, said(f"u{task}", None, at + 5, prompt), answer, session=session)
    reading = opened(tmp_path)
    (edge,) = reading.edges
    first, last = (f"groups/chat/{session}/main/1" for session in (sessions[0], sessions[2]))
    assert (edge.kind, edge.from_run_id, edge.to_run_id, edge.at_ms) == ("message", first, last, 200_000)
    assert (edge.grade, edge.delivered, edge.resolution) == ("derived", True, "item")
    assert sessions[0] in edge.sent_source_id
    assert sessions[2] in edge.received_source_id


def test_a_session_that_is_resumed_later_was_begun_by_the_container_before(tmp_path):
    first, second = container(tmp_path, 0, 60, "new"), container(tmp_path, 100, 160)
    usage(tmp_path, used(3, 50), used(103, 150))
    reading = opened(tmp_path)
    assert {run_of(reading, name).agent_id for name in (first, second)} == {f"groups/chat/{SESSION}/main"}


def test_a_container_whose_session_goes_on_under_another_id_is_of_that(tmp_path):
    """As older versions of Claude Code resume: the new transcript begins with a copy of the old one."""
    first, second = container(tmp_path, 0, 60), container(tmp_path, 100, 160)
    history = turn(1, 2, 50)
    transcript(tmp_path, *history)
    transcript(tmp_path, *history, *turn(2, 103, 150), session=OTHER)
    reading = opened(tmp_path)
    agents = [run_of(reading, name).agent_id for name in (first, second)]
    assert agents == [f"groups/chat/{each}/main" for each in (SESSION, OTHER)]
    assert [(step.run_id, step.is_replay) for step in reading.steps] == [
        (run_of(reading, first).run_id, False), (f"groups/chat/{OTHER}/main/1", True),
        (run_of(reading, second).run_id, False),
    ]  # fmt: skip
    assert reading.codes() == ["replayed-history"]


@pytest.mark.parametrize("line", [(2, 70), (-5, 40), (2, 31)])
def test_a_line_of_usage_that_sticks_out_is_still_its_containers_or_its_turns(tmp_path, line):
    name = container(tmp_path, 0, 60)
    transcript(tmp_path, *turn(1, 503, 530))
    usage(tmp_path, used(*line), used(line[0] + 500, line[1] + 500))
    reading = opened(tmp_path)
    assert len(reading.runs) == 2
    assert run_of(reading, name).reported_input_tokens == 6
    assert reading.findings == []


def test_columns_that_older_databases_lack_are_not_recorded(tmp_path):
    (tmp_path / "store").mkdir()
    connection = sqlite3.connect(tmp_path / "store" / "messages.db")
    connection.executescript("""
        CREATE TABLE registered_groups (jid, name, folder);
        CREATE TABLE sessions (group_folder PRIMARY KEY, session_id);
        CREATE TABLE scheduled_tasks (id, group_folder);
        CREATE TABLE task_run_logs (task_id, run_at, duration_ms);
        INSERT INTO registered_groups VALUES ('tg:1', 'Old', 'old');
        INSERT INTO sessions VALUES ('old', 's');
        INSERT INTO scheduled_tasks VALUES ('t', 'old');
        INSERT INTO task_run_logs VALUES ('t', '2026-05-04T09:00:05Z', 4000), ('gone', '2026-05-04T09:01:00Z', 1000);
    """)
    connection.close()
    reading = opened(tmp_path)
    old, deleted = reading.conversations
    assert (old.title, json.loads(old.extra)) == ("Old", {"jid": "tg:1", "sessions": {"claude": 1}})
    assert deleted.group_name is None, "its task is gone, and with it whose it was"
    assert [(run.native_run_id, run.status, run.end_ms) for run in reading.runs] == [
        ("task t", "unknown", 4_000), ("task gone", "unknown", 1_000),
    ]  # fmt: skip
    assert reading.findings == []
