"""Claude Code: transcripts of every version's layout.

A transcript is written record by record as the recorder does: one for each block of an answer, with the usage so far,
and results of tools hung on the block that asked. Ids and times are counted.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

Record = dict[str, Any]
START = datetime(2026, 5, 4, 9, tzinfo=UTC)
LARGE, SMALL = "m-large", "m-small"


def uuid(name: str, number: int) -> str:
    """An id as the recorder makes them; ``name`` is hexadecimal."""
    return f"{name:0<8.8}-0000-4000-8000-{number:012x}"


class Transcript:
    """The file of a session or of a sub-agent."""

    cwd = "/srv/shop"

    def __init__(self, session: str, version: str, name: str, agent_id: str | None = None, at: float = 0) -> None:
        self.session, self.version, self.name, self.agent_id = session, version, name, agent_id
        self.at = at
        self.lines: list[bytes | Record] = []
        self.tip: str | None = None
        self.calls = 0
        self.sidechain = agent_id is not None
        self.envelope: Record = {}

    def write(self, kind: str, parent: str | None = None, root: bool = False, **fields: Any) -> str:
        """A record with the envelope, hung on the last one, on ``parent``, or on nothing."""
        own = uuid(self.name, len(self.lines) + 1)
        stamp = (START + timedelta(seconds=self.at)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        record: Record = {
            "parentUuid": None if root else parent or self.tip, "isSidechain": self.sidechain, "cwd": self.cwd,
            "sessionId": self.session, "version": self.version, "gitBranch": "main",
        } | self.envelope  # fmt: skip
        if self.agent_id is not None:
            record["agentId"] = self.agent_id
        self.lines.append(record | {"type": kind} | fields | {"uuid": own, "timestamp": stamp})
        self.tip = own
        return own

    def aside(self, **fields: Any) -> None:
        """A record without a place in the conversation."""
        self.lines.append(fields)

    def user(self, content: Any, wait: float = 1, parent: str | None = None, **fields: Any) -> str:
        """Something in the user's name."""
        self.at += wait
        return self.write("user", parent, message={"role": "user", "content": content}, **fields)

    def answer(
        self, usage: Sequence[int], *blocks: Record, stop: str | None = "end_turn", model: str = LARGE,
        wait: float = 2, hour: int = 0, id: str | None = None, request: str | None = None,
    ) -> list[str]:  # fmt: skip
        """A model call: input, written, read and output tokens, and the blocks of the answer, each a record."""
        self.calls += 1
        fresh, written, read, output = usage
        written_ = [self.name, self.calls]
        known = self.version >= "2"
        found = []
        for number, block in enumerate(blocks, 1):
            last = number == len(blocks)
            self.at += wait if number == 1 else 0.4
            counted: Record = {
                "input_tokens": fresh, "cache_creation_input_tokens": written, "cache_read_input_tokens": read,
            }  # fmt: skip
            if known:
                counted["cache_creation"] = {
                    "ephemeral_5m_input_tokens": written - hour, "ephemeral_1h_input_tokens": hour,
                }  # fmt: skip
            counted["output_tokens"] = output if last else 1 + number
            message = {
                "model": model, "id": id or "msg_{}{:02}".format(*written_), "type": "message", "role": "assistant",
                "content": [block], "stop_reason": stop if last else None, "stop_sequence": None, "usage": counted,
            }  # fmt: skip
            fields = {"message": message, "requestId": request or "req_{}{:02}".format(*written_)}
            found.append(self.write("assistant", **fields))
        return found

    def result(
        self, call: str, content: Any, wait: float = 1, parent: str | None = None, error: bool = False, **fields: Any
    ) -> None:
        """What a tool gave back."""
        block = {"tool_use_id": call, "type": "tool_result", "content": content}
        self.user([block | {"is_error": True} if error else block], wait, parent, **fields)

    def content(self) -> bytes:
        """The file."""
        return b"".join(
            line if isinstance(line, bytes) else json.dumps(line, separators=(",", ":")).encode() + b"\n"
            for line in self.lines
        )


