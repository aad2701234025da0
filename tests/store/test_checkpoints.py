"""What a run was saved in, and which runs an ambiguous step may belong to."""

from datetime import datetime

from explorer.model import Row
from explorer.store.queries import steps
from tests.store.test_answers import facts
from tests.store.world import agent, checkpoint, conversation, make_database, run, step, tool_call


def at(hour: str) -> datetime:
    return datetime.fromisoformat(f"2026-01-01T{hour}:00")


def goal() -> list[Row]:
    return [
        conversation(), agent("a", name="root"), agent("b", "a", name="sub"),
        run("r", "a", ordinal=1), run("s", "a", ordinal=2), run("b1", "b", "s"),
        checkpoint("1", run_id="r", step_seq=1, created_at=at("08"), messages=3),
        checkpoint("2", run_id="s", step_seq=4, created_at=at("10"), messages=12,
                   input_tokens=1500, output_tokens=20, tool_calls=2, cost_usd=0.01, elapsed_ms=45_200,
                   pending_tool_calls=1, resumable=True, note="its key carries a random name"),
        checkpoint("3", created_at=at("09"), checkpoint_id="goal-7", note="its episode is gone"),
    ]  # fmt: skip


def shown(rows: list[Row], node_id: str) -> dict[str, tuple[object, str]]:
    return {
        label: (fact.value, fact.note) for (section, label), fact in facts(rows, node_id).items()
        if section == "Checkpoints"
    }  # fmt: skip


def test_checkpoints_are_listed_from_the_newest_with_what_a_resume_would_get() -> None:
    found = shown(goal(), "c")
    assert list(found) == ["run 2 step 4", "goal-7", "run 1 step 1"]
    assert found["run 2 step 4"] == (
        12,
        "messages; 1,500 input, 20 output, tool calls: 2, $0.0100, 45.2 s until then; 1 tool call without a result; "
        "a resume would pick this one; its key carries a random name",
    )
    assert found["goal-7"] == ("saved", "its episode is gone")
    assert found["run 1 step 1"] == (3, "messages")


def test_a_node_has_those_of_its_runs() -> None:
    assert list(shown(goal(), "a")) == ["run 2 step 4", "run 1 step 1"]
    assert list(shown(goal(), "s")) == ["step 4"]
    assert shown(goal(), "b") == {}


def test_the_newest_are_shown_and_the_others_counted() -> None:
    rows = [*goal()[:6], *(checkpoint(f"{n}", run_id="r", step_seq=n, messages=n) for n in range(12))]
    found = shown(rows, "a")
    assert list(found) == [*(f"step {n}" for n in range(11, 1, -1)), "older ones"]
    assert found["older ones"] == (2, "not listed; the table checkpoints has all")


def collided() -> list[Row]:
    rows: list[Row] = [conversation(), agent("a", name="sage"), agent("b", name="coder", label="x")]
    rows += [run("r", "a"), run("s", "a", ordinal=2), run("t", "b")]
    rows += [step("r", 1), step("r", 2, grade="ambiguous", candidates='["r","s","t","gone"]')]
    rows += [step("s", 1, grade="derived"), step("s", 2, grade="ambiguous", candidates='["s","r"]')]
    return [*rows, tool_call("r", 1), tool_call("r", 2, grade="ambiguous"), tool_call("s", 1, grade="not_recorded")]


def test_an_ambiguous_step_names_the_runs_that_it_may_belong_to() -> None:
    database = make_database(collided())
    with database.cursor() as cursor:
        table = steps(cursor, "r")
    assert table["may belong to"].to_pylist() == [None, "any of: sage run 1, sage run 2, coder x, gone"]


def test_attribution_counts_by_grade() -> None:
    found = facts(collided(), "c")
    assert found["Attribution", "steps placed for sure"][2:] == (
        1, "count", "ambiguous", "1 by a rule, 2 ambiguous among 4 runs",
    )  # fmt: skip
    assert found["Attribution", "tool calls placed for sure"][2:] == (
        1, "count", "ambiguous", "1 ambiguous among 4 runs, 1 not recorded",
    )  # fmt: skip
    assert ("Attribution", "steps placed for sure") not in facts(collided(), "b")
    found = facts([conversation(), agent("a"), run("r", "a"), step("r"), step("r", 2, is_replay=True)], "a")
    assert found["Attribution", "steps placed for sure"][2:] == (1, "count", "exact", "")
