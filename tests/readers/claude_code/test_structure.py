"""Runs, their ends, compactions, branches, and what was said."""

import pytest

from explorer.readers import Place, StepPlace, readers
from tests.readers.claude_code.writing import SESSION, answered, call, main, only, record, result, said, text, write

INTERRUPT = "[Request interrupted by user for tool use]"


def states(reading):
    return [(run.status, run.status_detail) for run in reading.runs]


def test_a_turn_begins_where_the_user_says_something(tmp_path):
    reading = main(
        tmp_path, said("u1", None, 0, "One"), answered("a1", "u1", 1, call("t1"), stop="tool_use"),
        said("u2", "a1", 2, result("t1")), answered("a2", "u2", 3, text("x"), id="m2"),
        said("u3", "a2", 4, "<local-command-stdout>ok</local-command-stdout>"),
        said("u4", "u3", 5, "note", isMeta=True),
        said("u5", "u4", 6, "<command-name>/review</command-name>"), answered("a3", "u5", 7, text("y"), id="m3"),
        said("u6", "a3", 8, "<command-name>/exit</command-name>"),
        said("u7", "u6", 9, [text("<ide_opened_file>a.py</ide_opened_file>"), text("Two")]),
        answered("a4", "u7", 10, text("z"), id="m4"),
    )  # fmt: skip
    assert [(run.start_ms, run.end_ms) for run in reading.runs] == [(0, 3000), (6000, 7000), (9000, 10_000)]
    assert [step.run_id[-1] for step in reading.steps] == ["1", "1", "2", "3"]
    assert reading.conversation.title == "One"


@pytest.mark.parametrize(
    ("records", "state"),
    [
        ([answered("a1", "u1", 1, text("x"))], ("completed", "end_turn")),
        ([answered("a1", "u1", 1, text("x"), stop="max_tokens")], ("failed", "max_tokens: the last answer is cut off")),
        ([], ("unknown", "no answer is recorded")),
        (
            [answered("a1", "u1", 1, call("t1"), stop="tool_use"), said("u2", "a1", 2, [text(INTERRUPT)])],
            ("cancelled", "interrupted by the user"),
        ),
        ([answered("a1", "u1", 1, call("t1"), stop="tool_use")], ("running", "1 tool calls have no result")),
        (
            [answered("a1", "u1", 1, call("t1"), stop=None), said("u2", "a1", 2, result("t1"))],
            ("running", "the model was not asked again"),
        ),
        ([answered("a1", "u1", 1, text("x"), stop=None), said("u3", "a1", 3, "Next")], ("completed", None)),
    ],
)
def test_how_a_run_ended(tmp_path, records, state):
    assert states(main(tmp_path, said("u1", None, 0, "Go"), *records))[0] == state


def test_a_sub_agent_that_is_asked_again_after_its_end_has_another_run(tmp_path):
    own = {"agentId": "a11"}
    reading = write(
        tmp_path, "agent-a11.jsonl", said("s1", None, 0, "Do", **own), answered("s2", "s1", 1, text("x"), **own),
        said("s3", "s2", 50, "More", **own), answered("s4", "s3", 51, text("y"), id="m2", stop="tool_use", **own),
        said("s5", "s4", 52, "Hurry", **own), answered("s6", "s5", 53, text("z"), id="m3", **own),
    ) and only(tmp_path)  # fmt: skip
    assert [(run.start_ms, run.end_ms) for run in reading.runs] == [(0, 1000), (50_000, 53_000)]
    assert [event.kind for event in reading.events] == ["resume"]


def test_times_of_tools_and_their_outcome(tmp_path):
    reading = main(
        tmp_path, said("u1", None, 0, "Go"), answered("a1", "u1", 1, call("t1"), stop=None),
        answered("a2", "a1", 2, call("t2", "Bash"), stop="tool_use"), said("u2", "a1", 3, result("t1")),
        said("u3", "a2", 5, result("t2", is_error=True)), said("u4", "u3", 6, result("t9")),
    )  # fmt: skip
    found = [(tool.name, tool.start_ms, tool.end_ms, tool.is_error) for tool in reading.tool_calls]
    assert found == [("Read", 1000, 3000, False), ("Bash", 2000, 5000, True)]
    assert [finding.line for finding in reading.findings if finding.code == "unpaired-result"] == [6]


BOUNDARY = {"subtype": "compact_boundary", "compactMetadata": {"trigger": "manual", "preTokens": 900}}


@pytest.mark.parametrize("own", [{}, {"agentId": "a11"}])
@pytest.mark.parametrize("boundary", [[record("system", "c1", None, 9, **BOUNDARY)], []])
def test_a_compaction_says_what_it_left(tmp_path, boundary, own):
    records = [
        said("u1", None, 0, "Go", **own), answered("a1", "u1", 1, text("x"), usage=(4, 100, 50, 6), **own),
        *(each | own for each in boundary),
        said("c2", "c1" if boundary else None, 10, "They said x.", isCompactSummary=True, **own),
        answered("a2", "c2", 11, text("y"), id="m2", usage=(1, 30, 0, 5), **own),
    ]  # fmt: skip
    write(tmp_path, "agent-a11.jsonl" if own else f"{SESSION}.jsonl", *records)
    reading = only(tmp_path)
    (event,) = reading.events
    before, trigger = (900, "manual") if boundary else (160, None)
    assert (event.kind, event.tokens_before, event.tokens_after, event.trigger) == ("compaction", before, 31, trigger)
    first, second = reading.steps
    assert len(reading.ids(second)) == 1
    assert not set(reading.ids(first)) & set(reading.ids(second))
    assert len(reading.runs) == 1


