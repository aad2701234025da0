"""What was said in a run, as far as graff writes it down: prompts by fingerprint, tasks, and the behavioral stream.

In its full mode the stream has the arguments of tools and the text of the root agent; results are counted only. Of the
text of children nothing is kept but their task.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import orjson

from explorer.readers import CallPlace, Message, Place
from explorer.readers._records import open_bytes
from explorer.readers.graff._layout import BEHAVIOR
from explorer.readers.graff._lines import Record, records

TASK_CHARACTERS = 160
"""How much of the task of a child is written."""

_TOOLS = frozenset(("tool_started", "tool_finished"))


class _Known(NamedTuple):
    """What the behavioral stream has of a run."""

    asked: dict[str, dict[str, object]]
    """Call -> the record of its start."""
    answered: dict[str, dict[str, object]]
    texts: dict[int, str]
    """Step -> what the agent wrote before its first call, or at its end."""


def messages(files: Mapping[str, Path], place: Place) -> Iterator[Message]:
    """The messages of a run, lazily.

    Raises:
        OSError: a source is not there any more.
    """
    noted = orjson.loads(place.extra) if place.extra else {}
    source_id = place.conversation_id.partition("//")[0]
    if (sha := noted.get("prompt_sha")) is not None and source_id in files:
        prompt = _prompt(files[source_id], sha)
        note = "not recorded, but for its fingerprint" if prompt is None else None
        yield Message.of("system", "text", prompt or "", note=note)
    if isinstance(task := noted.get("task"), str):
        cut = len(task) >= TASK_CHARACTERS
        yield Message.of("user", "text", task, note="no more of it is recorded" if cut else None)
    steps = [step.ordinal for step in place.steps if place.until is None or step.ordinal <= place.until]
    known = _known([path for key, path in files.items() if _is_behavior(key)], place, steps)
    of: dict[int | None, list[CallPlace]] = {}
    for call in place.calls:
        of.setdefault(call.step_ordinal, []).append(call)
    for step in steps:
        yield from _step(step, of.get(step, []), known, with_results=step != place.until)
    if place.until is None:
        for call in [call for ordinal, calls in of.items() if ordinal not in steps for call in calls]:
            yield from _call(call, known, with_results=True)


def _is_behavior(source_id: str) -> bool:
    return source_id.rpartition("/")[0].endswith("behavior")


def _prompt(path: Path, sha: object) -> str | None:
    """The system prompt of a fingerprint, which is written once."""
    with open_bytes(path) as buffer:
        for record in records(buffer):
            if isinstance(record, Record) and record.fields.get("prompt_sha") == sha:
                text = record.fields.get("text") if record.fields.get("kind") == "prompt" else None
                if isinstance(text, str):
                    return text
    return None


def _known(paths: Sequence[Path], place: Place, steps: Sequence[int]) -> _Known:
    known = _Known({}, {}, {})
    step_of = {call.call_id: call.step_ordinal for call in place.calls if call.call_id}
    is_main = place.agent_id.endswith("/main")
    here, written = False, ""
    for path in paths:
        with open_bytes(path) as buffer:
            for record in records(buffer):
                fields = record.fields if isinstance(record, Record) else {}
                if fields.get("schema") != BEHAVIOR:
                    continue
                kind, call_id = fields.get("kind"), str(fields.get("call_id"))
                if kind == "turn_started":
                    names = (str(fields.get("trajectory_node")), f"turn-{fields.get('turn')}")
                    here = is_main and place.native_run_id in names
                elif kind == "text_delta" and here and isinstance(text := fields.get("text"), str):
                    written += text
                elif kind in _TOOLS and call_id in step_of:
                    (known.asked if kind == "tool_started" else known.answered).setdefault(call_id, fields)
                    step = step_of[call_id]
                    if written and step is not None:
                        known.texts.setdefault(step, written)
                        written = ""
    if written and steps:
        known.texts[steps[-1]] = known.texts.get(steps[-1], "") + written
    return known


def _step(step: int, calls: Sequence[CallPlace], known: _Known, with_results: bool) -> Iterator[Message]:
    if step in known.texts:
        yield Message.of("assistant", "text", known.texts[step], step_ordinal=step)
    elif not calls:
        yield Message.of("assistant", "text", "", step_ordinal=step, note="what it answered is not recorded")
    for call in calls:
        yield from _call(call, known, with_results)


def _call(call: CallPlace, known: _Known, with_results: bool) -> Iterator[Message]:
    asked, answered = (each.get(call.call_id or "") for each in (known.asked, known.answered))
    arguments = asked.get("args") if asked else None
    note = "its arguments are not recorded" if arguments is None else None
    if asked and asked.get("args_truncated") is True:
        note = "its arguments are cut off by the recorder"
    text = arguments if isinstance(arguments, str) else "" if arguments is None else orjson.dumps(arguments).decode()
    yield Message.of("assistant", "tool_call", text, call.name, call.call_id, call.step_ordinal, note=note)
    if with_results:
        size = answered.get("result_bytes") if answered else None
        note = f"{size:,} bytes, which are not recorded" if type(size) is int else "not recorded"
        yield Message.of("tool", "tool_result", "", call.name, call.call_id, is_error=bool(call.is_error), note=note)
