"""The recorder's own reduction of a bundle, ``state.json``, compared with ours: it may be there, stale, or wrong.

Format: openai/codex rollout-trace/src/model @b3cc2173.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from explorer.readers._records import loads
from explorer.readers.codex._bundle import STATE
from explorer.readers.codex._draft import HandOff, Remark
from explorer.readers.codex._handoffs import Deliveries
from explorer.readers.codex._json import Record, count, inner, text
from explorer.readers.codex._payloads import MOST_BYTES
from explorer.readers.codex._reduce import Lifetime

_EDGES = {
    "spawn_agent": "spawn", "assign_agent_task": "assign", "send_message": "message", "agent_result": "result",
    "close_agent": "close",
}  # fmt: skip


def differences(path: Path, lifetime: Lifetime) -> Iterator[Remark]:
    """A remark for each kind of thing in which the two differ; before a bundle is put together with others."""
    state = _state(path)
    if state is None:
        return
    if isinstance(state, str):
        yield _remark(lifetime, state)
        return
    hand_offs = chain(*Deliveries([lifetime], lifetime.threads, lifetime.threads).hand_offs())
    for what, theirs, ours in (
        ("threads", {*inner(state, "threads")}, {*lifetime.threads}),
        ("turns", {*inner(state, "codex_turns")}, _turns(lifetime)),
        ("model calls with usage", _their_usage(state), _our_usage(lifetime)),
        ("hand-offs that arrived", _their_edges(state), _our_edges(hand_offs)),
    ):
        if theirs != ours:
            more, less = len(ours - theirs), len(theirs - ours)
            yield _remark(lifetime, f"{what}: {more:,} are here alone, {less:,} there alone")


def _remark(lifetime: Lifetime, message: str) -> Remark:
    return Remark("state-differs", "info", f"{STATE}: {message}", lifetime.source_id)


def _state(path: Path) -> Record | str | None:
    file = path / STATE
    try:
        if not file.is_file() or file.is_symlink():
            return None
        if file.stat().st_size > MOST_BYTES:
            return "too large to be compared"
        state = loads(file.read_bytes())
    except OSError as error:
        return error.strerror or str(error)
    except ValueError as error:
        return str(error)
    return state if isinstance(state, dict) else "not an object"


def _turns(lifetime: Lifetime) -> set[str]:
    return {turn.turn_id for thread in lifetime.threads.values() for turn in thread.turns if turn.turn_id}


def _their_usage(state: Record) -> set[tuple[object, ...]]:
    calls = ((call_id, inner(call, "usage")) for call_id, call in inner(state, "inference_calls").items())
    return {(call_id, count(usage, "input_tokens"), count(usage, "output_tokens")) for call_id, usage in calls if usage}


def _our_usage(lifetime: Lifetime) -> set[tuple[object, ...]]:
    steps = (step for thread in lifetime.threads.values() for turn in thread.turns for step in turn.steps)
    return {
        (step.extra.get("inference_call_id"), step.usage.input_tokens, step.usage.output)
        for step in steps
        if step.usage is not None
    }


def _their_edges(state: Record) -> set[tuple[str, int]]:
    """How many of each kind reached an item; as ids of items are its own, there is no more to compare."""
    arrived = [
        _EDGES[kind]
        for edge in inner(state, "interaction_edges").values()
        if (kind := text(edge, "kind")) in _EDGES and text(inner(edge, "target"), "type") == "conversation_item"
    ]
    return {(kind, arrived.count(kind)) for kind in arrived}


def _our_edges(hand_offs: Iterable[HandOff]) -> set[tuple[str, int]]:
    arrived = [each.kind for each in hand_offs if each.resolution == "item"]
    return {(kind, arrived.count(kind)) for kind in arrived}
