from pathlib import Path

from explorer.tui.state import Search, Spot, State, command


def test_drilling_in_and_back_returns_to_the_same_spot() -> None:
    state = State()
    here = Spot(None, "b", 7, {None: 500, "a": 20})
    state.drill("b", here)
    state.drill("c", Spot("b", "c", 0))
    assert state.root == "c"
    assert state.back() == Spot("b", "c", 0)
    assert state.root == "b"
    assert state.back() == here
    assert state.root is None
    assert state.back() is None


def test_a_root_without_a_trail_goes_back_to_the_top() -> None:
    state = State(root="b")
    assert state.back() == Spot(None, "b")
    assert state.root is None


def test_sorting_again_by_the_same_key_turns_round() -> None:
    state = State()
    assert state.sort_words == "recorded order"
    state.sort_by("input")
    assert state.sort_words == "input tokens ↓"
    state.sort_by("input")
    assert state.sort_words == "input tokens ↑"
    state.sort_by("name")
    assert state.sort_words == "name ↑"
    state.sort_by("order")
    state.sort_by("order")
    assert state.sort_words == "recorded order ↓"


def test_the_measures_go_round() -> None:
    state = State()
    assert [state.cycle_measure() for _ in range(4)] == ["jaccard", "shared", "prefix", "containment"]


def test_a_search_stays_where_the_cursor_is_and_goes_round() -> None:
    search: Search[str] = Search("x")
    assert search.found(["a", "b", "c"], 10, "b".__eq__) == "b"
    assert search.summary == "2 of 3"
    assert search.step(1) == "c"
    assert search.step(1) == "a"
    assert search.step(-1) == "c"
    assert search.found(["a", "b", "c"], 3, "elsewhere".__eq__) == "a"
    assert search.summary == "1 of 3+"


def test_a_search_without_hits_says_so() -> None:
    search: Search[str] = Search("x")
    assert search.found([], 10, "a".__eq__) is None
    assert search.step(1) is None
    assert search.summary == "no match"
    assert Search().summary == ""


def test_the_command_survives_a_shell() -> None:
    assert command([Path("traces")]) == "trace-explore traces"
    assert (
        command([Path("my traces")], where="name = 'a b'", place="c/x#3")
        == "trace-explore 'my traces' --where 'name = '\"'\"'a b'\"'\"'' --at 'c/x#3'"
    )
