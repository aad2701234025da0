"""Weka traces.

Agents are simulated, their prompts are names of pieces with a number of tokens, and block
ids follow from the prompts the way real builders make them: cut into blocks, equal prefixes are equal blocks, numbered
by first appearance. So every sharing that the traces show is a sharing of invented text, and all of it is known.
"""

from __future__ import annotations

import copy
import json
import random
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

BLOCK = 64
"""Tokens in a block."""

Piece: TypeAlias = tuple[str, int]
"""A part of a prompt: a name that stands for its text, and its tokens. Equal pieces are equal text."""

OPUS, SONNET, HAIKU = "claude-opus-4-5-20251101", "claude-sonnet-4-5-20250929", "claude-haiku-4-5-20251001"

MAIN: list[Piece] = [("tools of main", 5200), ("system of main", 1100)]
EXPLORE: list[Piece] = [("tools of Explore", 3900), ("system of Explore", 610)]
PLAN: list[Piece] = [("tools of Plan", 3300), ("system of Plan", 980)]


# --- agents ----------------------------------------------------------------------------------------------------------


@dataclass
class Call:
    """A model call. Times are seconds from the start of the conversation."""

    start: float
    model: str
    prompt: tuple[Piece, ...]
    out: int
    api_time: float
    think_time: float
    first: bool
    last: bool = False
    streamed: bool = False
    changes: dict[str, Any] = field(default_factory=dict)
    """Fields of the record that are not what they should be."""

    @property
    def tokens(self) -> int:
        """Tokens of the prompt."""
        return sum(tokens for _, tokens in self.prompt)

    @property
    def end(self) -> float:
        """When its answer was there."""
        return self.start + self.api_time


