"""What Maverick puts into the texts of its records: names of agents, plans, observations, sealed text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from explorer.readers import _values
from explorer.readers._records import loads
from explorer.readers._sqlite import text as decode

SEALED = "MVKAR1:"
"""How text begins that was encrypted at rest."""

SEALED_FILES = (b"MVKAR1\n", b"MVKAR2\n", b"MVKTEN1\n")
"""How files begin that were."""

VOICES = frozenset(("", "orchestrator", "system", "supervisor"))
"""Who writes in the name of a process and is no agent of its own."""

SHOWN = 200
"""Characters of a recorded text that go into an event; the whole of it stays in the source."""

_INSTANCE = re.compile(r"(.+)-([0-9]{1,3})-([0-9a-f]{6})", re.DOTALL)
_STABLE = re.compile(r"(.+)-([0-9]{1,3})", re.DOTALL)
_SWARM = re.compile(r"spawning swarm of \d+")
_IN_SWARM = re.compile(r"\(([^()]*-[0-9]{1,3}-[0-9a-f]{6})\)")
_PLAN = re.compile(r"role=(.*?) depth=([0-9]{1,3}) brief=(.*)", re.DOTALL)
_TOOL, _LONGEST_TOOL = "tool=", 200
_DENIED = re.compile(r"tool=(.{1,200}?) DENIED\b", re.DOTALL)


class Name(NamedTuple):
    """The name of an agent instance, taken apart."""

    role: str
    depth: int

    @property
    def stable(self) -> str:
        """The part that a new process gives again."""
        return f"{self.role}-{self.depth}"


def name_of(instance: str) -> Name | None:
    """Role and depth of an instance; None for what is not called like one."""
    found = _INSTANCE.fullmatch(instance)
    return Name(found[1], int(found[2])) if found else None


def is_stable(name: str) -> bool:
    """Whether a name is one that a new process gives again: ``orchestrator-0``."""
    return bool(_STABLE.fullmatch(name)) and not _INSTANCE.fullmatch(name)


def in_swarm(content: str) -> list[str]:
    """The agents that a plan says are being spawned."""
    return _IN_SWARM.findall(content) if _SWARM.match(content) else []


def brief_of(content: str) -> str | None:
    """What an agent's first plan says that it was told."""
    found = _PLAN.match(content)
    return found[3] if found else None


def tool_of(content: str) -> str | None:
    """The tool that an observation is the answer of: ``tool=NAME -> …``."""
    if not content.startswith(_TOOL):
        return None
    begin = len(_TOOL)
    end = content.find(" -> ", begin + 1, begin + _LONGEST_TOOL + len(" -> "))
    return content[begin:end] if end > 0 else None


def denied_tool(content: str) -> str | None:
    """The tool that an error says was denied."""
    found = _DENIED.match(content)
    return found[1] if found else None


def is_sealed(content: str | None) -> bool:
    """Whether a text is there but cannot be read."""
    return content is not None and content.startswith(SEALED)


def shown(content: str, most: int = SHOWN) -> str:
    """The beginning of a text, on one line; of sealed text, that it is."""
    if is_sealed(content):
        return "sealed"
    line = " ".join(content[: most + 1].split())
    return line if len(content) <= most else f"{line[:most]}…"


def text_of(value: object) -> str | None:
    """Text as SQLite or JSON gave it; None for nothing, an empty one, and for numbers."""
    if type(value) is str:
        return value or None
    return decode(value) or None if isinstance(value, bytes) else None


def whole_number(value: object) -> int | None:
    """An integer that fits into 64 bits."""
    return value if type(value) is int and -(1 << 63) <= value < 1 << 63 else None


def seconds_of(value: object) -> float | None:
    """A time that a clock may have shown, in seconds since 1970."""
    if type(value) is float or type(value) is int:
        return float(value) if 0 < value < 1e10 else None
    return None


def moment(seconds: float | None) -> datetime | None:
    """A time in UTC, to the millisecond."""
    return None if seconds is None else _values.moment(round(seconds * 1000))


def as_json(fields: Mapping[str, object]) -> str | None:
    """What is known of some fields, as JSON; lists and objects without content are left out too."""
    return _values.as_json({key: value for key, value in fields.items() if value not in ({}, [])})


def record_of(line: bytes) -> dict[str, object] | None:
    """The object that a line of JSON is."""
    try:
        found = loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def conversation_id(source_id: str, goal: int) -> str:
    """Our key of a goal. Two slashes, because no path holds them."""
    return f"{source_id}//goal-{goal}"
