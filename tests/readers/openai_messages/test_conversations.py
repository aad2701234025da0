"""Conversations as data sets and chats have them, which files are of the format, and what is said in them."""

import gzip
import json
import random

import pytest

from explorer.readers import CallPlace, Place, StepPlace, claim, reader_of
from tests.readers.reading import SAMPLES, SHARED, head, read

OPENAI = SAMPLES / "openai-messages"
INVENTED = SHARED / "traces" / "invented" / "openai"
HI, HELLO = {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}


def written(path, *records, pretty=False):
    if pretty:
        path.write_text(json.dumps(records[0], indent=1))
    else:
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def said(path, run_index=0, until=None, reader="openai-messages"):
    got = read(path, path.name, reader=reader)
    run = got.runs[run_index]
    own = [step for step in got.steps if step.run_id == run.run_id]
    steps = [StepPlace(s.ordinal, s.source_id, s.offset, s.length, False, s.extra) for s in own]
    calls = [CallPlace(c.step_ordinal, c.tool_call_id, c.name, c.is_error) for c in got.tool_calls]
    place = Place(run.conversation_id, run.agent_id, run.run_id, None, steps, until, run.extra, calls)
    return list(reader_of(reader).messages({path.name: path}, place))


def found(path):
    assert claim(path, head(path)).NAME == "openai-messages"
    return read(path, path.name, reader="openai-messages")


@pytest.mark.parametrize(
    "record",
    [
        {"role": "user"},
        {"role": "admin", "content": "x"},
        {"role": "user", "content": 5},
        {"role": "user", "content": "x", "uuid": "u", "sessionId": "s"},
        {"name": "x", "user": {"role": "user", "content": "x"}},
        {"messages": []},
        {"messages": ["x"]},
        {"messages": [{"role": "user", "content": "x"}, {"text": "x"}]},
        {"messages": [HI], "samples": [], "eval": {}},
        {"request": {"url": "/", "role": "user"}, "response": {"status": 200}},
        {"request": {"messages": ["x"]}},
        {"response": {"choices": []}},
        {"input": "x", "output": "y"},
        [{"role": "user", "content": "x"}, {"price": 1}],
    ],
)
def test_a_role_somewhere_is_no_conversation(record, tmp_path):
    for pretty in (False, True):
        path = written(tmp_path / "x.json", record, pretty=pretty)
        assert claim(path, head(path)) is None


@pytest.mark.parametrize("size", [10, 100_000])
@pytest.mark.parametrize("pretty", [False, True])
@pytest.mark.parametrize(
    "shape",
    [
        lambda system: {"id": 1, "messages": [system, HI, HELLO]},
        lambda system: [system, HI, HELLO],
        lambda system: {"id": 1, "request": {"model": "m", "messages": [system, HI]}, "response": {}},
    ],
)
def test_it_is_known_by_its_beginning_however_long_that_is(shape, pretty, size, tmp_path):
    record = shape({"role": "system", "content": "s" * size})
    is_log = "request" in record
    path = written(tmp_path / "x.json", record, pretty=pretty and not is_log)
    assert len(found(path).steps) == 1


def test_a_log_of_requests_alone_is_no_data_set(tmp_path):
    got = found(
        written(tmp_path / "x.jsonl", {"model": "m", "messages": [HI]}, {"model": "m", "messages": [HI, HELLO, HI]})
    )
    assert [step.ordinal for step in got.steps] == [1, 2]
    assert len(got.runs) == 1


def test_lines_of_which_each_repeats_the_one_before_are_one_log(tmp_path):
    talk = [HI, HELLO, {"role": "user", "content": "More"}, {"role": "assistant", "content": "That is all there is."}]
    other = [{"role": "user", "content": "Else"}, HELLO]
    path = written(tmp_path / "x.jsonl", *({"messages": each} for each in (talk[:2], other, talk)))
    got = found(path)
    assert [(step.run_id, step.ordinal) for step in got.steps] == [
        ("x.jsonl/agent-1/1", 1), ("x.jsonl/agent-2/1", 1), ("x.jsonl/agent-1/1", 2),
    ]  # fmt: skip
    assert [m.text for m in said(path)] == [message["content"] for message in talk]
    path = written(tmp_path / "x.jsonl", {"messages": talk}, {"messages": talk}, {"messages": talk[:2]})
    assert len(found(path).conversations) == 3  # the same again, and less of it, is no log that grows


