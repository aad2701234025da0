"""What a trajectory tells, by hand, over the samples and small ones made here."""

import json

import pytest

from explorer.readers import Place, StepPlace, messages, reader_of
from tests.readers.reading import SAMPLES, SHARED, read

ATIF = SAMPLES / "atif"
INVENTED = SHARED / "traces" / "invented" / "atif" / "trajectory.json"


def call(number=1, **fields):
    """A step of an agent; what is given as ``...`` is left out."""
    usual = {
        "step_id": number, "timestamp": f"2026-05-04T09:00:{number:02}Z", "source": "agent", "message": f"m{number}",
        "metrics": {"prompt_tokens": 100 * number, "cached_tokens": 10, "completion_tokens": number},
    }  # fmt: skip
    return {key: value for key, value in (usual | fields).items() if value is not ...}


def trajectory(*steps, **fields):
    return {"schema_version": "ATIF-v1.7", "agent": {"name": "lead", "version": "1"}, "steps": [*steps]} | fields


def written(directory, found, name="trajectory.json"):
    path = directory / name
    path.write_text(json.dumps(found, indent=1), "utf-8")
    return path


def reading(directory, *steps, **fields):
    return read(written(directory, trajectory(*steps, **fields)), reader="atif")


def said(path, run, found):
    """What was said in a run."""
    steps = [
        StepPlace(step.ordinal, step.source_id, step.offset, step.length, step.is_replay, step.extra)
        for step in found.steps
        if step.run_id == run.run_id
    ]
    place = Place(run.conversation_id, run.agent_id, run.run_id, run.native_run_id, steps, None, run.extra)
    return [(m.role, m.kind, m.text, m.step_ordinal) for m in messages(reader_of("atif"), {path.name: path}, place)]


# --- the samples -----------------------------------------------------------------------------------------------------


def test_sub_agents_inside_and_sums_that_include_them():
    found = read(ATIF / "delegation" / "trajectory.json", reader="atif")
    lead, *readers = found.runs
    assert [run.agent_id for run in found.runs] == [f"trajectory.json/{n}" for n in ("lead-1", "reader-1", "reader-2")]
    assert [(run.parent_run_id, run.spawn_tool_call_id) for run in readers] == [
        (lead.run_id, "d1"),
        (lead.run_id, "d2"),
    ]
    assert [run.status for run in found.runs] == ["unknown", "completed", "completed"]
    assert (lead.reported_scope, lead.reported_input_tokens, lead.reported_output_tokens) == ("total", 30426, 432)
    own = [step for step in found.steps if step.run_id == lead.run_id]
    assert [(s.input_tokens, s.cache_read_tokens, s.cache_write_tokens, s.output_tokens) for s in own] == [
        (9006, 0, 9000, 160), (9420, 9000, 400, 60), (1900, 0, 1800, 52),
    ]  # fmt: skip
    assert [(step.start_ms, step.end_ms) for step in own] == [(6000, None), (20000, None), (26000, None)]
    assert [(event.kind, event.at_ms, event.trigger) for event in found.events] == [
        ("compaction", 22000, "compaction, replace")
    ]
    assert [c.is_error for c in found.tool_calls if c.run_id == lead.run_id] == [None, None, True]
    assert sorted((edge.kind, edge.tool_call_id) for edge in found.edges) == [
        ("result", "d1"), ("result", "d2"), ("spawn", "d1"), ("spawn", "d2"),
    ]  # fmt: skip
    assert not found.findings


def test_siblings_share_the_tools_of_their_prompts_and_a_compaction_begins_anew():
    found = read(ATIF / "delegation" / "trajectory.json", reader="atif")
    lead, first, second = (found.ids(next(s for s in found.steps if s.run_id == run.run_id)) for run in found.runs)
    assert lead[0] == first[0] == second[0]  # the tools
    assert len({lead[1], first[1], second[1]}) == 3
    before, after = (found.ids(step) for step in found.steps[1:3])
    assert len(before) == 3 + 4 + 2  # tools, system, user; the answer with its reasoning and calls; two results
    assert after[0] == before[0] and not set(after[1:]) & set(before)


def test_a_continuation_is_a_run_of_the_same_agent_and_what_it_copies_is_replayed():
    files = [
        ATIF / "continued" / name for name in ("trajectory.json", "trajectory.cont-1.json", "trajectory.summary-1.json")
    ]
    for first in (files, files[::-1]):
        found = read(first[0], parts=first[1:], reader="atif")
        assert found.conversation.source_id == "trajectory.json"
        one, two, summary = found.runs
        assert (one.agent_id, two.ordinal, summary.parent_run_id) == (two.agent_id, 2, one.run_id)
        assert [agent.helper for agent in found.agents] == [None, "compaction"]
        assert [(step.is_replay, step.input_tokens) for step in found.steps if step.run_id == two.run_id] == [
            (True, 3000), (False, 1200),
        ]  # fmt: skip
        assert [(edge.kind, edge.to_run_id) for edge in found.edges] == [
            ("resume", two.run_id), ("spawn", summary.run_id), ("result", one.run_id),
        ]  # fmt: skip
        assert found.codes() == ["replayed-history"]


