"""What times mean is settled over a corpus, from what its sub-agents say. All values were worked out by hand."""

import pytest

from explorer.readers.weka import settle
from tests.readers.reading import request, sub_agent, trace
from tests.readers.weka.conftest import ABSOLUTE_START, RELATIVE_END

RELATIVE_START = {"basis": "relative", "stamp": "start"}
ABSOLUTE_END = {"basis": "absolute", "stamp": "end"}


def conversation(inner, t, **fields):
    """A call from 0 to 2 s, a sub-agent of 40 s that the parent waits for, a call behind it."""
    calls = [request(t=time, api_time=1.0) for time in inner]
    entry = sub_agent(*calls, t=t, duration_ms=40_000, **fields)
    return trace(request(t=0.0, api_time=2.0), entry, request(t=50.0))


# The same run, from 3 to 43 s with calls at 3 and 20 s, as four builders would write it.
KV = conversation([0.0, 17.0], 43.0)
HF = conversation([3.0, 20.0], 3.0)
KV_AT_START = conversation([0.0, 17.0], 3.0)
HF_AT_END = conversation([3.0, 20.0], 43.0)


@pytest.mark.parametrize(
    ("recorded", "facts"),
    [(KV, RELATIVE_END), (HF, ABSOLUTE_START), (KV_AT_START, RELATIVE_START), (HF_AT_END, ABSOLUTE_END)],
)
def test_each_way_of_writing_times_is_told_from_one_sub_agent(reading, recorded, facts):
    found = reading(recorded)
    assert found.report.assumed == facts
    assert settle(found.report.votes) == facts
    run = found.run("agent_001")
    assert (run.start_ms, run.end_ms) == (3_000, 43_000)
    assert [step.start_ms for step in found.steps_of("agent_001")] == [3_000, 20_000]


def test_a_repaired_time_is_shown_beside_the_recorded_one(reading):
    found = reading(KV)
    run = found.run("agent_001")
    assert run.time_grade == "derived"
    assert run.reported_duration_ms == 40_000
    (note,) = found.events
    assert (note.kind, note.trigger, note.at_ms) == ("note", "repaired-time", 43_000)
    assert note.detail == "recorded t = 43.000 s is the end; start = t - duration = 3.000 s"
    (finding,) = found.findings
    assert (finding.code, finding.severity, finding.run_id) == ("repaired-time", "info", "s/agent_001/1")
    assert finding.message == note.detail
    spawn, result = found.edges
    assert (spawn.at_ms, spawn.grade) == (3_000, "derived")
    assert (result.at_ms, result.grade, result.delivered) == (43_000, "exact", True)


def test_nothing_is_repaired_where_t_is_the_start(reading):
    found = reading(HF)
    assert found.run("agent_001").time_grade == "exact"
    assert not found.events
    assert not found.findings
    assert found.edges[0].grade == "exact"


@pytest.mark.parametrize("status", ["failed", "timeout", "async_launched", None])
def test_only_completed_sub_agents_are_stamped_with_their_end(reading, status):
    entry = sub_agent(request(t=0.0), t=60.0, duration_ms=5_000, status=status, agent_id="agent_002")
    recorded = trace(*KV["requests"], entry)
    found = reading(recorded, facts=RELATIVE_END)
    assert found.run("agent_001").start_ms == 3_000
    assert found.run("agent_002").start_ms == 60_000
    assert found.codes() == ["repaired-time"]


def test_facts_of_the_corpus_overrule_what_a_file_says_alone(reading):
    found = reading(HF, facts=RELATIVE_END)
    assert found.report.assumed == RELATIVE_END
    assert found.run("agent_001").start_ms == 3_000 - 40_000


def test_a_file_without_sub_agents_has_no_say(reading):
    found = reading(trace(request()))
    assert found.report.assumed == {}
    assert found.report.votes == []
    assert settle([]) == ABSOLUTE_START


def test_a_sub_agent_without_its_t_has_no_place_in_time(reading):
    recorded = trace(request(t=7.0), sub_agent(request(t=0.0), request(t=1.0), t=...), request(t=9.0))
    found = reading(recorded, facts=RELATIVE_END)
    run = found.run("agent_001")
    assert (run.start_ms, run.end_ms, run.time_grade) == (None, None, "not_recorded")
    assert [step.start_ms for step in found.steps_of("agent_001")] == [None, None]
    assert [edge.at_ms for edge in found.edges] == [None, None]
    assert [step.start_ms for step in found.steps_of("main")] == [7_000, 9_000]
    assert not found.findings


