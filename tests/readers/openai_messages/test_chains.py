"""Which requests of a log go on from which, and what agents ask of each other."""

import itertools
import json

import pytest

from explorer.readers import claim, reader_of
from tests.readers.reading import SAMPLES, head, read

LOGS = SAMPLES / "openai-messages" / "logs"
S, T = {"role": "system", "content": "You review modules."}, {"role": "user", "content": "Review the cart module."}
IDS = itertools.count()
LONG = "A sentence that nobody else says, {}."


def user(text):
    return {"role": "user", "content": text}


def said(text=None, **calls):
    asked = [
        {"id": call_id, "type": "function", "function": {"name": "t", "arguments": json.dumps({"task": task})}}
        for call_id, task in calls.items()
    ]
    return {"role": "assistant", "content": text} | ({"tool_calls": asked} if asked else {})


def result(call_id, text):
    return {"role": "tool", "tool_call_id": call_id, "content": text}


def request(prompt, answer=None, **fields):
    response = {"id": f"r{next(IDS)}", "choices": [{"message": answer, "finish_reason": "stop"}]} if answer else None
    return {"request": {"model": "m", "messages": prompt}, "response": response} | fields


def log(path, *records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    assert claim(path, head(path)).NAME == "openai-messages"
    return read(path, "l", reader="openai-messages")


def chains(found):
    """Of each step in the order of the file: the number of its agent, and how sure that is."""
    steps = sorted(found.steps, key=lambda step: step.offset)
    return [(int(step.run_id.split("/")[1].removeprefix("agent-")), step.grade) for step in steps]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "log.jsonl"


def test_prompts_that_hold_the_last_answer_go_on_from_it_however_mixed(path):
    one, two = said(LONG.format(1)), said(LONG.format(2))
    left, right = [S, T, one, user("Left?")], [S, T, two, user("Right?")]
    found = log(
        path, request([S, T], one), request([S, user("Other.")], two), request(left, said("L")),
        request([S, user("Other."), two, user("On?")], said("R")), request([*left, said("L"), user("?")]),
    )  # fmt: skip
    assert chains(found) == [(1, "exact"), (2, "exact"), (1, "derived"), (2, "derived"), (1, "derived")]
    assert right[0] is S
    assert found.codes() == []
    blocks = [sum(count for _, count in stretches) for stretches in found.stretches().values()]
    assert blocks == [2, 2, 4, 4, 6]
    first = {key: found.ids(step)[0] for key, step in enumerate(found.steps)}
    assert set(first.values()) == {0}  # the instructions are one block of all of them


def test_what_was_only_told_about_an_answer_is_not_part_of_it(path):
    told = said(LONG.format(1)) | {"refusal": None, "annotations": [], "reasoning_content": "Hm."}
    sent = {"role": "assistant", "content": [{"type": "text", "text": LONG.format(1), "cache_control": {"type": "e"}}]}
    found = log(path, request([S, T], told), request([S, T, sent, user("On?")]))
    assert chains(found) == [(1, "exact"), (1, "derived")]


def test_the_same_prompt_again_is_a_second_try_only_if_the_first_had_no_answer(path):
    failed = request([S, T], error={"message": "overloaded"})
    found = log(path, failed, request([S, T], said("a")), request([S, T], said("b")))
    assert chains(found) == [(1, "exact"), (1, "derived"), (2, "ambiguous")]
    assert [step.error for step in found.steps] == ["overloaded", None, None]
    assert json.loads(found.steps[2].candidates) == ["l/agent-2/1", "l/agent-1/1"]
    assert found.codes() == ["ambiguous-chain"]


def test_two_that_were_told_and_answered_alike_cannot_be_told_apart(path):
    prompt = [S, T, said(LONG.format(1)), user("On?")]
    found = log(path, request([S, T], prompt[2]), request([S, T], prompt[2]), request(prompt, said("x")),
                request(prompt, said("y")))  # fmt: skip
    assert chains(found) == [(1, "exact"), (2, "ambiguous"), (1, "ambiguous"), (2, "derived")]


def test_of_many_that_began_alike_a_few_are_named(path):
    """All of them with each would be as many as the square of them."""
    first = [user("Are you there?")]
    began = [request(first, said("Yes, what is it?")) for _ in range(50)]
    on = [request([*first, said("Yes, what is it?"), user(f"Task {n}.")], said(f"Done {n}.")) for n in range(50)]
    found = log(path, *began, *on)
    assert len(found.runs) == 50 and [step.ordinal for step in found.steps] == 50 * [1] + 50 * [2]
    named = [len(json.loads(step.candidates)) for step in found.steps[50:99]]
    assert named == [*31 * [20], *range(19, 1, -1)] and found.steps[99].grade == "derived"


def test_a_prompt_that_leaves_another_at_an_earlier_message_is_a_fork(path):
    prompt = [S, T, said(LONG.format(1)), user("On?"), said(LONG.format(2)), user("And?")]
    side = [*prompt[:3], user("Say it in one word.")]
    found = log(path, request(prompt[:2], prompt[2]), request(prompt[:4], prompt[4]), request(side), request(prompt))
    assert chains(found) == [(1, "exact"), (1, "derived"), (2, "derived"), (1, "derived")]
    assert [(edge.kind, edge.from_run_id, edge.to_run_id, edge.grade) for edge in found.edges] == [
        ("fork", "l/agent-1/1", "l/agent-2/1", "derived")
    ]
    assert found.codes() == ["rewritten-history"]


def test_a_common_task_with_different_ends_is_no_fork(path):
    found = log(path, request([S, T, user("Left.")], said("l")), request([S, T, user("Right.")], said("r")))
    assert chains(found) == [(1, "exact"), (2, "exact")]
    assert found.edges == []


def test_a_client_may_change_the_answer_that_it_sends_back(path):
    found = log(path, request([S, T], said(LONG.format(1))), request([S, T, said("Changed."), user("On?")]))
    assert chains(found) == [(1, "exact"), (1, "derived")]
    assert found.codes() == []


def test_answers_behind_another_beginning_are_rewritten_history(path):
    kept = [said(c1="list the files"), result("c1", "cart.py")]
    late = S | {"content": "You review modules. It is 10:01."}
    short = [late, *kept]
    found = log(path, request([S, T, user("One."), user("Two.")], kept[0], usage={"prompt_tokens": 90}),
                request(short, said("x"), usage={"prompt_tokens": 40}))  # fmt: skip
    assert chains(found) == [(1, "exact"), (1, "derived")]
    assert [(e.kind, e.tokens_before, e.tokens_after) for e in found.events] == [("compaction", 90, 40)]
    assert [call.end_ms for call in found.tool_calls] == [None]  # answered, at no recorded time
    assert (found.codes(), found.findings[0].line) == (["rewritten-history"], 2)


def test_a_summary_goes_on_from_the_agent_that_wrote_it(path):
    summary = said("Summary: the cart loses cents when it is summed.")
    long = [S, T, said("one more answer of it"), user("Sum up what you know.")]
    after = [S, user(f"So far:\n{summary['content']}\nGo on.")]
    found = log(path, request(long[:2], long[2]), request(long, summary), request(after))
    assert chains(found) == [(1, "exact"), (1, "derived"), (1, "derived")]
    other = log(path, request(long[:2], long[2]), request(long, summary), request([after[1]]))
    assert chains(other)[2] == (2, "exact")  # other instructions: somebody else, who was told of it


def looping(calls, system=S, task=T, prefix="c"):
    """The requests of an agent that asks for a tool in each, and sends the result with the next."""
    prompt, found = [system, task], []
    for n in range(calls):
        answer = said(**{f"{prefix}{n}": f"look at part {n} of {prefix}"})
        found.append(request(list(prompt), answer))
        prompt += [answer, result(f"{prefix}{n}", "part")]
    return found


CUT = user("Summary of the earlier conversation: x and y are done. Go on.")


def test_an_agent_that_stops_in_the_middle_may_be_the_one_that_begins_with_its_instructions(path):
    before, after = looping(3), looping(2, task=CUT, prefix="d")
    other = looping(3, {"role": "system", "content": "You write."}, prefix="o")
    found = log(path, before[0], other[0], before[1], other[1], before[2], after[0], other[2], after[1])
    assert [number for number, _ in chains(found)] == [1, 2, 1, 2, 1, 3, 2, 3]
    (finding,) = found.findings
    assert (finding.code, finding.severity, finding.line, finding.agent_id) == (
        "rewritten-history", "info", 6, "l/agent-3",
    )  # fmt: skip
    assert "from agent-1 (Review the cart module.) " in finding.message
    assert "on line 5" in finding.message
    assert (found.edges, found.events) == ([], [])


def test_each_cut_of_an_agent_goes_on_from_the_one_before(path):
    again = looping(1, task=user("Summary of it all: z is done as well. Go on."), prefix="e")
    found = log(path, *looping(3), *looping(3, task=CUT, prefix="d"), *again)
    assert [(finding.line, finding.message.split()[5]) for finding in found.findings] == [
        (4, "agent-1"),
        (7, "agent-2"),
    ]


def test_a_request_that_failed_may_have_been_too_long(path):
    prompt = [S, T, said(LONG.format(1)), user("And now?")]
    full = request(prompt, error={"message": "context_length_exceeded"})
    found = log(path, request(prompt[:2], prompt[2]), full, request([S, CUT], said("x")))
    assert (found.codes(), found.findings[0].line) == (["rewritten-history"], 3)
    assert "failed" in found.findings[0].message


def test_of_several_that_stopped_one_may_have_gone_on(path):
    one, two = looping(2), looping(2, task=user("Review the session module."), prefix="d")
    found = log(path, one[0], two[0], one[1], two[1], *looping(1, task=CUT, prefix="e"))
    (finding,) = found.findings
    assert "one of several, such as agent-2 " in finding.message


@pytest.mark.parametrize("case", ["is called later", "hands in", "was done", "other model", "as long", "other session"])
def test_siblings_of_one_definition_are_not_taken_for_each_other(path, case):
    before, after = looping(3), looping(2, task=CUT, prefix="d")
    if case == "is called later":  # two at work at once
        records = [*before[:2], after[0], before[2], after[1]]
    elif case == "hands in":  # a call whose result nobody waits for
        for record in (before[2], after[1]):
            record["response"]["choices"][0]["message"]["tool_calls"][0]["function"]["name"] = "submit"
        records = [*before, *after]
    elif case == "was done":  # though one result in the middle of it was never sent
        before[1]["response"]["choices"][0]["message"]["tool_calls"] += said(lost="look at what is lost")["tool_calls"]
        done = request([*before[2]["request"]["messages"]], said("All of it is done."))
        records = [*before[:2], done, *after]
    elif case == "other model":
        for record in after:
            record["request"]["model"] = "n"
        records = [*before, *after]
    elif case == "as long":  # nothing was cut
        records = [before[0], *after]
    else:
        records = [*before, *(record | {"session_id": "b"} for record in after)]
    found = log(path, *records)
    assert len(found.agents) == 2
    assert found.codes() == []


def test_a_sibling_that_was_asked_for_goes_on_from_nobody(path):
    before = looping(3)
    lead = request([user("Lead.")], said(x="Review the session module, all of it."))
    found = log(path, *before, lead, *looping(1, task=user("Review the session module, all of it."), prefix="d"))
    assert [edge.kind for edge in found.edges] == ["spawn"]
    assert found.codes() == []


def test_the_log_may_begin_in_the_middle(path):
    found = log(path, request([S, T, said("never logged"), user("On?")], said("x")))
    assert found.codes() == ["unlogged-answers"]


def test_examples_that_prompts_have_in_common_are_no_answers_of_anybody(path):
    examples = [S, T, said("An example of an answer."), user("Now the session module.")]
    found = log(path, request(examples, said("x")), request([*examples[:3], user("Now the cart.")], said("y")))
    assert chains(found) == [(1, "exact"), (2, "exact")]
    assert (found.edges, found.codes()) == ([], ["unlogged-answers"])


def test_a_log_of_requests_alone_tells_answers_by_what_follows_them(path):
    prompt = [S, T, said(LONG.format(1)), user("On?"), said(LONG.format(2)), user("And?")]
    asked = [{"model": "m", "messages": each} for each in (prompt[:2], prompt[:4], prompt, [*prompt[:3], user("?")])]
    found = log(path, *asked)
    assert chains(found) == [(1, "exact"), (1, "derived"), (1, "derived"), (2, "derived")]
    assert [edge.kind for edge in found.edges] == ["fork"]
    assert {step.output_tokens for step in found.steps} == {None}


def test_a_line_that_was_logged_twice_counts_once(path):
    usage = {"prompt_tokens": 90, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 40}}
    one = request([S, T], said(LONG.format(1)), usage=usage)
    found = log(path, one, one, request([S, T, said(LONG.format(1)), user("?")]), request([S, T], said("another")))
    assert chains(found) == [(1, "exact"), (1, "derived"), (2, "ambiguous")]
    assert [(u.reason, u.records, u.input_tokens, u.cache_read_tokens, u.output_tokens) for u in found.uncounted] == [
        ("repeated record", 1, 90, 40, 5)
    ]
    assert (found.codes()[0], found.findings[0].line) == ("repeated-record", 2)


