"""Telling apart runs that wrote under one key: against simulated siblings of which the truth is known, and by hand."""

from itertools import product

import pytest
from hypothesis import settings

from explorer.readers.codegraff._assembly import match
from explorer.readers.codegraff._doubts import of_run
from explorer.readers.codegraff._separate import separate
from explorer.readers.codegraff._steps import pair
from tests.readers.codegraff.judging import event, groups, judge
from tests.readers.codegraff.simulator import fan_out

# --- the truth -------------------------------------------------------------------------------------------------------

IDS = ("provider", "anonymous", "repeated")
SHAPES = {"together": {}, "staggered": {"stagger": 700}, "nested": {"nested": True}}
GRID = [case for case in product((2, 3, 5, 8), SHAPES, IDS) if case[:2] != (8, "nested")]
NAMES = ["-".join(map(str, case)) for case in GRID]
SEEDS = settings.default.max_examples // 40


def played(siblings, shape, call_ids, **options):
    """Simulations of one case: with the root of the children's definition and of another, with messages and without."""
    for root, with_messages, seed in product(("forge", "sage"), (False, True), range(SEEDS)):
        simulation = fan_out(seed, siblings, root=root, call_ids=call_ids, **SHAPES[shape], **options)
        yield simulation, judge(simulation, with_messages)


@pytest.mark.parametrize("case", GRID, ids=NAMES)
@pytest.mark.parametrize("killed", [0.0, 0.1])
def test_runs_and_ends_are_right_and_only_what_says_so_is_in_doubt(case, killed):
    for _, verdict in played(*case, killed=killed):
        assert verdict.all_once
        assert verdict.runs_right, verdict.runs
        assert verdict.ends_right
        assert not +verdict.wrong


@pytest.mark.parametrize("case", GRID, ids=NAMES)
def test_lost_rows_make_nothing_exact_wrong_and_nothing_vanish(case):
    for _, verdict in played(*case, lost=0.03):
        assert verdict.all_once
        assert verdict.wrong["exact"] == 0


def test_without_bookends_nothing_exact_is_wrong_and_nothing_vanishes():
    for siblings, call_ids in product((2, 3, 5), IDS):
        for _, verdict in played(siblings, "together", call_ids, bookends=False):
            assert verdict.all_once
            assert verdict.wrong["exact"] == 0


def test_runs_together_have_no_more_calls_than_were_made_though_their_ids_repeat():
    """Nearly none: a call and a result stay apart where only what is certain of other runs would have to move."""
    made = shown = 0
    for siblings, shape, call_ids, seed in product((5, 8), ("together", "nested"), IDS, range(2)):
        for events in groups(fan_out(seed, siblings, call_ids=call_ids, **SHAPES[shape])).values():
            made += sum(each.kind == "tool_call" for each in events)
            shown += sum(len(pair(chain.events)[0]) for chain in separate(events, {}))
    assert made <= shown <= 1.002 * made


def test_messages_make_most_exact_and_runs_that_follow_each_other_all():
    of_calls = [judge(fan_out(seed, 3, errors=0.0), True).grades for seed in range(10)]
    assert sum(each["exact"] for each in of_calls) > 0.8 * sum(each.total() for each in of_calls)
    alone = judge(fan_out(0, 1), False)
    assert set(alone.grades) == {"exact"}


# --- by hand ---------------------------------------------------------------------------------------------------------


class Written:
    """Events as they are written, in turn."""

    def __init__(self):
        self.events = []

    def add(self, seq, kind, call_id=None, ts=None, name="read", **payload):
        row = len(self.events) + 1
        if kind in ("tool_call", "tool_result"):
            payload |= {"tool_name": name, "call_id": call_id}
        ts = 1_000_000 + 10 * row if ts is None else ts
        self.events.append(event(row, seq=seq, ts=ts, payload={"kind": kind} | payload))
        return self.events[-1]

    def start(self, seq, **more):
        return self.add(seq, "agent_run", **more)

    def end(self, seq, calls=1, errors=0, **more):
        return self.add(seq, "agent_run_end", tool_calls=calls, tool_errors=errors, **more)

    def call(self, seq, call_id, **more):
        return self.add(seq, "tool_call", call_id, **more)

    def result(self, seq, call_id, **more):
        return self.add(seq, "tool_result", call_id, **more)

    def error(self, seq):
        return self.add(seq, "error", message="no")

    def chains(self, labels=None):
        return separate(self.events, labels or {})


def rows(chain):
    return [each.row for each in chain.events]


def grades(chain):
    return [chain.grades.get(each.row, "exact") for each in chain.events]


def two_siblings():
    """Two that start together; after the first call only one of them can be meant."""
    w = Written()
    w.start(0), w.start(0)
    w.call(1, "a"), w.call(1, "b"), w.result(2, "b"), w.result(2, "a")
    return w


def test_no_events_are_no_runs():
    assert separate([], {}) == []


def test_numbers_as_far_apart_as_there_are_cost_no_more_than_others():
    written = Written()
    rows = [written.call(seq, f"c{seq}").row for seq in (1, 1, 2**61)]
    (one,) = [chain for chain in written.chains(dict.fromkeys(rows[1:], "a")) if len(chain.events) > 1]
    assert [event.row for event in one.events] == rows[1:]