def say(text: str) -> Record:
    """A block of text."""
    return {"type": "text", "text": text}


def use(call: str, tool: str, /, **given: Any) -> Record:
    """A block that asks for a tool."""
    return {"type": "tool_use", "id": call, "name": tool, "input": given}


def spawn(call: str, what: str, prompt: str, tool: str = "Agent", kind: str = "Explore", **more: Any) -> Record:
    """A block that asks for a sub-agent."""
    return use(call, tool, description=what, prompt=prompt, subagent_type=kind, **more)


def done(agent: str, prompt: str, total: int, tools: int, ms: int, answer: str) -> Record:
    """What is recorded with a sub-agent's result; the total is the context of its last call."""
    return {
        "status": "completed", "prompt": prompt, "agentId": agent, "content": [say(answer)], "totalDurationMs": ms,
        "totalTokens": total, "totalToolUseCount": tools,
    }  # fmt: skip


def inline() -> Iterator[tuple[str, bytes]]:
    """Version 1.0: sub-agents are sidechains within the session's own file."""
    session = uuid("c10a", 1)
    main = Transcript(session, "1.0.35", "c1")
    main.aside(type="summary", summary="Two questions about the shop", leafUuid=uuid("c1", 12))
    main.user("Who writes orders, and who reads them?")
    first = main.answer(
        (4, 9000, 0, 150), spawn("toolu_c1a", "Find writers", "Find what writes orders", "Task"),
        spawn("toolu_c1b", "Find readers", "Find what reads orders", "Task"), stop="tool_use",
    )  # fmt: skip
    tip = main.tip
    for call, prompt, parent in zip(
        ("a", "b"), ("Find what writes orders", "Find what reads orders"), first, strict=True
    ):
        main.sidechain = True
        main.user(prompt, root=True)
        main.answer((3, 4000, 0, 40), use(f"toolu_c1{call}1", "Grep", pattern="orders"), stop="tool_use", model=SMALL)
        main.result(f"toolu_c1{call}1", "shop/orders.py")
        main.answer((3, 200, 4000, 25), say("shop/orders.py"), model=SMALL)
        main.sidechain = False
        main.result(f"toolu_c1{call}", [say("shop/orders.py")], parent=parent)
    assert tip
    main.answer((5, 400, 9000, 30), say("Both are shop/orders.py."), stop=None)
    yield f"v1.0/-srv-shop/{session}.jsonl", main.content()


def flat() -> Iterator[tuple[str, bytes]]:
    """Version 2.0: sub-agents in files beside the session's, among them a warm-up and one that nobody asked for."""
    session = uuid("c20b", 1)
    main = Transcript(session, "2.0.55", "c2")
    main.user("What does the shop sell?")
    main.answer((4, 8000, 0, 90), spawn("toolu_c2a", "List goods", "List all goods", "Task"), stop="tool_use")
    agent = Transcript(session, "2.0.55", "c2a", "0a1b2c3d", main.at + 0.5)
    agent.user("List all goods", root=True)
    agent.answer((3, 3000, 0, 30), use("toolu_c2a1", "Read", path="goods.csv"), stop="tool_use", model=SMALL)
    agent.result("toolu_c2a1", "no such file", error=True)
    agent.answer((3, 100, 3000, 12), say("Nothing is for sale."), model=SMALL)
    main.at = agent.at
    outcome = done("0a1b2c3d", "List all goods", 3115, 1, 4500, "Nothing is for sale.")
    main.result("toolu_c2a", [say("Nothing is for sale.")], toolUseResult=outcome)
    main.answer((4, 300, 8000, 20), say("Nothing."))
    main.user([say("[Request interrupted by user]")], 5)
    main.user("Try again", 3)
    main.write(
        "assistant", isApiErrorMessage=True,
        message={"model": "<synthetic>", "role": "assistant", "content": [say("API Error: 529 Overloaded")]},
    )  # fmt: skip
    warm = Transcript(session, "2.0.55", "c2b", "0badcafe")
    warm.user("Warmup", root=True)
    warm.answer((900, 0, 0, 60), say("I am ready."), stop=None, model=SMALL)
    lost = Transcript(uuid("c20c", 1), "2.0.55", "c2c", "5eed0001")
    lost.user("Count the customers", root=True)
    lost.answer((3, 2500, 0, 9), say("None."), model=SMALL)
    for transcript, name in ((main, session), (agent, "agent-0a1b2c3d"), (warm, "agent-0badcafe"),
                             (lost, "agent-5eed0001")):  # fmt: skip
        yield f"v2.0/-srv-shop/{name}.jsonl", transcript.content()


