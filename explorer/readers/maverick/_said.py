"""What was said in a run: a saved state of its messages where there is one, else what its agents posted and called.

Posts have whole results of tools and no arguments; the audit log has the beginnings of both. Texts may be sealed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from heapq import merge
from pathlib import Path
from typing import NamedTuple, TypeAlias

import orjson

from explorer.model import Finding
from explorer.readers import Message, Place, StepPlace
from explorer.readers._findings import Findings
from explorer.readers._outlines import outlines
from explorer.readers._records import open_bytes
from explorer.readers._sqlite import Database, Unreadable, open_database
from explorer.readers.maverick._layout import kind_of
from explorer.readers.maverick._logs import File, lines_of
from explorer.readers.maverick._messages import messages_of
from explorer.readers.maverick._shapes import (
    brief_of,
    denied_tool,
    is_sealed,
    name_of,
    record_of,
    seconds_of,
    text_of,
    tool_of,
    whole_number,
)
from explorer.readers.maverick._world import EVENTS, LONGEST

Timed: TypeAlias = tuple[float, list[Message]]

_COUNTED = frozenset(("prm", "tool_signal", "trace_meta"))
"""Posts that accompany every call and say nothing more."""

_BEHIND = "up to here by the saved state; what follows is as its posts and the audit log have it"
_SEALED = "sealed: it was encrypted where it was written"


class _Run(NamedTuple):
    """Whose records are wanted."""

    goal: int
    names: frozenset[str]
    """Of the agent instances that the run is of."""
    is_root: bool
    episode: int | None
    steps: Sequence[StepPlace]


def messages(files: Mapping[str, Path], place: Place) -> Iterator[Message]:
    """The messages of a run, lazily.

    Raises:
        OSError: a source is not there any more.
    """
    source_id = place.conversation_id.partition("//")[0]
    return _told(files, source_id, _run_of(place), place.until)


def _run_of(place: Place) -> _Run:
    noted = orjson.loads(place.extra) if place.extra else {}
    instances, native = noted.get("instances"), place.native_run_id
    if isinstance(instances, list):
        names = frozenset(filter(None, map(text_of, instances)))
    else:
        names = frozenset([native] if native and name_of(native) else [])
    goal = place.conversation_id.partition("//goal-")[2]
    is_root = "instances" in noted or "episode_id" in noted or not names
    number = int(goal) if goal.removeprefix("-").isdecimal() else 0
    return _Run(number, names, is_root, whole_number(noted.get("episode_id")), place.steps)


def _told(files: Mapping[str, Path], source_id: str, run: _Run, until: int | None) -> Iterator[Message]:
    path = files[source_id]
    with path.open("rb") as file:
        kind = kind_of(path.name, file.read(1 << 16))
    own = {step.offset: step.ordinal for step in run.steps if step.source_id == source_id and step.offset is not None}
    if kind == "world":
        try:
            with open_database(path) as database:
                saved, after = _saved(database, run, until)
                yield from saved
                posts = _timed(_of_post(record, own.get(row)) for row, record in _rows(database, run, after))
                told = _merged(posts, _calls(files, source_id, run, after, with_results=False))
                if after and (first := next(told, None)) is not None:
                    yield Message.of("system", "other", "", note=_BEHIND)
                    yield first
                yield from told
        except Unreadable as error:
            raise OSError(f"the database cannot be read any more: {error}") from None
    elif kind in ("trace", "export"):
        records = _lines(path) if kind == "trace" else _exported(path, run.goal)
        posts = _timed(_of_post(each, own.get(at)) for at, each in records if text_of(each.get("agent")) in run.names)
        yield from _merged(posts, _calls(files, source_id, run, 0.0, with_results=False))
    else:
        yield from _merged(_calls(files, "", run, 0.0, with_results=True))


def _merged(*streams: Iterable[Timed]) -> Iterator[Message]:
    for _, found in merge(*streams, key=lambda each: each[0]):
        yield from found


def _timed(found: Iterable[tuple[float | None, list[Message]]]) -> Iterator[Timed]:
    """In order of time; what has none has that of what stands before it."""
    latest = 0.0
    for at, said in found:
        latest = latest if at is None else max(latest, at)
        yield latest, said


# Saved states


def _saved(database: Database, run: _Run, until: int | None) -> tuple[Iterator[Message], float]:
    """The messages of the newest state of a run, and when it was saved."""
    exact = [step.ordinal for step in run.steps if step.extra and "checkpoint_row" in step.extra]
    columns = set(database.columns("checkpoints"))
    # The calls of a state have no names that a post has: up to a step that is known by its post, posts are the record.
    if not run.is_root or not columns or (until is not None and until not in exact):
        return iter(()), 0.0
    of = "episode_id = ?" if "episode_id" in columns and run.episode is not None else "? IS NULL"
    rows = database.execute(
        "SELECT CAST(messages AS BLOB), created_at, agent_id FROM checkpoints "
        f"WHERE goal_id = ? AND {of} AND length(messages) <= {LONGEST} ORDER BY step_seq DESC, rowid DESC",
        (run.goal, run.episode),
    )
    if "episode_id" not in columns:
        rows = [row for row in rows if text_of(row[2]) in run.names]
    for recorded, created, _ in rows:
        try:
            found = orjson.loads(recorded)
        except orjson.JSONDecodeError:
            continue  # told in the findings
        if isinstance(found, list):
            return messages_of(found, exact), seconds_of(created) or 0.0
    return iter(()), 0.0


# Posts


def _rows(database: Database, run: _Run, after: float) -> Iterator[tuple[int, dict[str, object]]]:
    columns = database.columns(EVENTS)
    names = [name for name in ("agent", "kind", "content", "ts") if name in columns]
    if "agent" not in names or not run.names:
        return
    among = ", ".join("?" for _ in run.names)
    where = f"goal_id = ? AND agent IN ({among})" + (" AND ts > ?" if after else "")
    parameters = (run.goal, *run.names, *([after] if after else []))
    for row, *values in database.scan(EVENTS, ("rowid", *names), where, parameters, "rowid"):
        yield row, dict(zip(names, values, strict=True))


def _lines(path: Path) -> Iterator[tuple[int, dict[str, object]]]:
    for line in lines_of(File(path, "", Findings(""))):
        if not isinstance(line, Finding):
            yield line.offset, line.fields


def _exported(path: Path, goal: int) -> Iterator[tuple[int, dict[str, object]]]:
    with open_bytes(path) as buffer:
        for outline in outlines(buffer, "events"):
            record = outline.fields.get("goal")
            if isinstance(record, dict) and whole_number(record.get("id")) == goal:
                for start, end in map(outline.span, range(len(outline))):
                    if (event := record_of(buffer[start:end])) is not None:
                        yield start, event


def _of_post(record: Mapping[str, object], step: int | None) -> tuple[float | None, list[Message]]:
    at = seconds_of(record.get("ts")) or seconds_of(record.get("t"))
    return at, list(_said(text_of(record.get("kind")) or "", text_of(record.get("content")) or "", step))


def _said(kind: str, content: str, step: int | None) -> Iterator[Message]:
    if kind in _COUNTED:
        return
    if is_sealed(content):
        yield Message.of("assistant", "text", "", step_ordinal=step, note=f"{kind}, {_SEALED}")
        return
    brief = brief_of(content) if kind == "plan" else None
    tool = tool_of(content) if kind == "observation" else denied_tool(content) if kind == "error" else None
    if brief is not None:
        yield Message.of("user", "text", brief, note="what it was told, by its first plan")
    elif tool is not None:
        if step is not None:
            yield Message.of("assistant", "tool_call", "", tool, None, step, note="its arguments are not recorded")
        text = content.partition(" -> ")[2] if kind == "observation" else content
        yield Message.of("tool", "tool_result", text, tool, is_error=kind == "error")
    elif kind == "error":
        yield Message.of("system", "other", content, step_ordinal=step, is_error=True)
    else:
        yield Message.of("assistant", "text", content, step_ordinal=step, note=kind or None)


# Calls


def _calls(
    files: Mapping[str, Path], but: str, run: _Run, after: float, with_results: bool
) -> Iterator[Timed]:  # fmt: skip
    """The calls of a run that logs have, of which the results may be told by posts."""

    def found() -> Iterator[tuple[float | None, list[Message]]]:
        for step in run.steps:
            if step.source_id == but or step.source_id not in files or step.offset is None:
                continue
            lines = _recorded(files[step.source_id], step)
            at = seconds_of(lines[0].get("ts")) if lines else None
            if at is None or at > after:
                yield at, [message for line in lines for message in _logged(line, step.ordinal, with_results)]

    return _timed(found())


def _recorded(path: Path, step: StepPlace) -> list[dict[str, object]]:
    with path.open("rb") as file:
        file.seek(step.offset or 0)
        lines = file.read(step.length or 0).splitlines()
    return [fields for line in lines if (fields := record_of(line)) is not None]


def _logged(fields: Mapping[str, object], step: int, with_results: bool) -> Iterator[Message]:
    kind, tool = text_of(fields.get("kind")), text_of(fields.get("name")) or text_of(fields.get("tool"))
    cut = "its beginning, as the audit log keeps it"
    if kind == "tool_call":
        yield _logged_text(fields, "input_summary", cut, lambda text, note: Message.of(
            "assistant", "tool_call", text, tool, None, step, note=note))  # fmt: skip
    elif kind == "tool_result" and with_results:
        failed = fields.get("status") == "error"
        yield _logged_text(fields, "output_summary", cut, lambda text, note: Message.of(
            "tool", "tool_result", text, tool, is_error=failed, note=note))  # fmt: skip
    elif kind is None and tool is not None:  # a line of trajectories
        note = "what it asked and what came back are not recorded"
        failed, error = fields.get("tool_succeeded") is False, text_of(fields.get("error"))
        yield Message.of("assistant", "tool_call", "", tool, None, step, is_error=failed, note=error or note)
    elif kind is None:
        yield Message.of("assistant", "text", "", step_ordinal=step, note="what it said is not recorded")
    elif kind not in ("tool_call", "tool_result"):
        yield Message.of("system", "other", "", tool, step_ordinal=step, is_error=True, note=kind.replace("_", " "))


def _logged_text(
    fields: Mapping[str, object], name: str, cut: str, make: Callable[[str, str | None], Message]
) -> Message:  # fmt: skip
    text = text_of(fields.get(name)) or ""
    return make("", _SEALED) if is_sealed(text) else make(text, cut if len(text) >= 200 else None)