def test_a_session_that_the_log_records_is_never_mixed_with_another(path):
    prompt = [S, T, said(LONG.format(1)), user("On?")]
    first = request(prompt[:2], prompt[2])
    found = log(path, first | {"session_id": "a"}, first | {"session_id": "b"}, request(prompt, session_id="b"),
                request(prompt, metadata={"session_id": "a"}))  # fmt: skip
    assert chains(found) == [(1, "exact"), (2, "exact"), (2, "derived"), (1, "derived")]


def test_the_team_of_the_samples_is_a_lead_with_three_reviewers():
    found = read(LOGS / "team.jsonl", "l", reader="openai-messages")
    assert [(run.agent_id, run.parent_run_id, run.spawn_tool_call_id) for run in found.runs] == [
        ("l/agent-1", None, None), *((f"l/agent-{n + 2}", "l/agent-1/1", f"call_d{n}") for n in range(3)),
    ]  # fmt: skip
    assert {agent.version for agent in found.agents[1:]} == {found.agents[1].version}
    assert [agent.label for agent in found.agents[1:]] == [
        f"Review the module {name}.py for errors." for name in ("cart", "session", "coupons")
    ]
    assert [(e.kind, e.to_run_id, e.delivered) for e in found.edges if e.kind == "result"] == [
        ("result", "l/agent-1/1", True)
    ] * 3
    asked = [call.child_run_id for call in found.tool_calls if call.name == "delegate"]
    assert asked == ["l/agent-2/1", "l/agent-3/1", "l/agent-4/1"]
    first = [found.ids(step) for step in found.steps if step.ordinal == 1][1:]
    assert [ids[:3] for ids in first] == [first[0][:3]] * 3  # tool, instructions and briefing
    assert len({ids[3] for ids in first}) == 3


