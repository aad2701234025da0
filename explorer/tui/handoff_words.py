"""Hand-offs in words: one on a line, and the two ends of one side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from rich.cells import cell_len

from explorer.tui import humanize
from explorer.tui.recorded_text import ANSWERED, ASKED, CAME_BACK, lay_out, parsed, sealed, spoken
from explorer.tui.text import clean, crop, crop_middle, fit
from explorer.tui.time_scale import offset
from explorer.tui.widgets.sheet import Role, Row, wrapped

if TYPE_CHECKING:
    from explorer.store.queries import Exchange, HandOff, HandOffs, Party, Passage, Read

End: TypeAlias = Literal["asker", "doer"]
Half: TypeAlias = Literal["asked", "answered"]

NOBODY = "(not recorded)"
"""For an end that no run is known of."""

_ROWS = 2_000
"""Rows of a text that are laid out."""

DELIVERED: dict[bool | None, tuple[str, Role, str]] = {
    True: ("✓", "good", "delivered"),
    False: ("U", "error", "never arrived"),
    None: ("–", "note", "not recorded"),
}
"""Whether the receiver's record shows it: glyph, role, words. ``U`` as on the timeline."""

RESOLUTIONS: dict[str, str] = {
    "item": "followed to the item that the receiver's model saw",
    "thread": "followed to the receiver, but to no item that it saw",
    "pending": "pending: nothing of the receiver shows it",
}


GRADES: dict[str, str] = {
    "derived": "between whom follows by a rule",
    "ambiguous": "between whom is ambiguous: several runs fit",
    "not_recorded": "between whom is not recorded",
}
"""How sure it is who it is from and to, where the record does not say so itself."""


def heading(exchange: Exchange) -> str:
    """``spawn and result: main → Explore agent_001``."""
    kinds = " and ".join(half.kind for half in (exchange.asked, exchange.answered) if half is not None)
    return f"{kinds}: {_called(exchange, 'asker')} → {_called(exchange, 'doer')}"


def _called(exchange: Exchange, end: End) -> str:
    party = exchange.asker if end == "asker" else exchange.doer
    return clean(party.name) if party else NOBODY


def lay_out_end(exchange: Exchange, end: End, texts: Mapping[Passage, Read] | None, width: int) -> Iterator[Row]:
    """One end of a hand-off; without ``texts``, while they are being read."""
    asker = end == "asker"
    party = exchange.asker if asker else exchange.doer
    yield [(crop(_called(exchange, end), width), "title")]
    yield from wrapped(_numbers(party), width, "note") if party else []
    secret = _secrets(texts or {})
    asked = exchange.asked_sent if asker else exchange.asked_received
    answered = exchange.answer_received if asker else exchange.answer_sent
    yield from _half(exchange, end, "asked", asked, texts, secret, width)
    one_record = asker and asked is not None and answered is not None and asked[2:4] == answered[2:4]
    if one_record and not _words_of("answered", answered, texts, exchange.call):
        yield []
        yield [(_TITLES[end, "answered"], "title")]
        yield from _state(exchange.answered, width) if exchange.answered else []
        yield from wrapped(
            "What came back stands with the call, in its record, if the recorder kept it.", width, "note"
        )
    else:
        yield from _half(exchange, end, "answered", answered, texts, secret, width)
    yield from _record_behind("asked", asked, texts, exchange.call, secret, width)
    if not one_record:
        yield from _record_behind("answered", answered, texts, exchange.call, secret, width)


_TITLES: dict[tuple[End, Half], str] = {
    ("asker", "asked"): "Asked",
    ("asker", "answered"): "Got back",
    ("doer", "asked"): "Was asked",
    ("doer", "answered"): "Answered",
}