def test_prompts_go_on_from_what_was_said_before(tmp_path):
    image = {"type": "image", "source": {"type": "base64", "data": "A" * 100_000}}
    reading = main(
        tmp_path, said("u1", None, 0, [text("Go"), image]), answered("a1", "u1", 1, call("t1"), stop="tool_use"),
        said("u2", "a1", 2, result("t1")), record("attachment", "x1", "u2", 3, attachment={"type": "skill_listing"}),
        answered("a2", "x1", 4, text("x"), id="m2"),
    )  # fmt: skip
    first, second = (reading.ids(step) for step in reading.steps)
    assert (len(first), len(second)) == (2, 5)
    assert second[:2] == first


def rewound(*more):
    return [
        said("u1", None, 0, "Go"), answered("a1", "u1", 1, text("x")), said("u2", "a1", 2, "Left"),
        answered("a2", "u2", 3, text("y"), id="m2"), said("u3", "a1", 9, "Right"),
        answered("a3", "u3", 10, text("z"), id="m3"), *more,
    ]  # fmt: skip


def test_a_user_who_goes_back_leaves_a_branch(tmp_path):
    reading = main(tmp_path, *rewound())
    assert [(event.kind, event.trigger, event.run_id[-1]) for event in reading.events] == [("note", "rewind", "3")]
    second, third = (set(reading.ids(step)) for step in reading.steps[1:])
    assert len(second) == len(third) == 3
    assert len(second & third) == 2
    assert "concurrent-writers" not in reading.codes()


def test_a_left_branch_that_goes_on_has_another_writer(tmp_path):
    reading = main(tmp_path, *rewound(said("u4", "a2", 11, "On"), answered("a4", "u4", 12, text("w"), id="m4")))
    assert [finding.line for finding in reading.findings if finding.code == "concurrent-writers"] == [7]
    assert len(reading.ids(reading.steps[3])) == 5


def test_parallel_results_are_no_rewind(tmp_path):
    reading = main(
        tmp_path, said("u1", None, 0, "Go"), answered("a1", "u1", 1, call("t1"), stop=None),
        answered("a2", "a1", 2, call("t2"), stop="tool_use"), said("u2", "a1", 3, result("t1")),
        said("u3", "a2", 4, result("t2")), answered("a3", "u3", 5, text("x"), id="m2"),
    )  # fmt: skip
    assert not reading.events
    assert len(reading.ids(reading.steps[1])) == 5


def told(directory, reading, number, until=None):
    run = reading.runs[number]
    steps = [
        StepPlace(step.ordinal, step.source_id, step.offset, step.length, step.is_replay, step.extra)
        for step in reading.steps
        if step.run_id == run.run_id
    ]
    files = {path.name: path for path in directory.iterdir()}
    place = Place(run.conversation_id, run.agent_id, run.run_id, None, steps, until)
    return [(m.role, m.kind, m.text, m.step_ordinal) for m in readers()["claude-code"].messages(files, place)]


def test_what_was_said_up_to_a_step(tmp_path):
    thinking = {"type": "thinking", "thinking": "hm", "signature": "s"}
    reading = main(
        tmp_path, said("u1", None, 0, "Go"), answered("a1", "u1", 1, thinking, call("t1"), stop="tool_use"),
        said("u2", "a1", 2, result("t1", "found")), answered("a2", "u2", 3, text("x"), id="m2"),
    )  # fmt: skip
    first = [
        ("user", "text", "Go", None), ("assistant", "reasoning", "hm", 1), ("assistant", "tool_call", "{}", 1),
    ]  # fmt: skip
    assert told(tmp_path, reading, 0, until=1) == first
    rest = [("tool", "tool_result", "found", None), ("assistant", "text", "x", 2)]
    assert told(tmp_path, reading, 0) == first + rest


def test_what_was_said_on_a_branch_that_was_left_is_not_told(tmp_path):
    reading = main(tmp_path, *rewound())
    assert [text for _, _, text, _ in told(tmp_path, reading, 2)] == ["Go", "x", "Right", "z"]
    assert [text for _, _, text, _ in told(tmp_path, reading, 1)] == ["Go", "x", "Left", "y"]


def test_a_title_is_given_to_the_session_whose_last_record_it_names(tmp_path):
    other = {"type": "summary", "summary": "What was asked", "leafUuid": "a1"}
    write(tmp_path, f"{SESSION}.jsonl", said("u1", None, 0, "Go"), answered("a1", "u1", 1, text("x")), other)
    assert only(tmp_path).conversation.title == "What was asked"


