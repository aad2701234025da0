"""Whether the conversations of a file are calls of a few that grow: each line with all that the ones before it say.

Read as conversations, every call would be counted again on each line after it. So a file in which a line goes on from
all of an earlier one, answer included, is a log: its last message is the answer, the others are the prompt.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import orjson

from explorer.readers import HEAD_BYTES
from explorer.readers._findings import Findings
from explorer.readers._json_lines import TextLine, text_lines
from explorer.readers._records import loads
from explorer.readers.openai_messages._layout import Shape, are_messages, shape_of

_LINES, _BYTES = 50, 4 << 20
"""How many lines, and bytes of them, are looked at."""


def shape_of_file(path: Path) -> Shape | None:
    """The shape of a file, by more than its head.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        shape = shape_of(file.read(HEAD_BYTES))
    return "requests" if shape == "conversations" and _grows(path) else shape


def _grows(path: Path) -> bool:
    seen: set[int] = set()
    left = _BYTES
    for line in islice(text_lines(path, Findings("")), _LINES):
        if not isinstance(line, TextLine):
            continue
        left -= len(line.text)
        if left < 0:
            return False
        messages = _messages(line.text)
        said = 0  # a hash of all messages so far
        for number, message in enumerate(messages, 1):
            said = hash((said, orjson.dumps(message)))
            if message["role"] != "assistant":
                continue
            if number == len(messages):
                seen.add(said)
            elif said in seen and number > 1:
                return True
    return False


def _messages(text: bytes) -> list[dict[str, object]]:
    """The messages of a conversation; none of what is damaged or cannot be written again."""
    try:
        fields = loads(text)
        messages = fields.get("messages") if isinstance(fields, dict) else None
        orjson.dumps(messages)
    except (ValueError, TypeError):
        return []
    return messages if isinstance(messages, list) and are_messages(messages) else []