NAMES = ("a3000000000000001", "a3000000000000002", "a3000000000000003")
INNER = "a3000000000000004"
PROMPTS = [f"Read parser {letter}" for letter in "ABC"]
CACHED = ((7000, 0), (400, 6600), (500, 6600))
"""Written and read by the first call of each: the first writes what the others read."""


def nested() -> Iterator[tuple[str, bytes]]:
    """Version 2.1: siblings that share a prompt, one with an agent of its own, a compaction and its helper."""
    session = uuid("c21d", 1)
    below = f"v2.1/-srv-shop/{session}/subagents"
    main = Transcript(session, "2.1.114", "c3")
    main.aside(type="permission-mode", permissionMode="acceptEdits", sessionId=session)
    main.user("Read the three parsers and compare them")
    calls = main.answer(
        (6, 12000, 0, 220), say("Three readers."),
        *(spawn(f"toolu_c3{n}", prompt, prompt) for n, prompt in enumerate(PROMPTS, 1)), stop="tool_use", hour=12000,
    )  # fmt: skip
    ends: list[tuple[float, str, Record, str]] = []
    for number in (1, 2, 3):
        agent, outcome = reader(session, number)
        if number == 2:
            inner = tests_finder(session, agent)
            yield f"{below}/agent-{INNER}.jsonl", inner.content()
            yield f"{below}/agent-{INNER}.meta.json", meta("Find tests", "toolu_c321")
        ends.append((agent.at, f"toolu_c3{number}", outcome(), calls[number]))
        yield f"{below}/agent-{NAMES[number - 1]}.jsonl", agent.content()
        yield (
            f"{below}/agent-{NAMES[number - 1]}.meta.json",
            meta(PROMPTS[number - 1], f"toolu_c3{number}" if number < 3 else None),
        )
    message = {"model": LARGE, "id": "msg_c3101", "usage": {"input_tokens": 6, "output_tokens": 2}}
    news = {"type": "agent_progress", "agentId": NAMES[0], "message": {"type": "assistant", "message": message}}
    main.write("progress", parentToolUseID="toolu_c31", toolUseID="agent_msg_1", data=news)
    for at, call, outcome_, parent in sorted(ends, key=lambda end: end[0]):
        main.at = max(main.at, at)
        main.result(call, outcome_["content"], 0.2, parent, toolUseResult=outcome_)
    main.answer((5, 900, 12000, 60), say("All three are parsers."))
    helper = Transcript(session, "2.1.114", "c35", "acompact-3e", 300)
    helper.user("Summarize the conversation", root=True)
    helper.answer((4, 200, 12900, 400), say("They compared parsers."))
    yield f"{below}/agent-acompact-3e.jsonl", helper.content()
    compacted(main)
    yield f"v2.1/-srv-shop/{session}.jsonl", main.content()


def meta(description: str, call: str | None) -> bytes:
    """What stands beside the transcript of a sub-agent."""
    fields = {"agentType": "Explore", "description": description}
    return json.dumps(fields | {"toolUseId": call} if call else fields).encode()


