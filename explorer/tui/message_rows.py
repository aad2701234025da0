"""Messages as rows of cells: who speaks, then what is said, the long of it folded. Knows nothing of Textual."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from rich.cells import cell_len

from explorer.tui import humanize
from explorer.tui.text import clean, crop
from explorer.tui.widgets.sheet import wrap

if TYPE_CHECKING:
    from explorer.store.queries import Message, Written

Look: TypeAlias = Literal[
    "plain", "system", "user", "assistant", "tool", "agent", "reasoning", "error", "note", "key", "match",
]  # fmt: skip
"""What a piece of a row is; the style sheet says how that looks."""

Row: TypeAlias = Sequence[tuple[str, Look]]
Paragraph: TypeAlias = tuple[str | None, str]
"""A line as it was written, with the name of the argument that it begins with."""

LOOKS: tuple[Look, ...] = (
    "system", "user", "assistant", "tool", "agent", "reasoning", "error", "note", "key", "match",
)  # fmt: skip

VOICES: dict[str, tuple[str, str]] = {
    "system": ("§", "the system prompt, and what the harness put in"),
    "developer": ("§", "instructions of the harness, where they are told apart"),
    "user": ("›", "the user, or the task that an agent was given"),
    "assistant": ("◆", "the model"),
    "tool": ("·", "a tool"),
    "agent": ("@", "another agent"),
    "reasoning": ("∴", "what the model thought before it answered; folded until it is opened"),
    "tool_call": ("→", "a tool that the model called, with its arguments"),
    "tool_result": ("←", "what came back from a tool"),
    "image": ("▣", "an image, which is not shown"),
}
"""The mark of each role, and of each kind that is no text, and what it stands for."""

_LINES = {"reasoning": 0, "tool_call": 8, "tool_result": 8, "text": 24}
"""Rows of each kind that are shown of a folded message."""
_SYSTEM_LINES = 6

_SPARE = 3
"""Rows more that are shown rather than folded: a line that says what is folded takes one, too."""

_SHORT = 12
"""Characters of a note that stand beside the one who speaks; a longer one is below."""

_INDENT = "  "
_MOST_ROWS = 20_000


ERROR = "✗ error"
"""Above a result that tells of one."""


class Context(NamedTuple):
    """What is known around a message."""

    written: Written | None = None
    """The tokens of the step that wrote it; None where it is not the step's first message."""
    asked: Message | None = None
    """The call of a result that does not stand right above it."""


def lay_out(message: Message, width: int, folded: bool, context: Context) -> list[Row]:
    """A message as rows of at most ``width`` cells, an empty one last."""
    rows: list[Row] = [_head(message, width, context)]
    for part in _notes(message, context):
        rows += [[(text, "note")] for row in wrap(part, width, indent=_INDENT) for text, _ in row]
    rows += _body(message, width, _most(message) if folded else None)
    rows.append([])
    return rows


def look_of(message: Message) -> Look:
    """By whom a message is."""
    if message.kind == "reasoning":
        return "reasoning"
    if message.kind in ("tool_call", "tool_result"):
        return "tool"
    return "system" if message.role == "developer" else message.role


def voice_of(message: Message) -> str:
    """By what messages are alike: a role, or what is no text."""
    return message.kind if message.kind in VOICES else message.role


def words_of(message: Message) -> str:
    """``← result of read``: who speaks, and of what."""
    glyph = VOICES.get(voice_of(message), ("·", ""))[0]
    name = clean(message.name) if message.name else ""
    match message.kind:
        case "tool_call":
            words = f"calls {name or 'a tool'}"
        case "tool_result":
            words = f"result of {name or 'a tool'}"
        case "reasoning":
            words = "reasoning"
        case "image":
            words = f"image of the {message.role}"
        case _:
            words = f"{message.role} {name}".rstrip()
    return f"{glyph} {words}"


def _head(message: Message, width: int, context: Context) -> Row:
    step = f"  step {message.step_ordinal:,}" if message.step_ordinal is not None else ""
    error = f"  {ERROR}" if message.is_error else ""
    words = crop(words_of(message), max(8, width - len(step) - len(error)))
    note = f"  ({clean(message.note)})" if message.note and len(message.note) <= _SHORT else ""
    parts: list[tuple[str, Look]] = [
        (words, look_of(message)), (step, "note"), (error, "error"), (note, "note"),
    ]  # fmt: skip
    row = [(text, look) for text, look in parts if text]
    room = width - sum(cell_len(text) for text, _ in row) - 2
    tokens = next((text for text in _tokens(context.written) if len(text) <= room), "")
    if tokens:
        row.append((tokens.rjust(room + 2), "note"))
    return row


def _tokens(written: Written | None) -> Iterator[str]:
    """The tokens of a step, in ever fewer words."""
    if written is None or (written.input_tokens is None and written.output_tokens is None):
        return
    known = (
        ("in", written.input_tokens),
        ("cached", written.cache_read_tokens),
        ("out", written.output_tokens),
        ("reasoning", written.reasoning_tokens),
    )
    whole = [f"{name} {humanize.tokens(value)}" for name, value in known if value]
    for names in (("in", "cached", "out", "reasoning"), ("in", "cached", "out"), ("in", "out"), ()):
        told = [words for words in whole if words.partition(" ")[0] in names]
        yield "  ".join(told if len(told) == len(whole) else [*told, "…"])


