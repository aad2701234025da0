"""Trajectories of mini-swe-agent: what counts as a call, what its results say, and what damage costs."""

import json
import random

import pytest

from explorer.readers import CallPlace, Place, StepPlace, claim, reader_of
from tests.readers.reading import SAMPLES, SHARED, head, read

BATCH = SAMPLES / "mini-swe-agent" / "batch"
INVENTED = SHARED / "traces" / "invented" / "mini" / "demo__x-1.traj.json"
START = 1_777_885_200
SYSTEM, TASK = {"role": "system", "content": "S"}, {"role": "user", "content": "T"}


def usage(sent, cached, received):
    return {
        "prompt_tokens": sent, "completion_tokens": received, "total_tokens": sent + received,
        "prompt_tokens_details": {"cached_tokens": cached},
    }  # fmt: skip


def answer(number, at, used=None, **extra):
    call = {"id": f"c{number}", "type": "function", "function": {"name": "bash", "arguments": '{"command": "ls"}'}}
    response = {"model": "m-1", "usage": used, "choices": [{"finish_reason": "tool_calls"}]}
    actions = [{"command": "ls", "tool_call_id": f"c{number}"}]
    billed = {"actions": actions, "response": response, "cost": 0.5, "timestamp": START + at}
    return {"role": "assistant", "content": "", "tool_calls": [call], "extra": billed | extra}


def result(number, at, code=0, **extra):
    told = {"returncode": code, "timestamp": START + at, "exception_info": None} | extra
    return {"role": "tool", "tool_call_id": f"c{number}", "content": "r", "extra": told}


def trajectory(path, *messages, status="Submitted", stats=(0.0, 0), **root):
    info = {
        "model_stats": {"instance_cost": stats[0], "api_calls": stats[1]}, "exit_status": status,
        "config": {"model": {"model_name": "x/m-1"}}, "mini_version": "2.1",
    }  # fmt: skip
    whole = {"info": info, "messages": list(messages), "trajectory_format": "mini-swe-agent-1.1"}
    path.write_text(json.dumps(whole | root, indent=1))
    return found(path)


def found(path):
    assert claim(path, head(path)).NAME == "mini-swe-agent"
    return read(path, "t", reader="mini-swe-agent")


def test_dollars_without_a_fraction_are_stored_as_all_others(tmp_path):
    got = trajectory(tmp_path / "t.traj.json", SYSTEM, TASK, answer(1, 1.0, cost=1), stats=(1, 1))
    assert [type(run.reported_cost_usd) for run in got.runs] == [float]


def test_a_call_ends_with_its_message_and_began_with_the_one_before(tmp_path):
    got = trajectory(
        tmp_path / "t.traj.json", SYSTEM, TASK, answer(1, 100.0, usage(1000, 0, 50)), result(1, 103.5),
        answer(2, 110.0, usage(1100, 1000, 30)), stats=(1.0, 2),
    )  # fmt: skip
    assert [(s.start_ms, s.end_ms) for s in got.steps] == [(0, 0), (3500, 10_000)]
    assert [(s.input_tokens, s.cache_read_tokens, s.output_tokens) for s in got.steps] == [
        (1000, 0, 50), (1100, 1000, 30),
    ]  # fmt: skip
    assert [(c.tool_call_id, c.start_ms, c.end_ms, c.is_error) for c in got.tool_calls] == [
        ("c1", 0, 3500, False), ("c2", 10_000, None, None),
    ]  # fmt: skip
    assert list(got.stretches().values()) == [[(0, 2)], [(0, 4)]]
    (run,) = got.runs
    assert (run.status, run.reported_steps, run.reported_cost_usd, run.model) == ("completed", 2, 1.0, "m-1")
    assert got.codes() == []


