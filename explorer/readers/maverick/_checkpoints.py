"""Saved states of a goal's root: which of them a resume takes, and what is wrong with the others.

Maverick looks for the newest row of the goal under the name ``orchestrator-0``; that row's episode is gone on with,
from the highest step of its key. The first shape of the table had no episode, and names that no second process has.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from explorer.model import Checkpoint, Severity
from explorer.readers._values import many
from explorer.readers.maverick._evidence import Evidence, Saved
from explorer.readers.maverick._shapes import is_stable, moment, name_of

SOUGHT = "orchestrator-0"
"""The only name that a resume looks for."""


class Problem(NamedTuple):
    """Something wrong with saved states."""

    code: str
    severity: Severity
    message: str
    row: int
    """One of them, to tell whose they are."""


class Judged(NamedTuple):
    """A saved state, and whether it is of use."""

    saved: Saved
    resumable: bool
    note: str | None


def judge(evidence: Evidence) -> list[Judged]:
    """Say of each state whether a resume would take it, and why not."""
    found = evidence.checkpoints
    taken = None if evidence.legacy_checkpoints else _taken(found)
    return [Judged(each, each is taken, _note(each, taken, evidence)) for each in found]


def _taken(found: Sequence[Saved]) -> Saved | None:
    sought = [each for each in found if each.agent == SOUGHT]
    if not sought:
        return None
    newest = max(sought, key=lambda each: (each.created or 0.0, each.row))
    same = [each for each in sought if each.episode == newest.episode]
    return max(same, key=lambda each: (each.step_seq or 0, each.row))


def _note(saved: Saved, taken: Saved | None, evidence: Evidence) -> str | None:
    if evidence.legacy_checkpoints:
        if is_stable(saved.agent):
            return "the table has no episode_id: a newer Maverick cannot look anything up in it"
        return f"saved under {saved.agent}, a name of one process: no later process looks for it"
    if name_of(saved.agent) is not None:
        return f"saved under {saved.agent}, a name of one process: no later process looks for it"
    if saved.agent != SOUGHT:
        return f"a resume looks for {SOUGHT} alone: this one is never found, and a new episode begins"
    notes = []
    if saved.owner is not None and saved.owner != evidence.goal_id:
        notes.append(
            f"episode {saved.episode} is of goal {saved.owner}: resumed here, its end and spend are written there"
        )
    elif saved.owner is None:
        notes.append(f"there is no episode {saved.episode}: resumed, its end and spend are written nowhere")
    if taken is not None and saved is not taken:
        if saved.episode != taken.episode:
            notes.append(f"a resume takes the newer state of episode {taken.episode} (row {taken.row})")
        else:
            notes.append(f"a resume takes step_seq {taken.step_seq} (row {taken.row})")
    return "; ".join(notes) or None


def problems(evidence: Evidence) -> Iterator[Problem]:
    """What is wrong with the states of a goal."""
    by_key: dict[tuple[int | None, str], list[Saved]] = defaultdict(list)
    for each in evidence.checkpoints:
        by_key[each.episode, each.agent].append(each)
        for problem in each.problems:
            message = f"checkpoint row {each.row}: {problem}; the rest of the row is read"
            yield Problem("bad-record", "error", message, each.row)
    for (episode, agent), rows in by_key.items():
        where = f"{_listed(rows)} of {agent}" + (f", episode {episode}" if episode is not None else "")
        yield from _of_key(evidence, episode, agent, rows, where)
        yield from _of_rows(agent, rows, where)


def _of_key(
    evidence: Evidence, episode: int | None, agent: str, rows: Sequence[Saved], where: str
) -> Iterator[Problem]:
    """What is wrong with what they are saved under."""
    if name_of(agent) is not None:
        message = f"{where}: the key carries the random name of one process; a new one has another and never finds it"
        yield Problem("unstable-checkpoint-key", "warning", message, rows[0].row)
    owner = rows[0].owner
    if owner is not None and owner != evidence.goal_id:
        message = (
            f"{where}: the episode is of goal {owner}, which this goal was forked from; resumed, its end and spend "
            "are written into that episode"
        )
        yield Problem("foreign-checkpoint", "warning", message, rows[0].row)
    elif reason := _orphaned(evidence, episode, agent, owner):
        yield Problem("orphan-checkpoint", "warning", f"{where}: {reason}", rows[0].row)


def _of_rows(agent: str, rows: Sequence[Saved], where: str) -> Iterator[Problem]:
    """What is wrong with the states themselves."""
    for step, number in Counter(each.step_seq for each in rows).items():
        if number > 1:
            same = _listed([each for each in rows if each.step_seq == step])
            message = f"{where}: {number} states of step_seq {step} ({same}); a resume takes the one written last"
            yield Problem("duplicate-checkpoint", "warning", message, rows[0].row)
    newest = max(rows, key=lambda each: (each.step_seq or 0, each.row))
    if newest.pending:
        what = "tool" if newest.pending == 1 else "tools"
        message = (
            f"row {newest.row}, the newest of {agent}: the last answer asks for {newest.pending} {what} without a "
            "result: it was stopped in the middle of a step"
        )
        yield Problem("interrupted-step", "warning", message, newest.row)


def _orphaned(evidence: Evidence, episode: int | None, agent: str, owner: int | None) -> str | None:
    if evidence.goal is None:
        return f"there is no goal {evidence.goal_id}"
    if evidence.legacy_checkpoints or name_of(agent) is not None:
        return None  # said already
    if owner is None:
        return f"there is no episode {episode}"
    if agent != SOUGHT:
        return f"a resume looks for {SOUGHT} alone and never finds it"
    return None


def _listed(rows: Sequence[Saved]) -> str:
    numbers = ", ".join(str(each.row) for each in rows[:8]) + (" …" if len(rows) > 8 else "")
    return f"{'row' if len(rows) == 1 else 'rows'} {numbers}"


def spent_input(saved: Saved) -> int | None:
    """Input tokens until then, what a cache served or stored included."""
    fresh = saved.spent("input_tokens")
    if fresh is None:
        return None
    return fresh + (saved.spent("cache_read_tokens") or 0) + (saved.spent("cache_write_tokens") or 0)


def row_of(
    judged: Judged, evidence: Evidence, conversation_id: str, source_id: str, run_id: str | None,
    ms: Callable[[float | None], int | None],
) -> Checkpoint:  # fmt: skip
    """The row of a state."""
    saved = judged.saved
    elapsed = saved.amount("_elapsed")
    return Checkpoint(
        checkpoint_key=f"{source_id}//checkpoint-{saved.row}",
        conversation_id=conversation_id,
        run_id=run_id,
        goal_id=str(evidence.goal_id),
        episode_id=None if saved.episode is None else str(saved.episode),
        checkpoint_id=saved.agent or None,
        step_seq=saved.step_seq,
        created_at=moment(saved.created),
        at_ms=ms(saved.created),
        messages=saved.messages,
        input_tokens=spent_input(saved),
        cache_read_tokens=saved.spent("cache_read_tokens"),
        cache_write_tokens=saved.spent("cache_write_tokens"),
        output_tokens=saved.spent("output_tokens"),
        tool_calls=saved.spent("tool_calls"),
        cost_usd=saved.amount("dollars"),
        elapsed_ms=None if elapsed is None else round(elapsed * 1000),
        pending_tool_calls=saved.pending,
        resumable=judged.resumable,
        note=judged.note,
        source_id=source_id,
        offset=saved.row,
    )


def in_words(judged: Judged) -> str:
    """A state on one line."""
    saved = judged.saved
    parts = [] if saved.messages is None else [many(saved.messages, "message")]
    if (tokens := spent_input(saved)) is not None:
        parts.append(f"{tokens + (saved.spent('output_tokens') or 0):,} tokens")
    if (dollars := saved.amount("dollars")) is not None:
        parts.append(f"${dollars:,.3f} spent")
    what = f"step_seq {'–' if saved.step_seq is None else saved.step_seq}: {', '.join(parts) or 'nothing readable'}"
    return f"{what}; a resume would pick this one" if judged.resumable else what
