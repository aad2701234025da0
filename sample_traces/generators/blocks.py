"""Servers' request logs of block ids, in the five formats that hold a request a line.

Sessions of users and of agents grow by what is asked and answered, beginning with a system prompt that they share. A
prompt is cut into blocks of tokens and a block hashed with everything before it, so that what is shared is known
exactly; most formats then number the hashes by first appearance.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Piece: TypeAlias = tuple[str, int]
"""A text and how many tokens it has."""

SYSTEM: Piece = ("system", 1_300)


@dataclass
class Request:
    """A model call."""

    session: str
    turn: int
    ms: int
    prompt: list[Piece]
    answer: int
    new: list[Piece] = field(default_factory=list)
    """What of the prompt the turn before did not have."""

    @property
    def tokens(self) -> int:
        """Of the prompt."""
        return sum(count for _, count in self.prompt)


def talk(name: str, turns: int, start: int, rng: random.Random, opening: Sequence[Piece] = (SYSTEM,)) -> list[Request]:
    """A session: every turn has all that was said before."""
    said, requests, at = list(opening), [], start
    for turn in range(turns):
        new: list[Piece] = [(f"{name} asks {turn}", rng.randrange(40, 900))]
        new = [*said, *new] if not turn else [*said[-1:], *new]
        said.append(new[-1])
        answer = rng.randrange(20, 400)
        requests.append(Request(name, turn, at, list(said), answer, new))
        said.append((f"{name} is told {turn}", answer))
        at += rng.randrange(2_000, 30_000)
    return requests


def world(seed: str, sessions: int, turns: int) -> list[Request]:
    """Sessions that overlap, in order of time."""
    rng = random.Random(seed)
    found = [
        request
        for number in range(sessions)
        for request in talk(f"{seed}-{number}", rng.randrange(1, turns + 1), rng.randrange(40_000) * (number > 0), rng)
    ]
    return sorted(found, key=lambda request: request.ms)


def hashes(prompt: Iterable[Piece], size: int, whole: bool = False) -> list[str]:
    """The blocks of a prompt, each hashed with all that comes before it; ``whole`` ones only, or the last in part."""
    tokens = [f"{text} {n}" for text, count in prompt for n in range(count)]
    found, chain = [], ""
    for at in range(0, len(tokens), size):
        block = tokens[at : at + size]
        if whole and len(block) < size:
            break
        chain = hashlib.sha256(f"{chain} {block}".encode()).hexdigest()
        found.append(chain)
    return found


class Numbers(dict[str, int]):
    """Hashes by first appearance, from 0."""

    def of(self, prompt: Iterable[Piece], size: int) -> list[int]:
        """The blocks of a prompt as numbers."""
        return [self.setdefault(block, len(self)) for block in hashes(prompt, size)]


def lines(records: Iterable[dict[str, Any]]) -> bytes:
    """Records, one a line."""
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


# --- mooncake --------------------------------------------------------------------------------------------------------


def mooncake_plain() -> list[dict[str, Any]]:
    """As the published traces: who asked is not told."""
    numbers = Numbers()
    return [
        {"timestamp": request.ms, "input_length": request.tokens, "output_length": request.answer,
         "hash_ids": numbers.of(request.prompt, 512)}
        for request in world("plain", 7, 5)
    ]  # fmt: skip


def mooncake_sessions() -> list[dict[str, Any]]:
    """With the sessions of aiperf, each turn with its whole prompt and its time."""
    numbers = Numbers()
    return [
        {"session_id": request.session, "timestamp": request.ms, "input_length": request.tokens,
         "output_length": request.answer, "hash_ids": numbers.of(request.prompt, 512)}
        for request in world("session", 4, 4)
    ]  # fmt: skip


def mooncake_delta() -> list[dict[str, Any]]:
    """As aiperf's generator of agentic sessions: a later turn holds only what is new, in blocks of its own."""
    rng, numbers, records = random.Random("delta"), Numbers(), []
    for session in range(3):
        name = f"sess-{rng.randrange(1 << 48):012x}"
        at = before = 0
        for request in talk(name, 4, 0, rng, [SYSTEM, (f"repository {session // 2}", 1_100)]):
            new = request.new if not request.turn else [(f"{name} new {request.turn}", request.new[-1][1])]
            record: dict[str, Any] = {
                "session_id": name, "input_length": sum(count for _, count in new), "output_length": request.answer,
                "hash_ids": numbers.of(new, 512),
            }  # fmt: skip
            if request.turn:
                record["delay"] = float(request.ms - before)
            else:
                at = session * 4_000
                record |= {"timestamp": float(at), "group_id": session // 2}
            before = request.ms
            records.append(record)
    return records


def mooncake_damaged() -> bytes:
    """A line that lost its end, one that is no request, ids that are none, and a file that was cut off."""
    whole = lines(mooncake_plain()).splitlines(keepends=True)
    whole[2] = whole[2][:60] + b"\n"
    whole[4] = b'{"time_sec": 0, "concurrency": 4}\n'
    whole[6] = whole[6].replace(b'"hash_ids": [', b'"hash_ids": [-1, ')
    return b"".join(whole[:10]) + whole[10][:70]


# --- bailian ---------------------------------------------------------------------------------------------------------


def chats() -> list[dict[str, Any]]:
    """Chats that go on from each other; one answer was asked for twice, and one chat began before the trace."""
    numbers, found, last = Numbers(), [], {}
    for chat, request in enumerate(world("chat", 5, 4)):
        name = request.session
        parent = last.get(name, -1 if name != "chat-4" else 9_999)
        found.append(
            {"chat_id": chat, "parent_chat_id": parent, "timestamp": request.ms / 1000, "input_length": request.tokens,
             "output_length": request.answer, "type": "search" if name == "chat-2" else "text",
             "turn": request.turn + 1, "hash_ids": numbers.of(request.prompt, 16)}
        )  # fmt: skip
        last[name] = chat
    again = next(chat for chat in found if chat["turn"] == 2)
    found.append(again | {"chat_id": len(found), "timestamp": 200.5, "output_length": 33})
    return found


# --- lmcache ---------------------------------------------------------------------------------------------------------

UNIX_MS = 1_784_200_000_000
"""July 2026."""


def lookups() -> list[dict[str, Any]]:
    """What a server with two models looked up; a prompt's tail has no hash."""
    return [
        {"timestamp": (UNIX_MS + request.ms) / 1000, "request_id": f"req-{number:03}", "model_name": model,
         "chunk_size": 256, "seq_len": request.tokens, "dtypes": ["bfloat16"], "shapes": [[2, 32, 256, 1024]],
         "chunk_hashes": [f"0x{block}" for block in hashes(_told(model, request.prompt), 256, whole=True)]}
        for number, request in enumerate(world("lookup", 6, 4))
        for model in ["m-small" if request.session.endswith("3") else "m-large"]
    ]  # fmt: skip


def _told(model: str, prompt: list[Piece]) -> list[Piece]:
    """A prompt in the tokens of a model: what two of them hash is never equal."""
    return [(f"{model}: {text}", count) for text, count in prompt]


# --- kvcache-simulator -----------------------------------------------------------------------------------------------


def simulator_numbers() -> list[dict[str, Any]]:
    """Blocks of 64 tokens."""
    numbers = Numbers()
    return [
        {"block_size": 64, "hash_ids": numbers.of(request.prompt, 64), "input_length": request.tokens,
         "output_length": request.answer, "timestamp": request.ms}
        for request in world("replay", 3, 3)
    ]  # fmt: skip


def simulator_contents() -> list[dict[str, Any]]:
    """Ids that name what a block holds and not what comes before it, with the tokens of each block."""
    documents = {"guide": 64, "contract": 64, "annex": 64, "question one": 20, "question two": 31}
    prompts = [
        ["guide", "contract", "question one"],
        ["guide", "annex", "question one"],
        ["annex", "contract", "question two"],
        ["guide", "contract", "annex", "question two"],
        ["guide", "annex", "contract", "question one"],
    ]
    return [
        {"hash_ids": prompt, "input_length": sum(documents[name] for name in prompt),
         "block_tokens": [documents[name] for name in prompt]}
        for prompt in prompts
    ]  # fmt: skip


# --- dynamo ----------------------------------------------------------------------------------------------------------


class Server:
    """A server that holds every block it has seen, and writes down its requests as they end."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.held: set[str] = set()
        self.records: list[tuple[int, dict[str, Any]]] = []
        """When each is written."""

    def serve(self, request: Request, context: dict[str, Any] | None, tools: Sequence[str] = ()) -> None:
        """Answer a request, with calls of tools that its agent runs."""
        blocks = hashes(request.prompt, self.size, whole=True)
        known = next((n for n, block in enumerate(blocks) if block not in self.held), len(blocks))
        self.held.update(blocks)
        took = 300 + request.answer * 12
        name = f"{request.session}-{request.turn}"
        body: dict[str, Any] = {
            "request_id": name, "model": "m-large", "input_tokens": request.tokens, "output_tokens": request.answer,
            "cached_tokens": max(known - 2, 0) * self.size, "request_received_ms": UNIX_MS + request.ms,
            "ttft_ms": 210.5, "total_time_ms": float(took), "queue_depth": 0,
            "worker": {"prefill_worker_id": 1, "decode_worker_id": 2},
            "finish_reason_metadata": {
                "finish_reason": "tool_calls" if tools else "stop",
                "tool_calls": [
                    {"choice_index": 0, "tool_call_index": n, "id": f"{name}-{n}", "name": tool}
                    for n, tool in enumerate(tools)
                ],
            },
            "replay": {
                "trace_block_size": self.size, "input_length": request.tokens,
                "input_sequence_hashes": [int(block[:16], 16) for block in blocks],
            },
        }  # fmt: skip
        self.note(request.ms + took, "request_end", context, "dynamo", request=body)
        for n, tool in enumerate(tools):
            begun, done = request.ms + took + 5, request.ms + took + 405 + 100 * n
            call: dict[str, Any] = {"tool_call_id": f"{name}-{n}", "tool_class": tool}
            self.note(begun, "tool_start", context, "harness", tool=call | {"started_at_unix_ms": UNIX_MS + begun})
            if tool == "spawn":
                continue
            ended = {"ended_at_unix_ms": UNIX_MS + done, "status": "error" if tool == "bash" else "succeeded"}
            kind = "tool_error" if tool == "bash" else "tool_end"
            self.note(done, kind, context, "harness", tool=call | ended | {"duration_ms": float(done - begun)})

    def note(self, at: int, kind: str, context: dict[str, Any] | None, source: str, **what: Any) -> None:
        """A record."""
        record = {
            "schema": "dynamo.request.trace.v1", "event_type": kind, "event_time_unix_ms": UNIX_MS + at,
            "event_source": source, "agent_context": context, **what,
        }  # fmt: skip
        self.records.append((at, {name: value for name, value in record.items() if value is not None}))

    def written(self, wrapped: bool) -> list[dict[str, Any]]:
        """The records in the order in which they are written, bare or beside the writer's clock."""
        ordered = sorted(self.records, key=lambda record: record[0])
        return [{"timestamp": at, "event": record} if wrapped else record for at, record in ordered]


def swarm(server: Server, contexts: dict[str, dict[str, Any] | None]) -> None:
    """A lead that starts two workers, which share what the lead does not have; and a request of nobody's."""
    rng = random.Random("swarm")
    lead = talk("lead", 4, 100, rng)
    worker: list[Piece] = [SYSTEM, ("briefing of workers", 700)]
    first, second = (talk(f"worker-{n}", 3, 31_000 + 2_500 * n, rng, worker) for n in (1, 2))
    tools = {("lead", 0): ["spawn", "spawn"], ("worker-1", 0): ["read", "bash"], ("worker-2", 1): ["read"]}
    for request in sorted([*lead, *first, *second], key=lambda request: request.ms):
        server.serve(request, contexts[request.session], tools.get((request.session, request.turn), ()))
    server.serve(talk("nobody", 1, 60_000, rng)[0], None)


def dynamo_trajectories() -> bytes:
    """Workers below a lead, as trajectories of a session; beside the writer's clock, and gzipped."""
    server = Server(64)
    base = {"session_type_id": "research", "session_id": "s-1"}
    swarm(server, {
        "lead": {**base, "trajectory_id": "lead"},
        "worker-1": {**base, "trajectory_id": "worker-1", "parent_trajectory_id": "lead"},
        "worker-2": {**base, "trajectory_id": "worker-2", "parent_trajectory_id": "lead", "trajectory_final": True},
    })  # fmt: skip
    return gzip.compress(lines([*server.written(wrapped=True), {"verification": {"records": 19}}]), mtime=0)


def dynamo_sessions() -> bytes:
    """The same by the newest fields, as bare records; the lead's own are not in the file."""
    server = Server(64)
    swarm(server, {
        "lead": {"session_id": "lead"},
        "worker-1": {"session_id": "worker-1", "parent_session_id": "lead"},
        "worker-2": {"session_id": "worker-2", "parent_session_id": "lead", "session_final": True},
    })  # fmt: skip
    records = [r for r in server.written(wrapped=False) if (r.get("agent_context") or {}).get("session_id") != "lead"]
    payload = {"request_id": "worker-1-0", "endpoint": "openai.chat_completion", "model": "m-large"}
    head = {"schema": "dynamo.request.trace.v1", "event_type": "request_payload", "event_time_unix_ms": UNIX_MS}
    return lines([*records, head | {"payload": payload | {"payload_complete": False}}])


def dynamo_programs() -> bytes:
    """The same by the oldest fields, and what a broken writer leaves: no tool, an unknown kind, a file cut off."""
    server = Server(64)
    base = {"workflow_type_id": "research", "workflow_id": "w-1"}
    swarm(server, {
        "lead": {**base, "program_id": "lead"},
        "worker-1": {**base, "program_id": "worker-1", "parent_program_id": "lead"},
        "worker-2": {**base, "program_id": "worker-2", "parent_program_id": "lead"},
    })  # fmt: skip
    whole = lines(server.written(wrapped=False)).splitlines(keepends=True)
    whole[3] = whole[3].replace(b'"request_end"', b'"request_started"')
    whole[7] = whole[7].replace(b'"tool": {', b'"toll": {')
    return b"".join(whole)[:-300]


def files() -> Iterator[tuple[str, bytes]]:
    """Every sample: its path and its bytes."""
    yield "mooncake/plain.jsonl", lines(mooncake_plain())
    yield "mooncake/sessions.jsonl", lines(mooncake_sessions())
    yield "mooncake/delta-turns.jsonl", lines(mooncake_delta())
    yield "mooncake/damaged/bad-lines.jsonl", mooncake_damaged()
    yield "bailian/qwen_blksz_16.jsonl", lines(chats())
    yield "bailian/damaged/no-root.jsonl", lines(chats()[1:]).replace(b'"chat_id": 3,', b'"chat_id": "3",')[:-40]
    yield "lmcache/lookup_hashes_0.jsonl", lines(lookups())
    yield "lmcache/damaged/lookup_hashes_1.jsonl", lines(lookups())[:-200].replace(b'"0x', b'["0x', 1)
    yield "kvcache-simulator/numbers.jsonl.gz", gzip.compress(lines(simulator_numbers()), mtime=0)
    yield "kvcache-simulator/contents.jsonl", lines(simulator_contents())
    yield "dynamo/trajectories.jsonl.gz", dynamo_trajectories()
    yield "dynamo/sessions.jsonl", dynamo_sessions()
    yield "dynamo/damaged/programs.jsonl", dynamo_programs()