def reader(session: str, number: int) -> tuple[Transcript, Callable[[], Record]]:
    """One of the siblings, up to where the second one spawns an agent, and what finishes it and gives its result."""
    began = 3.4 + 6 * (number - 1)
    prompt, (written, read) = PROMPTS[number - 1], CACHED[number - 1]
    agent = Transcript(session, "2.1.114", f"c3{number}", NAMES[number - 1], began)
    agent.user(prompt, root=True)
    tool = use(f"toolu_c3{number}1", "Read", path=f"{prompt[-1]}.py")
    if number == 2:
        tool = spawn("toolu_c321", "Find tests", "Find the tests of parser B")
    agent.answer((6, written, read, 50), tool, stop="tool_use")

    def finish() -> Record:
        if number != 2:
            agent.result(f"toolu_c3{number}1", "def parse(text): ...")
        agent.answer((2, 300, written + read, 38), say(f"{prompt[-1]} is a parser."))
        ms = round(1000 * (agent.at - began))
        return done(agent.agent_id or "", prompt, 340 + written + read, 1, ms, f"{prompt[-1]} is a parser.")

    return agent, finish


def tests_finder(session: str, parent: Transcript) -> Transcript:
    """The agent of a sibling, whose parent goes on when it has ended."""
    prompt, answer = "Find the tests of parser B", "There are none."
    agent = Transcript(session, "2.1.114", "c34", INNER, parent.at + 0.3)
    agent.user(prompt, root=True)
    agent.answer((5, 300, 6600, 15), say(answer), stop=None)
    parent.at = agent.at
    parent.result("toolu_c321", [say(answer)], toolUseResult=done(INNER, prompt, 6920, 0, 2300, answer))
    return agent


def compacted(main: Transcript) -> None:
    """The conversation is cut short; then the user asks, goes back behind the question and asks another one."""
    main.at = 310
    main.write(
        "system", root=True, logicalParentUuid=main.tip, subtype="compact_boundary", content="Conversation compacted",
        compactMetadata={"trigger": "auto", "preTokens": 155025},
    )  # fmt: skip
    summary = main.user("This session is being continued. They compared parsers.", 0.001, isCompactSummary=True)
    main.user("Pick one", 10)
    main.answer((8, 2500, 6000, 12), say("B."))
    main.user("Pick two", 30, parent=summary)
    main.answer((8, 2500, 6000, 14), say("B and C."))


def forked() -> Iterator[tuple[str, bytes]]:
    """A session, and one that was forked from it: its history is there again, under the other's id."""
    first, second = uuid("c4a", 1), uuid("c4b", 1)
    main = Transcript(first, "2.1.114", "c4")
    main.user("Name a colour")
    main.answer((4, 5000, 0, 8), say("Blue."))
    fork = Transcript(second, "2.1.114", "c4b", at=main.at)
    fork.lines = [copy.deepcopy(line) for line in main.lines]
    for line in fork.lines:
        if isinstance(line, dict):
            line["sessionId"] = second
    fork.tip, fork.calls = main.tip, main.calls
    main.user("Another one", 20)
    main.answer((4, 50, 5000, 8), say("Red."))
    fork.user("A number", 60)
    fork.answer((4, 60, 5000, 8), say("Seven."))
    yield f"fork/-srv-shop/{first}.jsonl", main.content()
    yield f"fork/-srv-shop/{second}.jsonl", fork.content()


