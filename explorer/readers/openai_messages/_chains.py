"""Which requests of a log go on from which: a chain is an agent, and its prompts only grow.

A request repeats all that was said before it, so that its prompt is a path from the root of a tree in which a node is
a message behind other messages. Of every node one number is kept, of every chain where its last prompt and its last
answer end and hashes of its latest answers; no text is.

* A prompt that holds the last answer of a chain, or its last prompt, goes on from it.
* The same prompt again is a second try if the first had no answer; if it had one, it may be that or another agent.
* A prompt that leaves the others at an earlier message is a branch: a fork, or somebody went back.
* Answers of a chain behind another beginning are its history, rewritten: compacted, cut, or with a beginning that
  changes. So is what a chain said last, as the first words of a shorter prompt with the same instructions: a summary.
* Anything else begins a chain.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Literal, NamedTuple, TypeAlias

from explorer.model import Grade

How: TypeAlias = Literal["begins", "goes on", "again", "rewritten", "branches"]

_KEPT_ANSWERS = 32
"""Answers of a chain by which its history is known again."""


class Chain:
    """The requests of one agent, by where the latest ended."""

    __slots__ = ("answered", "answers", "asked", "head", "length", "number", "session", "told")

    def __init__(self, number: int, session: str | None) -> None:
        self.number = number
        """From 1, in the order of their first requests."""
        self.session = session
        self.head = -1
        """The node at the end of its instructions."""
        self.asked = -1
        """The node at the end of its last prompt."""
        self.answered: tuple[int, ...] = ()
        """The nodes behind its answer, one for each choice; none while there is no answer."""
        self.length = 0
        """Messages of its last prompt."""
        self.answers: deque[int] = deque()
        self.told: int | None = None


class Prompt(NamedTuple):
    """What is asked of a request to find its chain."""

    nodes: Sequence[int]
    """One for each message."""
    head: int
    """How many messages there are before the first that is no instruction of system or developer."""
    answers: Sequence[int]
    """Which of the messages are answers, by index."""
    root: int
    """The node before the first message: that of the last tool, or -1."""
    session: str | None = None

    @property
    def first_answer(self) -> int:
        """How many messages there are before the first answer."""
        return self.answers[0] if self.answers else len(self.nodes)


class Placed(NamedTuple):
    """Where a request belongs."""

    chain: Chain
    how: How
    grade: Grade
    others: Sequence[Chain] = ()
    """The other chains that it may go on from; of a branch, and of a prompt that comes again, the one it leaves."""
    known: int = 0
    """How many leading messages had been said before."""


class Chains:
    """All chains of a log."""

    def __init__(self) -> None:
        self.all: list[Chain] = []
        self._ends: dict[int, list[Chain]] = {}
        self._owners = array("i")  # of each node, the number of the chain that was the first to have it
        self._said: dict[int, Chain] = {}
        self._told: dict[int, Chain] = {}

    def place(
        self, prompt: Prompt, answers: Callable[[int], Iterable[Hashable]], lines: Callable[[], Iterable[Hashable]]
    ) -> Placed:  # fmt: skip
        """Where a prompt belongs.

        ``answers`` gives those in it behind so many messages, the latest first; ``lines`` what its first words say.
        """
        nodes, head = prompt.nodes, prompt.head
        known = len(nodes)
        while known and nodes[known - 1] >= len(self._owners):
            known -= 1
        for depth in range(known, head, -1):
            found = [chain for chain in self._ends.get(nodes[depth - 1], ()) if self._leads(chain, prompt, depth)]
            if found:
                again = depth == len(nodes) and found[0].asked == nodes[-1]
                grade: Grade = "derived" if len(found) == 1 else "ambiguous"
                return Placed(found[0], "again" if again else "goes on", grade, found[1:], known)
        for answer in answers(known):
            if (chain := self._said.get(hash(answer))) is not None and chain.session == prompt.session:
                return Placed(chain, "rewritten", "derived", (), known)
        if known > head and (known == len(nodes) or known > prompt.first_answer):
            owner = self.all[self._owners[nodes[known - 1]] - 1]
            if known > prompt.first_answer:
                return Placed(self.begin(prompt), "branches", "derived", (owner,), known)
            return Placed(self.begin(prompt), "again", "ambiguous", (owner,), known)
        for line in lines():
            chain = self._told.get(hash(line))
            if chain is not None and chain.head == self._head_of(prompt) and chain.length > len(nodes):
                return Placed(chain, "rewritten", "derived", (), known)
        return Placed(self.begin(prompt), "begins", "exact", (), known)

    @staticmethod
    def _leads(chain: Chain, prompt: Prompt, depth: int) -> bool:
        """Whether a chain may go on with a prompt that holds its end at this depth."""
        if chain.session != prompt.session:
            return False
        if not chain.answered or chain.asked != prompt.nodes[depth - 1]:
            return True
        # Its prompt with another answer behind it than the one it got: a client may change what it sends back.
        return depth in prompt.answers

    @staticmethod
    def _head_of(prompt: Prompt) -> int:
        return prompt.nodes[prompt.head - 1] if prompt.head else prompt.root

    def begin(self, prompt: Prompt) -> Chain:
        """A new chain."""
        chain = Chain(len(self.all) + 1, prompt.session)
        chain.head = self._head_of(prompt)
        self.all.append(chain)
        return chain

    def ask(self, chain: Chain, prompt: Prompt, nodes: int) -> None:
        """The chain has this prompt now. ``nodes`` is how many there are by now."""
        for node in (chain.asked, *chain.answered):
            left = [each for each in self._ends.pop(node, ()) if each is not chain]
            if left:
                self._ends[node] = left
        chain.asked = prompt.nodes[-1] if prompt.nodes else prompt.root
        chain.answered, chain.length = (), len(prompt.nodes)
        self._ends.setdefault(chain.asked, []).append(chain)
        self._own(chain, nodes)

    def answer(
        self, chain: Chain, ends: Sequence[int], answer: Hashable | None, line: Hashable | None, nodes: int
    ) -> None:  # fmt: skip
        """The chain's prompt was answered: by which message, if it can be known again, and its most telling line."""
        chain.answered = tuple(ends)
        for end in ends:
            self._ends.setdefault(end, []).append(chain)
        self._own(chain, nodes)
        if answer is not None:
            self._said[hash(answer)] = chain
            chain.answers.append(hash(answer))
        if len(chain.answers) > _KEPT_ANSWERS:
            self._forget(self._said, chain.answers.popleft(), chain)
        if chain.told is not None:
            self._forget(self._told, chain.told, chain)
        chain.told = None if line is None else hash(line)
        if chain.told is not None:
            self._told[chain.told] = chain

    @staticmethod
    def _forget(said: dict[int, Chain], key: int, chain: Chain) -> None:
        if said.get(key) is chain:
            del said[key]

    def _own(self, chain: Chain, nodes: int) -> None:
        self._owners.extend([chain.number] * (nodes - len(self._owners)))
