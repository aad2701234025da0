"""codex: rollout-trace bundles, written event by event as Codex does while agents play.

A bundle has one clock and one counter of payloads for all its agents. An agent keeps the items of its history as the
recorder would send them: whole over HTTP, over a websocket what is new since the answer before. Tokens follow from the
items, so what siblings share and what was cached is known.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

START_MS = 1_786_000_000_000
"""When the first bundle begins: August 2026."""

MODEL = "m-large"
INSTRUCTIONS = (
    "You are a coding agent. Work in the current directory, ask sub-agents for help and say what you did. " * 4
)
TOOLS = [
    {"type": "function", "name": name, "description": what, "strict": False, "parameters": {"type": "object"}}
    for name, what in (
        ("exec_command", "Runs a command and returns what it printed."),
        ("spawn_agent", "Starts an agent with a task of its own."),
        ("followup_task", "Gives an agent another task."),
        ("send_message", "Tells an agent something."),
        ("wait_agent", "Waits for agents to be done."),
        ("close_agent", "Ends an agent."),
    )
]
"""What every agent of a tree is given."""

KINDS = {"followup_task": "assign_agent_task"}
"""Tools whose kind has another name."""

AGENT_TOOLS = frozenset(("spawn_agent", "followup_task", "send_message", "wait_agent", "close_agent"))

Record: TypeAlias = dict[str, Any]


def dumped(value: object) -> str:
    """JSON as the recorder's lines have it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def weight(value: object) -> int:
    """The tokens that an item takes."""
    return 4 + len(dumped(value)) // 4


def said(role: str, text: str) -> Record:
    """A message of somebody."""
    kind = "output_text" if role == "assistant" else "input_text"
    item: Record = {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}
    return item | ({"phase": "final_answer"} if role == "assistant" else {})


def letter(author: str, recipient: str, kind: str, text: str, sealed: str | None = None) -> Record:
    """An item that tells one agent something of another one."""
    head = f"Message Type: {kind}\nTask name: {recipient}\nSender: {author}\nPayload:\n"
    content: list[Record] = [{"type": "input_text", "text": head + text}]
    if sealed is not None:
        content.append({"type": "encrypted_content", "encrypted_content": sealed})
    return {"type": "agent_message", "author": author, "recipient": recipient, "content": content}