def _half(
    exchange: Exchange, end: End, half: Half, place: Passage | None, texts: Mapping[Passage, Read] | None,
    secret: set[str], width: int,
) -> Iterator[Row]:  # fmt: skip
    edge = exchange.asked if half == "asked" else exchange.answered
    yield []
    yield [(_TITLES[end, half], "title")]
    yield from _state(edge, width) if edge is not None else []
    read = texts.get(place) if texts is not None and place is not None else None
    if words := _about(exchange, end, edge, place, read):
        yield from wrapped(words, width, "note")
    if place is not None:
        yield from _text(half, place, texts, exchange.call, secret, width)


def _numbers(party: Party) -> str:
    words = [party.status, humanize.plural(party.steps, "step") if party.steps is not None else "steps not recorded"]
    words.append(f"in {humanize.tokens(party.input_tokens)} out {humanize.tokens(party.output_tokens)}")
    words.append(humanize.duration(party.duration_ms))
    return ", ".join(words)


def _state(edge: HandOff, width: int) -> Iterator[Row]:
    when = "no time recorded" if edge.at_ms is None else f"at {offset(edge.at_ms)} from the start"
    how = "" if edge.at_ms is None or edge.at_recorded else " (that of the run: none of its own recorded)"
    tool = f", with the tool {clean(edge.tool)}" if edge.tool else ""
    yield from wrapped(f"{edge.kind} {when}{how}{tool}", width)
    glyph, role, words = DELIVERED[edge.delivered]
    arrived = f"delivery {words}" if edge.delivered is None else words
    grade = f"; {GRADES[edge.grade]}" if edge.grade in GRADES else ""
    followed = f"; {RESOLUTIONS.get(edge.resolution, edge.resolution)}" if edge.resolution else ""
    yield from wrapped(f"{glyph} {arrived}{followed}{grade}", width, role)


def _about(exchange: Exchange, end: End, edge: HandOff | None, place: Passage | None, read: Read | None) -> str:
    """What the text is that follows, or why there is none."""
    if place is None:
        if edge is not None:
            lost = edge.delivered is False and end == ("asker" if edge.kind == "result" else "doer")
            return "Nothing in the record of this run shows it." if lost else "The recording has no text of it."
        if exchange.asked is None:
            return "No record says what it was asked."
        one_way = exchange.asked.kind in ("message", "close", "fork")
        return "Nothing comes back of this." if one_way else "No record of an answer."
    if place.basis == "edge":
        return ""
    if place.basis == "tool_call":
        return "By the record of the tool call:"
    first = place.basis == "first_step"
    if read is not None and read.said:
        words = "The first message of the run" if first else "The last of what the run said"
    else:
        words = f"No record of its own; the run's {'first' if first else 'last'} step, {place.step:,}"
    party = exchange.doer
    if first and party is not None and party.first_input is not None:
        words += f", a prompt of {humanize.tokens(party.first_input)} tokens"
        if party.first_shared:
            words += f", {humanize.tokens(party.first_shared)} of them written by who asked, or above"
    return words + ":"


def _secrets(texts: Mapping[Passage, Read]) -> set[str]:
    """What any of the texts tells to be encrypted is so in the others, which may not say it."""
    return set().union(*(sealed(parsed(read.text)) for read in texts.values() if read.text is not None))


def _words_of(half: Half, place: Passage | None, texts: Mapping[Passage, Read] | None, call: str | None) -> list[str]:
    """What was said by a record; nothing where the text is that itself, or the record does not tell."""
    read = texts.get(place) if texts and place else None
    if read is None or read.said or read.text is None or place is None:
        return []
    names = ASKED if half == "asked" else CAME_BACK if place.basis == "tool_call" else ANSWERED
    return spoken(parsed(read.text), call, names)


def _record_behind(
    half: Half, place: Passage | None, texts: Mapping[Passage, Read] | None, call: str | None, secret: set[str],
    width: int,
) -> Iterator[Row]:  # fmt: skip
    """The whole record, where only its words were shown."""
    if texts and place and _words_of(half, place, texts, call):
        yield []
        yield [(f"The record of what was {half}", "title")]
        yield from _record(texts[place], secret, width)


