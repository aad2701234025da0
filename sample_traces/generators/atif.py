"""ATIF: trajectories as Harbor and others write them, with sub-agents inside, beside and inlined.

A trajectory is written step by step; its sums are added up as its writer would, and where a writer would do so wrongly,
wrongly.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

Step = dict[str, Any]
START = datetime(2026, 5, 4, 9, tzinfo=UTC)
LARGE, SMALL = "m-large", "m-small"
TOOLS = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}} for name in ("bash", "delegate")
]


class Trajectory:
    """A trajectory that is being written."""

    def __init__(
        self, name: str, at: float = 0, version: str = "1.7", model: str | None = LARGE, **fields: Any
    ) -> None:
        about = {"name": name, "version": "2.4", "model_name": model, "tool_definitions": TOOLS}
        self.fields = {"schema_version": f"ATIF-v{version}"} | fields | {"agent": {k: v for k, v in about.items() if v}}
        self.steps: list[Step] = []
        self.at = at

    def step(self, source: str, text: Any, wait: float = 1, **fields: Any) -> Step:
        """A step, ``wait`` seconds after the one before; what is None is left out."""
        self.at += wait
        stamp = (START + timedelta(seconds=self.at)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        step = {"step_id": len(self.steps) + 1, "timestamp": stamp, "source": source, "message": text} | fields
        self.steps.append({key: value for key, value in step.items() if value is not None})
        return self.steps[-1]

    def call(
        self, message: str, usage: tuple[int, int, int, int], tools: Any = (), results: Any = (), **fields: Any
    ) -> Step:
        """A model call: prompt with what of it was read from and written to the cache, and the answer."""
        prompt, cached, written, completion = usage
        metrics: Step = {"prompt_tokens": prompt, "cached_tokens": cached, "completion_tokens": completion}
        metrics["extra"] = {"cache_creation_input_tokens": written, "reasoning_tokens": completion // 4}
        calls = [{"tool_call_id": i, "function_name": name, "arguments": wanted} for i, name, wanted in tools]
        return self.step(
            "agent", message, tool_calls=calls or None, observation={"results": list(results)} if results else None,
            metrics=metrics, **fields,
        )  # fmt: skip

    def sums(self, *others: Trajectory) -> dict[str, Any]:
        """``final_metrics`` over its steps and those of others."""
        metrics = [step["metrics"] for each in (self, *others) for step in each.steps if "metrics" in step]
        names = ("prompt_tokens", "completion_tokens", "cached_tokens")
        totals: dict[str, Any] = {f"total_{name}": sum(each[name] for each in metrics) for name in names}
        return totals | {"total_steps": len(self.steps)}

    def whole(self, **fields: Any) -> dict[str, Any]:
        """The trajectory as its file has it."""
        return self.fields | {"steps": self.steps} | fields


def result(call_id: str | None, content: str, *references: dict[str, str], **fields: Any) -> Step:
    """What came of a call."""
    found: Step = {"source_call_id": call_id, "content": content} | fields
    found |= {"subagent_trajectory_ref": list(references)} if references else {}
    return {key: value for key, value in found.items() if value is not None}


def written(trajectory: dict[str, Any]) -> bytes:
    """As writers do, over several lines."""
    return json.dumps(trajectory, indent=2, ensure_ascii=False).encode() + b"\n"


def delegation() -> bytes:
    """Two sub-agents inside, a compaction, and sums that include the sub-agents."""
    lead = Trajectory("lead", session_id="run-shop", trajectory_id="lead-1")
    lead.step("system", "You are careful.", wait=0)
    lead.step("user", "Why are two orders of yesterday missing from the report?")
    readers = []
    for number, question in enumerate(("Read the importer.", "Read the report."), 1):
        reader = Trajectory("reader", at=8 + number, model=SMALL, trajectory_id=f"reader-{number}")
        reader.step("user", question)
        reader.call("Looking.", (2_400, 0, 2_000, 44), [("b1", "bash", {"cmd": "ls"})], [result("b1", "a.py b.py")])
        reader.call("It skips empty lines." if number == 1 else "It counts lines.", (2_650, 2_000, 0, 36), wait=4)
        readers.append(reader)
    lead.call(
        "Two readers.", (9_006, 0, 9_000, 160),
        [(f"d{n}", "delegate", {"task": n}) for n in (1, 2)],
        [result(f"d{n}", f"{reader.steps[-1]['message']}", {"trajectory_id": f"reader-{n}"})
         for n, reader in enumerate(readers, 1)],
        reasoning_content="Both can be read at once.", wait=5,
    )  # fmt: skip
    lead.call(
        "Trying it.", (9_420, 9_000, 400, 60), [("b2", "bash", {"cmd": "run"})],
        [result("b2", "exit 1", is_error=True)], wait=14,
    )  # fmt: skip
    lead.step(
        "system", "Context compacted", wait=2, llm_call_count=None,
        extra={"context_management": {"type": "compaction", "boundary": "replace"}},
    )  # fmt: skip
    lead.step("user", "So far: the importer skips empty lines.", is_copied_context=True)
    lead.call("The importer loses them.", (1_900, 0, 1_800, 52), wait=3)
    return written(lead.whole(final_metrics=lead.sums(*readers), subagent_trajectories=[r.whole() for r in readers]))


def continued() -> Iterator[tuple[str, bytes]]:
    """A trajectory that goes on in another file, and one of a summary beside them."""
    first = Trajectory("terminus", version="1.6", session_id="run-long")
    first.step("user", "Port the build to the new compiler.", wait=0)
    first.call("Building.", (3_000, 0, 0, 90), [("k1", "bash", {"cmd": "make"})], [result("k1", "42 errors")], wait=2)
    first.step(
        "system", "Summarising what was done", wait=2,
        observation={"results": [result(
            None, "42 errors in three files",
            {"session_id": "run-long-summary", "trajectory_path": "trajectory.summary-1.json"},
        )]},
        extra={"context_management": {"type": "compaction", "boundary": "replace"}},
    )  # fmt: skip
    summary = Trajectory("terminus", at=3, version="1.6", session_id="run-long-summary")
    summary.step("user", "Summarise.")
    summary.call("42 errors in three files", (3_300, 2_900, 0, 120))
    later = Trajectory("terminus", at=8, version="1.6", session_id="run-long")
    later.steps = [step | {"is_copied_context": True} for step in first.steps[:2]]
    later.step("user", "42 errors in three files")
    later.call("Fixed.", (1_200, 0, 0, 70), [("k2", "bash", {"cmd": "make"})], [result("k2", "ok")])
    yield (
        "trajectory.json",
        written(first.whole(final_metrics=first.sums(), continued_trajectory_ref="trajectory.cont-1.json")),
    )
    yield "trajectory.cont-1.json", written(later.whole(final_metrics={"total_steps": len(later.steps)}))
    yield "trajectory.summary-1.json", written(summary.whole(final_metrics=summary.sums()))


def inlined() -> bytes:
    """Sub-agents whose steps a converter has put among the main one's, and what else can be odd."""
    main = Trajectory("claude-code", session_id="run-inlined")
    main.step("user", "Review both modules.", wait=0)
    main.call(
        "Asking two.", (5_000, 0, 4_800, 80), [("t1", "Agent", {"n": 1}), ("t2", "Agent", {"n": 2})],
        extra={"is_sidechain": False},
    )  # fmt: skip
    for agent in ("a1f0", "b2e1"):
        side = {"is_sidechain": True, "agent_id": agent}
        main.step("user", f"Review module {agent}.", extra=side)
        main.call("Fine.", (2_000, 0, 1_900, 30), extra=side)
    main.step("agent", "", observation={"results": [result("t1", "Fine."), result("gone", "?")]}, llm_call_count=0)
    main.call("Both fine.", (40, 5_000, 0, 20))
    main.call("Three calls in one.", (15_600, 15_000, 0, 90), llm_call_count=3, is_copied_context=None)
    main.steps[-1]["step_id"] = 12
    main.steps[-1]["reasoning_effort"] = 0.5
    main.step("agent", "no usage", message=None, metrics={"prompt_tokens": "many", "completion_tokens": -1})
    main.step("agent", "a sub-agent that is not there", observation={"results": [
        result(None, "?", {"trajectory_id": "nowhere"})]})  # fmt: skip
    totals = {"total_prompt_tokens": 77_777, "total_completion_tokens": 200, "total_cost_usd": 1.25, "total_steps": 10}
    return written(main.whole(notes="converted", final_metrics=totals))


