"""The rules over more than one record, and the pages that explain every code."""

import ast
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

import explorer
from explorer.model import Row, Severity, ToolCall
from explorer.store.findings import EXPLANATIONS
from tests.store.world import (
    agent,
    ask,
    audit,
    blocks,
    conversation,
    edge,
    finding,
    footprint,
    make_database,
    run,
    source,
    step,
    tool_call,
)


def found(rows: list[Row]) -> list[tuple[str, ...]]:
    """Ids, severities and messages."""
    return ask(make_database(rows), "SELECT finding_id, severity, message FROM findings ORDER BY finding_id")


class TestTotals:
    def rows(self, **reported: int) -> list[Row]:
        rows: list[Row] = [conversation(), agent("a"), run("r", "a", **reported), tool_call("r", 1)]
        return [*rows, step("r", 1, input_tokens=1500, output_tokens=5), step("r", 2, input_tokens=600)]

    def test_totals_that_agree_are_no_finding(self) -> None:
        assert found(self.rows(reported_input_tokens=2100, reported_steps=2, reported_tool_calls=1)) == []

    def test_a_total_that_differs_is_named_with_both_figures(self) -> None:
        assert found(self.rows(reported_input_tokens=2000, reported_steps=3, reported_output_tokens=5)) == [
            ("total-mismatch:r:input_tokens", "warning", "recorded input tokens: 2,000; its steps sum to 2,100 (+100)"),
            ("total-mismatch:r:steps", "warning", "recorded steps: 3; its steps sum to 2 (-1)"),
        ]

    def test_steps_without_usage_are_mentioned(self) -> None:
        (only,) = found([*self.rows(reported_input_tokens=2000), step("r", 3)])
        assert only[2] == "recorded input tokens: 2,000; its steps sum to 2,100 (+100); 1 of 3 steps has no usage"

    def test_nothing_recorded_on_either_side_contradicts_nothing(self) -> None:
        rows: list[Row] = [conversation(tool_calls_recorded=False), agent("a"), step("r")]
        assert found([*rows, run("r", "a", reported_input_tokens=5, reported_tool_calls=3)]) == []

    def test_replayed_steps_do_not_make_a_total_wrong(self) -> None:
        assert found([*self.rows(reported_steps=2), step("r", 3, is_replay=True, input_tokens=1)]) == []

    def test_a_recorder_may_count_failed_calls_or_not(self) -> None:
        failed = step("r", 3, error="the provider is busy")
        assert found([*self.rows(reported_steps=2), failed]) == []
        assert found([*self.rows(reported_steps=3), failed]) == []
        assert found([*self.rows(reported_steps=1), failed]) == [
            ("total-mismatch:r:steps", "warning", "recorded steps: 1; its steps sum to 3 (+2)")
        ]


class TestHierarchy:
    def test_a_missing_parent_is_an_orphan_named_once(self) -> None:
        rows = [conversation(), agent("a", "gone"), run("r", "a", "gone/1")]
        assert found(rows) == [
            ("orphan-agent:a", "warning", "its parent gone is not in the recording: shown without this parent")
        ]

    def test_a_missing_parent_run_is_reported_where_the_agent_is_not(self) -> None:
        assert [row[0] for row in found([conversation(), agent("a"), run("r", "a", "gone")])] == ["orphan-agent:r"]

    @pytest.mark.parametrize(
        ("rows", "words"),
        [
            ([agent("a", "a")], {"orphan-agent:a": "its own parent"}),
            (
                [agent("a", "b"), agent("b", "a"), agent("x", "a")],
                {"orphan-agent:a": "from b leads back to it", "orphan-agent:b": "from a leads back to it"},
            ),
            ([agent("a", "b"), agent("b", conversation_id="k")], {"orphan-agent:a": "belongs to another conversation"}),
            ([agent("a"), run("r", "a", "r")], {"orphan-agent:r": "its own parent"}),
            (
                [agent("a"), agent("b"), run("r", "a", "s"), run("s", "b", "r")],
                {"orphan-agent:r": "from s leads back to it", "orphan-agent:s": "from r leads back to it"},
            ),
            (
                [agent("a"), agent("b", conversation_id="k"), run("r", "a", "s"), run("s", "b", conversation_id="k")],
                {"orphan-agent:r": "belongs to another conversation"},
            ),
        ],
    )
    def test_it_says_what_is_wrong_with_the_parent(self, rows: list[Row], words: dict[str, str]) -> None:
        result = {row[0]: row[2] for row in found([conversation(), conversation("k"), *rows])}
        assert result.keys() == words.keys()
        for finding_id, part in words.items():
            assert part in result[finding_id]

    def test_an_open_run_is_one_that_runs_without_an_end(self) -> None:
        rows = [conversation(), agent("a"), run("r", "a", status="running"), run("s", "a", status="running", end_ms=5)]
        assert [row[0] for row in found([*rows, run("t", "a", status="unknown")])] == ["open-run:r"]


