"""Letters between the agents of a session: what ``SendMessage`` was asked to bring, and what stands at the other end.

Format: observed, version 2.1. A call names the receiver by the name it was started under, or by its id; the lead is
``team-lead`` or ``main``, and ``*`` is everybody else. A letter arrives in the user's name, a teammate's in an envelope
``<teammate-message teammate_id="…">``; an agent that is in no team gets the bare text. It is the first of those with
the same text that nobody else has sent. What recorders send by themselves when a turn ends says no more than that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import orjson

from explorer.model import EdgeKind, Grade
from explorer.readers._claude_code._content import dumped, envelopes, word
from explorer.readers._claude_code._draft import Agent, Received, Run, Sent, Session, Tool
from explorer.readers._claude_code._teams import LEAD

TOOL: Final = "SendMessage"
EVERYBODY: Final = "*"

_LEADS = (LEAD, "main")
_IDLE = "idle_notification"
_CLOSES = "shutdown_request"


class Delivery(NamedTuple):
    """One letter on its way: what is known of both ends."""

    kind: EdgeKind
    sent: Sent | None
    received: Received | None
    from_run: Run | None
    to_run: Run | None
    delivered: bool | None
    grade: Grade


def sent(tool: Tool, given: Mapping[str, object]) -> Sent:
    """The letter that a call is asked to bring."""
    text = given.get("message", given.get("content"))
    to = word(given.get("to")) or word(given.get("recipient"))
    if to is None and given.get("type") == "broadcast":
        to = EVERYBODY
    kind = word(given.get("type")) if text is None or type(text) is str else None
    gist = _gist(text if type(text) is str else "" if text is None else dumped(text).decode())
    if kind is not None and kind not in ("message", "broadcast"):  # its text is a field of what is sent
        gist = kind, ""
    return Sent(tool, to, gist)


def received(text: str, is_main: bool) -> list[tuple[str | None, tuple[str, str]]]:
    """Who wrote the letters in a text, and what: for a sub-agent, any text may be one."""
    found: list[tuple[str | None, tuple[str, str]]] = [(sender, _gist(body)) for sender, body in envelopes(text)]
    return found if found or is_main else [(None, _gist(text))]


def _gist(text: str) -> tuple[str, str]:
    """By which the two ends of a letter are one: what kind it is where the recorder gives it fields, else its words."""
    if text.lstrip().startswith("{"):
        try:
            fields = orjson.loads(text)
        except ValueError:
            fields = None
        if isinstance(fields, dict) and type(fields.get("type")) is str:
            return fields["type"], ""
    return "", text.strip()


def deliveries(session: Session) -> Iterator[Delivery]:
    """The letters of a session: those sent in their order, then those of which no sending is recorded."""
    if not session.sent and not session.received:
        return
    names, waiting = _names(session), _waiting(session)
    for letter in session.sent:
        targets = _targets(letter, names)
        for agent in targets:
            yield _delivery(letter, agent, names, waiting.get(agent, []))
        if not targets:
            delivered = False if letter.refused else None
            yield Delivery(_kind(letter.gist), letter, None, letter.tool.run, None, delivered, "derived")
    for agent, letters in waiting.items():
        for each in letters:
            if each.sender is not None and each.gist[0] != _IDLE:
                author = names.get(each.sender)
                run = _run_at(author, each.at) if author is not None and author is not agent else None
                yield Delivery(_kind(each.gist), None, each, run, each.run, True, "derived")


def _waiting(session: Session) -> dict[Agent, list[Received]]:
    """What may be a letter, by who got it; what an agent was started with is none."""
    found: dict[Agent, list[Received]] = {}
    for each in session.received:
        if each.run is not None and each.where != each.run.agent.runs[0].asked:
            found.setdefault(each.run.agent, []).append(each)
    return found


def _targets(letter: Sent, names: Mapping[str, Agent]) -> list[Agent]:
    if letter.to == EVERYBODY:
        return [agent for agent in dict.fromkeys(names.values()) if agent is not letter.tool.run.agent]
    target = names.get(letter.to or "")
    return [target] if target is not None else []


def _kind(gist: tuple[str, str]) -> EdgeKind:
    return "close" if gist[0] == _CLOSES else "message"


def _names(session: Session) -> dict[str, Agent]:
    """The names by which agents are written to; one that several have is nobody's."""
    found: dict[str, set[Agent]] = {}
    for agent in session.agents.values():
        spawn = agent.spawn
        own = [agent.native_id, *((spawn.name, spawn.agent_id) if spawn else ()), *(_LEADS if agent.is_main else ())]
        for name in own:
            if name is not None and agent.runs and agent.helper is None:
                found.setdefault(name, set()).add(agent)
    return {name: agents.pop() for name, agents in found.items() if len(agents) == 1}


def _delivery(letter: Sent, agent: Agent, names: Mapping[str, Agent], waiting: list[Received]) -> Delivery:
    run, author = letter.tool.run, letter.tool.run.agent
    kind, at = _kind(letter.gist), letter.tool.start
    for index, each in enumerate(waiting):
        if each.gist == letter.gist and names.get(each.sender or "", author) is author:
            del waiting[index]
            return Delivery(kind, letter, each, run, each.run, True, "exact")
    asked_since = any(
        step.start is not None and at is not None and step.start >= at for run in agent.runs for step in run.steps
    )
    delivered = False if letter.refused or asked_since else None
    return Delivery(kind, letter, None, run, _run_at(agent, at), delivered, "derived")


def _run_at(agent: Agent, at: int | None) -> Run:
    """The run of an agent that had begun last at a time."""
    begun = [run for run in agent.runs if run.start is not None and at is not None and run.start <= at]
    return begun[-1] if begun else agent.runs[0]
