"""Whose a call is: by hand where it matters, and against the truth of processes played at random."""

import json
from collections import Counter, defaultdict

import pytest

from tests.readers.graff.by_hand import HERE, TRACE, api, began, child, closed, opened, process, tool, turn
from tests.readers.graff.simulated import owners, played, reading_of


def who(reading):
    """Run and grade of every step, the runs without what is before them."""
    return [(step.run_id.removeprefix(f"{HERE}/"), step.grade) for step in reading.steps]


def tools_of(reading):
    return [(call.run_id.removeprefix(f"{HERE}/"), call.name, call.grade) for call in reading.tool_calls]


PAIR = [opened(1, 50), child(2, 500, 300), child(3, 600, 300)]


def test_a_call_in_the_window_of_one_child_is_its_own(tmp_path):
    found = process(tmp_path, trajectories=PAIR, traces=[api(250, 40, "look"), api(590, 60, "look")])
    assert who(found) == [("subagent-2/1", "derived"), ("subagent-3/1", "derived")]
    assert [step.candidates for step in found.steps] == [None, None]


def test_a_call_in_the_windows_of_several_children_of_a_label_names_them_all(tmp_path):
    found = process(tmp_path, trajectories=PAIR, traces=[api(450, 40, "look")])
    (step,) = found.steps
    assert step.grade == "ambiguous"
    assert json.loads(step.candidates) == [f"{HERE}/subagent-2/1", f"{HERE}/subagent-3/1"]
    assert step.run_id == json.loads(step.candidates)[0]
    assert found.ids(step) == [0], "both have the same system prompt"


def test_of_several_children_one_that_waits_for_an_answer_sends_nothing(tmp_path):
    """Two calls at once are two children's; which is whose stays open."""
    found = process(tmp_path, trajectories=PAIR, traces=[api(450, 100, "look"), api(460, 100, "look")])
    assert sorted(who(found)) == [("subagent-2/1", "ambiguous"), ("subagent-3/1", "ambiguous")]


@pytest.mark.parametrize(
    ("first", "second", "grade"),
    [
        ({"label": "a"}, {"label": "look"}, "derived"),
        ({"model": "x"}, {"model": "s"}, "derived"),
        ({}, {}, "ambiguous"),
    ],
)
def test_labels_and_models_tell_children_apart(tmp_path, first, second, grade):
    nodes = [opened(1, 50), child(2, 500, 300, **first), child(3, 520, 300, **second)]
    (step,) = process(tmp_path, trajectories=nodes, traces=[api(450, 40, "look")]).steps
    assert step.grade == grade
    assert grade == "ambiguous" or step.run_id == f"{HERE}/subagent-3/1"


def test_a_child_called_main_is_not_taken_for_the_root(tmp_path):
    nodes, stream = [opened(1, 50), child(2, 500, 300, label="main", model="m")], [began(), turn(1, 1, 2, 1000.05)]
    (step,) = process(tmp_path, trajectories=nodes, behavior=stream, traces=[api(450, 40)]).steps
    assert json.loads(step.candidates) == [f"{HERE}/main/1", f"{HERE}/subagent-2/1"]
    first = tool(430, 20) | {"ev": "first_token", "agent": "main", "model": "m"}
    for sub, run in ((True, "subagent-2/1"), (False, "main/1")):
        trace = [first | {"from_sub": sub}, api(450, 40)]
        (step,) = process(tmp_path, trajectories=nodes, behavior=stream, traces=trace).steps
        assert (step.run_id, step.grade) == (f"{HERE}/{run}", "derived" if sub else "exact")
        assert '"first_token_ms":20' in step.extra


def test_a_tool_call_is_not_of_a_child_that_waits_for_an_answer(tmp_path):
    nodes = [opened(1, 50), child(2, 500, 300, label="a"), child(3, 520, 300, label="b")]
    found = process(
        tmp_path, trajectories=nodes, traces=[api(300, 80, "b"), tool(330, 30, sub=True), api(420, 180, "a")]
    )
    assert tools_of(found) == [("subagent-3/1", "bash", "derived")]
    assert found.tool_calls[0].step_ordinal == 1