def workflow() -> Iterator[tuple[str, bytes]]:
    """A workflow: its agents stand in a directory of its run, with a journal."""
    session, run = uuid("c5", 1), "wf_0001"
    below = f"workflow/-srv-shop/{session}/subagents/workflows/{run}"
    main = Transcript(session, "2.1.150", "c5")
    main.user("Run the review")
    main.answer((4, 6000, 0, 40), use("toolu_c5a", "Workflow", script="review"), stop="tool_use")
    main.result("toolu_c5a", "started", toolUseResult={"status": "async_launched", "runId": run, "taskId": "t1"})
    main.answer((4, 100, 6000, 10), say("It runs."))
    journal = []
    for number in (1, 2):
        agent_id = f"a500000000000000{number}"
        agent = Transcript(session, "2.1.150", f"c5{number}", agent_id, main.at + number)
        agent.user(f"Review file {number}", root=True)
        agent.answer((3, 1500, 0, 20), say("It is fine."))
        yield f"{below}/agent-{agent_id}.jsonl", agent.content()
        yield f"{below}/agent-{agent_id}.meta.json", b'{"agentType":"reviewer"}'
        journal += [
            {"type": "started", "key": f"k{number}", "agentId": agent_id},
            {"type": "result", "key": f"k{number}", "agentId": agent_id, "result": "It is fine."},
        ]
    note = {
        "runId": run, "taskId": "t1", "status": "completed", "workflowName": "review", "durationMs": 4000,
        "agentCount": 2, "phases": [{"title": "Read", "detail": "one file each"}, {"title": "Sum up"}],
        "workflowProgress": [{"type": "workflow_phase", "index": 0, "title": "Read"}] + [
            {"type": "workflow_agent", "index": number, "label": f"review:{number}", "phaseIndex": 1,
             "phaseTitle": "Read", "agentId": f"a500000000000000{number}", "state": "done", "tokens": 1523}
            for number in (1, 2)
        ],
    }  # fmt: skip
    yield f"workflow/-srv-shop/{session}/workflows/{run}.json", json.dumps(note, indent=2).encode()
    yield f"{below}/journal.jsonl", b"".join(json.dumps(line).encode() + b"\n" for line in journal)
    yield f"workflow/-srv-shop/{session}.jsonl", main.content()


def ask(writer: Transcript, call: str, to: str, text: str) -> None:
    """A letter to another agent of the team."""
    writer.answer((4, 60, 2000, 14), use(call, "SendMessage", to=to, message=text, summary=text), stop="tool_use")
    writer.result(call, json.dumps({"success": True}), toolUseResult={"success": True})


def get(reader: Transcript, sender: str, *texts: str, root: bool = False) -> None:
    """Letters that arrive."""
    mark = '<teammate-message teammate_id="{}" summary="News">\n{}\n</teammate-message>'
    reader.user("\n\n".join(mark.format(sender, text) for text in texts), root=root)


def team() -> Iterator[tuple[str, bytes]]:
    """A lead and a teammate, who write to each other; the teammate ends, and is asked for more."""
    session = uuid("c6", 1)
    main = Transcript(session, "2.1.150", "c6")
    bob = Transcript(session, "2.1.150", "c6b", "a6000000000000001", 4.4)

    main.user("Let bob count the files")
    call = spawn("toolu_c6a", "Count files", "Count the files", kind="general-purpose", name="bob", team_name="shop")
    main.answer((4, 7000, 0, 40), call, stop="tool_use")
    main.result("toolu_c6a", "spawned", toolUseResult={"status": "teammate_spawned", "color": "blue"})
    main.answer((4, 80, 7000, 10), say("Bob is at it."))
    get(bob, "team-lead", "Count the files", root=True)
    ask(bob, "toolu_c6b1", "team-lead", "Four.")
    bob.answer((3, 60, 2000, 5), say("I told the lead."))
    main.at = bob.at
    get(main, "bob", "Four.", '{"type":"idle_notification","from":"bob","idleReason":"available"}')
    ask(main, "toolu_c6b", "bob", "And the folders?")
    bob.at = main.at
    get(bob, "team-lead", "And the folders?")
    ask(bob, "toolu_c6b2", "team-lead", "One.")
    bob.answer((3, 60, 2000, 5), say("I told the lead again."))
    main.at = bob.at
    ask(main, "toolu_c6c", "carol", "Bob is done.")
    main.answer((4, 90, 7200, 10), say("Four files."))
    yield f"team/-srv-shop/{session}.jsonl", main.content()
    yield f"team/-srv-shop/{session}/subagents/agent-a6000000000000001.jsonl", bob.content()


