"""The prompt of a request as nodes and blocks, and what its answer adds to it."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import NamedTuple

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


class Base(NamedTuple):
    """What a request goes on from, so that it need not be looked at again."""

    stretches: Sequence[Stretch]
    prompt: Prompt | None = None
    """The prompt that a request repeats; None where it names the answer before it, and repeats nothing."""
    messages: int = 0
    """How many messages that is."""


class Told:
    """A request with its prompt, part by part: tools first, as servers put them."""

    def __init__(self, exchange: Exchange, parts: PromptParts, base: Base) -> None:
        self.exchange = exchange
        self._parts = parts
        self.items: list[Item] = []
        """Of the messages behind the base."""
        self.numbers: list[int] = []
        """Of each item, which of the messages it is of."""
        before, blocks = base.prompt, Blocks(parts, base.stretches)
        root = blocks.last
        nodes: list[int] = []
        for number, message in enumerate(exchange.messages[base.messages :], base.messages):
            for item in items_of(message):
                self.items.append(item)
                self.numbers.append(number)
                blocks.add(item)
                nodes.append(blocks.last)
        self.stretches = blocks.stretches()
        start = self.start = before.length if before else 0
        answers = [start + n for n, item in enumerate(self.items) if item.role == "assistant"]
        if before is not None:
            head, head_node = before.head, before.head_node
        else:
            head = next((n for n, item in enumerate(self.items) if item.role not in INSTRUCTIONS), len(nodes))
            head_node = nodes[head - 1] if head else root
        self.prompt = Prompt(nodes, root, head, head_node, answers, exchange.session, start)

    def behind(self, known: int) -> Iterator[tuple[Item, int]]:
        """The items behind so many, each with the number of its message."""
        skipped = max(known - self.start, 0)
        return zip(self.items[skipped:], self.numbers[skipped:], strict=True)

    def answers(self, known: int) -> Iterator[Hashable]:
        """The answers in its prompt behind the first ``known`` messages, the latest first."""
        return (self.items[n - self.start] for n in reversed(self.prompt.answers) if n >= known)

    def opening(self) -> dict[str, int]:
        """What its first words say: each text before the first answer whole, and every long line of it.

        With each, which of the messages says it.
        """
        found: dict[str, int] = {}
        for item, number in self.behind(self.prompt.head):
            if item.role != "user":
                break
            texts = [item.text.strip()]
            if "\n" in item.text:
                texts += [line for each in item.text.splitlines() if len(line := each.strip()) >= SHORTEST_LINE]
            for text in filter(None, texts):
                found.setdefault(text, number)
        return found

    def answered(self) -> tuple[list[list[int]], list[Item]]:
        """The nodes of each choice of its answer, and the items of the first."""
        paths: list[list[int]] = []
        first: list[Item] = []
        for answer in self.exchange.answers:
            node, items, path = self.prompt.last, list(items_of(answer)), []
            for item in items:
                node = self._parts.number(node, item)
                path.append(node)
            paths.append(path)
            first = first or items
        return paths, first

    def with_answer(self, items: Sequence[Item]) -> list[Stretch]:
        """The blocks of its prompt and its answer."""
        blocks = Blocks(self._parts, self.stretches)
        for item in items:
            blocks.add(item)
        return blocks.stretches()


def of_tools(parts: PromptParts, tools: Sequence[object]) -> list[Stretch]:
    """The blocks of the tools that a model is offered."""
    blocks = Blocks(parts)
    for tool in tools:
        blocks.add(("tool", shown(tool)))
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
