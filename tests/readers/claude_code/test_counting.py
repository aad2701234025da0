"""Each model call counts once, with the maximum of each figure."""

import json

import pytest

from tests.readers.claude_code.families import readings
from tests.readers.claude_code.writing import SESSION, answered, call, main, only, record, said, text, write

OTHER = "5e551011-0000-4000-8000-000000000001"


def figures(step):
    read, write = step.cache_read_tokens, step.cache_write_tokens
    return step.input_tokens - read - write, write, read, step.output_tokens


def uncounted(reading):
    return {row.reason: (row.records, row.output_tokens) for row in reading.uncounted}


def test_records_of_one_answer_are_one_step_with_the_maximum_of_each_figure(tmp_path):
    reading = main(
        tmp_path, said("u1", None, 0, "Go"), answered("a1", "u1", 1, text("x"), usage=(4, 100, 50, 7), stop=None),
        answered("a2", "a1", 2, call("t1"), usage=(4, 100, 50, 90), stop="tool_use"),
        said("u2", "a2", 3, [{"type": "tool_result", "tool_use_id": "t1"}]),
        answered("a3", "a2", 4, call("t2"), usage=(4, 100, 50, 30), stop=None),  # its results came in between
        answered("a4", "a3", 5, text("y"), id="m2", request="r2", usage=(1, 2, 3, 4)),
    )  # fmt: skip
    assert [figures(step) for step in reading.steps] == [(4, 100, 50, 90), (1, 2, 3, 4)]
    assert uncounted(reading) == {"repeated lines": (2, 37)}
    assert [(tool.tool_call_id, tool.step_ordinal) for tool in reading.tool_calls] == [("t1", 1), ("t2", 1)]
    assert [(step.start_ms, step.end_ms) for step in reading.steps] == [(0, 4000), (4000, 5000)]


@pytest.mark.parametrize(
    ("ids", "steps"),
    [
        ([("m1", "r1"), ("m1", "r2")], 2),
        ([("m1", None), ("m1", None)], 1),
        ([(None, None), (None, None)], 2),
        ([(None, "r1"), (None, "r1")], 2),
    ],
)
def test_a_call_is_known_by_its_ids_and_without_them_by_its_record(tmp_path, ids, steps):
    answers = [answered(f"a{n}", "u1", n, text("x"), id=id, request=request) for n, (id, request) in enumerate(ids)]
    assert len(main(tmp_path, said("u1", None, 0, "Go"), *answers).steps) == steps


def test_output_without_a_stop_reason_is_graded(tmp_path):
    reading = main(
        tmp_path, said("u1", None, 0, "Go"), answered("a1", "u1", 1, text("x"), stop=None),
        answered("a2", "a1", 2, text("y"), id="m2"), answered("a3", "a2", 3, text("z"), id="m3", usage=None),
    )  # fmt: skip
    assert [step.tokens_grade for step in reading.steps] == ["derived", "exact", "not_recorded"]
    assert json.loads(reading.steps[0].extra)["output_unconfirmed"] is True
    assert "unconfirmed-output" in reading.codes()
    assert reading.steps[2].input_tokens is None


def test_writes_for_five_minutes_and_for_an_hour_stay_apart(tmp_path):
    writes = {"ephemeral_5m_input_tokens": 30, "ephemeral_1h_input_tokens": 70}
    usage = {"input_tokens": "4", "cache_creation_input_tokens": 100, "cache_creation": writes, "output_tokens": 5}
    (step,) = main(tmp_path, said("u1", None, 0, "Go"), answered("a1", "u1", 1, usage=usage)).steps
    extra = json.loads(step.extra)
    assert (extra["cache_write_5m_tokens"], extra["cache_write_1h_tokens"], step.cache_write_tokens) == (30, 70, 100)
    assert (step.input_tokens, step.cache_read_tokens) == (104, None)


def test_what_the_recorder_made_up_is_no_step(tmp_path):
    made_up = record("assistant", "a1", "u1", 1, isApiErrorMessage=True, message={
        "model": "<synthetic>", "role": "assistant", "content": [text("API Error: 529")], "usage": {"output_tokens": 0},
    })  # fmt: skip
    reading = main(tmp_path, said("u1", None, 0, "Go"), made_up)
    assert not reading.steps
    (run,) = reading.runs
    assert (run.status, run.status_detail) == ("failed", "API Error: 529")
    assert [event.kind for event in reading.events] == ["error"]


HISTORY = [said("u1", None, 0, "Go"), answered("a1", "u1", 1, text("x"), usage=(4, 100, 50, 7))]


def copied(records, session=OTHER, **fields):
    return [each | {"sessionId": session} | fields for each in records]


def counted(reading):
    """Steps that count and that are replayed, by session."""
    found = {}
    for step in reading.steps:
        replayed = found.setdefault(step.source_id.removesuffix(".jsonl"), [0, 0])
        replayed[step.is_replay] += 1
    return found


def test_a_fork_replays_what_it_was_forked_from(tmp_path):
    more = answered("a2", "a1", 50, text("y"), id="m2")
    write(tmp_path, f"{SESSION}.jsonl", *HISTORY, more)
    fork = answered("b2", "a1", 60, text("z"), id="m3", sessionId=OTHER)
    write(tmp_path, f"{OTHER}.jsonl", *copied(HISTORY), fork)
    reading = only(tmp_path)
    assert counted(reading) == {SESSION: [2, 0], OTHER: [1, 1]}
    assert reading.codes() == ["replayed-history"]
    (edge,) = [edge for edge in reading.edges if edge.kind == "fork"]
    assert SESSION in edge.from_run_id and OTHER in edge.to_run_id


