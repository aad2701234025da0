"""The prompt of a request as nodes and blocks, and what its answer adds to it."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence

import orjson

from explorer.readers._openai._items import Item, items_of, shown
from explorer.readers._prompts import Prompt as Blocks
from explorer.readers._prompts import PromptParts, Stretch
from explorer.readers.openai_messages._chains import Prompt
from explorer.readers.openai_messages._exchange import Exchange

INSTRUCTIONS = frozenset(("system", "developer"))

SHORTEST_LINE = 24
"""Characters of a line that is not said twice by chance."""

SHORTEST_ANSWER = 16
"""Characters of an answer that nobody else gives."""


class Told:
    """A request with its prompt, part by part: tools first, as servers put them."""

    def __init__(
        self, exchange: Exchange, parts: PromptParts, tools: dict[int, list[Stretch]],
        base: Sequence[Stretch] | None = None,
    ) -> None:  # fmt: skip
        """``base`` is what the prompt goes on from, where the request holds only what is new of it."""
        self.exchange = exchange
        self._parts = parts
        blocks = Blocks(parts, self._of_tools(tools) if base is None else base)
        root = blocks.last
        self.items: list[Item] = []
        self.numbers: list[int] = []
        """Of each item, which of the messages it is of."""
        nodes: list[int] = []
        for number, message in enumerate(exchange.messages):
            for item in items_of(message):
                self.items.append(item)
                self.numbers.append(number)
                blocks.add(item)
                nodes.append(blocks.last)
        head = next((n for n, item in enumerate(self.items) if item.role not in INSTRUCTIONS), len(self.items))
        self.stretches = blocks.stretches()
        answers = [n for n, item in enumerate(self.items) if item.role == "assistant"]
        self.prompt = Prompt(nodes, head, answers, root, exchange.session)

    def _of_tools(self, known: dict[int, list[Stretch]]) -> list[Stretch]:
        """The blocks of its tools, which most requests have in common."""
        if not self.exchange.tools:
            return []
        try:
            key = hash(orjson.dumps(self.exchange.tools))
        except (TypeError, ValueError):
            key = 0
        found = known.get(key)
        if found is None:
            blocks = Blocks(self._parts)
            for tool in self.exchange.tools:
                blocks.add(("tool", shown(tool)))
            found = known[key] = blocks.stretches()
        return found

    def answers(self, known: int) -> Iterator[Hashable]:
        """The answers in its prompt behind the first ``known`` messages, the latest first."""
        return (self.items[n] for n in reversed(self.prompt.answers) if n >= known)

    def opening(self) -> dict[str, int]:
        """What its first words say: each text before the first answer whole, and every long line of it.

        With each, which of the messages says it.
        """
        found: dict[str, int] = {}
        for item, number in zip(self.items[self.prompt.head :], self.numbers[self.prompt.head :], strict=True):
            if item.role != "user":
                break
            texts = [item.text.strip()]
            if "\n" in item.text:
                texts += [line for each in item.text.splitlines() if len(line := each.strip()) >= SHORTEST_LINE]
            for text in filter(None, texts):
                found.setdefault(text, number)
        return found

    def ends(self) -> tuple[list[int], list[Item]]:
        """The nodes behind each choice of its answer, and the items of the first."""
        last = self.prompt.nodes[-1] if self.prompt.nodes else self.prompt.root
        ends: list[int] = []
        first: list[Item] = []
        for answer in self.exchange.answers:
            node, items = last, list(items_of(answer))
            for item in items:
                node = self._parts.number(node, item)
            ends.append(node)
            first = first or items
        return list(dict.fromkeys(ends)), first

    def with_answer(self, items: Sequence[Item]) -> list[Stretch]:
        """The blocks of its prompt and its answer."""
        blocks = Blocks(self._parts, self.stretches)
        for item in items:
            blocks.add(item)
        return blocks.stretches()


def known_by(items: Sequence[Item]) -> Item | None:
    """The message by which an answer is known again: one with the id of a call, or with a text of its own."""
    for item in reversed(items):
        if len(item.text) >= SHORTEST_ANSWER or any(call.call_id for call in item.calls):
            return item
    return None


def telling(items: Sequence[Item]) -> str | None:
    """The longest line that an answer says, if it is long enough to be known again."""
    lines = [line.strip() for item in items for line in item.text.splitlines()]
    longest = max(lines, key=len, default="")
    return longest if len(longest) >= SHORTEST_LINE else None