def test_every_answer_is_a_step_and_its_prompt_what_stands_before_it():
    weather, plan, old = (
        [row for row in found(OPENAI / "conversations.jsonl").rows if getattr(row, "run_id", "").startswith(key)]
        for key in ("conversations.jsonl//weather-1/", "conversations.jsonl//plan-1/", "conversations.jsonl//line 3/")
    )
    got = found(OPENAI / "conversations.jsonl")
    assert [(c.conversation_id, c.title) for c in got.conversations] == [
        ("conversations.jsonl//weather-1", "weather-1"), ("conversations.jsonl//plan-1", "plan-1"),
        ("conversations.jsonl//line 3", "What time is it?"),
    ]  # fmt: skip
    assert len(weather) and len(plan) and len(old)
    stretches = got.stretches()
    assert stretches["conversations.jsonl//weather-1/assistant/1", 1] == [(0, 3)]  # the tool, system and user
    assert stretches["conversations.jsonl//weather-1/assistant/1", 2] == [(0, 5)]
    assert {step.tokens_grade for step in got.steps} == {"not_recorded"}
    calls = [(c.tool_call_id, c.name, c.step_ordinal, c.grade) for c in got.tool_calls]
    assert calls == [
        ("call_1", "get_weather", 1, "exact"), (None, "clock", 1, "derived"), ("call_9", "get_weather", 4, "exact"),
    ]  # fmt: skip
    assert got.codes() == ["bad-arguments", "answers-in-a-row", "answers-in-a-row"]


def test_assistants_with_names_are_agents_that_tell_each_other():
    got = found(OPENAI / "conversations.jsonl")
    named = [agent for agent in got.agents if "//plan-1/" in agent.agent_id]
    assert [agent.name for agent in named] == ["planner", "critic"]
    assert [(e.kind, e.from_run_id.split("/")[-2], e.to_run_id.split("/")[-2]) for e in got.edges] == [
        ("message", "planner", "critic"), ("message", "critic", "planner"),
    ]  # fmt: skip


def test_a_chat_of_a_line_per_message_has_times_and_usage():
    got = found(OPENAI / "chat.jsonl")
    assert [(s.start_ms, s.end_ms, s.cache_read_tokens is not None) for s in got.steps] == [
        (0, 4000, True), (60_000, 64_000, True),
    ]  # fmt: skip
    assert got.conversation.conversation_id == "chat.jsonl"


def test_items_of_the_responses_api_are_one_answer_up_to_what_it_asked_for(tmp_path):
    asked = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
    items = [HI, {"type": "reasoning", "summary": []}, HELLO, asked, asked | {"call_id": "c2"}]
    items += [{"type": "function_call_output", "call_id": each, "output": "r"} for each in ("c1", "c2")]
    got = found(written(tmp_path / "x.jsonl", *items, asked | {"call_id": "c3"}))
    assert [step.ordinal for step in got.steps] == [1, 2]
    assert [(call.tool_call_id, call.step_ordinal) for call in got.tool_calls] == [("c1", 1), ("c2", 1), ("c3", 2)]
    assert got.codes() == []


def test_usage_beside_the_messages_is_the_recorders_own_sum(tmp_path):
    record = {"messages": [HI, HELLO], "usage": {"prompt_tokens": 7, "completion_tokens": 2}, "model": "m"}
    (run,) = found(written(tmp_path / "x.jsonl", record)).runs
    assert (run.reported_input_tokens, run.reported_output_tokens, run.model) == (7, 2, "m")


def test_conversations_with_one_id_are_told_apart(tmp_path):
    got = found(written(tmp_path / "x.jsonl", *[{"id": "a/b", "messages": [HI, HELLO]}] * 2))
    assert [c.conversation_id for c in got.conversations] == ["x.jsonl//a∕b", "x.jsonl//a∕b~2"]
    assert got.codes() == ["duplicate-id"]


def test_results_that_nobody_asked_for_and_repeated_ids_are_said(tmp_path):
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    asked = HELLO | {"tool_calls": [call]}
    told = {"role": "tool", "tool_call_id": "c", "content": "r"}
    got = found(written(tmp_path / "x.jsonl", {"messages": [HI, asked, HI, asked, told, told, told]}))
    assert got.codes() == ["repeated-call-id", "unpaired-result"]
    assert len(got.tool_calls) == 2