def test_a_run_from_its_start_to_its_end_is_exact():
    w = Written()
    w.start(0), w.call(1, "a"), w.result(2, "a"), w.error(3), w.end(4)
    (chain,) = w.chains()
    assert rows(chain) == [1, 2, 3, 4, 5]
    assert grades(chain) == ["exact"] * 5
    assert (chain.start.row, chain.end.row, chain.together, chain.gaps) == (1, 5, 1, [])


def test_runs_that_follow_each_other_are_several_and_exact():
    w = Written()
    w.start(0), w.call(1, "a"), w.result(2, "a"), w.end(3), w.start(4), w.end(5, calls=0)
    first, second = w.chains()
    assert (rows(first), rows(second)) == ([1, 2, 3, 4], [5, 6])
    assert grades(first) + grades(second) == ["exact"] * 6


def test_a_run_without_an_end_is_open_until_the_next_start():
    w = Written()
    w.start(0), w.call(1, "a"), w.start(2), w.end(3, calls=0)
    first, second = w.chains()
    assert (rows(first), first.end) == ([1, 2], None)
    assert rows(second) == [3, 4]


def test_an_end_without_a_start_is_a_run():
    w = Written()
    w.call(5, "a"), w.result(6, "a"), w.end(7)
    (chain,) = w.chains()
    assert (chain.start, chain.end.row) == (None, 3)
    assert [doubt.code for doubt in of_run(chain)] == ["missing-start"]


def test_rows_of_the_first_day_have_no_bookends_and_are_one_run():
    w = Written()
    w.call(0, "a"), w.result(1, "a"), w.error(2), w.call(3, "b"), w.result(4, "b")
    (chain,) = w.chains()
    assert (chain.start, chain.end, rows(chain)) == (None, None, [1, 2, 3, 4, 5])


def test_without_bookends_a_number_twice_is_two_runs():
    w = Written()
    w.call(0, "a"), w.call(0, "b"), w.result(1, "b"), w.result(1, "a")
    first, second = w.chains()
    assert (rows(first), rows(second)) == ([1, 4], [2, 3])
    assert set(grades(first) + grades(second)) == {"derived"}


def test_what_follows_a_gap_is_derived():
    w = Written()
    w.start(0), w.call(1, "a"), w.result(2, "a"), w.call(4, "c"), w.result(5, "c")
    (chain,) = w.chains()
    assert chain.gaps == [(2, 4)]
    assert grades(chain) == ["exact", "exact", "exact", "derived", "derived"]
    (doubt,) = of_run(chain)
    assert doubt.code == "seq-gap"
    assert doubt.event.row == 4
    assert doubt.message == "seq 3 is missing: 1 of its rows were not written"


def test_an_end_that_counts_other_calls_makes_all_of_the_run_derived():
    w = Written()
    w.start(0), w.call(1, "a"), w.result(2, "a"), w.end(3, calls=2)
    (chain,) = w.chains()
    assert set(grades(chain)) == {"derived"} == {chain.grade}


def test_a_result_belongs_to_the_run_of_its_call():
    first, second = two_siblings().chains()
    of_calls = [[each.call_id for each in chain.events if each.call_id] for chain in (first, second)]
    assert sorted(of_calls) == [["a", "a"], ["b", "b"]]
    assert first.together == second.together == 2


def test_which_start_is_whose_stays_in_doubt_without_messages():
    for chain in two_siblings().chains():
        assert chain.start_grade == "ambiguous"
        start = chain.start
        assert chain.grades[start.row] == "ambiguous"
        assert chain.candidates[start.row][0] is chain
        assert len(chain.candidates[start.row]) == 2


def test_a_call_that_stands_in_one_conversation_alone_is_that_conversations():
    w = two_siblings()
    w.end(3), w.end(3)
    chains = w.chains({3: "left", 6: "left", 4: "right", 5: "right"})
    by_label = {chain.label: chain for chain in chains}
    assert set(by_label) == {"left", "right"}
    for label, call in (("left", 3), ("right", 4)):
        assert call in rows(by_label[label])
        assert by_label[label].grades.get(call, "exact") == "exact"
        assert by_label[label].grades[by_label[label].end.row] != "exact"


def test_what_goes_on_from_only_one_run_is_derived():
    """The second sibling has ended when the first goes on."""
    w = Written()
    w.start(0), w.start(0), w.call(1, "a"), w.result(2, "a"), w.end(1, calls=0), w.call(3, "c"), w.result(4, "c")
    w.end(5, calls=2)
    short, long = sorted(w.chains(), key=lambda chain: len(chain.events))
    assert [each.kind for each in short.events] == ["agent_run", "agent_run_end"]
    assert {each.row: long.grades.get(each.row) for each in long.events if each.call_id} == dict.fromkeys(
        (3, 4, 6, 7), "derived"
    )