def test_an_answer_whose_format_is_refused_was_billed(tmp_path):
    refused = {
        "role": "user", "content": "no action",
        "extra": {"interrupt_type": "FormatError", "response": {"usage": usage(900, 0, 9)}, "cost": 0.25},
    }  # fmt: skip
    bare = {"role": "user", "content": "no action", "extra": {"interrupt_type": "FormatError", "model_response": "?"}}
    lost = {"role": "user", "content": "no action", "extra": {"interrupt_type": "FormatError"}}
    got = trajectory(tmp_path / "t.traj.json", SYSTEM, TASK, refused, bare, lost, answer(1, 5.0), stats=(0.75, 4))
    assert [(s.error, s.input_tokens, s.output_tokens) for s in got.steps] == [
        ("FormatError", 900, 9), ("FormatError", None, None), (None, None, None),
    ]  # fmt: skip
    assert list(got.stretches().values()) == [[(0, 2)], [(0, 3)], [(0, 5)]]
    assert (got.runs[0].reported_steps, got.codes()) == (4, [])  # a rule of the store compares


def test_an_interrupt_by_the_user_is_no_call(tmp_path):
    stop = {"role": "user", "content": "wait", "extra": {"interrupt_type": "UserInterruption"}}
    got = trajectory(tmp_path / "t.traj.json", SYSTEM, TASK, answer(1, 5.0), stop, stats=(0.5, 1), status="")
    assert len(got.steps) == 1
    assert [(e.kind, e.trigger, e.detail) for e in got.events] == [("interrupt", "UserInterruption", "wait")]
    assert got.runs[0].status == "running"


@pytest.mark.parametrize(
    ("extra", "is_error"),
    [({"returncode": 1}, True), ({"returncode": 0}, False), ({"exception_info": "late"}, True), ({}, None)],
)
def test_a_command_failed_if_its_code_or_an_exception_says_so(extra, is_error, tmp_path):
    told = {"role": "tool", "tool_call_id": "c1", "content": "", "extra": extra}
    got = trajectory(tmp_path / "t.traj.json", answer(1, 5.0), told, stats=(0.5, 1))
    assert [call.is_error for call in got.tool_calls] == [is_error]


def test_commands_without_ids_are_answered_in_their_order(tmp_path):
    asked = answer(1, 1.0, actions=[{"command": "a"}, {"command": "b"}])
    told = [
        {"role": "user", "content": "", "extra": {"returncode": code, "timestamp": START + 2.0 + code}}
        for code in (0, 1)
    ]
    own = {"role": "user", "content": "", "extra": {"returncode": 0}}
    got = trajectory(tmp_path / "t.traj.json", asked, *told, own, stats=(0.5, 1))
    assert [(c.ordinal, c.end_ms, c.is_error, c.grade) for c in got.tool_calls] == [
        (1, 1000, False, "derived"), (2, 2000, True, "derived"),
    ]  # fmt: skip
    assert got.codes() == []


def test_usage_that_counts_what_caches_held_apart_is_added_up(tmp_path):
    apart = {"prompt_tokens": 20, "completion_tokens": 5, "cache_creation_input_tokens": 300}
    within = apart | {"prompt_tokens": 1000, "cache_read_input_tokens": 600}
    got = trajectory(tmp_path / "t.traj.json", answer(1, 1.0, apart), answer(2, 2.0, within), stats=(1.0, 2))
    assert [(s.input_tokens, s.cache_read_tokens, s.cache_write_tokens, s.tokens_grade) for s in got.steps] == [
        (320, None, 300, "derived"), (1000, 600, 300, "exact"),
    ]  # fmt: skip


def test_wrong_types_in_every_field_cost_that_field(tmp_path):
    whole = json.loads((BATCH / "shop__cart-8" / "shop__cart-8.traj.json").read_bytes())
    whole["messages"] += [None, 7, [], "text", {}, {"role": 5}, {"role": "assistant", "extra": []}]
    rng, calls = random.Random("types"), set()
    for wrong in (None, -1, 1e300, [], {}, "x", True, [[{}]], {"a": {"b": []}}):
        for _ in range(12):
            changed = json.loads(json.dumps(whole))
            holder, key = rng.choice(list(places(changed["messages"])))
            holder[key] = wrong
            path = tmp_path / "t.traj.json"
            path.write_text(json.dumps(changed))
            calls.add(len(found(path).steps))
    assert calls <= {4, 5, 6}  # a message whose role or answer is lost is no call