def trial() -> Iterator[tuple[str, bytes]]:
    """A trial of Harbor: the trajectory of its agent, and how it ended."""
    agent = Trajectory("terminus-2", version="1.6", session_id="run-trial", model=SMALL)
    agent.step("user", "Sort the orders.", wait=0)
    agent.call("Sorting.", (800, 0, 0, 40), [("s1", "bash", {"cmd": "sort"})], [result("s1", "")], wait=2)
    agent.call("Sorted.", (900, 700, 0, 12), wait=3)
    yield "agent/trajectory.json", written(agent.whole(final_metrics=agent.sums()))
    ended = {
        "task_name": "shop/sort-orders", "trial_name": "sort-orders__a1b2c3", "agent_info": {"name": "terminus-2"},
        "verifier_result": {"rewards": {"reward": 1.0}}, "exception_info": None,
    }  # fmt: skip
    yield "result.json", written(ended)


def cut() -> bytes:
    """One step that is not whole, and an end that is missing."""
    lead = Trajectory("lead", session_id="run-cut")
    lead.step("user", "Hello.", wait=0)
    for number in range(3):
        lead.call(f"Answer {number}.", (1_000 + number, 0, 0, 10))
    content = written(lead.whole())
    whole = content.replace(
        b'"source": "agent",\n      "message": "Answer 1."', b'"source": "agent"\n      "message": Answer 1'
    )
    return whole[: whole.rindex(b'"cached_tokens"')]


def files() -> Iterator[tuple[str, bytes]]:
    """The names and bytes of all samples."""
    yield "atif/delegation/trajectory.json", delegation()
    for name, content in continued():
        yield f"atif/continued/{name}", content
    for name, content in trial():
        yield f"atif/trial/sort-orders__a1b2c3/{name}", content
    yield "atif/odd/inlined.json", inlined()
    yield "atif/damaged/cut.json", cut()