@pytest.mark.parametrize("name", ["conversations.jsonl", "chat.jsonl", "logs/team.jsonl", "logs/rewritten.jsonl"])
def test_packed_or_not_is_the_same(name, tmp_path):
    path = tmp_path / f"{(OPENAI / name).name}"
    path.write_bytes(gzip.compress((OPENAI / name).read_bytes()))
    assert found(path).rows == found(OPENAI / name).rows


def places(value):
    """Every field in a value, at any depth."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield value, key
        if isinstance(inner, dict | list):
            yield from places(inner)


@pytest.mark.parametrize("name", ["conversations.jsonl", "logs/rewritten.jsonl", "logs/responses.jsonl"])
def test_wrong_types_in_every_field_cost_no_more_than_their_line(name, tmp_path):
    records = [json.loads(line) for line in (OPENAI / name).read_text().splitlines()]
    rng, path = random.Random(name), tmp_path / "x.jsonl"
    for wrong in (None, -1, 1e300, [], {}, "x", True, [[{}]], {"a": {"b": []}}):
        for _ in range(6):
            changed = json.loads(json.dumps(records))
            holder, key = rng.choice(list(places(changed[1:])))
            holder[key] = wrong
            found(written(path, *changed))


@pytest.mark.parametrize("name", ["conversations.jsonl", "logs/team.jsonl", "list.json"])
def test_cut_off_anywhere_it_has_the_steps_before_the_cut(name, tmp_path):
    content, whole = (OPENAI / name).read_bytes(), found(OPENAI / name)
    path = tmp_path / name.rpartition("/")[2]
    for cut in range(len(content) // 3, len(content) - 2, max(29, len(content) // 25)):
        path.write_bytes(content[:cut])
        got = found(path)
        before = [step for step in whole.steps if step.offset + step.length <= cut]
        assert got.steps[: len(before)] == before
        assert len(got.steps) <= len(before) + 1  # a number or a text may end where the file does
        assert got.report.bad_records or content[cut - 1 : cut + 1].count(b"\n")


def test_messages_of_a_log_are_those_of_its_last_prompt_and_answer():
    told = said(OPENAI / "logs" / "team.jsonl")
    assert [(m.role, m.kind, m.step_ordinal) for m in told] == [
        ("system", "text", None), ("user", "text", None), ("user", "text", None), ("assistant", "text", 1),
        *[("assistant", "tool_call", 1)] * 3, *[("tool", "tool_result", None)] * 3, ("assistant", "text", 2),
    ]  # fmt: skip
    assert told[7].name == "delegate"


def test_messages_of_a_log_begin_anew_where_the_prompt_did():
    told = said(OPENAI / "logs" / "rewritten.jsonl")
    anew = [message for message in told if message.note and "anew" in message.note]
    assert [message.role for message in anew] == ["system"] * 4
    assert sorted({message.step_ordinal for message in told if message.step_ordinal}) == [2, 3, 4, 5, 6, 7, 8]


def test_messages_of_a_participant_tell_others_answers_as_theirs():
    path = OPENAI / "conversations.jsonl"
    told = said(path, run_index=1)
    assert [(m.role, m.name, m.step_ordinal) for m in told] == [
        ("user", None, None), ("assistant", "planner", 1), ("agent", "critic", None), ("assistant", "planner", 2),
    ]  # fmt: skip


def test_messages_of_requests_that_hold_what_is_new_follow_each_other():
    told = said(OPENAI / "logs" / "responses.jsonl")
    assert [(m.role, m.kind, m.step_ordinal) for m in told[:6]] == [
        ("system", "text", None), ("user", "text", None), ("assistant", "reasoning", 1), ("assistant", "tool_call", 1),
        ("tool", "tool_result", None), ("assistant", "text", 2),
    ]  # fmt: skip


@pytest.mark.skipif(not INVENTED.exists(), reason="needs the shared traces")
def test_the_invented_files_add_up():
    got = found(INVENTED / "conversations.jsonl")
    assert (len(got.steps), len(got.tool_calls), got.codes()) == (2, 1, [])
    got = found(INVENTED / "flat_messages.jsonl")
    assert [(s.input_tokens, s.cache_read_tokens, s.output_tokens, s.model) for s in got.steps] == [
        (10, 4, 2, "gpt-5-mini")
    ]
