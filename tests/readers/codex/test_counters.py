"""The growth of a counter, over series whose true tokens are known because they were made up so."""

import pytest

from explorer.readers.codex._counters import Counter
from tests.readers.codex.rollouts import (
    CHILD,
    ROOT,
    ZERO,
    Rollout,
    as_usage,
    child_meta,
    codes,
    estimate,
    own_steps,
    plus,
    read,
    spent,
    thread,
    usage,
)

A, B, C = usage(1000, 10, cached=500), usage(1500, 20, cached=1000, reasoning=5), usage(2100, 30)


def taken(counter, *counts):
    """Input tokens of what each count adds, how, and how sure."""
    grown = [counter.take(as_usage(total), last and as_usage(last)) for total, last in counts]
    return [each and (each.usage.input_tokens, each.how, each.grade) for each in grown]


SERIES = {
    "one call after the other": (
        [(A, A), (plus(A, B), B), (plus(A, B, C), C)],
        [(1000, "once", "derived"), (1500, "once", "derived"), (2100, "once", "derived")],
    ),
    "sent again": (
        [(A, A), (A, A), (plus(A, B), B), (plus(A, B), B)],
        [(1000, "once", "derived"), None, (1500, "once", "derived"), None],
    ),
    "an estimate after a compaction": (
        [(A, A), (A, estimate(300)), (plus(A, B), B)],
        [(1000, "once", "derived"), None, (1500, "once", "derived")],
    ),
    "equal calls": ([(A, A), (plus(A, A), A)], [(1000, "once", "derived"), (1000, "once", "derived")]),
    "an overflow, then from 0": (
        [(A, A), (estimate(9000), estimate(9000)), (B, B)],
        [(1000, "once", "derived"), None, (1500, "once", "derived")],
    ),
    "begun again": ([(plus(A, B), plus(A, B)), (A, A)], [(2500, "once", "derived"), (1000, "restarted", "derived")]),
    "gone back, but not to 0": (
        [(plus(A, C), plus(A, C)), (plus(A, B), B)],
        [(3100, "once", "derived"), (1500, "restarted", "ambiguous")],
    ),
    "begun again and past where it was": (
        [(A, A), (C, C)],
        [(1000, "once", "derived"), (2100, "restarted", "derived")],
    ),
    "a count that is lost": (
        [(A, A), (plus(A, B, C), C)],
        [(1000, "once", "derived"), (3600, "merged", "derived")],
    ),
    "without the last call": ([(A, A), (plus(A, B), None)], [(1000, "once", "derived"), (1500, "once", "derived")]),
    "begun above 0": ([(plus(A, B), B)], [(1500, "begun", "ambiguous")]),
    "begun with an estimate": ([(A, estimate(1)), (plus(A, B), B)], [None, (1500, "once", "derived")]),
}


@pytest.mark.parametrize("name", SERIES)
def test_growth(name):
    counts, expected = SERIES[name]
    assert taken(Counter(), *counts) == expected


def test_a_fork_goes_on_from_the_count_it_copied():
    counts = [(A, A), (plus(A, B), B)]
    assert taken(Counter(as_usage(A), seeded=True), *counts) == [None, (1500, "once", "derived")]
    # Or from 0: then the copied total is no part of its own.
    assert taken(Counter(as_usage(C), seeded=True), (A, A)) == [(1000, "restarted", "derived")]


def test_a_fork_without_copied_counts_drops_what_its_parent_had_counted():
    of_parent = {(as_usage(plus(A, B)), as_usage(B))}
    counter = Counter(seeded=True, of_source=of_parent)
    assert taken(counter, (plus(A, B), B), (plus(A, B, C), C)) == [None, (2100, "once", "derived")]
    # Begun anew it drops nothing, though a later count may happen to equal one of the parent's.
    assert taken(Counter(seeded=True, of_source=of_parent), (A, A), (plus(A, B), B)) == [
        (1000, "once", "derived"), (1500, "once", "derived")
    ]  # fmt: skip


def test_without_the_parent_the_first_count_of_a_fork_is_in_doubt():
    assert taken(Counter(seeded=True), (plus(A, B), B), (plus(A, B, C), C)) == [
        (1500, "begun", "ambiguous"), (2100, "once", "derived")
    ]  # fmt: skip
    # Before the model has said anything there is nothing to count.
    assert Counter(seeded=True).take(as_usage(plus(A, B)), as_usage(B), answered=False) is None


# --- in files --------------------------------------------------------------------------------------------------------


def test_records_are_taken_for_counts_and_each_response_once(tmp_path):
    file = Rollout().begins("t").user("go").says("one").record(A, "r1", "t").count(A, A).says("two")
    file.record(B, "r2", "t").count(plus(A, B), B).count(plus(A, B), B).record(B, "r2", "t").ends("t", "two")
    found = read(file.write(tmp_path))
    assert spent(thread(found)) == [(1000, 10), (1500, 20)]
    assert {step.usage_source for step in own_steps(thread(found))} == {"token_usage_record"}


def test_a_record_belongs_to_the_thread_that_it_names(tmp_path):
    root = Rollout().begins("t").user("go").says("one").record(A, "r1", "t").ends("t", "one")
    child = Rollout(CHILD, **child_meta()).meta(ROOT).record(A, "r1", "t", thread=ROOT).begins("u").says("two")
    child.record(B, "r2", "u").ends("u", "two")
    found = read(root.write(tmp_path), child.write(tmp_path))
    assert spent(thread(found)) == [(1000, 10)]
    assert spent(thread(found, CHILD)) == [(1500, 20)]


def test_what_was_counted_before_a_build_that_writes_records_stays(tmp_path):
    file = Rollout().begins("t").user("go").says("one").count(A, A).ends("t").begins("u").says("two")
    file.record(B, "r2", "u").count(plus(A, B), B).ends("u")
    assert spent(thread(read(file.write(tmp_path)))) == [(1000, 10), (1500, 20)]


def test_a_lost_count_between_two_answers_is_worked_out(tmp_path):
    file = Rollout().begins("t").user("go").call("c1").output("c1").count(A, A).call("c2").output("c2")
    file.says("done").count(plus(A, B, C), C).ends("t")
    (one, two, three) = own_steps(thread(read(file.write(tmp_path))))
    assert (one.usage, two.usage, three.usage) == (as_usage(A), as_usage(B), as_usage(C))


def test_without_counts_tokens_are_not_recorded(tmp_path):
    file = Rollout().begins("t").user("go").call("c1").output("c1").event("token_count", info=None).says("x").ends("t")
    steps = own_steps(thread(read(file.write(tmp_path))))
    assert [(step.usage, step.usage_grade) for step in steps] == [(None, "not_recorded")] * 2


def test_a_figure_that_is_none_is_said_and_not_counted(tmp_path):
    file = Rollout().begins("t").says("x").count(A | {"input_tokens": -5}, None).count(plus(A, B), B).ends("t")
    found = read(file.write(tmp_path))
    assert "bad-field" in codes(found)
    assert all(step.usage is None or (step.usage.input_tokens or 0) >= 0 for step in own_steps(thread(found)))


def test_an_overflow_and_a_restart_are_findings(tmp_path):
    file = Rollout().begins("t").says("x").count(A, A).count(ZERO | {"total_tokens": 9000}, ZERO).says("y").count(B, B)
    found = read(file.ends("t").write(tmp_path))
    assert spent(thread(found)) == [(1000, 10), (1500, 20)]
    assert codes(found) == ["counter-restart"]