@dataclass
class Bundle:
    """A bundle while it is written."""

    number: int
    """Of the root session."""
    lifetime: int = 1
    """Which process of that session it is of."""
    now: int = START_MS
    websocket: bool = False
    payloads: dict[str, bytes] = field(default_factory=dict)
    lines: list[bytes] = field(default_factory=list)
    calls: int = 0
    """Model calls and tool calls so far."""

    def __post_init__(self) -> None:
        self.root_id = self.id_of("a", 1)
        self.trace_id = f"{self.number:08x}-{self.lifetime:04x}-4222-8333-{self.number:012x}"
        self.started = self.now
        self.event("rollout_started", trace_id=self.trace_id, root_thread_id=self.root_id)

    def id_of(self, letter: str, number: int) -> str:
        """An id of a thread (``a``), a turn (``d``) or another thing."""
        return f"01a2{self.number:04x}-0000-7000-8000-{ord(letter):04x}{number:08x}"

    @property
    def name(self) -> str:
        """Of its directory."""
        return f"trace-{self.trace_id}-{self.root_id}"

    def payload(self, kind: str, content: object) -> Record:
        """Write a payload; returns what refers to it."""
        number = len(self.payloads) + 1
        path = f"payloads/{number}.json"
        self.payloads[path] = json.dumps(content, ensure_ascii=False, indent=1).encode()
        return {"raw_payload_id": f"raw_payload:{number}", "kind": {"type": kind}, "path": path}

    def event(self, kind: str, agent: Agent | None = None, /, **fields: Any) -> None:
        """Write a line, in the name of an agent and its turn."""
        record = {
            "schema_version": 1, "seq": len(self.lines) + 1, "wall_time_unix_ms": self.now, "rollout_id": self.root_id,
            "thread_id": agent.thread_id if agent else None, "codex_turn_id": agent.turn_id if agent else None,
            "payload": {"type": kind, **fields},
        }  # fmt: skip
        self.lines.append(dumped(record).encode() + b"\n")
        self.now += 3

    def protocol(self, kind: str, content: Record) -> None:
        """Write what Codex tells its user."""
        self.event("protocol_event_observed", event_type=kind, event_payload=self.payload("protocol_event", content))

    def end(self, *agents: Agent) -> None:
        """Shut down in order, the root last."""
        for agent in agents:
            agent.close()
        self.event("rollout_ended", status="completed")

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Everything that is in it, by name."""
        manifest = {
            "schema_version": 1, "trace_id": self.trace_id, "rollout_id": self.root_id, "root_thread_id": self.root_id,
            "started_at_unix_ms": self.started, "raw_event_log": "trace.jsonl", "payloads_dir": "payloads",
        }  # fmt: skip
        yield "manifest.json", json.dumps(manifest, indent=2).encode()
        yield "trace.jsonl", b"".join(self.lines)
        yield from self.payloads.items()


@dataclass
class Agent:
    """An agent that plays in a bundle."""

    bundle: Bundle
    number: int
    """Of its thread."""
    path: str = "/root"
    nickname: str | None = None
    parent: Agent | None = None
    history: list[Record] = field(default_factory=list)
    turns: int = 0
    turn_id: str | None = None
    resumed: bool = False
    spent: list[tuple[int, int, int]] = field(default_factory=list)
    """Input, cached and output tokens of every answer."""
    answers: list[str] = field(default_factory=list)
    """The ids of these."""

    def __post_init__(self) -> None:
        self.thread_id = self.bundle.id_of("a", self.number)
        self.answer: str | None = None
        self.known = 0  # items that the answer before stands for
        self.cached: list[Record] = []
        if not self.history:
            self.history = [
                said("developer", "<permissions instructions>anything goes in here</permissions instructions>"),
                said("user", "<environment_context>\n  <cwd>/srv/proj</cwd>\n</environment_context>"),
            ]
        self.start()

    def start(self) -> None:
        """Write the start of the thread, or write it again."""
        parent = self.parent
        source: Any = "cli"
        if parent is not None:
            spawned = {
                "parent_thread_id": parent.thread_id, "depth": self.path.count("/") - 1, "agent_path": self.path,
                "agent_nickname": self.nickname, "agent_role": None,
            }  # fmt: skip
            source = {"subagent": {"thread_spawn": spawned}}
        metadata = {
            "thread_id": self.thread_id, "agent_path": self.path, "nickname": self.nickname, "agent_role": None,
            "task_name": self.path.rpartition("/")[2] if parent else None, "session_source": source,
            "cwd": "/srv/proj", "model": MODEL, "provider_name": "openai", "approval_policy": "never",
        }  # fmt: skip
        reference = self.bundle.payload("session_metadata", metadata)
        self.bundle.event(
            "thread_started", thread_id=self.thread_id, agent_path=self.path, metadata_payload=reference
        )  # fmt: skip

    def close(self) -> None:
        """End the thread."""
        self.bundle.event("thread_ended", thread_id=self.thread_id, status="completed")

    def begin(self, *items: Record) -> None:
        """Begin a turn with what it is to work on."""
        self.history += items
        self.turns += 1
        self.turn_id = self.bundle.id_of("d", 256 * self.number + 16 * self.bundle.lifetime + self.turns)
        self.bundle.event("codex_turn_started", self, codex_turn_id=self.turn_id, thread_id=self.thread_id)

    def finish(self, status: str = "completed") -> None:
        """End the turn."""
        self.bundle.event("codex_turn_ended", self, codex_turn_id=self.turn_id, status=status)

    # --- model calls -----------------------------------------------------------------------------------------------

    def ask(self, *output: Record, ms: int = 900, error: str | None = None) -> None:
        """Call the model; it answers with these items, or the call fails."""
        bundle = self.bundle
        bundle.calls += 1
        call_id = f"{bundle.calls:08x}-{bundle.lifetime:04x}-4000-8000-{bundle.number:012x}"
        request: Record = {"model": MODEL, "instructions": INSTRUCTIONS, "input": self.history}
        if bundle.websocket and self.answer is not None:
            request = {"type": "response.create", **request, "previous_response_id": self.answer}
            request["input"] = self.history[self.known :]
        request |= {"tools": TOOLS, "tool_choice": "auto", "reasoning": {"effort": "medium"}, "stream": True}
        bundle.event(
            "inference_started", self, inference_call_id=call_id, thread_id=self.thread_id, codex_turn_id=self.turn_id,
            model=MODEL, provider_name="openai", request_payload=bundle.payload("inference_request", request),
        )  # fmt: skip
        if error is not None:
            bundle.now += ms
            bundle.event(
                "inference_failed", self, inference_call_id=call_id, upstream_request_id=None, error=error,
                partial_response_payload=None,
            )  # fmt: skip
            return
        self.start_tools(output)
        bundle.now += ms
        usage, prompt = self.usage(output), list(self.history)
        self.answer = f"resp_{bundle.number}_{bundle.lifetime}_{bundle.calls}"
        self.answers.append(self.answer)
        response = {
            "response_id": self.answer, "upstream_request_id": f"req-{bundle.calls}", "token_usage": usage,
            "output_items": list(output),
        }  # fmt: skip
        bundle.event(
            "inference_completed", self, inference_call_id=call_id, response_id=self.answer,
            upstream_request_id=f"req-{bundle.calls}", response_payload=bundle.payload("inference_response", response),
        )  # fmt: skip
        self.history = [*prompt, *output]
        self.known, self.cached = len(self.history), prompt

    def start_tools(self, output: Sequence[Record]) -> None:
        """Tools start while the answer still comes in; here none does."""

    def usage(self, output: Sequence[Record]) -> Record:
        """What the provider counts: what is as in the prompt before was cached."""
        shared = 0
        for one, other in zip(self.history, self.cached, strict=False):
            if one != other:
                break
            shared += weight(one)
        head = weight(INSTRUCTIONS) + weight(TOOLS)
        tokens_in = head + sum(map(weight, self.history))
        tokens_out = sum(map(weight, output))
        cached = (head + shared) // 128 * 128 if self.cached else 0
        self.spent.append((tokens_in, cached, tokens_out))
        return {
            "input_tokens": tokens_in, "cached_input_tokens": cached, "cache_write_input_tokens": 0,
            "output_tokens": tokens_out, "reasoning_output_tokens": tokens_out // 3,
            "total_tokens": tokens_in + tokens_out,
        }  # fmt: skip

    # --- tools -------------------------------------------------------------------------------------------------------

    def call(self, name: str, **arguments: Any) -> Record:
        """An item that asks for a tool."""
        self.bundle.calls += 1
        namespace = {"namespace": "collaboration"} if name in AGENT_TOOLS else {}
        call_id = f"call_{self.bundle.lifetime}_{self.bundle.calls}"
        return {
            "type": "function_call", "name": name, **namespace, "arguments": json.dumps(arguments), "call_id": call_id
        }  # fmt: skip

    def run(self, item: Record, output: str, runtime: Record | None = None, ms: int = 40, ok: bool = True) -> None:
        """Carry a tool out, and put its output into the history."""
        bundle, call_id, name = self.bundle, item["call_id"], item["name"]
        label = f"{item['namespace']}.{name}" if "namespace" in item else name
        invocation = {
            "tool_name": name, "tool_namespace": item.get("namespace"),
            "payload": {"type": "function", "arguments": item["arguments"]},
        }  # fmt: skip
        summary = {"type": "generic", "label": label, "input_preview": item["arguments"][:160], "output_preview": None}
        bundle.event(
            "tool_call_started", self, tool_call_id=call_id, model_visible_call_id=call_id,
            code_mode_runtime_tool_id=None, requester={"type": "model"}, kind={"type": KINDS.get(name, name)},
            summary=summary, invocation_payload=bundle.payload("tool_invocation", invocation),
        )  # fmt: skip
        bundle.now += ms
        status = "completed" if ok else "failed"
        if runtime is not None:
            reference = bundle.payload("tool_runtime_event", {"event_id": call_id, **runtime})
            bundle.event(
                "tool_call_runtime_ended", self, tool_call_id=call_id, status=status, runtime_payload=reference
            )  # fmt: skip
        answer = {"type": "function_call_output", "call_id": call_id, "output": output}
        result = bundle.payload("tool_result", {"type": "direct_response", "response_item": answer})
        bundle.event("tool_call_ended", self, tool_call_id=call_id, status=status, result_payload=result)
        self.history.append(answer)

    # --- other agents ------------------------------------------------------------------------------------------------

    def activity(self, other: Agent, kind: str) -> Record:
        """What the runtime tells of a tool that turns to another agent."""
        return {
            "occurred_at_ms": self.bundle.now, "agent_thread_id": other.thread_id, "agent_path": other.path,
            "kind": kind,
        }  # fmt: skip

    def spawning(self, name: str, sealed: str, fork: str = "none") -> Record:
        """An item that asks for a new agent."""
        return self.call("spawn_agent", task_name=name, message=sealed, fork_turns=fork)

    def spawn(self, item: Record, number: int, nickname: str, inherited: Sequence[Record] = ()) -> Agent:
        """Start the agent that an item asks for; its task is in its history."""
        asked = json.loads(item["arguments"])
        path = f"{self.path}/{asked['task_name']}"
        child = type(self)(self.bundle, number, path, nickname, self, list(inherited))
        told = json.dumps({"task_name": path, "nickname": nickname})
        self.run(item, told, self.activity(child, "started"))
        child.history.append(letter(self.path, path, "NEW_TASK", "", asked["message"]))
        return child

    def report(self, text: str, delivered: bool = True, status: object = None) -> None:
        """Tell the parent the result of the turn, right after its end."""
        parent = self.parent
        assert parent is not None
        item = letter(self.path, parent.path, "FINAL_ANSWER", text)
        message = item["content"][0]["text"]
        carried = {"child_agent_path": self.path, "message": message, "status": status or {"completed": text}}
        self.bundle.event(
            "agent_result_observed", self,
            edge_id=f"edge:agent_result:{self.thread_id}:{self.turn_id}:{parent.thread_id}",
            child_thread_id=self.thread_id, child_codex_turn_id=self.turn_id, parent_thread_id=parent.thread_id,
            message=message, carried_payload=self.bundle.payload("agent_result", carried),
        )  # fmt: skip
        if delivered:
            parent.history.append(item)

    def compact(self, number: int, kept: int) -> None:
        """Have the history summed up; what it costs is not recorded."""
        bundle = self.bundle
        summary = {"type": "compaction", "encrypted_content": f"gAAAAB{number:06d}" * 3}
        replacement = [*self.history[:kept], summary]
        ids = {"compaction_id": f"compaction-{number}", "compaction_request_id": f"compaction_request:{number}"}
        request = bundle.payload("compaction_request", {"model": MODEL, "input": self.history[-2:], "tools": []})
        bundle.event(
            "compaction_request_started", self, **ids, thread_id=self.thread_id, codex_turn_id=self.turn_id,
            model=MODEL, provider_name="openai", request_payload=request,
        )  # fmt: skip
        bundle.now += 1500
        response = bundle.payload("compaction_response", {"output_items": [summary]})
        bundle.event("compaction_request_completed", self, **ids, response_payload=response)
        checkpoint = {"input_history": self.history, "replacement_history": replacement}
        reference = bundle.payload("compaction_checkpoint", checkpoint)
        bundle.event("compaction_installed", self, compaction_id=ids["compaction_id"], checkpoint_payload=reference)
        self.history, self.answer, self.cached = replacement, None, []


# --- the samples -----------------------------------------------------------------------------------------------------


def survey() -> Bundle:
    """A root with two children, one of which has a child of its own: a result that is lost, a child that is resumed."""
    bundle = Bundle(1, websocket=True)
    root = Agent(bundle, 1)
    root.begin(said("user", "Survey the parser and lint it."))
    bundle.protocol("turn_started", {"type": "task_started", "turn_id": root.turn_id, "model_context_window": 272_000})
    parser, lint = root.spawning("parser", "gAAAAAparser"), root.spawning("lint", "gAAAAAlint")
    root.ask(parser, lint)
    survey_agent, linter = root.spawn(parser, 2, "Kepler"), root.spawn(lint, 3, "Euler")
    survey_agent.begin()
    count = survey_agent.spawning("count", "gAAAAAcount")
    survey_agent.ask(count)
    counter = survey_agent.spawn(count, 4, "Gauss")
    counter.begin()
    find = counter.call("exec_command", cmd="find src -name '*.py' | wc -l")
    counter.ask(find)
    counter.run(find, "42\n")
    counter.ask(said("assistant", "42 files"))
    counter.finish()
    counter.report("42 files")
    linter.begin()
    check = linter.call("exec_command", cmd="lint src")
    linter.ask(check)
    linter.run(check, "lint: not found\n", ok=False)
    linter.ask(said("assistant", "There is no linter here."))
    survey_agent.ask(said("assistant", "A hand-written parser in 42 files."))
    survey_agent.finish()
    survey_agent.report("A hand-written parser in 42 files.")
    wait = root.call("wait_agent", timeout_ms=10_000)
    root.ask(wait)
    root.run(wait, '{"timed_out": false}', ms=300)
    linter.finish()
    linter.report("There is no linter here.", delivered=False)  # the root asks no more before its turn is over
    root.history.append(said("assistant", "The parser is written by hand."))
    root.finish()
    survey_again(root, survey_agent)
    bundle.end(counter, linter, survey_agent, root)
    return bundle


def survey_again(root: Agent, survey_agent: Agent) -> None:
    """A second turn: the child had been unloaded, and a task starts it again, under the same id and in the bundle."""
    survey_agent.close()
    root.begin(said("user", "And what of its tests?"))
    task = root.call("followup_task", target="/root/parser", message="gAAAAAtests")
    root.answer = None
    root.ask(task)
    survey_agent.start()
    survey_agent.answer = None
    root.run(task, "{}", root.activity(survey_agent, "interacted"))
    survey_agent.history.append(letter("/root", "/root/parser", "NEW_TASK", "", "gAAAAAtests"))
    survey_agent.begin()
    survey_agent.ask(error="stream disconnected before completion")
    survey_agent.ask(said("assistant", "It has 7 tests."))
    survey_agent.finish()
    survey_agent.report("It has 7 tests.")
    root.compact(1, kept=3)
    root.history.append(letter("/root/parser", "/root", "FINAL_ANSWER", "It has 7 tests."))
    root.ask(said("assistant", "Seven tests."))
    root.finish()


def resumed() -> Bundle:
    """Soon after the same session is resumed: another bundle, whose first request sends the old history again."""
    before = survey()
    bundle = Bundle(1, lifetime=2, now=before.now + 20_000)
    root = Agent(bundle, 1)
    root.history += [
        said("user", "Survey the parser and lint it."), {"type": "compaction", "encrypted_content": "gAAAAB000001" * 3},
        said("assistant", "Seven tests."),
    ]  # fmt: skip
    root.begin(said("user", "Thank you. Which of them fail?"))
    test = root.call("exec_command", cmd="pytest -q")
    root.ask(test)
    root.run(test, "7 passed\n")
    root.ask(said("assistant", "None."))
    root.finish()
    bundle.end(root)
    return bundle


def cut_off() -> Iterator[tuple[str, bytes]]:
    """A process that was killed while it wrote, and an answer that is lost."""
    bundle = Bundle(2, now=START_MS + 5_000_000)
    root = Agent(bundle, 1)
    root.begin(said("user", "Rename the module."))
    move = root.call("exec_command", cmd="git mv old.py new.py")
    root.ask(move)
    root.run(move, "")
    check = root.call("exec_command", cmd="grep -r old")
    root.ask(check)
    root.run(check, "")
    root.ask(said("assistant", "Renamed."))
    files = dict(bundle.files())
    del files[next(name for name, content in bundle.payloads.items() if b'"output_items"' in content)]
    files["trace.jsonl"] = files["trace.jsonl"][:-150]
    yield from ((f"{bundle.name}/{name}", content) for name, content in files.items())


def files() -> Iterator[tuple[str, bytes]]:
    """Name and bytes of every sample."""
    for bundle in (survey(), resumed()):
        for name, content in bundle.files():
            yield f"codex/bundles/{bundle.name}/{name}", content
    for name, content in cut_off():
        yield f"codex/cut-off/{name}", content
