"""Where the latest prompt of each chain stands, by the bytes of its messages: nearly every request repeats one of them.

To know a history again as a whole takes a hash of it; message by message it takes ten times as long.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from explorer.readers._openai._items import CALLS, word
from explorer.readers._prompts import PromptParts, Stretch
from explorer.readers.openai_messages._chains import Chain
from explorer.readers.openai_messages._exchange import Exchange
from explorer.readers.openai_messages._request import Base, Told, of_tools

_OF_ANSWERS = frozenset(("reasoning", *CALLS))


class Bases:
    """What requests may begin with: their tools, and a prompt that was sent before."""

    def __init__(self, parts: PromptParts) -> None:
        self._parts = parts
        self._tools: dict[int, list[Stretch]] = {}
        self._latest: dict[int, Base] = {}
        self._keys: dict[Chain, int] = {}

    def of_tools(self, exchange: Exchange, key: int) -> Base:
        """The tools of a request, which most have in common."""
        if not exchange.tools:
            return Base(())
        found = self._tools.get(key)
        if found is None:
            found = self._tools[key] = of_tools(self._parts, exchange.tools)
        return Base(found)

    def of_prompt(self, exchange: Exchange, tools: int) -> Base | None:
        """The prompt that a request repeats, up to the last answer in it."""
        end = _before_last_answer(exchange.messages)
        return self._latest.get(_key_of(exchange, end, tools)) if end else None

    def keep(self, chain: Chain, told: Told, tools: int) -> None:
        """The chain has this prompt now."""
        self._latest.pop(self._keys.pop(chain, 0), None)
        count = len(told.exchange.messages)
        if key := _key_of(told.exchange, count, tools):
            self._keys[chain] = key
            prompt, end = told.prompt, told.prompt.length
            last = prompt._replace(nodes=(), root=prompt.last, answers=(), start=end)
            self._latest[key] = Base(told.stretches, last, count)


def _key_of(exchange: Exchange, count: int, tools: int) -> int:
    """A hash of the first messages of a request, and of what comes before them; 0 if there is none."""
    messages = exchange.messages if count == len(exchange.messages) else exchange.messages[:count]
    key = key_of(messages)
    return hash((exchange.session, tools, key)) if key else 0


def key_of(values: Sequence[object]) -> int:
    """A hash of values; 0 if they cannot be written."""
    try:
        return hash(orjson.dumps(values))
    except (TypeError, ValueError, RecursionError):
        return 0


def _before_last_answer(messages: Sequence[object]) -> int:
    """How many messages there are before the last answer, which may be several items."""
    found = len(messages)
    while found and not _is_of_answer(messages[found - 1]):
        found -= 1
    while found and _is_of_answer(messages[found - 1]):
        found -= 1
    return found


def _is_of_answer(message: object) -> bool:
    if not isinstance(message, dict):
        return False
    role = message.get("role")
    return role == "assistant" or (role is None and word(message.get("type")) in _OF_ANSWERS)