def _text(
    half: Half, place: Passage, texts: Mapping[Passage, Read] | None, call: str | None, secret: set[str], width: int
) -> Iterator[Row]:
    if texts is None:
        yield [("reading …", "note")]
        return
    read = texts.get(place)
    if read is None or read.text is None:
        yield from wrapped(read.problem if read else "", width, "warning")
    elif words := _words_of(half, place, texts, call):
        yield from _at_most(lay_out(words, secret, width))
    else:
        yield from _record(read, secret, width)


def _record(read: Read, secret: set[str], width: int) -> Iterator[Row]:
    return _at_most(lay_out(parsed(read.text or ""), secret, width))


def _at_most(rows: Iterator[Row]) -> Iterator[Row]:
    for number, row in enumerate(rows):
        if number == _ROWS:
            yield [(f"… cut off after {_ROWS:,} lines", "note")]
            return
        yield row


# One on a line


def title_of(found: HandOffs, whose: str) -> str:
    """``Hand-offs of planner: 6, 1 never arrived``."""
    words = f"Hand-offs of {whose}: {found.total:,}"
    return words + (f", {found.undelivered:,} never arrived" if found.undelivered else "")


class Columns(NamedTuple):
    """How wide each part of a line is; 0 for what no line has, or has no room for."""

    sender: int
    receiver: int
    tool: int
    resolution: int
    grade: int

    def head(self) -> str:
        """What stands above the lines."""
        cells = ["   from start  kind     ", fit("from", self.sender), "   ", fit("to", self.receiver), "  "]
        cells += [fit("delivery", _DELIVERY)]
        for name, width in (("followed", self.resolution), ("grade", self.grade), ("tool", self.tool)):
            cells += [fit(name, width)] if width else []
        return "".join(cells).rstrip()


_DELIVERY = 15
_BEFORE = 24
"""Cells of the mark, the time and the kind."""


def columns_for(listed: Sequence[HandOff], width: int) -> Columns:
    """The widths for these lines. Who it is from and to keeps its room longest."""
    sender = max((cell_len(clean(one.sender or NOBODY)) for one in listed), default=0)
    receiver = max((cell_len(clean(one.receiver or NOBODY)) for one in listed), default=0)
    wanted = {
        "resolution": 10 if any(one.resolution for one in listed) else 0,
        "grade": 12 if any(one.grade != "exact" for one in listed) else 0,
        "tool": min(24, max((len(one.tool) + 2 for one in listed if one.tool), default=0)),
    }
    room = width - _BEFORE - 5 - _DELIVERY
    for name in ("tool", "grade", "resolution"):
        if sum(wanted.values()) + min(sender + receiver, 56) > room:
            wanted[name] = 0
    room = max(8, room - sum(wanted.values()))
    if sender + receiver > room:
        sender = min(sender, max(room // 2, room - receiver))
        receiver = min(receiver, room - sender)
    return Columns(sender, receiver, **wanted)


def line(one: HandOff, columns: Columns) -> Iterator[tuple[str, Role]]:
    """One hand-off in the pieces of a line."""
    glyph, role, words = DELIVERED[one.delivered]
    # Within hours nobody asks for milliseconds, and there is no room for them.
    exact = 1 if one.at_ms is not None and abs(one.at_ms) < 3_600_000 else 1_000
    at = "–" if one.at_ms is None else ("" if one.at_recorded else "~") + offset(one.at_ms, exact)
    yield f"{glyph} ", role
    yield f"{fit(at, 11, 'right')}  {fit(one.kind, 8)} ", "note"
    sender, receiver = (
        fit(crop_middle(name or NOBODY, width), width)  # siblings are told apart by the ends of their names
        for name, width in ((one.sender, columns.sender), (one.receiver, columns.receiver))
    )
    yield f"{sender} → {receiver}  ", "strong"
    yield fit(words, _DELIVERY), role
    for text, width in (
        (one.resolution or "–", columns.resolution), (one.grade, columns.grade), (one.tool or "–", columns.tool)
    ):  # fmt: skip
        if width:
            yield fit(text, width), "note"
