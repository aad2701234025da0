"""A format whose files say line by line what reading them does: how many steps, and what goes wrong.

The lines of NAME-log and of logs/NAME are read behind those of NAME. Files in which ``link ID`` stands with the same id
are one trace; a directory NAME.scripted-dir is one, of the lines of its file ``lines``.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from explorer.model import Agent, Conversation, Row, Run, Step
from explorer.readers import Report, SourceFile

NAME = "scripted"
VERSION = 1
OF_DIRECTORIES = True
SELF_CONTAINED = True


def claims(path: Path, head: bytes | None) -> bool:
    if head is not None and head.startswith(b"claim badly"):
        raise RuntimeError("cannot tell")
    return path.suffix == (".scripted-dir" if head is None else ".scripted")


def links(path: Path, head: bytes | None) -> list[str]:
    head = (path / "lines").read_bytes() if head is None else head
    return [line.removeprefix("link ") for line in head.decode().splitlines() if line.startswith("link ")]


def companions(path: Path) -> list[Path]:
    files = path.with_name(f"{path.name}-log"), path.parent / "logs" / path.name
    return [file for file in files if file.is_file()]


def part_of(path: Path) -> Path | None:
    whole = None
    if path.name.endswith(".scripted-log"):
        whole = path.with_name(path.name.removesuffix("-log"))
    elif path.parent.name == "logs" and path.suffix == ".scripted":
        whole = path.parent.parent / path.name
    return whole if whole and whole.is_file() else None


def record(path: Path, offset: int, length: int, limit: int) -> bytes:
    return f"step {offset} of {path.name}".encode()[:limit]


def read(source: SourceFile) -> Iterator[Row | Report]:
    name, done = source.source_id, 0
    files = [(source.path, name), *((path, name) for path in companions(source.path)), *source.parts]
    lines = [(line, file) for path, file in files for line in text(path).splitlines()]
    for line, file in lines:
        word, _, rest = line.partition(" ")
        if word == "steps":
            for _ in range(int(rest)):
                done += 1
                yield one_step(name, done, source_id=file)
        elif word in UNFIT:
            done += 1
            yield one_step(name, done, **UNFIT[word])
        else:
            DEEDS[word](rest)
    yield from ending(name)
    yield Report(0, bad_of_parts={file: 1 for line, file in lines if line == "bad" and file != name})


def text(path: Path) -> str:
    return (path / "lines" if path.is_dir() else path).read_text()


def fail(reason: str) -> None:
    raise ValueError(reason)


def refuse(reason: str) -> None:
    raise PermissionError(13, reason)


def chatter(text: str) -> None:
    print(text)
    os.write(1, text.encode())
    print(text, file=sys.__stdout__, flush=True)


UNFIT = {"overflow": {"input_tokens": 2**70}, "surrogate": {"model": "\ud800"}, "mistype": {"output_tokens": "many"}}
"""Steps with a value that no column of theirs holds."""

DEEDS: dict[str, Callable[[str], object]] = {
    "wait": lambda path: Path(path).read_text(),  # until somebody writes to the fifo
    "die": lambda _: os.kill(os.getpid(), signal.SIGKILL),
    "exit": lambda code: os._exit(int(code)),
    "raise": fail,
    "refuse": refuse,
    "print": chatter,
    "link": lambda _: None,
    "bad": lambda _: None,
}


def one_step(name: str, ordinal: int, **values: object) -> Step:
    return row(
        Step,
        run_id=f"{name}/main/1",
        ordinal=ordinal,
        start_ms=ordinal,
        tokens_grade="exact",
        is_replay=False,
        offset=ordinal,
        length=1,
        **{"source_id": name} | values,
    )


def ending(name: str) -> Iterator[Agent | Run | Conversation]:
    yield row(Agent, agent_id=f"{name}/main", conversation_id=name, parent_grade="exact")
    yield row(
        Run,
        run_id=f"{name}/main/1",
        conversation_id=name,
        agent_id=f"{name}/main",
        ordinal=1,
        status="completed",
        time_grade="exact",
    )
    yield row(Conversation, conversation_id=name, source_id=name, format=NAME, tool_calls_recorded=False)


def row(table: type[Any], **values: object) -> Any:
    """A row in which everything not given is not recorded. Made here: workers load no library to write rows with."""
    plain = {"grade": "exact"} if "grade" in table.__slots__ else {}
    return table(**dict.fromkeys(table.__slots__) | plain | values)