@pytest.mark.parametrize("fields", [{"sessionKind": "bg"}, {"forkedFrom": {"sessionId": SESSION}}])
def test_a_copy_that_says_so_is_one_though_it_went_on_first(tmp_path, fields):
    write(tmp_path, f"{SESSION}.jsonl", *HISTORY, answered("a2", "a1", 90, text("y"), id="m2"))
    fork = answered("b2", "a1", 60, text("z"), id="m3", sessionId=OTHER)
    write(tmp_path, f"{OTHER}.jsonl", *copied(HISTORY, **fields), fork)
    assert counted(only(tmp_path)) == {SESSION: [2, 0], OTHER: [1, 1]}


def test_a_session_that_another_one_holds_whole_came_before_it(tmp_path):
    write(tmp_path, f"{OTHER}.jsonl", *copied(HISTORY), answered("b2", "a1", 60, id="m3", sessionId=OTHER))
    write(tmp_path, f"{SESSION}.jsonl", *HISTORY)
    assert counted(only(tmp_path)) == {SESSION: [1, 0], OTHER: [1, 1]}


def test_a_session_that_stands_in_two_directories_is_one(tmp_path):
    for directory in ("here", "there"):
        write(tmp_path, f"{directory}/{SESSION}.jsonl", *HISTORY)
    reading = only(tmp_path)
    assert len(reading.conversations) == len(reading.steps) == 1
    assert uncounted(reading)["repeated record"] == (1, 7)
    assert [each.source_id for each in reading.findings if each.code == "recorded-twice"] == [f"there/{SESSION}.jsonl"]


def test_records_of_another_session_count_with_the_session_that_they_name(tmp_path):
    write(tmp_path, f"{SESSION}.jsonl", *HISTORY)
    old = answered("a2", "a1", 5, text("y"), id="m2")
    write(tmp_path, f"{OTHER}.jsonl", old, answered("b1", "a2", 9, text("z"), id="m3", sessionId=OTHER))
    reading = only(tmp_path)
    of_session = {step.run_id.partition(".jsonl")[0] for step in reading.steps if step.source_id == f"{OTHER}.jsonl"}
    assert of_session == {SESSION, OTHER}
    assert "foreign-lines" in reading.codes()
    assert not [step for step in reading.steps if step.is_replay]


def test_helpers_with_the_same_calls_count_once(tmp_path):
    write(tmp_path, f"{SESSION}.jsonl", *HISTORY)
    for name in ("acompact-1", "acompact-2"):
        asked = said(f"{name}u", None, 5, "Sum up", agentId=name)
        answer = answered(f"{name}a", f"{name}u", 6, id="mc", request="rc", agentId=name)
        write(tmp_path, f"{SESSION}/subagents/agent-{name}.jsonl", asked, answer)
    reading = only(tmp_path)
    helpers = [agent for agent in reading.agents if agent.helper == "compaction"]
    assert len(helpers) == 2
    assert sorted(step.is_replay for step in reading.steps) == [False, False, True]
    assert reading.codes() == ["copied-agent"]


def test_answers_that_a_question_aside_replays_count_where_they_were_given(tmp_path):
    write(tmp_path, f"{SESSION}.jsonl", *HISTORY)
    aside = [answered("x1", None, 7, text("x"), request="r9", agentId="aside"),
             answered("x2", "x1", 8, text("own"), id="m8", request="r8", agentId="aside")]  # fmt: skip
    write(tmp_path, f"{SESSION}/subagents/agent-aside.jsonl", *aside)
    assert [step.is_replay for step in only(tmp_path).steps] == [False, True, False]


def test_what_progress_embeds_is_a_copy(tmp_path):
    inner = {"type": "assistant", "message": {"id": "ms", "usage": {"output_tokens": 11}}}
    news = record("progress", "p1", "a1", 2, data={"type": "agent_progress", "agentId": "a11", "message": inner})
    assert uncounted(main(tmp_path, *HISTORY, news)) == {"embedded copy": (1, 11)}


def test_what_the_recorder_calls_an_agents_total_is_kept_and_not_counted(tmp_path):
    spawn = answered("a1", "u1", 1, call("t1", "Agent", prompt="p"), stop="tool_use")
    outcome = {"status": "completed", "agentId": "a11", "totalTokens": 4000, "totalToolUseCount": 0}
    back = said("u2", "a1", 9, [{"type": "tool_result", "tool_use_id": "t1"}], toolUseResult=outcome)
    inner = [said("s1", None, 2, "p", agentId="a11"), answered("s2", "s1", 3, id="ms", agentId="a11")]
    write(tmp_path, f"{SESSION}/subagents/agent-a11.jsonl", *inner)
    reading = main(tmp_path, said("u1", None, 0, "Go"), spawn, back)
    (run,) = [run for run in reading.runs if run.parent_run_id]
    assert json.loads(run.extra) == {"reported_final_context": 4000}
    assert (run.reported_input_tokens, run.reported_tool_calls) == (None, 0)


def test_sessions_with_nothing_in_common_are_read_apart(tmp_path):
    write(tmp_path, f"{SESSION}.jsonl", *HISTORY)
    write(tmp_path, f"{OTHER}.jsonl", said("v1", None, 0, "Hi", sessionId=OTHER))
    assert len(readings(tmp_path)) == 2


def test_files_of_one_name_in_two_directories_are_not_one_session(tmp_path):
    write(tmp_path, "a/transcript.jsonl", *HISTORY)
    other = said("v1", None, 0, "Hi", sessionId=OTHER)
    write(tmp_path, "b/transcript.jsonl", other)
    found = readings(tmp_path)
    assert [reading.codes() for reading in found] == [[], []]
    assert [reading.conversation.conversation_id for reading in found] == [f"a/{SESSION}.jsonl", f"b/{OTHER}.jsonl"]