def places(value):
    """Every field in a value, at any depth."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield value, key
        if isinstance(inner, dict | list):
            yield from places(inner)


def test_cut_off_anywhere_it_has_the_calls_before_the_cut(tmp_path):
    content = (BATCH / "shop__cart-7" / "shop__cart-7.traj.json").read_bytes()
    whole, path = read(BATCH / "shop__cart-7" / "shop__cart-7.traj.json", "t", reader="mini-swe-agent"), tmp_path / "t"
    for cut in range(1200, len(content) - 1, 397):
        path.write_bytes(content[:cut])
        got = found(path)
        assert got.steps == [step for step in whole.steps if step.offset + step.length <= cut]
        assert "truncated-record" in got.codes()
        assert "total-mismatch" not in got.codes()  # the costs of what is missing


def test_damage_in_one_message_costs_that_message(tmp_path):
    content = (BATCH / "shop__cart-7" / "shop__cart-7.traj.json").read_bytes()
    path = tmp_path / "t.traj.json"
    path.write_bytes(content.replace(b'"content": "Now the file."', b'"content": "Now the \n', 1))
    got = found(path)
    assert [step.input_tokens for step in got.steps] == [166, 337, 422]
    assert "bad-record" in got.codes()


def test_instances_of_a_batch_are_grouped_by_its_directory():
    path = BATCH / "shop__cart-9" / "shop__cart-9.traj.json"
    for source_id, group in (("runs/batch/shop__cart-9/shop__cart-9.traj.json", "batch"), (path.name, None)):
        got = read(path, source_id, reader="mini-swe-agent")
        assert (got.conversation.group_name, got.conversation.title) == (group, "shop__cart-9")


@pytest.mark.parametrize("name", ["preds.json", "exit_statuses_1777885200.25.yaml", "minisweagent.log"])
def test_what_a_batch_leaves_beside_its_trajectories_is_skipped_with_a_reason(name):
    got = found(BATCH / name)
    assert got.rows == []
    assert "batch of mini-swe-agent" in got.report.aside


def said(path, until=None):
    got = read(path, path.name, reader="mini-swe-agent")
    (run,) = got.runs
    steps = [StepPlace(s.ordinal, s.source_id, s.offset, s.length, False, s.extra) for s in got.steps]
    calls = [CallPlace(c.step_ordinal, c.tool_call_id, c.name, c.is_error) for c in got.tool_calls]
    place = Place(run.conversation_id, run.agent_id, run.run_id, None, steps, until, run.extra, calls)
    return list(reader_of("mini-swe-agent").messages({path.name: path}, place))


def test_messages_tell_refused_answers_before_the_complaint():
    told = said(BATCH / "shop__cart-8" / "shop__cart-8.traj.json")
    assert [(m.role, m.kind, m.step_ordinal) for m in told[:6]] == [
        ("system", "text", None), ("user", "text", None), ("assistant", "text", 1), ("user", "text", None),
        ("assistant", "tool_call", 2), ("tool", "tool_result", None),
    ]  # fmt: skip
    assert told[2].text == "I think that it is the session."
    assert "not shown this again" in told[2].note
    assert told[5].is_error
    assert told[5].name == "bash"


def test_messages_of_the_responses_api_are_told_item_by_item():
    told = said(BATCH / "shop__cart-9" / "shop__cart-9.traj.json")
    assert [(m.role, m.kind, m.step_ordinal) for m in told[2:5]] == [
        ("assistant", "reasoning", 1), ("assistant", "tool_call", 1), ("tool", "tool_result", None),
    ]  # fmt: skip
    assert told[3].text == '{"command": "ls"}'


@pytest.mark.skipif(not INVENTED.exists(), reason="needs the shared traces")
def test_the_invented_file_adds_up():
    got = found(INVENTED)
    assert [(s.input_tokens, s.cache_read_tokens, s.output_tokens, s.reasoning_tokens) for s in got.steps] == [
        (1000, 0, 50, 20), (1100, 1000, 30, 0),
    ]  # fmt: skip
    assert got.codes() == []
