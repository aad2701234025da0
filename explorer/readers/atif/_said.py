"""What was said in a run, read from its trajectory when somebody looks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import orjson

from explorer.readers import Message, MessageRole, Place
from explorer.readers._records import open_bytes
from explorer.readers._values import as_text, text_in
from explorer.readers._walk import Walk
from explorer.readers.atif._step import INLINED, items
from explorer.readers.atif._trajectory import KNOWN, STEP

_ROLES: Mapping[str | None, MessageRole] = {"system": "system", "user": "user", "agent": "assistant"}
_COPIED = "copied from what this trajectory goes on from"


def messages(files: Mapping[str, Path], place: Place) -> Iterator[Message]:
    """The messages of a run, lazily.

    Raises:
        OSError: the file is not there any more.
    """
    noted = orjson.loads(place.extra) if place.extra else {}
    path, chain = files.get(str(noted.get("file"))), noted.get("inlined")
    if path is None:
        raise OSError("the file of this trajectory is not there any more")
    ordinals = {step.offset: step.ordinal for step in place.steps if step.source_id == noted.get("file")}
    names: dict[object, str | None] = {}
    with open_bytes(path) as buffer:
        walk = Walk(buffer, noted.get("byte") or 0)
        for key in walk.members(KNOWN):
            if key == "agent" and chain is None:
                yield from _tools(walk.value())
            elif key == "steps":
                for piece in walk.records(STEP, KNOWN):
                    if isinstance(piece.value, dict) and _chain(piece.value) == chain:
                        yield from _step(piece.value, ordinals.get(piece.start), names)
                return


def _chain(step: dict[str, object]) -> object:
    extra = step.get("extra")
    if not isinstance(extra, dict) or extra.get("is_sidechain") is not True:
        return None
    agent_id = extra.get("agent_id")
    return agent_id if isinstance(agent_id, str) and agent_id else INLINED


def _tools(agent: object) -> Iterator[Message]:
    tools = agent.get("tool_definitions") if isinstance(agent, dict) else None
    if isinstance(tools, list) and tools:
        yield Message.of("system", "other", as_text(tools), note=f"{len(tools):,} tool definitions")


def _step(step: dict[str, object], ordinal: int | None, names: dict[object, str | None]) -> Iterator[Message]:
    """What a step says, part by part; ``names`` has the tools of the calls so far, and is added to."""
    role = _ROLES.get(text_in(step.get("source")), "user")
    note = _COPIED if step.get("is_copied_context") is True else None
    if reasoning := step.get("reasoning_content"):
        yield Message.of(role, "reasoning", as_text(reasoning), step_ordinal=ordinal, note=note)
    calls = [each for each in items(step.get("tool_calls")) if isinstance(each, dict)]
    told = False
    for message in _content(role, step.get("message"), ordinal, note):
        told = True
        yield message
    if ordinal is not None and not told and not calls and not reasoning:
        yield Message.of(role, "text", "", step_ordinal=ordinal, note="it says nothing that is recorded")
    for call in calls:
        name, call_id = (
            value if isinstance(value := call.get(key), str) else None for key in ("function_name", "tool_call_id")
        )
        names[call_id] = name
        yield Message.of(role, "tool_call", as_text(call.get("arguments")), name, call_id, ordinal, note=note)
    observation = step.get("observation")
    for result in items(observation.get("results") if isinstance(observation, dict) else None):
        if isinstance(result, dict):
            yield from _result(result, names, note)


def _result(result: dict[str, object], names: Mapping[object, str | None], note: str | None) -> Iterator[Message]:
    call_id, extra = text_in(result.get("source_call_id")), result.get("extra")
    failed = result.get("is_error", extra.get("is_error") if isinstance(extra, dict) else None) is True
    named = [as_text(each.get("trajectory_id") or each.get("trajectory_path") or each.get("session_id"))
             for each in items(result.get("subagent_trajectory_ref")) if isinstance(each, dict)]  # fmt: skip
    notes = "; ".join(filter(None, (note, f"of the sub-agent {', '.join(named)}" if named else None))) or None
    for message in _content("tool", result.get("content"), None, notes):
        kind = "tool_result" if message.kind == "text" else message.kind
        yield message._replace(kind=kind, name=names.get(call_id), call_id=call_id, is_error=failed)


def _content(role: MessageRole, content: object, ordinal: int | None, note: str | None) -> Iterator[Message]:
    """A text, or parts of which some are images beside the file."""
    if isinstance(content, list):
        for part in content:
            kind = part.get("type") if isinstance(part, dict) else None
            if kind == "text":
                yield Message.of(role, "text", as_text(part.get("text")), step_ordinal=ordinal, note=note)
            elif kind == "image":
                source = part.get("source")
                place = source.get("path") or source.get("media_type") if isinstance(source, dict) else None
                yield Message.of(role, "image", "", step_ordinal=ordinal, note=as_text(place) or note)
            else:
                yield Message.of(role, "other", as_text(part), step_ordinal=ordinal, note=note)
    elif content not in (None, ""):
        yield Message.of(role, "text", as_text(content), step_ordinal=ordinal, note=note)
