"""Goals played by processes of which everything is known: what is graded exact or derived is never wrong."""

import json
import random
import tempfile
from collections import Counter
from pathlib import Path

import pytest

from tests.readers.maverick.worlds import T, call, episode, goal, lines, plan, post, reading, result, swarm, tool, world


class Play:
    """Attempts at one goal, with the agents that each spawned."""

    def __init__(self, seed, together, audited, plans_lost):
        self.random = random.Random(seed)
        self.audited = audited
        self.plans_lost = plans_lost
        self.posts, self.audit, self.episodes = [], [], []
        self.attempt_of = {}  # tool name -> ordinal of its attempt, for every call: names are unique
        self.parent_of = {}  # instance -> instance
        begin = 0.0
        for ordinal in range(1, self.random.randrange(2, 5)):
            end = self.attempt(ordinal, begin)
            begin = self.random.uniform(begin + 1, end) if together else end + self.random.uniform(1.5, 5)

    def name(self, role, depth):
        return f"{role}-{depth}-{self.random.randrange(1 << 24):06x}"

    def attempt(self, ordinal, begin):
        self.ordinal = ordinal
        root = self.name("orchestrator", 0)
        end = self.agent(root, begin + 0.2, 0, announced=True)
        self.episodes.append(episode(ordinal, begin, end + 0.3))
        return end + 0.4

    def agent(self, name, at, depth, announced=False):
        """Play an agent; returns when it was done."""
        if announced or self.random.random() > self.plans_lost:
            self.posts.append(plan(at, name))
        for _ in range(self.random.randrange(1, 5)):
            at += self.random.uniform(0.2, 3)
            kind = self.random.random() if depth < 2 else 0
            if kind < 0.6:
                at = self.tool(name, at)
            elif kind < 0.8:
                children = [self.name(self.random.choice(["coder", "tester"]), depth + 1) for _ in range(2)]
                self.posts.append(swarm(at, name, *children))
                at = self.call(
                    name, "spawn_swarm", at, [(child, at + 0.1 + n / 50) for n, child in enumerate(children)], depth
                )
            else:
                role = self.random.choice(["coder", "tester"])
                tool_ = self.random.choice(["spawn_subagent", "spawn_specialist"])
                at = self.call(
                    name, tool_, at, [(self.name(role, depth + 1), at + 0.1)], depth, json.dumps({"role": role})
                )
        at += 0.5
        self.posts.append(post(at, name, "finding", "x"))
        return at

    def tool(self, name, at):
        unique = f"tool{len(self.attempt_of)}"
        self.attempt_of[unique] = self.ordinal, name
        end = at + self.random.uniform(0.1, 2)
        self.audit += [call(at, name, unique), result(end, name, unique)]
        self.posts.append(tool(end + 0.01, name, unique))
        return end

    def call(self, name, spawning, at, children, depth, asked="{}"):
        self.audit.append(call(at, name, spawning, input_summary=asked))
        for child, _ in children:
            self.parent_of[child] = name
        end = max(self.agent(child, start, depth + 1) for child, start in children) + 0.2
        self.audit.append(result(end, name, spawning))
        self.posts.append(tool(end + 0.01, name, spawning))
        return end

    def read(self):
        with tempfile.TemporaryDirectory() as directory:
            home = Path(directory)
            world(home / "world.db", [goal()], self.episodes, sorted(self.posts, key=lambda each: each["ts"]))
            if self.audited:
                lines(home / "audit" / "2026-06-02.ndjson", *sorted(self.audit, key=lambda each: each["ts"]))
            return reading(home / "world.db")


CASES = [
    pytest.param(
        together, audited, lost, id=f"{'together' if together else 'in turn'}-{'log' if audited else 'posts'}-{lost}"
    )
    for together in (False, True)
    for audited in (False, True)
    for lost in (0.0, 0.3)
]


@pytest.mark.parametrize(("together", "audited", "lost"), CASES)
def test_what_is_certain_is_true(together, audited, lost):
    grades = Counter()
    for seed in range(12):
        play = Play(f"{seed} {together} {lost}", together, audited, lost)
        found = play.read()
        agents = {agent.agent_id: agent for agent in found.agents}
        assert len([run for run in found.runs if run.native_run_id and run.native_run_id.isdigit()]) == len(
            play.episodes
        )
        names = {(each.run_id, each.step_ordinal): each.name for each in found.tool_calls}
        for step in found.steps:
            tool_ = names[step.run_id, step.ordinal]
            if tool_.startswith("spawn"):
                continue
            ordinal, name = play.attempt_of[tool_]
            right = f"orchestrator-0/{ordinal}" if "-0-" in name else f"{name}/1"
            true = step.run_id.endswith(f"/{right}")
            grades["step", step.grade, true] += 1
            assert true or step.grade == "ambiguous"
            if step.grade == "ambiguous":
                assert any(each.endswith(f"/{right}") for each in json.loads(step.candidates))
        assert len([name for name in names.values() if not name.startswith("spawn")]) == len(play.attempt_of)
        for agent in found.agents:
            if agent.label is None:
                continue
            parent = play.parent_of[agent.label]
            above = agents[agent.parent_agent_id]
            true = (above.label or "root") == (parent if "-0-" not in parent else "root")
            grades["parent", agent.parent_grade, true] += 1
            assert true or agent.parent_grade == "ambiguous", (seed, agent.label, parent, above.label)
        for each in play.episodes:
            (run,) = [run for run in found.runs if run.native_run_id == str(each["id"])]
            assert run.start_ms == round(each["started_at"] * 1000) - round(T * 1000)
    assert grades["step", "exact", True] + grades["step", "derived", True] > 0
    if not together:
        assert not grades["step", "ambiguous", True] + grades["step", "ambiguous", False]
    if audited and not lost:
        assert grades["parent", "exact", True] > 5 * (grades["parent", "ambiguous", True] + 1)