def test_files_that_name_each_other_are_read_together():
    reader = reader_of("atif")
    files = [
        ATIF / "continued" / name for name in ("trajectory.json", "trajectory.cont-1.json", "trajectory.summary-1.json")
    ]
    ids = [set(reader.links(path, path.read_bytes())) for path in files]
    assert ids[0] & ids[1] and ids[0] & ids[2]
    other = ATIF / "delegation" / "trajectory.json"
    assert not set(reader.links(other, other.read_bytes())) & set().union(*ids)


def test_inlined_steps_are_those_of_agents_of_their_own():
    found = read(ATIF / "odd" / "inlined.json", reader="atif")
    main, one, two = found.runs
    assert [(run.parent_run_id, run.native_run_id) for run in (one, two)] == [
        (main.run_id, "a1f0"),
        (main.run_id, "b2e1"),
    ]
    assert [agent.parent_grade for agent in found.agents] == ["exact", "derived", "derived"]
    assert [sum(step.run_id == run.run_id for step in found.steps) for run in found.runs] == [5, 1, 1]
    assert found.steps[1].tokens_grade == "ambiguous"
    assert main.reported_steps == 7  # one of its five stands for three
    assert set(found.codes()) == {"bad-field", "seq-gap", "unpaired-result", "total-mismatch", "missing-transcript"}


@pytest.mark.skipif(not INVENTED.exists(), reason="the invented traces are not here")
def test_the_invented_trajectory_adds_up():
    found = read(INVENTED, reader="atif")
    figures = [
        (s.input_tokens, s.cache_read_tokens or 0, s.cache_write_tokens or 0, s.output_tokens) for s in found.steps
    ]
    assert [sum(column) for column in zip(*figures, strict=True)] == [20_000, 10_200, 9_000, 310]
    assert sum(step.reasoning_tokens or 0 for step in found.steps) == 30
    assert len(found.runs) == 2 and [event.kind for event in found.events] == ["compaction"]
    assert found.runs[0].reported_scope == "total" and not found.findings


# --- what the sums are over ------------------------------------------------------------------------------------------

CHILD = trajectory(call(1, metrics={"prompt_tokens": 20, "completion_tokens": 5}), trajectory_id="c")
NAMES_IT = {"results": [{"source_call_id": "k", "content": "x", "subagent_trajectory_ref": [{"trajectory_id": "c"}]}]}


@pytest.mark.parametrize(
    ("total", "scope", "note"),
    [
        ((100, 1), "own", "this trajectory alone"),
        ((120, 6), "total", "include the sub-agents"),
        ((120, 1), "own", "nor, with sub-agents, 120 in and 6 out"),
        ((100, None), "own", "this trajectory alone"),
    ],
)
def test_what_a_sum_is_over_is_what_it_is_equal_to(tmp_path, total, scope, note):
    step = call(1, tool_calls=[{"tool_call_id": "k", "function_name": "d", "arguments": {}}], observation=NAMES_IT)
    final = {"total_prompt_tokens": total[0], "total_completion_tokens": total[1]}
    run = reading(tmp_path, step, final_metrics=final, subagent_trajectories=[CHILD]).runs[0]
    assert (run.reported_scope, run.reported_input_tokens, run.reported_output_tokens) == (scope, *total)
    assert note in run.reported_note


def test_steps_without_usage_have_none_and_no_class_is_guessed(tmp_path):
    found = reading(tmp_path, call(1), call(2, metrics=...), final_metrics={"total_prompt_tokens": 900})
    assert [step.input_tokens for step in found.steps] == [100, None]
    assert "cannot be told" in found.runs[0].reported_note


# --- steps -----------------------------------------------------------------------------------------------------------


def test_a_dispatch_without_a_model_is_no_step_and_its_calls_are_calls(tmp_path):
    found = reading(
        tmp_path, call(1), call(2, llm_call_count=0, tool_calls=[{"tool_call_id": "k", "function_name": "d"}])
    )
    assert len(found.steps) == 1
    assert [(each.tool_call_id, each.step_ordinal) for each in found.tool_calls] == [("k", None)]


def test_without_times_there_are_none(tmp_path):
    found = reading(tmp_path, call(1, timestamp=...), call(2, timestamp="soon"))
    assert {step.start_ms for step in found.steps} == {None}
    assert (found.runs[0].time_grade, found.conversation.started_at) == ("not_recorded", None)
    assert found.codes() == ["bad-field"]


def test_a_copy_that_says_nothing_of_it_is_known_by_what_it_goes_on_from(tmp_path):
    first = written(tmp_path, trajectory(call(1), continued_trajectory_ref="later.json"))
    later = written(tmp_path, trajectory(call(1), call(2)), "later.json")
    found = read(first, parts=[later], reader="atif")
    assert [step.is_replay for step in found.steps] == [False, True, False]


def test_a_file_of_another_run_that_has_the_same_session_stays_apart(tmp_path):
    one = written(tmp_path, trajectory(call(1), session_id="NORMALIZED"))
    other = written(tmp_path, trajectory(call(1), session_id="NORMALIZED"), "other.json")
    found = read(one, parts=[other], reader="atif")
    assert [c.conversation_id for c in found.conversations] == ["trajectory.json", "other.json"]


