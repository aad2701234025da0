"""The rules over more than one record, and the pages that explain every code."""

import ast
import re
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any, get_args

import pytest

import explorer
from explorer.model import Finding, NamespaceAudit, Row, Severity, ToolCall
from explorer.store.database import Database
from explorer.store.findings import EXPLANATIONS
from explorer.store.ingest.outcome import unread
from explorer.store.ingest.walk import NO_FILE, NOWHERE, Found
from tests.store.world import (
    agent,
    ask,
    audit,
    beside,
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
    within,
)


def found(database: Database, world: str) -> list[tuple[str, ...]]:
    """Ids, severities and messages of one of several worlds."""
    return within(world, ask(database, "SELECT finding_id, severity, message FROM findings ORDER BY finding_id"))


def recorded(*more: Row, **reported: int) -> list[Row]:
    """A run of two steps with 2,100 tokens in, 5 out of the first and one tool call, and these sums by the recorder."""
    rows: list[Row] = [conversation(), agent("a"), run("r", "a", **reported), tool_call("r", 1), *more]
    return [*rows, step("r", 1, input_tokens=1500, output_tokens=5), step("r", 2, input_tokens=600)]


def mismatch(what: str, message: str) -> tuple[str, str, str]:
    return f"total-mismatch:r:{what}", "warning", message


