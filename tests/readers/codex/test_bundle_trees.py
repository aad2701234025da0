"""Agents that spawn, fork, resume, fail, compact and report at random: what is read is what they did."""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.readers.codex.bundles import generator, reading, written
from tests.readers.test_contract import assert_sound

KEPT = ("developer", "user")
"""The roles whose messages a fork inherits."""


class Known(generator.Agent):
    """An agent of which it is known what was in its prompts."""

    def __post_init__(self):
        self.prompts = []  # turn and items of every call
        self.failed = 0
        self.is_open = False
        super().__post_init__()

    def ask(self, *output, error=None, **how):
        self.prompts.append((self.turn_id, list(self.history)))
        self.failed += error is not None
        super().ask(*output, error=error, **how)

    def first_sight(self, item):
        """The turn in which a prompt held an item first."""
        return next((turn for turn, items in self.prompts if any(each is item for each in items)), None)


class World:
    """Plays, and keeps what is true."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.bundle = generator.Bundle(7, websocket=self.rng.random() < 0.5)
        self.agents = [Known(self.bundle, 1)]
        self.sent = []
        """Kind, sender, its turn, receiver, item, how many calls the receiver had made."""
        self.begin(self.agents[0], generator.said("user", "Go."))
        for _ in range(self.rng.randrange(3, 30)):
            agent = self.rng.choice([each for each in self.agents if each.is_open])
            self.rng.choice([self.work, self.work, self.spawn, self.spawn, self.end, self.task, self.fail])(agent)
            if not any(each.is_open for each in self.agents):
                self.begin(self.agents[0], generator.said("user", f"More {len(self.bundle.lines)}."))

    def begin(self, agent, *items):
        agent.begin(*items)
        agent.is_open = True

    def work(self, agent):
        item = agent.call("exec_command", cmd=f"step {self.bundle.calls}")
        agent.ask(item)
        agent.run(item, "done")
        if self.rng.random() < 0.15:
            agent.compact(self.bundle.calls, kept=2)

    def fail(self, agent):
        agent.ask(error="stream disconnected")

    def spawn(self, agent):
        names = [f"a{len(self.agents) + n}" for n in range(self.rng.randrange(1, 4))]
        items = [agent.spawning(name, f"gAAAAA{name}", self.rng.choice(["none", "all"])) for name in names]
        agent.ask(*items)
        forked = [item for item in agent.history if item["type"] == "message" and item["role"] in KEPT]
        for name, item in zip(names, items, strict=True):
            inherited = forked if '"all"' in item["arguments"] else []
            child = agent.spawn(item, len(self.agents) + 1, name, inherited)
            self.agents.append(child)
            self.note("spawn", agent, child, child.history[-1])
            if self.rng.random() < 0.9:
                self.begin(child)

    def task(self, agent):
        """Resume a child that had ended; its start is written again."""
        idle = [each for each in self.agents if each.parent is agent and not each.is_open and each.prompts]
        if not idle:
            return
        child = self.rng.choice(idle)
        item = agent.call("followup_task", target=child.path, message=f"gAAAAAtask{self.bundle.calls}")
        agent.ask(item)
        child.close()
        child.start()
        agent.run(item, "{}", agent.activity(child, "interacted"))
        message = generator.json.loads(item["arguments"])["message"]
        child.history.append(generator.letter(agent.path, child.path, "NEW_TASK", "", message))
        self.note("assign", agent, child, child.history[-1])
        if self.rng.random() < 0.8:
            self.begin(child)

    def end(self, agent):
        agent.ask(generator.said("assistant", f"answer {self.bundle.calls}"))
        agent.finish()
        agent.is_open = False
        if agent.parent is not None:
            delivered = self.rng.random() < 0.7
            before = len(agent.parent.history)
            agent.report(f"result {self.bundle.calls}", delivered)
            item = agent.parent.history[before] if delivered else None
            self.note("result", agent, agent.parent, item)

    def note(self, kind, sender, receiver, item):
        self.sent.append((kind, sender, sender.turn_id, receiver, item, len(receiver.prompts)))

    def edges(self):
        """What is true of every hand-off."""
        for kind, sender, turn, receiver, item, before in self.sent:
            arrived = receiver.first_sight(item) if item is not None else None
            resolution = "item" if arrived else "thread" if kind == "spawn" else "pending"
            delivered = True if arrived else False if kind == "result" else None
            if kind == "assign" and not arrived and len(receiver.prompts) > before:
                delivered = False
            to = receiver.thread_id if receiver.turns else None  # an edge leads to a run
            yield kind, sender.thread_id, turn, to, arrived, resolution, delivered


def place(run_id):
    """Thread and turn of a run."""
    return run_id.split("/")[2:] if run_id else [None, None]


@settings(max_examples=20)
@given(st.integers(0, 1 << 32))
def test_tokens_and_hand_offs_of_random_trees_are_the_true_ones(seed):
    world = World(seed)
    with tempfile.TemporaryDirectory() as directory:
        found = reading(written(world.bundle, Path(directory)))
    assert_sound(found)
    for agent in world.agents:
        steps = [step for step in found.steps if place(step.run_id)[0] == agent.thread_id]
        assert [
            (step.input_tokens, step.cache_read_tokens, step.output_tokens) for step in steps if step.input_tokens
        ] == agent.spent
        assert sum(step.error is not None for step in steps) == agent.failed
        assert [len(found.ids(step)) - 2 for step in steps] == [len(items) for _, items in agent.prompts]
    told = [
        (edge.kind, *place(edge.from_run_id), *place(edge.to_run_id), edge.resolution, edge.delivered)
        for edge in found.edges
        if edge.kind != "resume"
    ]
    true = list(world.edges())
    assert Counter((*each[:4], *each[5:]) for each in told) == Counter((*each[:4], *each[5:]) for each in true)
    arrived = Counter(each[:5] for each in told if each[5] == "item")
    assert arrived == Counter(each[:5] for each in true if each[5] == "item")
    lost = sum(each[0] == "result" and not each[6] for each in true)
    assert found.codes().count("undelivered-result") == min(lost, 100)
    assert_prompts_part_where_they_differ(found, world)


def assert_prompts_part_where_they_differ(found, world):
    """Equal beginnings of prompts have equal blocks, and what follows has none in common."""
    prompts = []
    for agent in world.agents:
        steps = [step for step in found.steps if place(step.run_id)[0] == agent.thread_id]
        pairs = zip(steps, agent.prompts, strict=True)
        prompts += [(found.ids(step)[2:], items) for step, (_, items) in pairs]
    for ids, items in prompts:
        other_ids, other_items = world.rng.choice(prompts)
        common = next(
            (n for n, (one, two) in enumerate(zip(items, other_items, strict=False)) if one != two),
            min(len(items), len(other_items)),
        )
        assert ids[:common] == other_ids[:common]
        assert not set(ids[common:]) & set(other_ids[common:])