def test_trajectories_that_name_each_other_in_a_circle_are_all_there(tmp_path):
    refers = {"results": [{"content": "x", "subagent_trajectory_ref": [{"trajectory_path": "b.json"}]}]}
    back = {"results": [{"content": "x", "subagent_trajectory_ref": [{"trajectory_path": "a.json"}]}]}
    one = written(tmp_path, trajectory(call(1, observation=refers), continued_trajectory_ref="a.json"), "a.json")
    other = written(tmp_path, trajectory(call(1, observation=back)), "b.json")
    found = read(one, parts=[other], reader="atif")
    assert len(found.runs) == len(found.steps) == 2 and len(found.conversations) == 1


# --- messages --------------------------------------------------------------------------------------------------------


def test_messages_are_those_of_the_run_with_its_steps_and_images(tmp_path):
    image = {"type": "image", "source": {"media_type": "image/png", "path": "images/1.png"}}
    path = written(tmp_path, trajectory(
        {"step_id": 1, "source": "user", "message": [{"type": "text", "text": "see"}, image]},
        call(2, reasoning_content="hm", tool_calls=[{"tool_call_id": "k", "function_name": "f", "arguments": {"a": 1}}],
             observation={"results": [{"source_call_id": "k", "content": "r"}]}),
        {"step_id": 3, "source": "user", "message": "side", "extra": {"is_sidechain": True}},
    ))  # fmt: skip
    found = read(path, reader="atif")
    assert said(path, found.runs[0], found) == [
        ("user", "text", "see", None),
        ("user", "image", "", None),
        ("assistant", "reasoning", "hm", 1),
        ("assistant", "text", "m2", 1),
        ("assistant", "tool_call", '{"a":1}', 1),
        ("tool", "tool_result", "r", None),
    ]
    assert said(path, found.runs[1], found) == [("user", "text", "side", None)]


# --- trials ----------------------------------------------------------------------------------------------------------

TRIAL = ATIF / "trial" / "sort-orders__a1b2c3"


def test_the_result_of_a_trial_says_what_its_trajectory_was_worth():
    files = [TRIAL / "agent" / "trajectory.json", TRIAL / "result.json"]
    reader = reader_of("atif")
    assert set(reader.links(files[0], files[0].read_bytes())) & set(reader.links(files[1], files[1].read_bytes()))
    for first in (files, files[::-1]):
        found = read(first[0], parts=first[1:], reader="atif")
        assert (found.conversation.title, found.conversation.group_name) == ("sort-orders__a1b2c3", "shop/sort-orders")
        assert [(run.status, run.reward) for run in found.runs] == [("completed", 1.0)]
        assert not found.findings
    assert not read(files[1], reader="atif").rows


@pytest.mark.parametrize(
    ("result", "reward", "status", "detail"),
    [
        ({"verifier_result": {"rewards": {"reward": 0, "style": 1}}}, 0.0, "completed", None),
        ({"verifier_result": {"rewards": {"a": 1, "b": 1}}}, None, "completed", None),
        ({"verifier_result": {"rewards": {"only": 0.5}}}, 0.5, "completed", None),
        ({"verifier_result": None, "exception_info": {"exception_type": "Timeout"}}, None, "failed", "Timeout"),
        ({"verifier_result": {"rewards": {"reward": [1]}}, "exception_info": {}}, None, "failed", "an exception"),
    ],
)
def test_what_is_made_of_a_trials_result(tmp_path, result, reward, status, detail):
    (tmp_path / "agent").mkdir()
    path = written(tmp_path / "agent", trajectory(call(1)))
    other = written(tmp_path, {"task_name": "t", "trial_name": "n"} | result, "result.json")
    (run,) = read(path, parts=[other], reader="atif").runs
    assert (run.reward, run.status, run.status_detail) == (reward, status, detail)


def test_agents_that_are_called_alike_have_keys_of_their_own(tmp_path):
    children = [trajectory(call(1), agent={"name": name}) for name in ("a", "a", "a~2", "a")]
    found = reading(tmp_path, call(1), subagent_trajectories=children)
    assert [run.agent_id.rpartition("/")[2] for run in found.runs] == ["lead", "a", "a~2", "a~2~2", "a~3"]


def test_prompts_of_inlined_agents_that_take_turns_are_a_few_stretches_each(tmp_path):
    """Numbered as they come, each would be one for every turn."""
    turns = 25
    steps = [
        call(n + 1, message=f"m{n}", extra={"is_sidechain": True, "agent_id": "ab"[n % 2]}) for n in range(2 * turns)
    ]
    path = tmp_path / "t.json"
    path.write_text(json.dumps(trajectory(*steps)))
    stretches = read(path, reader="atif").stretches()
    assert sorted(sum(count for _, count in each) for each in stretches.values()) == [
        n for n in range(1, turns) for _ in "ab"
    ]
    assert max(map(len, stretches.values())) <= 4