FAILED = step("r", 3, error="the provider is busy")
TOTALS: dict[str, tuple[list[Row], list[tuple[str, str, str]]]] = {
    "totals that agree are no finding": (
        recorded(reported_input_tokens=2100, reported_steps=2, reported_tool_calls=1), [],
    ),
    "a total that differs is named with both figures": (
        recorded(reported_input_tokens=2000, reported_steps=3, reported_output_tokens=5),
        [
            mismatch("input_tokens", "recorded input tokens: 2,000; its steps sum to 2,100 (+100)"),
            mismatch("steps", "recorded steps: 3; its steps sum to 2 (-1)"),
        ],
    ),
    "steps without usage are mentioned": (
        recorded(step("r", 3), reported_input_tokens=2000),
        [mismatch(
            "input_tokens", "recorded input tokens: 2,000; its steps sum to 2,100 (+100); 1 of 3 steps has no usage"
        )],
    ),
    "nothing recorded on either side contradicts nothing": (
        [
            conversation(tool_calls_recorded=False), agent("a"), step("r"),
            run("r", "a", reported_input_tokens=5, reported_tool_calls=3),
        ],
        [],
    ),
    "replayed steps do not make a total wrong": (
        recorded(step("r", 3, is_replay=True, input_tokens=1), reported_steps=2), [],
    ),
    "a recorder may leave failed calls out": (recorded(FAILED, reported_steps=2), []),
    "a recorder may count failed calls": (recorded(FAILED, reported_steps=3), []),
    "no recorder may count less than that": (
        recorded(FAILED, reported_steps=1), [mismatch("steps", "recorded steps: 1; its steps sum to 3 (+2)")],
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def totals() -> Database:
    return make_database(beside({case: rows for case, (rows, _) in TOTALS.items()}))


@pytest.mark.parametrize("case", TOTALS)
def test_a_total_that_differs_from_its_sum_is_a_finding(case: str, totals: Database) -> None:
    assert found(totals, case) == TOTALS[case][1]


HIERARCHIES: dict[str, tuple[list[Row], dict[str, str]]] = {
    "a missing parent is an orphan named once": (
        [agent("a", "gone"), run("r", "a", "gone/1")],
        {"orphan-agent:a": "its parent gone is not in the recording: shown without this parent"},
    ),
    "a missing parent run is reported where the agent is not": (
        [agent("a"), run("r", "a", "gone")], {"orphan-agent:r": ""},
    ),
    "an agent that is its own parent": ([agent("a", "a")], {"orphan-agent:a": "its own parent"}),
    "agents in a circle": (
        [agent("a", "b"), agent("b", "a"), agent("x", "a")],
        {"orphan-agent:a": "from b leads back to it", "orphan-agent:b": "from a leads back to it"},
    ),
    "a parent of another conversation": (
        [agent("a", "b"), agent("b", conversation_id="k")], {"orphan-agent:a": "belongs to another conversation"},
    ),
    "a run that is its own parent": ([agent("a"), run("r", "a", "r")], {"orphan-agent:r": "its own parent"}),
    "runs in a circle": (
        [agent("a"), agent("b"), run("r", "a", "s"), run("s", "b", "r")],
        {"orphan-agent:r": "from s leads back to it", "orphan-agent:s": "from r leads back to it"},
    ),
    "a parent run of another conversation": (
        [agent("a"), agent("b", conversation_id="k"), run("r", "a", "s"), run("s", "b", conversation_id="k")],
        {"orphan-agent:r": "belongs to another conversation"},
    ),
    "an open run is one that runs without an end": (
        [
            agent("a"), run("r", "a", status="running"), run("s", "a", status="running", end_ms=5),
            run("t", "a", status="unknown"),
        ],
        {"open-run:r": ""},
    ),
}  # fmt: skip
"""Agents and runs of the conversations c and k, and what the finding of each says, in part."""


@pytest.fixture(scope="module")
def hierarchies() -> Database:
    both = [conversation(), conversation("k")]
    return make_database(beside({case: [*both, *rows] for case, (rows, _) in HIERARCHIES.items()}))


@pytest.mark.parametrize("case", HIERARCHIES)
def test_it_says_what_is_wrong_with_a_parent_or_an_end(case: str, hierarchies: Database) -> None:
    its, words = found(hierarchies, case), HIERARCHIES[case][1]
    assert [(finding_id, severity) for finding_id, severity, _ in its] == [(each, "warning") for each in words]
    for finding_id, _, message in its:
        assert words[finding_id] in message


def counted(what: str, document: int, parent_first: int, start_time: int) -> dict[str, int]:
    """How often something happens in each order of the steps."""
    return {f"{what}_document": document, f"{what}_parent_first": parent_first, f"{what}_start_time": start_time}


ANY = counted("reset_events", 5, 5, 5) | counted("gap_events", 5, 5, 5)
NUMBERINGS: dict[str, tuple[NamespaceAudit, list[tuple[str, str, str]]]] = {
    "a perfect numbering is no finding": (audit(), []),
    "a gap in every order is a warning": (
        audit(**counted("gap_events", 2, 1, 3), **counted("missing_ids", 2000, 1500, 9000)),
        [("numbering-gap:c", "warning", "once in every order of the steps, over 1,500 ids")],
    ),
    "a gap that another order has not is none": (audit(**counted("gap_events", 2, 0, 2)), []),
    "a reset that is none where parents come first": (
        audit(**counted("reset_events", 2, 0, 5)),
        [("namespace-reset:c", "info", "2 times in the order of the file and never when parents are read before")],
    ),
    "a reset that is none by start time": (
        audit(**counted("reset_events", 2, 1, 0)),
        [("namespace-reset:c", "info", "2 times in the order of the file and never by start time")],
    ),
    "a reset in every order is a warning": (
        audit(**counted("reset_events", 2, 1, 5)),
        [("namespace-reset:c", "warning", "2 times in the order of the file, once parent first, 5 times")],
    ),
    "an order other than the file's may reset as it likes": (audit(**counted("reset_events", 0, 3, 3)), []),
    "ids that are not chained are reported and not taken for a numbering": (
        audit(chained=False, **ANY), [("not-prefix-chained:c", "warning", "")],
    ),
    "global ids are not numbered by one file": (audit(scope="global", **ANY), []),
}  # fmt: skip
"""Numberings of the namespace c, and what the finding of each says, in part."""


@pytest.fixture(scope="module")
def numberings() -> Database:
    return make_database(beside({case: [conversation(), its] for case, (its, _) in NUMBERINGS.items()}))


@pytest.mark.parametrize("case", NUMBERINGS)
def test_a_numbering_that_jumps_in_every_order_is_a_finding(case: str, numberings: Database) -> None:
    its, expected = found(numberings, case), NUMBERINGS[case][1]
    assert [each[:2] for each in its] == [each[:2] for each in expected]
    assert all(words in (message or "") for (*_, words), (*_, message) in zip(expected, its, strict=True))


def nested(*prompts: list[tuple[int, int]], shared: int, base: int = 0) -> list[Row]:
    """The parent's blocks are 0 to 9 from the base, its prompts growing; those of the sub-agent are given."""
    rows: list[Row] = [conversation(), agent("m"), agent("s", "m"), run("m/1", "m"), run("s/1", "s", "m/1")]
    rows += [*blocks("m/1", 1, (base, 4)), *blocks("m/1", 2, (base, 10)), footprint("m/1", 10)]
    held: set[int] = set()
    for ordinal, prompt in enumerate(prompts, 1):
        rows += blocks("s/1", ordinal, *prompt)
        held |= {block for first, count in prompt for block in range(first, first + count)}
    return [*rows, footprint("s/1", len(held), shared)]


PRIVATE: dict[str, tuple[list[Row], str | None]] = {
    "one that counts from the base again": (nested([(0, 3)], [(0, 5)], shared=5), "exactly 0 to 4"),
    "one that counts from the base 1 again": (nested([(1, 3)], [(1, 5)], shared=5, base=1), "exactly 1 to 5"),
    "one that counts farther than its parent": (nested([(0, 3)], [(0, 14)], shared=10), ""),
    "a prefix that was inherited": (nested([(0, 4)], shared=4), None),
    "a prefix that was inherited and never grew": (nested([(0, 4)], [(0, 4)], shared=4), None),
    "additions with new ids": (nested([(0, 4), (10, 2)], [(0, 4), (10, 5)], shared=4), None),
    "a fork of the whole context that goes on with new ids": (nested([(0, 10)], [(0, 14)], shared=10), None),
    "ids of its own": (nested([(10, 4)], [(10, 8)], shared=0), None),
    "one that does not start at the base": (nested([(2, 3)], [(2, 5)], shared=5), None),
    "another base than 0 or 1": (nested([(7, 3)], [(7, 5)], shared=5, base=7), None),
    "ids near the end of 64 bits": (
        [
            *nested([(0, 3)], [(0, 5)], shared=10), *blocks("s/1", 3, (2**64 - 1, 1)),
            *blocks("m/1", 3, (2**64 - 4, 4)),
        ],
        None,
    ),
}  # fmt: skip
"""Sub-agents, and what the suspicion of a namespace of its own says, in part; None where there is none."""


@pytest.fixture(scope="module")
def suspected() -> Database:
    return make_database(beside({case: rows for case, (rows, _) in PRIVATE.items()}))


@pytest.mark.parametrize("case", PRIVATE)
def test_a_sub_agent_that_counts_from_the_base_again_is_suspected(case: str, suspected: Database) -> None:
    its, words = found(suspected, case), PRIVATE[case][1]
    assert [each[:2] for each in its] == [("private-namespace:s/1", "warning")] * (words is not None)
    assert all(str(words) in message for *_, message in its)


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
        assert ask(make_database(rows), "SELECT finding_id, severity, message FROM findings") == [
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
        database = make_database(rows)
        assert ask(database, "SELECT finding_id, severity, message FROM findings ORDER BY finding_id") == [
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
        assert ask(database, "SELECT DISTINCT run_id, agent_id, conversation_id FROM findings") == [("r", "a", "c")]


class TestIds:
    def test_findings_have_the_source_of_their_conversation_and_none_that_an_export_brought_is_made_again(self) -> None:
        rows = [source("b.json"), conversation(source_id="b.json"), agent("a", "gone"), agent("b", "gone")]
        rows += [finding("orphan-agent:a", "orphan-agent", agent_id="a", message="as exported")]
        stored = "SELECT finding_id, agent_id, source_id, message FROM findings ORDER BY finding_id"
        assert ask(make_database(rows), stored) == [
            ("orphan-agent:a", "a", "a.json", "as exported"),
            ("orphan-agent:b", "b", "b.json", "its parent gone is not in the recording: shown without this parent"),
        ]


class TestPages:
    def test_every_page_says_everything(self) -> None:
        for code, page in EXPLANATIONS.items():
            assert code == page.code
            assert re.fullmatch(r"[a-z]+(-[a-z]+)+", code)
            assert set(re.split(", | or ", page.severity)) <= set(get_args(Severity))
            assert all(len(part) > 6 for part in page[2:])
            assert [text for _, text in page.sections] == list(page[3:])

    def test_every_code_that_is_made_anywhere_has_a_page(self) -> None:
        made = codes_of_rules() | codes_of_calls()
        assert {"total-mismatch", "bad-record", "orphan-agent"} <= made
        assert made <= EXPLANATIONS.keys()

    def test_a_page_names_every_severity_that_rules_give(self) -> None:
        given = severities_of_rules()
        assert given["forked-capture"] == {"info", "warning"}
        for code, severities in given.items():
            assert set(EXPLANATIONS[code].severity.split(" or ")) == severities, code

    def test_a_page_names_the_severities_of_files_that_are_not_read(self) -> None:
        problems = ("Permission denied", f"{NOWHERE} (…)", NO_FILE, "no known format")
        for name, problem in product(("a.json", "README"), problems):
            found = Found(Path(name), name, None, None, problem)
            (made,) = (row for row in unread(found, problem) if isinstance(row, Finding))
            assert made.severity in re.split(", | or ", EXPLANATIONS[made.code].severity)


def codes_of_rules() -> set[str]:
    files = (Path(explorer.__file__).parent / "store").glob("*findings.sql")
    return {code for path in files for code in re.findall(r"'([a-z-]+)' AS code", path.read_text())}


def severities_of_rules() -> dict[str, set[str]]:
    files = (Path(explorer.__file__).parent / "store").glob("*findings.sql")
    found: dict[str, set[str]] = {}
    for path in files:
        for code, severity in re.findall(r"'([a-z-]+)' AS code,\s+(.*?) AS severity", path.read_text(), re.DOTALL):
            found.setdefault(code, set()).update(re.findall(r"'(error|warning|info)'", severity))
    return found


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