def test_an_end_goes_with_the_run_whose_calls_it_counts():
    """Two begin at different numbers: ``end - start = 1 + 2 * calls`` holds for one of each."""
    w = Written()
    w.start(0), w.call(1, "a"), w.start(1), w.result(2, "a"), w.call(2, "x"), w.result(3, "x"), w.call(3, "b")
    w.result(4, "b"), w.end(4, calls=1), w.end(5, calls=2)
    found = {chain.start.row: chain for chain in w.chains()}
    assert found[1].end.row == 10
    assert found[3].end.row == 9
    assert [each.call_id for each in found[3].events if each.call_id] == ["x", "x"]


def test_the_wall_clock_of_an_end_tells_when_its_run_began():
    w = Written()
    w.start(0, ts=1_000), w.start(0, ts=9_000)
    w.end(1, calls=0, ts=20_000, wall_ms=19_000), w.end(1, calls=0, ts=20_500, wall_ms=11_500)
    found = {chain.start.row: chain for chain in w.chains()}
    # The second end's run began at 9,000; the first's began at 1,000, long before the second start.
    assert found[1].end.row == 3
    assert found[2].end.row == 4


def test_a_batch_of_calls_is_written_before_its_results():
    w = Written()
    w.start(0), w.start(0)
    (
        w.call(1, "t1", name="task"),
        w.call(1, "u1", name="task"),
        w.call(2, "t2", name="task"),
        w.call(2, "u2", name="task"),
    )
    w.result(3, "t1", name="task"), w.result(3, "u1", name="task")
    w.result(4, "u2", name="task"), w.result(4, "t2", name="task"), w.end(5, calls=2), w.end(5, calls=2)
    labels = {3: "t", 5: "t", 7: "t", 10: "t", 4: "u", 6: "u", 8: "u", 9: "u"}
    for chain in w.chains(labels):
        assert {labels[each.row] for each in chain.events if each.call_id} == {chain.label}
        assert len(chain.events) == 6
        assert chain.adds_up()


def test_a_result_far_from_its_call_is_still_its_own():
    """The parent waits for its children, who write under its key while it does."""
    w = Written()
    w.start(0), w.call(1, "t", name="task")
    for n, (seq, call_id) in enumerate([(2, "x"), (2, "y")]):
        w.start(seq), w.call(seq + 1, call_id), w.result(seq + 2, call_id), w.end(seq + 3, ts=2_000_000 + n)
    w.result(2, "t", name="task"), w.end(3)
    parent = next(chain for chain in w.chains() if chain.start.row == 1)
    assert [each.call_id for each in parent.events if each.call_id] == ["t", "t"]
    assert parent.end.seq == 3
    assert len(w.chains()) == 3


def test_two_tasks_in_one_conversation_at_once_are_not_told_apart_by_it():
    """``session_id`` runs several tasks in one child conversation: its messages hold the calls of both."""
    w = two_siblings()
    w.end(3), w.end(3)
    chains = w.chains(dict.fromkeys((3, 4, 5, 6), "shared"))
    assert len(chains) == 2
    assert [chain.label for chain in chains] == [None, None]
    assert "exact" not in {grade for chain in chains for grade in grades(chain)}


def test_a_repeated_id_in_one_run_is_told():
    w = Written()
    w.start(0), w.call(1, "a"), w.result(2, "a"), w.call(3, "a"), w.result(4, "a"), w.end(5, calls=2)
    (chain,) = w.chains()
    (doubt,) = of_run(chain)
    assert (doubt.code, doubt.severity) == ("repeated-call-id", "info")


def test_a_result_without_a_call_and_an_unknown_kind_are_told():
    w = Written()
    w.start(0), w.result(1, "a"), w.add(2, "telemetry")
    (chain,) = w.chains()
    assert [(doubt.code, doubt.event.row) for doubt in of_run(chain)] == [("unpaired-result", 2), ("unknown-kind", 3)]


def test_calls_of_the_same_name_stand_with_results_of_their_own():
    """Anonymous ids: whose call it is stays open, but each run has as many results as calls."""
    for seed in range(20):
        simulation = fan_out(seed, 3, call_ids="anonymous")
        found = [event(r.id, seq=r.seq, ts=r.ts_ms, payload=r.payload) for r in simulation.rows if r.agent_id == "sage"]
        for chain in separate(found, {}):
            kinds = [each.kind for each in chain.events]
            assert kinds.count("tool_call") == kinds.count("tool_result")


@pytest.mark.parametrize(
    ("options", "most"),
    [
        ([], 0),
        ([[0]], 1),
        ([[]], 0),
        ([[0, 1], [0, 1]], 2),
        ([[0, 1], [0]], 2),  # the second has no other
        ([[0], [0]], 1),
        ([[0, 1, 2], [0, 1], [0]], 3),
        ([[2], [2], [0, 2], [0]], 2),
    ],
)
def test_as_many_as_possible_are_matched_and_none_twice(options, most):
    found = match(options)
    assert len(found) == len(set(found.values())) == most
    assert all(option in options[number] for number, option in found.items())


def test_the_first_option_is_preferred():
    assert match([[1, 0]]) == {0: 1}
    assert match([[1, 0], [0, 1]]) == {0: 1, 1: 0}
