"""Random trees of agents, played and written down as Codex writes rollouts, by somebody who knows the true tokens.

A thread's true tokens are those of the calls whose count, or a later count that includes them, is in its file.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from pathlib import Path

from tests.readers.codex.rollouts import T0, ZERO, Rollout, child_meta, estimate, plus, usage

Usages = list[dict[str, int]]
MARKS = ("settings", "trigger", "turn")


@dataclass
class Told:
    """A thread as it was, and its file."""

    name: str
    file: Rollout
    parent: Told | None
    fork: str
    """``none``, ``legacy`` or ``paginated``."""
    mark: str
    has_records: bool
    total: dict[str, int]
    spent: Usages = field(default_factory=list)
    """What can be known of its calls."""
    made: Usages = field(default_factory=list)
    """Of all its calls."""
    is_lost: bool = False
    """Whether of a call nothing is in the file."""
    has_counts: bool = False
    """Whether counts were copied into it."""
    counted: bool = False
    """Whether a count is in the file that the next one can be compared with."""
    pending: Usages = field(default_factory=list)
    """Calls whose own count was torn."""
    torn: set[int] = field(default_factory=set)
    calls: int = 0
    is_missing: bool = False


class Player:
    """Plays one tree."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.threads: list[Told] = []
        self.play(None, 0)

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def play(self, parent: Told | None, depth: int) -> Told:
        """A thread from its beginning to its end, with all that it spawns."""
        number = len(self.threads)
        name = f"01a10000-0000-7000-8000-{number:012x}"
        fork = "none" if parent is None else self.rng.choice(["none", "legacy", "paginated"])
        paginated = fork == "paginated" or (fork == "none" and self.chance(0.5))
        start = T0 if parent is None else parent.file.at
        meta = {} if parent is None else child_meta(parent.name, f"/root/{number}", forked=fork != "none")
        file = Rollout(name, paginated, start, session_id=f"01a10000-0000-7000-8000-{0:012x}", **meta)
        seeded = parent is not None and fork != "none" and (fork == "legacy" or self.chance(0.5))
        total = parent.total if parent and seeded else ZERO
        told = Told(name, file, parent, fork, self.rng.choice(MARKS), self.chance(0.4), total)
        self.threads.append(told)
        if parent is not None and fork != "none":
            self.copy(told, parent)
        turns = self.rng.randint(1, 3)
        for turn in range(turns):
            self.turn(told, f"{number}-{turn}", depth, first=turn == 0)
        if told.pending:
            told.is_lost = True
        return told

    def copy(self, told: Told, parent: Told) -> None:
        """The history of the parent, as of now, in front of the thread's own lines."""
        file, source = told.file, parent.file
        kept = ('"session_meta"', '"role":"user"', '"compacted"')
        if told.fork == "legacy":
            kept += (
                '"task_started"',
                '"turn_context"',
                '"task_complete"',
                '"token_count"',
                '"thread_settings_applied"',
            )
        for number, line in enumerate(source.lines):
            text = line.decode()
            head = text[:130]
            if number in parent.torn or not any(each in text[:260] for each in kept) or '"agent_message"' in head:
                continue
            record = json.loads(text)
            if record["type"] == "response_item" and record["payload"].get("role") != "user":
                continue
            file.line(record["type"], record["payload"], 0)
        if told.fork == "paginated":
            # A session_meta has been written, and cannot say what comes: it is written again.
            head = json.loads(file.lines[0])
            head["payload"]["subagent_history_start_ordinal"] = file.ordinal
            file.lines[0] = json.dumps(head, separators=(",", ":")).encode()
        counts = whole_counts(told)
        told.has_counts = bool(counts)
        copied = json.loads(counts[-1])["payload"]["info"]["total_token_usage"] if counts else ZERO
        if told.fork == "legacy" and copied != told.total:
            told.is_lost = True  # the parent's last count is torn, and the counter goes on from it
        if told.fork == "paginated" or told.mark == "settings":
            file.event("thread_settings_applied", thread_settings={"model": "gpt-demo"})

    def turn(self, told: Told, turn: str, depth: int, first: bool) -> None:
        file = told.file
        file.begins(turn)
        if first and told.mark == "trigger" and told.parent is not None:
            file.line("inter_agent_communication_metadata", {"trigger_turn": True})
            file.letter("/root", "/root/x", "Message Type: NEW_TASK\nPayload:\nwork")
        else:
            file.user(f"ask {turn}")
        if first and told.fork == "paginated" and self.chance(0.3):
            self.sent_again(told)  # the seed, before anything is said
        for call in range(self.rng.randint(1, 4)):
            spawns = depth < 3 and len(self.threads) < 7 and self.chance(0.3)
            tool = f"{turn}-{call}"
            file.call(tool, "spawn_agent" if spawns else "shell")
            if spawns:
                self.play(told, depth + 1)
            file.output(tool, "{}")
            self.spend(told, turn)
            if self.chance(0.2):
                self.sent_again(told)
            if self.chance(0.15):
                self.shrink(told)
        if self.chance(0.7):
            file.ends(turn, None)

    def spend(self, told: Told, turn: str) -> None:
        """A call: its record where the build writes them, and its count, either of which may be torn."""
        file, rng = told.file, self.rng
        spent = usage(rng.randint(1_000, 90_000), rng.randint(1, 4_000), rng.randint(0, 900), rng.randint(0, 1))
        told.total = plus(told.total, spent)
        told.calls += 1
        told.made.append(spent)
        if told.has_records:
            file.record(spent, f"r-{told.name}-{told.calls}", turn)
            if self.tear(told):
                told.is_lost = True
            else:
                told.spent.append(spent)
            file.count(told.total, spent)
            self.tear(told)
            return
        file.count(told.total, spent)
        if self.tear(told):
            told.pending.append(spent)
        elif told.pending and not told.counted:  # nothing before it tells what was lost
            told.is_lost = True
            told.pending.clear()
            told.spent.append(spent)
            told.counted = True
        else:
            told.spent += [*told.pending, spent]
            told.pending.clear()
            told.counted = True

    def tear(self, told: Told) -> bool:
        """Perhaps cut the last line short, as a crash does."""
        if not self.chance(0.06):
            return False
        file = told.file
        file.lines[-1] = file.lines[-1][: self.rng.randrange(30, len(file.lines[-1]) - 1)]
        told.torn.add(len(file.lines) - 1)
        return True

    def sent_again(self, told: Told) -> None:
        """The last count once more, as with news of rate limits or after a resume."""
        counts = whole_counts(told) or (whole_counts(told.parent) if told.parent else [])
        if not counts or told.total == ZERO:
            return
        info = json.loads(counts[-1])["payload"]["info"]
        if info["total_token_usage"] == told.total:
            told.file.event("token_count", info=info, rate_limits={"used": 1})

    def shrink(self, told: Told) -> None:
        """A compaction with its estimate, or an overflow of the context, after which the counter is 0."""
        file = told.file
        if self.chance(0.6):
            file.line("compacted", {"message": "", "replacement_history": []})
            if not told.pending:
                file.count(told.total, estimate(5_000))
        elif not told.pending or told.has_records:
            told.total = estimate(200_000)
            file.count(told.total, estimate(200_000))
            told.total, told.counted = ZERO, True

    # --- what can be known -------------------------------------------------------------------------------------------

    def write(self, directory: Path) -> list[Path]:
        """The files, of which some may be missing."""
        paths = []
        for number, told in enumerate(self.threads):
            told.is_missing = len(self.threads) > 1 and self.chance(0.12)
            if not told.is_missing:
                paths.append(told.file.write(directory, stamp=f"2026-09-21T16-00-{number:02d}"))
        return paths


def whole_counts(told: Told) -> list[bytes]:
    """The counts in a file that are not torn."""
    return [line for number, line in enumerate(told.file.lines) if b'"token_count"' in line and number not in told.torn]


def is_knowable(told: Told) -> bool:
    """Whether the file says everything of the tokens spent, with the one that it was forked from if that is there."""
    if told.is_lost:
        return False
    if told.has_records or told.fork == "none":
        return True
    source = told.parent
    assert source is not None
    if told.fork == "paginated":
        return not source.is_missing
    ancestor_forked = source.fork != "none"
    return not source.is_missing or (told.has_counts and told.mark != "turn" and not ancestor_forked)