def test_a_sub_agent_without_its_t_still_has_the_absolute_times_of_its_calls(reading):
    recorded = trace(request(t=7.0), sub_agent(request(t=8.0, api_time=0.5), t=...))
    found = reading(recorded, facts=ABSOLUTE_START)
    run = found.run("agent_001")
    assert (run.start_ms, run.end_ms, run.time_grade) == (None, 8_500, "not_recorded")
    assert [step.start_ms for step in found.steps_of("agent_001")] == [8_000]


def test_calls_below_a_sub_agent_without_its_t_have_no_place_either(reading):
    recorded = trace(sub_agent(sub_agent(request(t=0.0), t=5.0, agent_id="b"), t=..., agent_id="a"))
    found = reading(recorded, facts=RELATIVE_END)
    assert found.run("a/b").start_ms is None
    assert [step.start_ms for step in found.steps] == [None]


@pytest.mark.parametrize("duration", [None, ..., 0, -5, "long", 1e300, True])
def test_without_a_duration_nothing_can_be_repaired(reading, duration):
    recorded = trace(request(t=0.0), sub_agent(request(t=0.0), t=10.0, duration_ms=duration))
    found = reading(recorded, facts=RELATIVE_END)
    assert found.run("agent_001").start_ms == 10_000
    assert found.run("agent_001").time_grade == "exact"
    wrong = duration not in (None, ..., 0)
    assert found.codes() == ["bad-field"] * wrong


def test_one_damaged_record_does_not_turn_the_clock_of_a_corpus():
    hf = [("basis-start", 100.0, 100.0), ("basis-end", 60.0, 100.0), ("stamp", 0.5, 40.5)]
    kv = [("basis-start", 100.0, 0.0), ("basis-end", 60.0, 0.0), ("stamp", 40.5, 0.5)]
    assert settle(hf * 9 + kv) == ABSOLUTE_START
    assert settle(kv * 9 + hf) == RELATIVE_END


def test_the_median_decides_the_stamp():
    def stamps(*pairs):
        return settle([("stamp", start, end) for start, end in pairs])["stamp"]

    assert stamps((90.0, 0.5)) == "end"
    assert stamps((0.5, 90.0)) == "start"
    assert stamps((90.0, 0.5), (90.0, 0.5), (0.5, 90.0)) == "end"
    assert stamps((4.0, 0.5)) == "start", "too near to tell"
    assert stamps((900.0, 500.0)) == "start", "the parent did something else meanwhile"


def test_votes_of_sub_agents_in_a_row_count_from_the_call_before_all_of_them(reading):
    group = [sub_agent(request(t=0.0), t=43.0 + n, duration_ms=40_000, agent_id=f"a{n}") for n in range(3)]
    votes = reading(trace(request(t=0.0, api_time=2.0), *group)).report.votes
    assert [vote for vote in votes if vote[0] == "stamp"] == [
        ("stamp", 41.0, 1.0),
        ("stamp", 42.0, 2.0),
        ("stamp", 43.0, 3.0),
    ]


def test_a_sub_agent_before_any_call_says_nothing_of_the_stamp(reading):
    votes = reading(trace(sub_agent(request(t=0.0)), request())).report.votes
    assert {kind for kind, _, _ in votes} == {"basis-start", "basis-end"}


def test_lines_that_disagree_are_reported_so_that_the_file_is_read_again(reading):
    found = reading(HF, KV, KV)
    assert found.report.assumed not in (RELATIVE_END, ABSOLUTE_START)
    facts = settle(found.report.votes)
    assert facts == RELATIVE_END
    assert reading(HF, KV, KV, facts=facts).report.assumed == facts


def test_times_are_rounded_to_milliseconds(reading):
    found = reading(trace(request(t=1.0004999, api_time=0.0026), request(t=86688.595, api_time=1.979)))
    assert [(step.start_ms, step.end_ms) for step in found.steps] == [(1_000, 1_003), (86_688_595, 86_690_574)]


def test_a_negative_time_is_a_time_and_a_negative_duration_is_none(reading):
    (step,) = reading(trace(request(t=-2.5, api_time=-1.0, think_time=-0.5))).steps
    assert (step.start_ms, step.end_ms, step.wait_ms) == (-2_500, None, -500)