def test_a_file_of_titles_alone_says_so(tmp_path):
    reading = main(tmp_path, {"type": "summary", "summary": "Something", "leafUuid": "gone"})
    assert reading.codes() == ["no-turns"]
    assert not reading.conversations


@pytest.mark.parametrize(
    ("word", "status"), [("completed", "completed"), ("failed", "failed"), ("killed", "cancelled")]
)
def test_an_agent_in_the_background_ends_where_the_notification_says(tmp_path, word, status):
    inner = [said("s1", None, 2, "p", agentId="a11"), answered("s2", "s1", 3, text("x"), stop=None, agentId="a11")]
    write(tmp_path, f"{SESSION}/subagents/agent-a11.jsonl", *inner)
    notice = f"<task-notification><task-id>a11</task-id><status>{word}</status></task-notification>"
    launched = {"status": "async_launched", "agentId": "a11"}
    reading = main(
        tmp_path, said("u1", None, 0, "Go"), answered("a1", "u1", 1, call("t1", "Agent", prompt="p"), stop="tool_use"),
        said("u2", "a1", 2, result("t1"), toolUseResult=launched), answered("a2", "u2", 4, text("y"), id="m2"),
        said("u3", "a2", 60, notice), answered("a3", "u3", 61, text("z"), id="m3"),
    )  # fmt: skip
    (run,) = [run for run in reading.runs if run.parent_run_id]
    assert run.status == status
    assert [edge.at_ms for edge in reading.edges if edge.kind == "result"] == [60_000]
    assert len(reading.runs) == 2  # the notification begins no turn


def test_what_two_processes_write_on_one_transcript_stays_apart(tmp_path):
    """Both resumed it after its first answer; their records stand as they came."""
    reading = main(
        tmp_path, said("u1", None, 0, "Go"), answered("a1", "u1", 1, text("x")),
        said("u2", "a1", 10, "Left"), said("v2", "a1", 11, "Right"),
        answered("a2", "u2", 12, call("t1"), id="m2", stop=None), answered("b2", "v2", 13, call("t2"), id="n2"),
        said("u3", "a2", 14, result("t1", "l")), said("v3", "b2", 15, result("t2", "r")),
        answered("b3", "v3", 16, text("right"), id="n3"), answered("a3", "u3", 17, text("left"), id="m3"),
    )  # fmt: skip
    assert [(step.run_id[-1], step.end_ms) for step in reading.steps] == [
        ("1", 1000), ("2", 12_000), ("2", 17_000), ("3", 13_000), ("3", 16_000),
    ]  # fmt: skip
    assert [len(reading.ids(step)) for step in reading.steps] == [1, 3, 5, 3, 5]
    assert [(run.start_ms, run.end_ms, run.status) for run in reading.runs] == [
        (0, 1000, "completed"), (10_000, 17_000, "completed"), (11_000, 16_000, "completed"),
    ]  # fmt: skip
    assert [f.line for f in reading.findings if f.code == "concurrent-writers"] == [5]
    assert [(event.trigger, event.run_id[-1]) for event in reading.events] == [("another writer", "3")]
    assert [text for _, _, text, _ in told(tmp_path, reading, 1)] == ["Go", "x", "Left", "{}", "l", "left"]
    assert [text for _, _, text, _ in told(tmp_path, reading, 2)] == ["Go", "x", "Right", "{}", "r", "right"]


def test_sidechains_that_ran_at_once_stay_apart(tmp_path):
    """Version 1.0: all in one file, in the order in which they were written."""
    inside = {"isSidechain": True}
    reading = main(
        tmp_path, said("u1", None, 0, "Go"),
        answered("a1", "u1", 1, call("t1", "Task", prompt="One"), call("t2", "Task", prompt="Two"), stop="tool_use"),
        said("p1", None, 2, "One", **inside), said("q1", None, 3, "Two", **inside),
        answered("p2", "p1", 4, call("s1"), id="m2", stop="tool_use", **inside),
        answered("q2", "q1", 5, call("s2"), id="m3", stop="tool_use", **inside),
        said("q3", "q2", 6, result("s2", "two"), **inside), said("p3", "p2", 7, result("s1", "one"), **inside),
        answered("q4", "q3", 8, text("2"), id="m4", **inside), answered("p4", "p3", 9, text("1"), id="m5", **inside),
        said("u2", "a1", 10, result("t1", "1")), said("u3", "a1", 11, result("t2", "2")),
    )  # fmt: skip
    first, second = (number for number, run in enumerate(reading.runs) if run.parent_run_id)
    assert [text for _, _, text, _ in told(tmp_path, reading, first)] == ["One", "{}", "one", "1"]
    assert [text for _, _, text, _ in told(tmp_path, reading, second)] == ["Two", "{}", "two", "2"]
    assert [run.start_ms for run in reading.runs[1:]] == [2000, 3000]
    main_ = next(number for number, run in enumerate(reading.runs) if not run.parent_run_id)
    assert [text for _, kind, text, _ in told(tmp_path, reading, main_) if kind == "tool_result"] == ["1", "2"]