class TestNumbering:
    def test_a_perfect_numbering_is_no_finding(self) -> None:
        assert found([conversation(), audit()]) == []

    def test_a_gap_in_every_order_is_a_warning(self) -> None:
        gaps = {f"gap_events_{order}": number for order, number in _orders(2, 1, 3)}
        missing = {f"missing_ids_{order}": number for order, number in _orders(2000, 1500, 9000)}
        (only,) = found([conversation(), audit(**gaps, **missing)])
        assert only[:2] == ("numbering-gap:c", "warning")
        assert "once in every order of the steps, over 1,500 ids" in only[2]

    def test_a_gap_that_another_order_has_not_is_none(self) -> None:
        gaps = {f"gap_events_{order}": number for order, number in _orders(2, 0, 2)}
        assert found([conversation(), audit(**gaps)]) == []

    @pytest.mark.parametrize(
        ("resets", "severity", "words"),
        [
            ((2, 0, 5), "info", "2 times in the order of the file and never when parents are read before"),
            ((2, 1, 0), "info", "2 times in the order of the file and never by start time"),
            ((2, 1, 5), "warning", "2 times in the order of the file, once parent first, 5 times by start time"),
        ],
    )
    def test_a_reset_is_a_warning_unless_some_order_has_none(
        self, resets: tuple[int, int, int], severity: str, words: str
    ) -> None:
        events = {f"reset_events_{order}": number for order, number in _orders(*resets)}
        (only,) = found([conversation(), audit(**events)])
        assert only[:2] == ("namespace-reset:c", severity)
        assert words in only[2]

    def test_an_order_other_than_the_files_may_reset_as_it_likes(self) -> None:
        events = {f"reset_events_{order}": number for order, number in _orders(0, 3, 3)}
        assert found([conversation(), audit(**events)]) == []

    def test_ids_that_are_not_chained_are_reported_and_not_taken_for_a_numbering(self) -> None:
        events = {f"{what}_{order}": 5 for order, _ in _orders(0, 0, 0) for what in ("reset_events", "gap_events")}
        assert [row[0] for row in found([conversation(), audit(chained=False, **events)])] == ["not-prefix-chained:c"]

    def test_global_ids_are_not_numbered_by_one_file(self) -> None:
        events = {f"{what}_{order}": 5 for order, _ in _orders(0, 0, 0) for what in ("reset_events", "gap_events")}
        assert found([conversation(), audit(scope="global", **events)]) == []


def _orders(document: int, parent_first: int, start_time: int) -> list[tuple[str, int]]:
    return [("document", document), ("parent_first", parent_first), ("start_time", start_time)]


class TestPrivateNamespaces:
    """The parent's blocks are 0 to 9, its prompts growing; the sub-agent's are given."""

    def rows(self, *prompts: list[tuple[int, int]], shared: int, base: int = 0) -> list[Row]:
        rows: list[Row] = [conversation(), agent("m"), agent("s", "m"), run("m/1", "m"), run("s/1", "s", "m/1")]
        rows += [*blocks("m/1", 1, (base, 4)), *blocks("m/1", 2, (base, 10)), footprint("m/1", 10)]
        held: set[int] = set()
        for ordinal, prompt in enumerate(prompts, 1):
            rows += blocks("s/1", ordinal, *prompt)
            held |= {block for first, count in prompt for block in range(first, first + count)}
        return [*rows, footprint("s/1", len(held), shared)]

    def test_a_sub_agent_that_counts_from_the_base_again_is_suspected(self) -> None:
        for base in (0, 1):
            (only,) = found(self.rows([(base, 3)], [(base, 5)], shared=5, base=base))
            assert only[:2] == ("private-namespace:s/1", "warning")
            assert f"exactly {base} to {base + 4}" in only[2]

    def test_so_is_one_that_counts_farther_than_its_parent(self) -> None:
        assert len(found(self.rows([(0, 3)], [(0, 14)], shared=10))) == 1

    def test_a_prefix_that_was_inherited_and_never_grew_is_none(self) -> None:
        assert found(self.rows([(0, 4)], shared=4)) == []
        assert found(self.rows([(0, 4)], [(0, 4)], shared=4)) == []

    def test_additions_with_new_ids_are_none(self) -> None:
        assert found(self.rows([(0, 4), (10, 2)], [(0, 4), (10, 5)], shared=4)) == []

    def test_a_fork_of_the_whole_context_that_goes_on_with_new_ids_is_none(self) -> None:
        assert found(self.rows([(0, 10)], [(0, 14)], shared=10)) == []

    def test_ids_of_its_own_are_none(self) -> None:
        assert found(self.rows([(10, 4)], [(10, 8)], shared=0)) == []

    def test_one_that_does_not_start_at_the_base_is_none(self) -> None:
        assert found(self.rows([(2, 3)], [(2, 5)], shared=5)) == []

    def test_another_base_than_0_or_1_is_none(self) -> None:
        assert found(self.rows([(7, 3)], [(7, 5)], shared=5, base=7)) == []

    def test_ids_near_the_end_of_64_bits_do_not_overflow(self) -> None:
        last = 2**64 - 1
        rows: list[Row] = [*blocks("s/1", 3, (last, 1)), *blocks("m/1", 3, (last - 3, 4))]
        assert found([*self.rows([(0, 3)], [(0, 5)], shared=10), *rows]) == []


