"""Ingest of a large ``~/.claude/projects``, beside a plain pass of ``orjson.loads`` over all its lines."""

import json
import random
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson

from explorer.store.database import Database
from explorer.store.ingest import Options, ingest
from tests.bench.measure import cost, peak_memory, summary_process

LIMIT, WARM_SECONDS, MEMORY_MIB, JOBS = 1.0, 1.0, 400, 2
AGENTS = 3
"""Sub-agents of each session."""

CALLS_IN_MAIN, CALLS_IN_AGENT = 40, 25
START = datetime(2026, 5, 4, tzinfo=UTC)


def run(megabytes, files, repeats):
    """Print the ratios and the memory."""
    import explorer.store.ingest.parts
    import explorer.store.ingest.run  # noqa: F401

    with tempfile.TemporaryDirectory(prefix="trace-explore-bench-") as directory:
        root = Path(directory) / "projects"
        calls, size = _write(root, megabytes * 1_000_000, files)
        print(f"{files:,} files, {size / 1e6:,.0f} MB, {calls:,} model calls; {JOBS} reading processes")
        for round_ in range(repeats):
            with tempfile.TemporaryDirectory(prefix="trace-explore-cache-") as cache:
                baseline = cost(lambda: _parse(root))
                cold = cost(lambda cache=cache: _open(root, Path(cache)).close())
                _keep(root, Path(cache))
                warm = cost(lambda cache=cache: _open(root, Path(cache)).close())
                ratio = f"{cold.wall / baseline.wall:.2f} x (at most {LIMIT})"
                print(f"  {round_ + 1}: orjson.loads {baseline.wall:.2f} s, ingest {cold.wall:.2f} s = {ratio}")
                spent = f"{cold.own:.2f} s here and {cold.below:.2f} s in the reading processes"
                print(f"     CPU: {baseline.cpu:.2f} s, and {spent} = {cold.cpu / baseline.cpu:.2f} x")
                print(f"     warm start {warm.wall:.2f} s, CPU {warm.cpu:.2f} s (at most {WARM_SECONDS})")
        with tempfile.TemporaryDirectory(prefix="trace-explore-cache-") as cache:
            with peak_memory() as peak:
                _keep(root, Path(cache))
            wall, spent = summary_process(root, cache)
            print(f"  warm --summary, whole process: {wall:.2f} s, CPU {spent:.2f} s (at most {WARM_SECONDS})")
            print(f"  peak memory above the libraries: {peak.mebibytes_above:.0f} MiB (at most {MEMORY_MIB})")


def _parse(root):
    """The baseline: every line parsed, nothing kept."""
    for path in sorted(root.rglob("*.jsonl")):
        with path.open("rb") as file:
            for line in file:
                orjson.loads(line)


def _open(directory, cache):
    return Database(ingest([directory], Options(cache_dir=cache, jobs=JOBS)))


def _keep(directory, cache):
    database = _open(directory, cache)
    database.keep()
    database.close()


def _write(root, size, files):
    """Sessions with their sub-agents, all of one shape; returns model calls and bytes."""
    rng = random.Random("bench claude")
    words = "".join(rng.choice('abcdefghij klmnop\n"') for _ in range(400_000))
    sessions = files // (1 + AGENTS)
    calls_of_session = CALLS_IN_MAIN + AGENTS * CALLS_IN_AGENT
    text = max(10, size // (sessions * calls_of_session) // 3 - 500)  # an answer, and a result that is there twice
    calls = written = 0
    for number in range(sessions):
        session = f"{number:08x}-0000-4000-8000-{number:012x}"
        directory = root / f"-srv-project-{number % 40}"
        names = [f"a{number:012x}{agent:04x}" for agent in range(AGENTS)]
        main = _transcript(rng, words, session, None, CALLS_IN_MAIN, text, names)
        written += _save(directory / f"{session}.jsonl", main)
        for name in names:
            lines = _transcript(rng, words, session, name, CALLS_IN_AGENT, text, [])
            written += _save(directory / session / "subagents" / f"agent-{name}.jsonl", lines)
        calls += calls_of_session
    return calls, written


def _save(path, lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    content = b"".join(json.dumps(line, separators=(",", ":")).encode() + b"\n" for line in lines)
    path.write_bytes(content)
    return len(content)


def _transcript(rng, words, session, agent, calls, text, spawns):
    """The records of a session or a sub-agent; in the middle of it, one answer spawns what is to be spawned."""
    at, tip, name = START + timedelta(seconds=rng.randrange(9_000_000)), None, agent or session[:8]

    def record(kind, **fields):
        nonlocal tip, at
        at += timedelta(milliseconds=rng.randrange(100, 4_000))
        uuid = f"{rng.getrandbits(32):08x}-{rng.getrandbits(16):04x}-4000-8000-{rng.getrandbits(48):012x}"
        stamp = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        own = {"agentId": agent} if agent else {}
        found = {
            "parentUuid": tip, "isSidechain": agent is not None, **own, "type": kind, **fields, "uuid": uuid,
            "timestamp": stamp, "userType": "external", "entrypoint": "cli", "cwd": "/srv/project",
            "sessionId": session, "version": "2.1.114", "gitBranch": "main",
        }  # fmt: skip
        tip = uuid
        return found

    def some(least=0):
        length = least or rng.randrange(text)
        place = rng.randrange(len(words) - length)
        return words[place : place + length]

    yield record("user", message={"role": "user", "content": f"Read {name}" if agent else some(400)})
    for call in range(calls):
        spawning = spawns if call == calls // 2 else []
        tools = [
            {"type": "tool_use", "id": f"toolu_{name}_{call}_{child}", "name": "Agent",
             "input": {"description": "Read", "prompt": f"Read {child}", "subagent_type": "Explore"}}
            for child in spawning
        ]  # fmt: skip
        read = {"type": "tool_use", "id": f"toolu_{name}_{call}", "name": "Read", "input": {"file_path": some(40)}}
        tools = tools or [read]
        blocks = [{"type": "text", "text": some()}, *tools]
        usage = {
            "input_tokens": 4, "cache_creation_input_tokens": 900, "cache_read_input_tokens": 9_000 + 900 * call,
            "cache_creation": {"ephemeral_5m_input_tokens": 900, "ephemeral_1h_input_tokens": 0},
            "output_tokens": rng.randrange(20, 4_000), "service_tier": "standard",
        }  # fmt: skip
        for number, block in enumerate(blocks, 1):
            message = {
                "model": "m-large", "id": f"msg_{name}_{call}", "type": "message", "role": "assistant",
                "content": [block], "stop_reason": "tool_use" if number == len(blocks) else None, "usage": usage,
            }  # fmt: skip
            yield record("assistant", message=message, requestId=f"req_{name}_{call}")
        for tool, child in zip(tools, spawning or [None], strict=True):
            result = some(text)
            outcome = {"status": "completed", "agentId": child, "content": result} if child else {"file": result}
            block = {"tool_use_id": tool["id"], "type": "tool_result", "content": result}
            yield record("user", message={"role": "user", "content": [block]}, toolUseResult=outcome)
    answer = {"type": "text", "text": "Done."}
    message = {"model": "m-large", "id": f"msg_{name}", "role": "assistant", "content": [answer],
               "stop_reason": "end_turn", "usage": {"input_tokens": 4, "output_tokens": 9}}  # fmt: skip
    yield record("assistant", message=message, requestId=f"req_{name}")
