"""Ambiguous events change places between runs until calls stand with their results."""

from explorer.readers.codegraff._chain import Chain
from explorer.readers.codegraff._exchange import exchange
from tests.readers.codegraff.judging import event


def call(row, seq, call_id):
    return event(row, seq=seq, payload={"kind": "tool_call", "tool_name": "read", "call_id": call_id})


def result(row, seq, call_id):
    return event(row, seq=seq, payload={"kind": "tool_result", "tool_name": "read", "call_id": call_id})


def doubtful(*of_runs, certain=()):
    """Runs of which all events but the certain ones may be of any of them."""
    chains = [Chain(list(events)) for events in of_runs]
    for chain in chains:
        for each in chain.events:
            if each.row in certain:
                chain.grades[each.row] = "derived"
            else:
                chain.grades[each.row] = "ambiguous"
                chain.candidates[each.row] = [chain, *(other for other in chains if other is not chain)]
    return chains


def rows(chains):
    return [[each.row for each in chain.events] for chain in chains]


def test_a_result_goes_where_its_call_is():
    chains = doubtful([call(1, 1, "a"), result(4, 2, "b")], [call(2, 1, "b"), result(3, 2, "a")])
    exchange(chains)
    assert sorted(rows(chains)) == [[1, 3], [2, 4]]
    for chain in chains:
        for each in chain.events:
            assert chain.grades[each.row] == "ambiguous"
            assert chain.candidates[each.row][0] is chain
            assert len(chain.candidates[each.row]) == 2


def test_what_is_certain_stays():
    chains = doubtful([call(1, 1, "a"), result(4, 2, "b")], [call(2, 1, "b"), result(3, 2, "a")], certain=(1, 2, 3, 4))
    exchange(chains)
    assert rows(chains) == [[1, 4], [2, 3]]


def test_a_call_moves_to_a_result_that_is_certain():
    chains = doubtful([call(1, 1, "a"), result(4, 2, "b")], [call(2, 1, "b"), result(3, 2, "a")], certain=(3, 4))
    exchange(chains)
    assert rows(chains) == [[2, 4], [1, 3]]


def test_nothing_moves_against_the_order_of_writing():
    """The result was written before the other run's call, so it is not that call's."""
    chains = doubtful([call(5, 1, "a")], [call(2, 1, "b"), result(3, 2, "a")])
    exchange(chains)
    assert [3] not in rows(chains)
    assert all(each == sorted(each) for each in rows(chains))


def test_several_numbers_change_places_together():
    left = [call(1, 1, "a"), result(3, 2, "a"), call(5, 3, "c"), result(8, 4, "d")]
    right = [call(2, 1, "b"), result(4, 2, "b"), call(6, 3, "d"), result(7, 4, "c")]
    chains = doubtful(left, right)
    exchange(chains)
    for chain in chains:
        ids = [each.call_id for each in chain.events]
        assert ids[::2] == ids[1::2]


def test_a_number_that_one_run_has_twice_goes_to_the_one_that_misses_it():
    chains = doubtful(
        [call(1, 1, "a"), result(2, 2, "a"), call(5, 3, "c"), call(6, 3, "d"), result(7, 4, "c"), result(8, 4, "d")],
        [call(3, 1, "b"), result(4, 2, "b")],
    )
    exchange(chains)
    for chain in chains:
        seqs = [each.seq for each in chain.events]
        assert len(seqs) == len(set(seqs))


def test_a_result_joins_the_one_call_that_waits_for_it_though_it_seemed_to_fit_other_runs():
    chains = doubtful([call(1, 1, "a"), result(6, 4, "b")], [call(2, 1, "b")], [call(3, 1, "c")], certain=(1, 2, 3))
    chains[0].candidates[6] = [chains[0], chains[2]]
    exchange(chains)
    assert rows(chains) == [[1], [2, 6], [3]]
    assert chains[1].grades[6] == "ambiguous"
    assert chains[1].candidates[6] == [chains[1], chains[0], chains[2]]
    assert not chains[0].candidates


def test_a_call_joins_the_one_result_that_lacks_it_though_it_seemed_to_fit_other_runs():
    chains = doubtful([result(6, 4, "b")], [call(2, 1, "b")], [call(3, 1, "c")], certain=(3, 6))
    chains[1].candidates[2] = [chains[1], chains[2]]
    exchange(chains)
    assert rows(chains) == [[2, 6], [], [3]]
    assert chains[0].candidates[2] == [chains[0], chains[1], chains[2]]


def test_a_result_that_came_before_the_call_takes_the_place_of_one_that_came_behind_it():
    """Ids repeat: the lone result is older than the lone call, and a third run has a result that is not."""
    chains = doubtful(
        [call(1, 0, "o"), result(2, 1, "o"), result(5, 4, "x")],
        [call(3, 0, "p"), result(4, 1, "p"), call(7, 6, "x")],
        [call(6, 3, "x"), result(8, 8, "x")],
        certain=(1, 2, 3, 4, 6, 7),
    )
    chains[2].events[0] = call(0, 3, "x")
    exchange(chains)
    assert rows(chains) == [[1, 2], [3, 4, 7, 8], [0, 5]]
    assert chains[1].candidates[8][0] is chains[1]
    assert chains[2].candidates[5][0] is chains[2]


def test_a_lone_call_and_a_lone_result_that_are_certain_are_not_put_together():
    chains = doubtful([call(1, 1, "a")], [call(2, 1, "b"), result(3, 2, "b"), result(4, 3, "a")], certain=(1, 2, 3, 4))
    exchange(chains)
    assert rows(chains) == [[1], [2, 3, 4]]


def test_no_runs_and_nothing_in_doubt_are_left_alone():
    exchange([])
    chains = doubtful([call(1, 1, "a"), result(2, 2, "a")])
    exchange(chains)
    assert rows(chains) == [[1, 2]]