def _notes(message: Message, context: Context) -> Iterator[str]:
    if context.asked is not None:
        said = " ".join(f"{key}: {text}" if key else text for key, text in paragraphs(context.asked))
        if said:
            yield f"for {crop(said, 120)}"
    if message.note and len(message.note) > _SHORT:
        yield f"({message.note})"


def _most(message: Message) -> int:
    if message.role in ("system", "developer") and message.kind == "text":
        return _SYSTEM_LINES
    return _LINES.get(message.kind, _LINES["text"])


def paragraphs(message: Message) -> list[Paragraph]:
    """The text line by line; arguments one after the other, and of a list of tools each with what it is for."""
    if message.kind in ("tool_call", "other"):
        try:
            found = json.loads(message.text)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict) and message.kind == "tool_call":
            return [line for name, value in found.items() for line in _argument(name, value)]
        if isinstance(found, list) and message.kind == "other" and (tools := _tools(found)):
            return tools
    return [(None, line) for line in message.text.replace("\r\n", "\n").split("\n")] if message.text else []


def _tools(found: list[Any], above: str = "") -> list[Paragraph]:
    """The tools that a model is given, as OpenAI and Anthropic have them declared; nothing of any other list."""
    lines: list[Paragraph] = []
    for tool in found:
        declared = tool.get("function", tool) if isinstance(tool, dict) else None
        if not isinstance(declared, dict) or not isinstance(name := declared.get("name", declared.get("type")), str):
            return []
        description = declared.get("description")
        lines.append((above + name, " ".join(description.split()) if isinstance(description, str) else ""))
        inner = declared.get("tools")
        lines += _tools(inner, f"{above}{name}.") if isinstance(inner, list) else []
    return lines


def _argument(name: str, value: object) -> Iterator[Paragraph]:
    if isinstance(value, str) and "\n" in value:
        yield name, ""
        for line in value.replace("\r\n", "\n").split("\n"):
            yield None, f"{_INDENT}{line}"
    else:
        yield name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _body(message: Message, width: int, most: int | None) -> Iterator[Row]:
    lines = paragraphs(message)
    look: Look = "reasoning" if message.kind == "reasoning" else "plain"
    limit = _MOST_ROWS if most is None else most
    rows: list[Row] = []
    done = 0
    for name, text in lines:
        # One row more than fits tells that there are more; laying out all of a long line would take its time.
        found = list(islice(_wrapped(name, text, width, look), limit + _SPARE + 1 - len(rows)))
        rows += found
        if len(rows) > limit + _SPARE:
            break
        done += len(rows) <= limit
    if len(rows) <= limit + (_SPARE if limit else 0):
        yield from rows
        if message.characters > len(message.text):
            left = message.characters - len(message.text)
            yield [(f"{_INDENT}… {left:,} more characters are in the source and not shown", "note")]
        elif message.kind == "tool_result" and not lines and not message.note:
            yield [(f"{_INDENT}(empty)", "note")]
        return
    yield from rows[:limit]
    hidden = len(lines) - done
    folded = f"{hidden:,} {'more ' if limit else ''}{'line' if hidden == 1 else 'lines'}"
    yield [(f"{_INDENT}… {folded}, {message.characters:,} characters in all", "note"), ("  space", "key")]


def _wrapped(name: str | None, text: str, width: int, look: Look) -> Iterator[Row]:
    if name is None:
        for row in wrap(text, width, indent=_INDENT):
            yield [(piece, look) for piece, _ in row]
        return
    label = f"{_INDENT}{clean(name)}:"
    for number, row in enumerate(wrap(f"{name}: {text}", width, indent=_INDENT, hanging=_INDENT * 2)):
        joined = "".join(piece for piece, _ in row)
        if number == 0 and joined.startswith(label):
            yield [(label, "key"), (joined[len(label) :], look)]
        else:
            yield [(joined, look)]


def marked(row: Row, needle: str) -> Row:
    """The row with every place marked where a text stands, whatever its case."""
    if not needle:
        return row
    found: list[tuple[str, Look]] = []
    for text, look in row:
        lower, at = text.lower(), 0
        if len(lower) != len(text):  # a letter that becomes two: nothing is where it was
            found.append((text, look))
            continue
        while (hit := lower.find(needle, at)) >= 0:
            found += [(text[at:hit], look), (text[hit : hit + len(needle)], "match")]
            at = hit + len(needle)
        found.append((text[at:], look))
    return [(text, look) for text, look in found if text]


def row_with(rows: Sequence[Row], needle: str) -> int | None:
    """The first row in which a text stands, or begins that goes on in the next."""
    starts: list[int] = []
    joined = ""
    for row in rows:
        starts.append(len(joined))
        joined += "".join(text for text, _ in row).strip().lower() + " "
    hit = joined.find(needle)
    return bisect_right(starts, hit) - 1 if hit >= 0 else None
