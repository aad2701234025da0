"""What can be copied of a node, and how the clipboard is reached."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from explorer.tui import answer_words
from explorer.tui.state import command
from explorer.tui.text import encodable

if TYPE_CHECKING:
    from textual.app import App

    from explorer.store.queries import Answer, Node


class Copyable(NamedTuple):
    """Something that can be copied."""

    id: str
    label: str
    text: str


_OSC_LIMIT = 74_000
"""Bytes that most terminals take in one clipboard sequence."""


def copyables(
    node: Node | None, step: tuple[str, int] | None, paths: Sequence[Path], where: str | None
) -> Iterator[Copyable]:
    """Everything that can be copied here; ``step`` is the run and ordinal of a step under the cursor."""
    if node is not None:
        of_line = (node.parent_id if node.is_proposed else None) or node.node_id  # what it is proposed in has a place
        place = f"{step[0]}#{step[1]}" if step else of_line
        view = command(paths, where=where, place=place)
        yield Copyable("command", "command that opens here", view)
        yield Copyable("place", "place for --at", place)
        if not node.is_proposed:
            yield Copyable("id", f"{node.kind} id", node.node_id)
        for name, value in (("conversation", node.conversation_id), ("agent", node.agent_id), ("run", node.run_id)):
            if value is not None and value != node.node_id:
                yield Copyable(name, f"{name} id", value)
        if node.label:
            yield Copyable("label", "label", node.label)
        yield Copyable("json", "row as JSON", row_as_json(node))
        if node.run_id is not None:
            quoted = node.run_id.replace("'", "''")
            yield Copyable("condition", "filter that keeps this run", f"run_id = '{quoted}'")
    else:
        yield Copyable("command", "command that opens this", command(paths, where=where))
    if where:
        yield Copyable("where", "filter", where)


def answer_copyables(answer: Answer, row: int, paths: Sequence[Path]) -> Iterator[Copyable]:
    """Everything that can be copied of an answer with the cursor on a row."""
    if row < len(answer.rows):
        yield Copyable("json", "row as JSON", answer_words.row_as_json(answer, row))
        if (place := answer_words.way(answer.columns, answer.rows[row])) is not None:
            yield Copyable("view", "command that opens the row", command(paths, place=place.place))
    yield Copyable("command", "command that asks this", command(paths, sql=answer.query))
    yield Copyable("query", "query", answer.query)


def row_as_json(node: Node) -> str:
    """The node with its numbers as one JSON object."""
    row = node._asdict()
    row["own"], row["total"] = node.own._asdict(), node.total._asdict()
    return json.dumps(row, ensure_ascii=False)


def copy(app: App[object], text: str, told: Callable[[str], None]) -> None:
    """Put text on the clipboard of the terminal, and say how, and what to do if nothing arrives."""
    text = encodable(text)
    app.copy_to_clipboard(text)
    size = len(text.encode())
    advice = "If it does not arrive, hold shift and select with the mouse."
    if os.environ.get("TMUX"):
        advice = "If it does not arrive: tmux set -g set-clipboard on"
    if size > _OSC_LIMIT:
        advice = "It is long: many terminals take no more than 74 kB this way."
    told(f"{size:,} bytes sent to the terminal's clipboard (OSC 52). {advice}")
