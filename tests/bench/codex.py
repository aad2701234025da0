"""A large session rollout, beside a plain pass over its lines with ``orjson.loads``."""

import base64
import random
import resource
import tempfile
import time
from pathlib import Path

import orjson

from explorer.readers._prompts import PromptParts
from explorer.readers.codex._rollout import reduce_rollouts
from explorer.store.database import Database
from explorer.store.ingest import Options, ingest
from tests.bench.measure import peak_memory
from tests.readers.codex.rollouts import ROOT, T0, Rollout, plus, usage

LIMIT = 2.0
MEMORY_MIB = 400
STEPS_PER_TURN, STEPS_PER_IMAGE, STEPS_PER_COMPACTION = 25, 40, 120


def run(megabytes, repeats):
    """Print the ratios and the memory, of a thread that looks at images and of one that reads text alone."""
    import explorer.store.ingest.parts
    import explorer.store.ingest.run  # noqa: F401

    for name, every in (("with images", STEPS_PER_IMAGE), ("text alone", 0)):
        with tempfile.TemporaryDirectory(prefix="trace-explore-bench-") as directory:
            path, shares = _write(Path(directory), megabytes * 1_000_000, every)
            _measure(name, path, shares, repeats)


def _measure(name, path, shares, repeats):
    size = path.stat().st_size
    mix = ", ".join(f"{kind} {of / size:.0%}" for kind, of in sorted(shares.items(), key=lambda each: -each[1]))
    print(f"{name}, {size / 1e6:,.0f} MB: {mix}")
    for round_ in range(repeats):
        plain, ours, whole = (
            _timed(work) for work in (lambda: _loads(path), lambda: _reduce(path), lambda: _open(path))
        )
        told = ", ".join(
            f"{what} {wall:.2f} s = {wall / plain[0]:.2f} x (CPU {cpu:.2f} s = {cpu / plain[1]:.2f} x)"
            for what, (wall, cpu) in (("orjson.loads", plain), ("reduced", ours), ("ingest", whole))
        )
        print(f"  {round_ + 1}: {told}; at most {LIMIT} x")
    with peak_memory() as peak:
        _open(path)
    print(f"  peak memory above the libraries: {peak.mebibytes_above:.0f} MiB (at most {MEMORY_MIB})")


def _timed(work):
    """Wall seconds, and those of the processor, workers included."""
    before, begin = _processor(), time.perf_counter()
    work()
    return time.perf_counter() - begin, _processor() - before


def _processor():
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _open(path):
    with tempfile.TemporaryDirectory(prefix="trace-explore-cache-") as cache:
        Database(ingest([path.parent], Options(cache_dir=Path(cache)))).close()


def _loads(path):
    """The baseline: every line parsed, nothing kept."""
    with path.open("rb") as file:
        for line in file:
            orjson.loads(line)


def _reduce(path):
    return reduce_rollouts([(path, path.name)], PromptParts())


def _write(directory, size, every):
    """A thread that works until its file is so large; what of it is what kind of line."""
    rng = random.Random("bench codex")
    source = Path(__file__).read_text("utf-8")
    words = "".join(
        rng.choice([source[n : n + 60], "/usr/lib/x.so\n", '    "key": [1, 2],\n']) for n in range(0, 4_000)
    )
    images = [base64.b64encode(rng.randbytes(rng.randrange(300_000, 2_500_000))).decode() for _ in range(12)]
    path = directory / f"rollout-2026-09-21T16-00-00-{ROOT}.jsonl"
    shares, total, steps, turn, kept, now = {}, usage(0, 0), 0, 0, [], T0
    with path.open("wb") as file:
        while file.tell() < size:
            lines = Rollout(start=now, has_meta=turn == 0)
            kept = _turn(lines, rng, words, images, f"turn-{turn}", steps, total, kept, every)
            now = lines.at
            steps, turn = steps + STEPS_PER_TURN, turn + 1
            total = plus(total, *[_spent(n) for n in range(steps - STEPS_PER_TURN, steps)])
            for line in lines.lines:
                kind = line[:110].split(b'"type":"')[1].split(b'"')[0].decode()
                shares[kind] = shares.get(kind, 0) + len(line)
                file.write(line + b"\n")
    return path, shares


def _spent(step):
    return usage(20_000 + step % 977, 300 + step % 89, cached=19_000)


def _turn(lines, rng, words, images, turn, step, total, kept, every):
    """One turn; returns the messages that the next compaction keeps."""

    def text(length):
        place = rng.randrange(len(words) - length)
        return words[place : place + length]

    lines.begins(turn).user(text(400)).event("user_message", message=text(400))
    kept = [*kept, orjson.loads(lines.lines[-2])["payload"]]
    for number in range(step, step + STEPS_PER_TURN):
        lines.item("reasoning", summary=[], encrypted_content=base64.b64encode(rng.randbytes(1_200)).decode())
        lines.call(f"call_{number:024x}", "exec_command", cmd=text(80), workdir="/home/u/project")
        output = f"Process exited with code 0\nOutput:\n{text(rng.randrange(400, 14_000))}"
        lines.event("exec_command_end", call_id=f"call_{number:024x}", exit_code=0, aggregated_output=output[:4_000])
        lines.output(f"call_{number:024x}", output)
        if every and number % every == every - 1:
            image = {"type": "input_image", "image_url": f"data:image/png;base64,{rng.choice(images)}"}
            lines.item("message", role="user", content=[image])
            kept = [*kept, {"type": "message", "role": "user", "content": [image]}][-30:]
        total = plus(total, _spent(number))
        lines.count(total, _spent(number))
        if number % STEPS_PER_COMPACTION == STEPS_PER_COMPACTION - 1:
            lines.line("compacted", {"message": text(3_000), "replacement_history": kept[-12:]})
    lines.says(text(900)).event("agent_message", message=text(900))
    lines.ends(turn, text(900))
    return kept