class Agent:
    """An agent at work: its prompt grows with every turn. ``turns`` are its calls and sub-agents in order."""

    def __init__(self, name: str, seed: str, prompt: Iterable[Piece], model: str = OPUS, start: float = 0.0) -> None:
        self.name = name
        self.model = model
        self.prompt = list(prompt)
        self.random = random.Random(f"{seed}/{name}")
        self.start = self.clock = start
        self.turns: list[Call | Agent] = []
        self.kind: str | None = None
        self.status: str | None = None
        self.pieces = 0
        self.fraction = False  # whether calls start at fractions of a second

    def turn(self, new: int | None = None, out: int | None = None, think: float | None = None, **options: Any) -> Call:
        """One model call: what came in since the last one is added to the prompt, then its answer."""
        new = self.random.randint(180, 1500) if new is None else new
        out = self.random.randint(90, 700) if out is None else out
        think = self.random.uniform(0.5, 6.0) if think is None else think
        start = self.clock + (think if self.turns else 0.0)
        start = round(start, 3) if self.fraction else self.start + float(-(-(start - self.start) // 1))
        waited = max(start - self.calls[-1].end, 0.0) if self.calls else 0.0
        self._say("in", new)
        api_time = round(0.8 + out / 70 + self.random.uniform(0.0, 2.0), 2)
        call = Call(start, self.model, tuple(self.prompt), out, api_time, waited, not self.calls, **options)
        self.turns.append(call)
        self.clock = call.end
        self._say("out", out)
        return call

    def work(self, turns: int) -> Agent:
        """Several turns."""
        for _ in range(turns):
            self.turn()
        return self

    def spawn(self, name: str, kind: str, prompt: Iterable[Piece], model: str = HAIKU) -> Agent:
        """A sub-agent that starts a moment after the last call."""
        beside = sum(isinstance(turn, Agent) for turn in self.turns[-8:])
        start = round(self.clock + 0.2 + 0.1 * beside + self.random.uniform(0.0, 0.09), 3)
        agent = Agent(name, f"{self.random.random()}", prompt, model, start)
        agent.kind, agent.fraction = kind, self.fraction
        self.turns.append(agent)
        return agent

    def ends(self, status: str = "completed") -> Agent:
        """The agent has ended."""
        self.status = status
        self.calls[-1].last = True
        return self

    def wait(self) -> None:
        """Do nothing until every sub-agent so far has ended."""
        ends = [turn.end for turn in self.turns if isinstance(turn, Agent) and turn.status != "async_launched"]
        self.clock = max([self.clock, *ends])

    def forget(self, summary: int) -> None:
        """Compaction: the conversation so far becomes a summary of so many tokens; tools and system prompt stay."""
        self.prompt = self.prompt[:2]
        self._say("summary", summary)

    def _say(self, what: str, tokens: int) -> None:
        self.pieces += 1
        self.prompt.append((f"{self.name} {what} {self.pieces}", tokens))

    @property
    def calls(self) -> list[Call]:
        """Its own model calls."""
        return [turn for turn in self.turns if isinstance(turn, Call)]

    @property
    def agents(self) -> list[Agent]:
        """Its sub-agents."""
        return [turn for turn in self.turns if isinstance(turn, Agent)]

    @property
    def end(self) -> float:
        """When it and everything it waited for had ended, and its result was on its way."""
        return max([self.clock, *(agent.end for agent in self.agents)]) + 0.25

    def everything(self) -> Iterator[Call]:
        """Its calls and all calls below it, in the order of the record."""
        for turn in self.turns:
            yield from (turn,) if isinstance(turn, Call) else turn.everything()

    def below(self) -> Iterator[Agent]:
        """Every agent below it, in the order of the record."""
        for agent in self.agents:
            yield agent
            yield from agent.below()


def sub_agents(parent: Agent, kind: str, prompt: list[Piece], turns: list[int], first: int) -> None:
    """Sub-agents that work side by side; the parent waits for them. They are numbered from ``first``."""
    for offset, count in enumerate(turns):
        parent.spawn(f"agent_{first + offset:03}", kind, prompt).work(count).ends()
    parent.wait()


# --- block ids -------------------------------------------------------------------------------------------------------


class Numbers:
    """Numbers blocks by first appearance. A block is known by everything up to its end, so ids stand for prefixes."""

    def __init__(self, first: int = 1, tail: Literal["floor", "ceil"] = "floor") -> None:
        self.next = first
        self.tail = tail
        self.known: dict[tuple[int, Piece, int], int] = {}
        self.chains: dict[tuple[int, Piece], int] = {}

    def ids(self, prompt: Iterable[Piece]) -> list[int]:
        """The ids of a prompt's blocks: all whole blocks, and with ``ceil`` the rest as one more."""
        ids: list[int] = []
        chain = passed = 0
        place: tuple[int, Piece, int] = (0, ("", 0), 0)
        for piece in prompt:
            for end in range(-passed % BLOCK or BLOCK, piece[1] + 1, BLOCK):
                ids.append(self._id((chain, piece, end)))
            passed += piece[1]
            place = (chain, piece, -1)  # where a rest ends, which is no block of a longer prompt
            chain = self.chains.setdefault((chain, piece), len(self.chains) + 1)
        if self.tail == "ceil" and passed % BLOCK:
            ids.append(self._id(place))
        return ids

    def _id(self, place: tuple[int, Piece, int]) -> int:
        if place not in self.known:
            self.known[place] = self.next
            self.next += 1
        return self.known[place]


def number(numbers: Numbers, calls: Iterable[Call]) -> dict[int, list[int]]:
    """The ids of every call's prompt, by the call's identity, numbered in the order given."""
    return {id(call): numbers.ids(call.prompt) for call in calls}


def parent_first(main: Agent) -> list[Call]:
    """All calls of the main agent, then those below it in the order of the record: kv-cache-tester's order."""
    own = {id(call) for call in main.calls}
    return [*main.calls, *(call for call in main.everything() if id(call) not in own)]


# --- kv-cache-tester's shape -----------------------------------------------------------------------------------------


class Recorder:
    """Writes agents as kv-cache-tester does: a completed sub-agent's ``t`` is its end, times inside are relative."""

    def __init__(self, ids: dict[int, list[int]]) -> None:
        self.ids = ids

    def call(self, call: Call, origin: float) -> dict[str, Any]:
        """The record of a model call."""
        said = ["text"] if call.last else ["text", "tool_use"] if call.out % 3 else ["text", "thinking", "tool_use"]
        record = {
            "t": float(round(call.start - origin)),
            "type": "s" if call.streamed else "n",
            "model": call.model,
            "in": call.tokens,
            "out": call.out,
            "hash_ids": self.ids[id(call)],
            "input_types": ["text"] if call.first else ["tool_result"],
            "output_types": said,
            "stop": "end_turn" if call.last else "tool_use",
            "api_time": call.api_time,
            "think_time": float(round(call.think_time)),
        }
        if call.streamed:
            record["ttft"] = round(call.api_time / 4, 2)
        return record | call.changes

    def agent(self, agent: Agent, origin: float) -> dict[str, Any]:
        """The record of a sub-agent."""
        launched = agent.status == "async_launched"
        last = agent.calls[-1]
        tools = agent.random.randint(0, 4) + len(agent.calls)
        stamp = agent.end if agent.status == "completed" else agent.start
        return {
            "t": round(stamp - origin, 3),
            "type": "subagent",
            "agent_id": agent.name,
            "subagent_type": agent.kind,
            "duration_ms": None if launched else round((agent.end - agent.start) * 1000),
            "total_tokens": None if launched else round((last.tokens + last.out) * 1.008),
            "tool_use_count": None if launched else tools,
            "status": agent.status,
            "requests": self.turns(agent, agent.start),
            "models": sorted({call.model for call in agent.calls}),
            "tool_tokens": agent.prompt[0][1],
            "system_tokens": agent.prompt[1][1],
        }

    def turns(self, agent: Agent, origin: float) -> list[dict[str, Any]]:
        """The records of what an agent did; a sub-agent stands where it was spawned."""
        return [self.call(turn, origin) if isinstance(turn, Call) else self.agent(turn, origin) for turn in agent.turns]

    def trace(self, name: str, main: Agent, scope: str = "local") -> dict[str, Any]:
        """The record of a conversation."""
        below = [call for agent in main.below() for call in agent.calls]
        return {
            "id": name,
            "models": sorted({call.model for call in main.calls}),
            "block_size": BLOCK,
            "hash_id_scope": scope,
            "tool_tokens": main.prompt[0][1],
            "system_tokens": main.prompt[1][1],
            "requests": self.turns(main, main.start),
            "totals": {
                "parent_tokens": _sums(main.calls),
                "subagent_tokens": _sums(below),
                "combined_tokens": _sums([*main.calls, *below]),
                "subagent_count": len(list(main.below())),
            },
        }


def _sums(calls: list[Call]) -> dict[str, int]:
    return {"input": sum(call.tokens for call in calls), "output": sum(call.out for call in calls)}


def record(name: str, main: Agent, numbers: Numbers | None = None) -> dict[str, Any]:
    """A conversation in kv-cache-tester's shape, numbered from 1, parent first."""
    main.ends()
    return Recorder(number(numbers or Numbers(), parent_first(main))).trace(name, main)


# --- the conversations -----------------------------------------------------------------------------------------------


def shared_with_siblings() -> dict[str, Any]:
    """Two groups of Explore agents: their tools and system prompt are the same, the parent's are others."""
    main = Agent("main", "siblings", MAIN).work(9)
    sub_agents(main, "Explore", EXPLORE, [9, 7, 12], 1)
    main.work(11)
    # The second group is given the same briefing, so these two share more with each other than with the first three.
    sub_agents(main, "Explore", [*EXPLORE, ("briefing", 1700)], [6, 8], 4)
    return record("shared-with-siblings", main.work(10))


def shared_with_parent() -> dict[str, Any]:
    """General-purpose agents that go on from the parent's own prompt, each with a task of its own."""
    main = Agent("main", "parent", MAIN).work(7)
    for index, turns in enumerate((6, 4)):
        main.spawn(f"agent_{index + 1:03}", "general-purpose", main.prompt, OPUS).work(turns).ends()
    main.wait()
    return record("shared-with-parent", main.work(8))


def shared_with_nobody() -> dict[str, Any]:
    """Two sub-agents of different types: other tools than the parent, and than each other."""
    main = Agent("main", "nobody", MAIN).work(4)
    main.spawn("agent_001", "Explore", EXPLORE).work(4).ends()
    main.spawn("agent_002", "Plan", PLAN, SONNET).work(3).ends()
    main.wait()
    return record("shared-with-nobody", main.work(3))


def statuses() -> dict[str, Any]:
    """Sub-agents that ended in every way; one was launched and not waited for, so it has no end."""
    main = Agent("main", "statuses", MAIN).work(3)
    main.spawn("agent_001", "Explore", EXPLORE).work(4).ends("async_launched")
    main.work(2)
    main.spawn("agent_002", "Explore", EXPLORE).work(3).ends("completed")
    main.spawn("agent_003", "Explore", EXPLORE).work(2).ends("failed")
    main.spawn("agent_004", "Explore", EXPLORE).work(5).ends("timeout")
    main.wait()
    return record("statuses", main.work(3))


def nested() -> dict[str, Any]:
    """A sub-agent that spawns sub-agents of its own."""
    main = Agent("main", "nested", MAIN).work(3)
    lead = main.spawn("agent_001", "general-purpose", [("tools of lead", 4400), ("system of lead", 700)], SONNET).work(
        2
    )
    sub_agents(lead, "Explore", EXPLORE, [4, 3], 2)
    lead.work(2).ends()
    main.wait()
    return record("nested", main.work(3))


def numbering_gaps() -> dict[str, Any]:
    """Ids that no prompt holds: twice the builder counted blocks that it then left out."""
    main = Agent("main", "gaps", MAIN).work(9).ends()
    numbers, ids = Numbers(), {}
    for index, call in enumerate(main.calls):
        numbers.next += {4: 40, 7: 25}.get(index, 0)
        ids |= number(numbers, [call])
    return Recorder(ids).trace("numbering-gaps", main)


def numbering_reset() -> dict[str, Any]:
    """Ids that jump ahead and then go on where they had been before."""
    main = Agent("main", "reset", MAIN).work(9).ends()
    numbers, ids = Numbers(), {}
    for index, call in enumerate(main.calls):
        numbers.next += {3: 500, 6: -500}.get(index, 0)
        ids |= number(numbers, [call])
    return Recorder(ids).trace("numbering-reset", main)


def private_namespace() -> dict[str, Any]:
    """The bug: each sub-agent's ids are counted from 1 again, though they are said to be the file's."""
    main = Agent("main", "private", MAIN).work(4)
    sub_agents(main, "Explore", EXPLORE, [5, 4], 1)
    main.work(3).ends()
    ids = number(Numbers(), main.calls)
    for agent in main.agents:
        ids |= number(Numbers(), agent.calls)
    return Recorder(ids).trace("private-namespace", main)


def numbered_parent_first() -> dict[str, Any]:
    """Perfectly numbered by a builder that took the parent's calls first: in the file's order it looks reset."""
    main = Agent("main", "order", MAIN).work(3)
    sub_agents(main, "Explore", EXPLORE, [3], 1)
    main.work(2)
    return record("numbered-parent-first", main)


def numbered_as_it_stands() -> dict[str, Any]:
    """The same conversation, numbered in the order of the file."""
    main = Agent("main", "order", MAIN).work(3)
    sub_agents(main, "Explore", EXPLORE, [3], 1)
    main.work(2).ends()
    return Recorder(number(Numbers(), main.everything())).trace("numbered-as-it-stands", main)


def split() -> Iterator[dict[str, Any]]:
    """One conversation in two files, split where nothing happened for an hour: the ids go on, the clock does not."""
    before = Agent("main", "split", MAIN).work(24)
    after = copy.deepcopy(before)
    after.turns = []
    after.start = after.clock = 0.0
    numbers = Numbers()
    yield record("long-day_s1", before, numbers)
    after.work(17).calls[0].first = False
    yield record("long-day_s2", after, numbers)


def forked() -> Iterator[dict[str, Any]]:
    """Two recordings of one beginning: after five calls the conversation was taken up twice."""
    main = Agent("main", "fork", MAIN).work(5)
    for name, turns in (("fork-left", 6), ("fork-right", 9)):
        branch = copy.deepcopy(main)
        branch.name, branch.random = name, random.Random(name)
        yield record(name, branch.work(turns))


def compaction() -> dict[str, Any]:
    """The prompt is cut back twice, and the model is changed twice; some calls were streamed."""
    main = Agent("main", "compaction", MAIN)
    for _ in range(14):
        main.turn(new=2200, streamed=True)
    main.forget(900)
    main.work(6)
    main.model = SONNET
    for _ in range(8):
        main.turn(new=2400)
    main.model = OPUS
    main.forget(1100)
    return record("compaction-and-models", main.work(5))


def totals_mismatch() -> dict[str, Any]:
    """Recorded sums that the calls do not add up to, and a sub-agent's total that is neither sum nor final context."""
    main = Agent("main", "totals", MAIN).work(3)
    sub_agents(main, "Explore", EXPLORE, [3], 1)
    trace = record("totals-mismatch", main.work(2))
    trace["totals"]["parent_tokens"]["input"] += 1000
    trace["totals"]["combined_tokens"]["input"] += 1000
    trace["totals"]["combined_tokens"]["output"] -= 7
    trace["totals"]["subagent_count"] = 2
    next(entry for entry in trace["requests"] if entry["type"] == "subagent")["total_tokens"] *= 2
    return trace


# --- the Hugging Face corpora's shape --------------------------------------------------------------------------------


class Corpus:
    """Writes agents as the Hugging Face corpora do: ids from 0, all times from the start, to the millisecond."""

    def __init__(self, ids: dict[int, list[int]], exact: bool) -> None:
        self.ids = ids
        self.exact = exact  # whether ``in`` was rounded up to whole blocks

    def call(self, call: Call, top: bool) -> dict[str, Any]:
        """The record of a model call. Its keys stand in another order inside a sub-agent."""
        ids = self.ids[id(call)]
        kind = {"type": "s" if call.streamed else "n"}
        fields = {"model": call.model, "in": len(ids) * BLOCK if self.exact else call.tokens, "out": call.out}
        times = {"hash_ids": ids, "api_time": call.api_time, "think_time": round(call.think_time, 3)}
        start = {"t": round(call.start, 3)}
        record = start | fields | times | kind if top else start | kind | fields | times
        if call.streamed:
            record["ttft"] = round(call.api_time / 5, 3)
        return record

    def agent(self, agent: Agent) -> dict[str, Any]:
        """The record of a sub-agent; ``t`` is its start."""
        return {
            "t": agent.start,
            "type": "subagent",
            "agent_id": agent.name,
            "subagent_type": agent.kind,
            "duration_ms": round((agent.end - agent.start) * 1000),
            "status": agent.status,
            "requests": [self.call(call, top=False) for call in agent.calls],
        }

    def trace(self, seed: str, main: Agent) -> dict[str, Any]:
        """The record of a conversation."""
        requests = [self.call(turn, top=True) if isinstance(turn, Call) else self.agent(turn) for turn in main.turns]
        return {
            "id": str(uuid.UUID(int=random.Random(seed).getrandbits(128), version=4)),
            "models": sorted({call.model for call in main.everything()}),
            "block_size": BLOCK,
            "hash_id_scope": "local",
            "requests": requests,
        }


def corpus() -> Iterator[dict[str, Any]]:
    """Five conversations: with and without sub-agents, with a title call, and with a fan-out that nobody marked."""
    for seed, exact in (("corpus plain", False), ("corpus exact", True)):
        main = _unrounded("main", seed)
        yield _in_corpus(seed, main.work(8), exact)
    for seed, exact in (("corpus agents", False), ("corpus exact agents", True)):
        main = _unrounded("main", seed).work(3)
        sub_agents(main, "Explore", EXPLORE, [4, 3, 5], 1)
        yield _in_corpus(seed, main.work(4), exact)
    yield _unmarked_fan_out()


def _unrounded(name: str, seed: str) -> Agent:
    agent = Agent(name, seed, MAIN, SONNET)
    agent.fraction = True
    return agent


def _in_corpus(seed: str, main: Agent, exact: bool) -> dict[str, Any]:
    main.ends()
    return Corpus(number(Numbers(0, "ceil"), main.everything()), exact).trace(seed, main)


def _unmarked_fan_out() -> dict[str, Any]:
    """A title call that runs beside the first turn, and three workers whose calls stand among the main agent's."""
    main = _unrounded("main", "corpus fan-out")
    title = Agent("title", "corpus fan-out", [("title prompt", 580)], HAIKU, 0.249)
    title.fraction = True
    main.work(3)
    workers = [main.spawn(f"worker {n}", "?", EXPLORE, SONNET).work(3) for n in range(3)]
    main.wait()
    main.turns = main.calls
    main.work(3)
    flat = Agent("all", "corpus fan-out", MAIN)
    everyone = [*main.calls, *title.work(1).calls, *(call for worker in workers for call in worker.calls)]
    flat.turns = sorted(everyone, key=lambda call: call.start)
    return _in_corpus("corpus fan-out", flat, exact=False)


# --- one namespace for a batch ---------------------------------------------------------------------------------------


def batch() -> Iterator[dict[str, Any]]:
    """Two conversations of one batch, whose ids are one map for both: they share their beginning."""
    numbers = Numbers()
    for name, turns in (("batch-a", 6), ("batch-b", 5)):
        main = Agent(name, "batch", MAIN).work(turns).ends()
        yield Recorder(number(numbers, parent_first(main))).trace(name, main, scope="global")


# --- odd and damaged files -------------------------------------------------------------------------------------------


def hostile_names() -> dict[str, Any]:
    """Names that would move the cursor, colour the screen, close a markup tag or turn the line around."""
    main = Agent("main", "hostile", MAIN).work(2)
    names = [
        "\x1b[2J\x1b[31mred",
        "[/b][bold]markup[/]",
        "\u202egnp.exe\u2066",
        "../../main",
        "main",
        "line\nbreak\t\x00",
    ]
    for name in names:
        main.spawn(name, f"type of {name}", EXPLORE).work(1).ends("failed")
    main.wait()
    main.turn(changes={"model": "\x1b]0;title\x07[link=x]model[/link]", "stop": "\u200f\u202dstop"})
    trace = record("hostile \x1b[7mtitle\x1b[0m [/b] \u202eesrever\u202c \x9b31m", main)
    trace["note [/b]"] = "\x1b[1A a field that no column names"
    return trace


def odd_values() -> dict[str, Any]:
    """Values of the wrong type or size, one kind a call; the second and the last call are as they should be."""
    main = Agent("main", "odd", MAIN)
    for changes in (
        {"in": "6500", "model": 7, "api_time": "fast"},
        {},
        {"in": -5, "out": 1e300, "t": 1e15, "api_time": -1.0},
        {"in": None, "out": True, "stop": ["end_turn"]},
        {"hash_ids": ["1", None, 2.5]},
        {"hash_ids": [1, 2, 3, 2, 3]},
        {"hash_ids": [2**63, 2**63 + 1, 2**64 - 1]},
        {"hash_ids": [1, 2, 2**64]},
        {"hash_ids": -1, "t": None},
        {"ttft": float("nan"), "deep": [[[["unknown"]]]], "unknown": {"kept": True}},
        {"model": "", "stop": "", "think_time": -0.5},
        {},
    ):
        main.turn(changes=changes)
    for name in ("agent_001", "agent_001", "agent_001"):
        main.spawn(name, "Explore", EXPLORE).work(1).ends("completed")
    trace = record("odd-values", main)
    twice, nameless, empty = (entry for entry in trace["requests"] if entry["type"] == "subagent")
    twice |= {"duration_ms": -3, "total_tokens": "many"}
    nameless |= {"agent_id": None, "subagent_type": None, "status": "unheard of", "t": None}
    del empty["requests"]
    trace["totals"] = {"parent_tokens": "none", "subagent_count": 2.5}
    trace["models"] = "none"
    return trace


def cut_off() -> bytes:
    """A file that ends in the middle of its second sub-agent's second call."""
    main = Agent("main", "cut", MAIN).work(3)
    sub_agents(main, "Explore", EXPLORE, [3, 3], 1)
    whole = _line(record("cut-off", main.work(3)))
    place = whole.index(b'"agent_002"')
    for _ in range(2):
        place = whole.index(b'"hash_ids"', place + 1)
    return whole[: place + 200]


def bad_record() -> bytes:
    """The fifth call of nine has zeros in it, as a disk leaves them."""
    whole = _line(record("bad-record", Agent("main", "bad", MAIN).work(9)))
    place = 0
    for _ in range(5):
        place = whole.index(b'"api_time"', place + 1)
    return whole[: place - 40] + bytes(24) + whole[place - 16 :]


def bad_line() -> bytes:
    """Three conversations, one a line; the second line stops in its fourth call."""
    lines = [_line(record(f"line-{n}", Agent("main", f"line {n}", MAIN).work(6))) for n in (1, 2, 3)]
    place = 0
    for _ in range(4):
        place = lines[1].index(b'"hash_ids"', place + 1)
    lines[1] = lines[1][: place + 100]
    return b"\n".join(lines) + b"\n"


UNKNOWN = """\
12:00:01 INFO  starting
12:00:02 WARN  this is a log, not a trace: no reader knows it, and the explorer says so
"""


# --- writing ---------------------------------------------------------------------------------------------------------


def _line(trace: dict[str, Any]) -> bytes:
    return json.dumps(trace, separators=(",", ":")).encode("ascii")


def files() -> Iterator[tuple[str, bytes]]:
    """Every sample: its path below ``sample_traces`` and its bytes."""
    traces = [
        shared_with_siblings(), shared_with_parent(), shared_with_nobody(), statuses(), nested(), numbering_gaps(),
        numbering_reset(), private_namespace(), numbered_parent_first(), numbered_as_it_stands(), *split(), *forked(),
        compaction(), totals_mismatch(),
    ]  # fmt: skip
    for trace in traces:
        yield f"weka/kv-cache-tester/{trace['id']}.json", _line(trace)
    yield "weka/hugging-face/traces.jsonl", b"".join(_line(trace) + b"\n" for trace in corpus())
    for trace in batch():
        yield f"weka/one-namespace/{trace['id']}.json", _line(trace)
    yield "weka/odd/hostile-names.json", _line(hostile_names())
    yield "weka/odd/odd-values.json", _line(odd_values())
    yield "weka/damaged/cut-off.json", cut_off()
    yield "weka/damaged/bad-record.json", bad_record()
    yield "weka/damaged/bad-line.jsonl", bad_line()
    yield "weka/damaged/empty.json", b""
    yield "weka/damaged/unknown-format.log", UNKNOWN.encode("ascii")
