"""Agents of which it is known who they are, all at work at once: their log gives each of them back."""

import json
import random

import pytest

from explorer.readers._openai._items import items_of
from explorer.readers.openai_messages._bases import Bases
from tests.readers.reading import read


class Agent:
    """A client with a history that grows, and who started it."""

    def __init__(self, number, parent, call, task):
        self.number, self.parent, self.call = number, parent, call
        self.messages = [
            {"role": "system", "content": f"Instructions {number % 3}."},
            {"role": "user", "content": task},
        ]
        self.left, self.calls, self.waits = 0, 0, {}


def tool_call(call_id, task):
    return {"id": call_id, "type": "function", "function": {"name": "t", "arguments": json.dumps({"task": task})}}


def team(rng, most):
    """Requests of agents that ask tools and each other, in any order that is possible, and whose each is."""
    agents, records, truth = [Agent(0, None, None, "Begin with all of it.")], [], []
    agents[0].left = 6
    while ready := [agent for agent in agents if agent.left and not agent.waits]:
        agent = rng.choice(ready)
        agent.left -= 1
        answer = {"role": "assistant", "content": f"Agent {agent.number} says that {agent.left} are left."}
        children = rng.randrange(3) if agent.left and len(agents) < most else 0
        if agent.left:
            answer["tool_calls"] = [
                tool_call(f"c{agent.number}-{agent.calls + n}", f"Task {n} of {agent.number}.{agent.left}")
                for n in range(max(children, 1))
            ]
        records.append({"request": {"model": "m", "messages": list(agent.messages)},
                        "response": {"choices": [{"message": answer}]}})  # fmt: skip
        truth.append(agent.number)
        agent.messages.append(answer)
        for n, call in enumerate(answer.get("tool_calls", ())):
            agent.calls += 1
            if n < children:
                child = Agent(len(agents), agent, call["id"], json.loads(call["function"]["arguments"])["task"])
                child.left = rng.randrange(1, 5)
                agents.append(child)
                agent.waits[call["id"]] = child
            else:
                agent.messages.append({"role": "tool", "tool_call_id": call["id"], "content": "done"})
        if not agent.left and agent.parent is not None:
            result = {"role": "tool", "tool_call_id": agent.call, "content": answer["content"]}
            agent.parent.messages.append(result)
            del agent.parent.waits[agent.call]
    return agents, records, truth


@pytest.mark.parametrize("seed", range(4))
def test_every_request_is_its_agents_and_every_agent_its_parents(seed, tmp_path):
    agents, records, truth = team(random.Random(seed), most=12)
    path = tmp_path / "log.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    found = read(path, "l", reader="openai-messages")
    number = {}  # agents are numbered by their first requests
    for agent in truth:
        number.setdefault(agent, len(number) + 1)
    steps = sorted(found.steps, key=lambda step: step.offset)
    assert [step.run_id for step in steps] == [f"l/agent-{number[agent]}/1" for agent in truth]
    parents = {f"l/agent-{number[agent.number]}/1": agent for agent in agents}
    assert {run.run_id: run.parent_run_id for run in found.runs} == {
        run_id: agent.parent and f"l/agent-{number[agent.parent.number]}/1" for run_id, agent in parents.items()
    }
    assert {run.run_id: run.spawn_tool_call_id for run in found.runs} == {
        run_id: agent.call for run_id, agent in parents.items()
    }
    results = [edge for edge in found.edges if edge.kind == "result"]
    assert len(results) == len(agents) - 1
    assert all(edge.delivered for edge in results)
    assert found.codes() == []


@pytest.mark.parametrize("seed", [7, 8])
def test_blocks_are_shared_exactly_as_far_as_prompts_are_and_a_repeated_beginning_changes_nothing(
    seed, tmp_path, monkeypatch
):
    _, records, _ = team(random.Random(seed), most=9)
    path = tmp_path / "log.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    found = read(path, "l", reader="openai-messages")
    steps = sorted(found.steps, key=lambda step: step.offset)
    ids = [found.ids(step) for step in steps]
    parts = [[item for message in r["request"]["messages"] for item in items_of(message)] for r in records]
    for one, mine in zip(ids, parts, strict=True):
        assert len(one) == len(mine)
        for other, theirs in zip(ids, parts, strict=True):
            common = next((n for n, (a, b) in enumerate(zip(mine, theirs, strict=False)) if a != b), None)
            common = min(len(mine), len(theirs)) if common is None else common
            assert one[:common] == other[:common]
            assert not set(one[common:]) & set(other[common:])
    monkeypatch.setattr(Bases, "of_prompt", lambda *_: None)
    assert read(path, "l", reader="openai-messages").rows == found.rows