def test_a_tool_call_is_of_a_child_that_lists_it_and_has_it_left(tmp_path):
    nodes = [opened(1, 50), child(2, 500, 300, tools="bash,grep!"), child(3, 520, 300, tools="bash,grep")]
    calls = [tool(300, 9, "grep", sub=True, is_error=True), tool(350, 9, "grep", sub=True), tool(400, 9, sub=True)]
    found = process(tmp_path, trajectories=nodes, traces=[*calls, tool(450, 9, "read", sub=True)])
    assert sorted(tools_of(found)) == [
        ("subagent-2/1", "bash", "ambiguous"),
        ("subagent-2/1", "grep", "derived"),
        ("subagent-2/1", "read", "ambiguous"),
        ("subagent-3/1", "grep", "derived"),
    ]


def test_calls_of_a_child_that_never_ended_are_put_together_by_label(tmp_path):
    trace = [api(300, 80, "scan"), tool(330, 30, sub=True), api(400, 30, "scan"), api(450, 30, "other")]
    found = process(tmp_path, trajectories=[opened(1, 50)], traces=trace)
    assert who(found) == [("unrecorded-scan/1", "derived")] * 2 + [("unrecorded-other/1", "derived")]
    runs = {run.run_id: run for run in found.runs}
    scan = runs[f"{HERE}/unrecorded-scan/1"]
    assert (scan.status, scan.grade, scan.start_ms, scan.end_ms) == ("running", "ambiguous", 220, None)
    assert scan.parent_run_id == f"{HERE}/main/1"
    assert found.codes() == ["missing-end", "missing-end"]
    assert {finding.source_id for finding in found.findings} == {TRACE}


def test_a_tool_call_of_which_nobody_says_whose_it_is_may_be_a_childs(tmp_path):
    nodes = [opened(1, 50), child(2, 500, 300, tools="grep"), closed(1, 600, 550)]
    calls = [tool(300, 9, sub=None), tool(320, 9, "grep", sub=None)]
    assert tools_of(process(tmp_path, trajectories=nodes, traces=calls)) == [
        ("main/1", "bash", "derived"),
        ("main/1", "grep", "ambiguous"),
    ]


# --- against the truth -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("streams", [("trajectories", "behavior", "traces"), ("trajectories", "traces")])
def test_what_is_not_ambiguous_is_right_and_what_is_names_the_right_run(streams, full, tmp_path):
    counted = Counter()
    for seed in range(25):
        played_out = played(seed, full=full)
        found = reading_of(played_out, tmp_path, streams=streams)
        truth = defaultdict(set)
        for (event, at, ms, name, _), whose in played_out.truth.items():
            truth[event, at, ms, name].add(whose)
        whose = owners(found)
        assert len(found.steps) + len(found.tool_calls) == len(played_out.truth)
        for step in found.steps:
            right = truth["api", step.end_ms, step.end_ms - step.start_ms, json.loads(step.extra)["agent"]]
            fitting = json.loads(step.candidates) if step.candidates else [step.run_id]
            assert any(whose[run_id] in right for run_id in fitting), (seed, step)
            assert (len(fitting) > 1) == (step.grade == "ambiguous")
            counted[step.grade] += 1
        for call in found.tool_calls:
            right = truth["tool", call.end_ms, call.end_ms - call.start_ms, call.name]
            assert call.grade == "ambiguous" or whose[call.run_id] in right, (seed, call)
    assert counted["derived"] > counted["ambiguous"] > 0
    assert bool(counted["exact"]) == ("behavior" in streams)


def test_every_child_hangs_below_the_turn_that_began_it(tmp_path):
    late = 0
    for seed in range(25):
        played_out = played(seed)
        found = reading_of(played_out, tmp_path)
        ordinals = {run.run_id: run.ordinal for run in found.runs if run.parent_run_id is None}
        for run in found.runs:
            if run.parent_run_id:
                assert ordinals[run.parent_run_id] == played_out.turn_at(run.start_ms), (seed, run)
        late += found.codes().count("late-parent")
    assert late