def windows() -> Iterator[tuple[str, bytes]]:
    """A lead and two teammates that are sessions of their own; one of them has a sub-agent."""
    session, version, team = uuid("c8", 1), "2.1.220", "session-0c8c8c80"
    main = Transcript(session, version, "c8")
    main.user("Look at the shop and at the stock")
    tasks = {"ada": "Look at the shop", "bob": "Look at the stock"}
    calls = [spawn(f"toolu_c8{name[0]}", task, task, kind="general-purpose", name=name) for name, task in tasks.items()]
    asked = main.answer((4, 7000, 0, 90), *calls, stop="tool_use")
    mates = []
    for parent, (name, task) in zip(asked, tasks.items(), strict=True):
        known = f"{name}@{team}"
        outcome = {
            "status": "teammate_spawned", "prompt": task, "teammate_id": known, "agent_id": known, "name": name,
            "team_name": team, "agent_type": "general-purpose", "is_splitpane": True,
        }  # fmt: skip
        answer = f"Spawned successfully.\nagent_id: {known}"
        main.result(f"toolu_c8{name[0]}", answer, parent=parent, toolUseResult=outcome)
        mate = Transcript(uuid(f"c8{name[0]}", 1), version, f"c8{name[0]}", at=main.at)
        mate.envelope = {"teamName": team, "agentName": name}
        get(mate, "team-lead", task, root=True)
        mates.append(mate)
    main.answer((4, 80, 7000, 10), say("Both are at it."))
    ada, bob = mates
    aid = "a8000000000000001"
    ada.answer((4, 5000, 0, 20), spawn("toolu_c8a1", "Count shelves", "Count the shelves"), stop="tool_use")
    helper = Transcript(ada.session, version, "c8a1", aid, ada.at)
    helper.user("Count the shelves", root=True)
    helper.answer((3, 1500, 0, 5), say("Nine."))
    ada.at = helper.at
    ada.result("toolu_c8a1", [say("Nine.")], toolUseResult=done(aid, "Count the shelves", 1508, 0, 3000, "Nine."))
    ask(ada, "toolu_c8a2", "team-lead", "Nine shelves.")
    ada.answer((3, 60, 5000, 5), say("I told the lead."))
    ask(bob, "toolu_c8b1", "ada", "Is any of it in the shop?")
    bob.answer((3, 60, 2000, 5), say("I have asked ada."))
    main.at = ada.at
    get(main, "ada", "Nine shelves.")
    main.answer((4, 90, 7100, 10), say("Nine shelves."))
    ada.at = main.at
    get(ada, "bob", "Is any of it in the shop?")
    ada.answer((3, 70, 5100, 5), say("All of it."))
    for each in (main, ada, bob):
        yield f"windows/-srv-shop/{each.session}.jsonl", each.content()
    yield f"windows/-srv-shop/{ada.session}/subagents/agent-{aid}.jsonl", helper.content()
    yield f"windows/-srv-shop/{ada.session}/subagents/agent-{aid}.meta.json", b'{"agentType":"Explore"}'


def damaged() -> Iterator[tuple[str, bytes]]:
    """Lines that are no records, one that another was written into, and a last one that is cut off."""
    session = uuid("c7", 1)
    main = Transcript(session, "2.1.114", "c7")
    main.user("Say hello")
    main.answer((4, 900, 0, 8), say("Hello."))
    main.lines += [b'"only text"\n', b"[1]\n", b'{"parentUuid":"x","isSidechain":false,"mess']
    main.user("Say it again")
    main.answer((4, 20, 900, 8), say("Hello \\ud800 again."))
    main.lines.append(main.content().rpartition(b'"type":"assistant"')[0][-200:] + b"\n")
    main.user("And now?")
    whole = main.content()
    yield f"damaged/-srv-shop/{session}.jsonl", whole[:-40]


def files() -> Iterator[tuple[str, bytes]]:
    """Names and bytes of the samples."""
    for part in (inline, flat, nested, forked, workflow, team, windows, damaged):
        for name, content in part():
            yield f"claude-code/{name}", content