def test_requests_that_name_an_answer_hold_what_came_before_it():
    found = read(LOGS / "responses.jsonl", "l", reader="openai-messages")
    assert chains(found) == [(1, "exact"), (1, "exact"), (1, "exact"), (2, "exact")]
    assert list(found.stretches().values()) == [[(0, 2)], [(0, 4)], [(0, 6)]]
    assert (found.codes(), found.findings[0].step_ordinal) == (["partial-prompt"], 1)
    assert [(s.input_tokens, s.cache_read_tokens, s.reasoning_tokens) for s in found.steps[:2]] == [
        (100, 0, 12), (200, 80, 12),
    ]  # fmt: skip


def test_answers_without_prompts_are_one_agents_for_want_of_knowing():
    found = read(LOGS / "batch_output.jsonl", "l", reader="openai-messages")
    assert [agent.name for agent in found.agents] == ["answers without prompts"]
    assert [(step.grade, step.error) for step in found.steps] == [
        ("not_recorded", None), ("not_recorded", "rate limit"), ("not_recorded", None),
    ]  # fmt: skip


def test_a_hand_off_shows_one_message_of_a_line_and_not_all_of_it():
    path = LOGS / "team.jsonl"
    edges = read(path, "l", reader="openai-messages").edges
    spawn, back = edges[0], next(edge for edge in edges if edge.kind == "result")
    record = reader_of("openai-messages").record
    assert spawn.sent_source_id is None  # it is in the arguments of the call
    assert record(path, spawn.received_offset, spawn.received_length, 99) == b"Review the module cart.py for errors."
    for place in ((back.sent_offset, back.sent_length), (back.received_offset, back.received_length)):
        assert record(path, *place, 99) == b"It sums an empty cart to None."
    assert record(path, back.sent_offset, back.sent_length, 7) == b"It sums"


def test_costs_are_summed_and_what_else_a_line_says_is_kept_with_its_step(path):
    told = {"response_cost": 0.25, "user": "ana", "latency_ms": 12, "tags": ["x"]}
    found = log(path, request([S, T], said(LONG.format(1)), **told), request([S, T, said(LONG.format(1)), user("?")]))
    assert json.loads(found.steps[0].extra) == {"cost_usd": 0.25, "user": "ana", "latency_ms": 12, "messages": 2}
    assert found.runs[0].reported_cost_usd == 0.25