class TestSiblings:
    def rows(self, name: str, *times: tuple[int | None, int | None], **of_call: Any) -> list[Row]:
        """A step that asks for agents, and when each of them ran."""
        rows: list[Row] = [agent(name), run(name, name), step(name, 1), step(name, 2)]
        for n, (start, end) in enumerate(times, 1):
            child = f"{name}{n}"
            rows += [agent(child, name), run(child, child, start_ms=start, end_ms=end)]
            rows.append(tool_call(name, n, **{"step_ordinal": 1, "child_run_id": child} | of_call))
        return rows

    def test_agents_asked_for_together_that_ran_one_after_another_lost_time(self) -> None:
        of_two_answers = self.rows("answers", (1000, 9000), (9000, 30000))
        calls = [each for each in of_two_answers if isinstance(each, ToolCall)]
        of_two_answers[of_two_answers.index(calls[1])] = replace(calls[1], step_ordinal=2)
        rows = [
            conversation(),
            *self.rows("lost", (9000, 30000), (1000, 9000), (31000, 36000)),
            *self.rows("beside", (1000, 9000), (8999, 30000)),
            *self.rows("twobeside", (1000, 30000), (2000, 3000), (40000, 50000)),
            *self.rows("alone", (1000, 9000)),
            *self.rows("short", (1000, 9000), (9000, 9900)),
            *self.rows("open", (1000, None), (9000, 30000)),
            *self.rows("unsure", (1000, 9000), (9000, 30000), grade="ambiguous"),
            *of_two_answers,
        ]
        assert found(rows) == [
            (
                "serialised-siblings:lost:1", "info",
                "3 agents that one answer asked for ran one after another, for 35.0 s; the longest took 21.0 s: "
                "14.0 s were lost",
            )
        ]  # fmt: skip


class TestHandOffs:
    def test_what_was_sent_and_never_arrived_is_said_of_who_sent_it(self) -> None:
        rows = [conversation(), agent("a"), agent("b", "a", name="bob"), run("r", "a"), run("s", "b", "r")]
        rows += [edge("lost", "message", "r", "s", delivered=False), edge("task", "assign", "r", None, delivered=False)]
        rows += [edge("came", "message", "r", "s", delivered=True), edge("who knows", "message", "r", "s")]
        rows.append(edge("of the reader", "result", "s", "r", delivered=False))
        assert found(rows) == [
            (
                "undelivered-message:lost",
                "warning",
                "a message to bob never arrived: nothing that was recorded of that agent shows it",
            ),
            (
                "undelivered-message:task",
                "warning",
                "a task (assign) to an agent that is not recorded never arrived: nothing that is recorded shows it",
            ),
        ]
        assert ask(make_database(rows), "SELECT DISTINCT run_id, agent_id, conversation_id FROM findings") == [
            ("r", "a", "c")
        ]


class TestIds:
    def test_what_an_export_brought_with_it_is_not_found_again(self) -> None:
        rows = [conversation(), agent("a", "gone"), finding("orphan-agent:a", "orphan-agent", message="as exported")]
        assert found(rows) == [("orphan-agent:a", "warning", "as exported")]

    def test_findings_have_the_source_of_their_conversation(self) -> None:
        rows = [source("b.json"), conversation(source_id="b.json"), agent("a", "gone")]
        assert ask(make_database(rows), "SELECT source_id, agent_id FROM findings") == [("b.json", "a")]


class TestPages:
    def test_every_page_says_everything(self) -> None:
        for code, page in EXPLANATIONS.items():
            assert code == page.code
            assert re.fullmatch(r"[a-z]+(-[a-z]+)+", code)
            assert page.severity in get_args(Severity)
            assert all(len(part) > 6 for part in page[2:])
            assert [text for _, text in page.sections] == list(page[3:])

    def test_every_code_that_is_made_anywhere_has_a_page(self) -> None:
        made = codes_of_rules() | codes_of_calls()
        assert {"total-mismatch", "bad-record", "orphan-agent"} <= made
        assert made <= EXPLANATIONS.keys()


def codes_of_rules() -> set[str]:
    files = (Path(explorer.__file__).parent / "store").glob("*findings.sql")
    return {code for path in files for code in re.findall(r"'([a-z-]+)' AS code", path.read_text())}


def codes_of_calls() -> set[str]:
    """Kebab-case texts that readers and ingest pass beside a severity, or keep in tables and assign as codes."""
    codes: set[str] = set()
    root = Path(explorer.__file__).parent
    for path in [*root.glob("readers/**/*.py"), *root.glob("store/ingest/*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            values: list[ast.expr] = []
            if isinstance(node, ast.Call):
                values = node.args
            elif isinstance(node, ast.Tuple):
                values = node.elts
            texts = [
                value.value for value in values if isinstance(value, ast.Constant) and isinstance(value.value, str)
            ]
            if set(texts) & set(get_args(Severity)):
                codes |= {text for text in texts if re.fullmatch(r"[a-z]+(-[a-z]+)+", text)}
    return codes
