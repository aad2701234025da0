"""Which requests of a log go on from which: a chain is an agent, and its prompts only grow.

A request repeats all that was said before it, so that its prompt is a path from the root of a tree in which a node is
a message behind other messages. Of every node one number is kept, of every chain where its last prompt and its last
answer end and hashes of its latest answers; no text is.

* A prompt that holds the last answer of a chain, or its last prompt, goes on from it.
* The same prompt again is a second try if the first had no answer; if it had one, it may be that or another agent.
* A prompt that leaves the others behind an earlier answer is a branch: a fork, or somebody went back. Examples that
  prompts have in common are no answers of anybody.
* Answers of a chain behind another beginning are its history, rewritten: compacted, cut, or with a beginning that
  changes. So is what a chain said last, as the first words of a shorter prompt with the same instructions: a summary.
* Anything else begins a chain.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import chain as in_turn
from itertools import islice
from typing import Literal, NamedTuple, TypeAlias

from explorer.model import Grade

Whose: TypeAlias = tuple[str | None, str | None]
"""The session and the agent of a request, where the log itself says so."""

How: TypeAlias = Literal["begins", "goes on", "again", "rewritten", "branches", "twice"]

_KEPT_ANSWERS = 8
"""Answers of a chain by which its history is known again."""

_MOST_ALIKE = 20
"""Chains that a prompt may go on from of which it is said: of thousands that begin alike, any is as good."""

_SPARE = 1 << 12
"""Nodes that there is room for, so that room is made seldom."""


class Chain:
    """The requests of one agent, by where the latest ended."""

    __slots__ = ("answered", "answers", "asked", "head", "length", "number", "session", "told")

    def __init__(self, number: int, session: Whose) -> None:
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
        self.answers: list[int] = []
        self.told: int | None = None


class Prompt(NamedTuple):
    """What is asked of a request to find its chain."""

    nodes: Sequence[int]
    """One for each message behind the first ``start``."""
    root: int
    """The node before these: of the last message, of the last tool, or -1."""
    head: int
    """How many messages there are before the first that is no instruction of system or developer."""
    head_node: int
    """The node at the end of these."""
    answers: Sequence[int]
    """Which of the messages behind ``start`` are answers."""
    session: Whose = (None, None)
    """Prompts of different ones never go on from each other."""
    start: int = 0
    """How many messages are known to be those of an earlier prompt."""

    @property
    def length(self) -> int:
        """How many messages it has."""
        return self.start + len(self.nodes)

    @property
    def last(self) -> int:
        """The node at its end."""
        return self.nodes[-1] if self.nodes else self.root


class Placed(NamedTuple):
    """Where a request belongs."""

    chain: Chain
    how: How
    grade: Grade
    others: Sequence[Chain] = ()
    """The other chains that it may go on from; of a branch, and of a prompt that comes again, the one it leaves."""
    known: int = 0
    """How many leading messages had been said before."""


_Ends: TypeAlias = dict[tuple[int, Whose], dict[Chain, None]]
"""By a node and a session the chains that end there, the first of them first."""


class Chains:
    """All chains of a log."""

    def __init__(self) -> None:
        self.all: list[Chain] = []
        self._ends: _Ends = {}
        self._repeated: _Ends = {}  # where prompts end that have been answered
        self._owners = array("i")
        # Of each node, the number of the chain that was the first to have it: below 0 if that had said it; 0 for none.
        self._said: dict[int, Chain] = {}
        self._told: dict[int, Chain] = {}

    def place(
        self, prompt: Prompt, answers: Callable[[int], Iterable[Hashable]], lines: Callable[[], Iterable[Hashable]]
    ) -> Placed:  # fmt: skip
        """Where a prompt belongs.

        ``answers`` gives those in it behind so many messages, the latest first; ``lines`` what its first words say.
        """
        if (placed := self.goes_on(prompt)) is not None:
            return placed
        known, head = self._known(prompt), prompt.head
        for answer in answers(known):
            if (chain := self._said.get(hash(answer))) is not None and chain.session == prompt.session:
                return Placed(chain, "rewritten", "derived", (), known)
        owner = self.all[abs(self._owner(prompt.nodes[known - 1])) - 1] if known > head else None
        if owner is not None and owner.session[0] == prompt.session[0]:
            if any(self._owner(prompt.nodes[n]) < 0 for n in prompt.answers if n < known):
                return Placed(self.begin(prompt), "branches", "derived", (owner,), known)
            if known == prompt.length:
                return Placed(self.begin(prompt), "again", "ambiguous", (owner,), known)
        for line in lines():
            chain = self._told.get(hash(line))
            alike = chain is not None and (chain.session, chain.head) == (prompt.session, prompt.head_node)
            if chain is not None and alike and chain.length > prompt.length:
                return Placed(chain, "rewritten", "derived", (), known)
        return Placed(self.begin(prompt), "begins", "exact", (), known)

    @staticmethod
    def is_last(chain: Chain, prompt: Prompt, paths: Sequence[Sequence[int]]) -> bool:
        """Whether a prompt and its answer are the last ones of a chain."""
        ends = tuple(dict.fromkeys(path[-1] for path in paths if path))
        same = (chain.session, chain.asked, chain.answered) == (prompt.session, prompt.last, ends)
        return same and bool(ends) and prompt.length > 0

    def goes_on(self, prompt: Prompt) -> Placed | None:
        """The chain that a prompt goes on from, if it holds the end of one."""
        known, start = self._known(prompt), prompt.start
        for depth in range(known, max(prompt.head, start - 1), -1):
            node = prompt.root if depth == start else prompt.nodes[depth - start - 1]
            leading = [self._ends.get((node, prompt.session), {})]
            if (repeated := self._repeated.get((node, prompt.session))) and depth in prompt.answers:
                # With another answer behind it than the one it got: a client may change what it sends back.
                leading.append(repeated)
            if found := [*islice(in_turn(*leading), _MOST_ALIKE)]:
                again = depth == prompt.length and found[0].asked == node
                grade: Grade = "derived" if len(found) == 1 else "ambiguous"
                return Placed(found[0], "again" if again else "goes on", grade, found[1:], known)
        return None

    def _known(self, prompt: Prompt) -> int:
        """How many of its leading messages had been said before."""
        count = len(prompt.nodes)
        while count and not self._owner(prompt.nodes[count - 1]):
            count -= 1
        return prompt.start + count

    def begin(self, prompt: Prompt) -> Chain:
        """A new chain."""
        chain = Chain(len(self.all) + 1, prompt.session)
        chain.head = prompt.head_node
        self.all.append(chain)
        return chain

    def ask(self, chain: Chain, prompt: Prompt) -> None:
        """The chain has this prompt now."""
        _leave(self._ends, chain, chain.asked, *chain.answered)
        _leave(self._repeated, chain, chain.asked)
        for index in prompt.answers if chain.length else ():  # answers that the log does not have, but by what follows
            node = prompt.nodes[index - prompt.start]
            if not self._owner(node):
                self._own(-chain.number, (node,))
        chain.asked = prompt.last
        chain.answered, chain.length = (), prompt.length
        self._ends.setdefault((chain.asked, chain.session), {})[chain] = None
        self._own(chain.number, prompt.nodes)

    def answer(
        self, chain: Chain, paths: Sequence[Sequence[int]], answer: Hashable | None, line: Hashable | None
    ) -> None:  # fmt: skip
        """The chain's prompt was answered: the nodes of each choice, and by what the first can be known again."""
        chain.answered = tuple(dict.fromkeys(path[-1] for path in paths if path))
        if chain.answered:
            _leave(self._ends, chain, chain.asked)
            self._repeated.setdefault((chain.asked, chain.session), {})[chain] = None
        for end in chain.answered:
            self._ends.setdefault((end, chain.session), {})[chain] = None
        for path in paths:
            self._own(-chain.number, path)
        if answer is not None:
            self._said[hash(answer)] = chain
            chain.answers.append(hash(answer))
        if len(chain.answers) > _KEPT_ANSWERS:
            self._forget(self._said, chain.answers.pop(0), chain)
        if chain.told is not None:
            self._forget(self._told, chain.told, chain)
        chain.told = None if line is None else hash(line)
        if chain.told is not None:
            self._told[chain.told] = chain

    @staticmethod
    def _forget(said: dict[int, Chain], key: int, chain: Chain) -> None:
        if said.get(key) is chain:
            del said[key]

    def _owner(self, node: int) -> int:
        return self._owners[node] if node < len(self._owners) else 0

    def _own(self, number: int, nodes: Sequence[int]) -> None:
        """Number the nodes that nobody had."""
        for node in nodes:
            if node >= len(self._owners):
                self._owners.frombytes(bytes(self._owners.itemsize * (node + _SPARE - len(self._owners))))
            if not self._owners[node]:
                self._owners[node] = number


def _leave(ends: _Ends, chain: Chain, *nodes: int) -> None:
    """The chain ends there no more."""
    for key in ((node, chain.session) for node in nodes):
        if (there := ends.get(key)) is not None:
            there.pop(chain, None)
            if not there:
                del ends[key]
