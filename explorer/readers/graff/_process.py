"""One process: what its files say, put together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from explorer.model import Finding, Grade
from explorer.readers._values import key_part
from explorer.readers.graff._behavior import MOST_UNIX_MS, Behavior
from explorer.readers.graff._execution import OUTSIDE, Execution, Participant
from explorer.readers.graff._file import File
from explorer.readers.graff._lines import Record
from explorer.readers.graff._records import ENVELOPE, Node, node_of
from explorer.readers.graff._windows import Children, Turns

TURN, ERROR, PROMPT, SESSION = "turn", "turn_error", "prompt", "session"

SHORTLY_MS = 20
"""By how much a child may seem to begin before the turn that began it, as either time is taken a little late."""


def in_order(run: Execution) -> tuple[bool, int, int, str]:
    """Where a turn stands among the turns."""
    return run.start is None, run.start or 0, run.number or 0, run.run_id


class Process:
    """One conversation. First everything is taken in, then ``settle`` makes executions of it."""

    def __init__(self, conversation_id: str, file: File, fields: dict[str, object]) -> None:
        self.conversation_id = conversation_id
        self.file = file
        """Where it was first seen."""
        self.identity = {name: fields[name] for name in ENVELOPE if name in fields}
        self.nodes: list[Node] = []
        self.behavior = Behavior()
        self.behavior_file: File | None = None
        self.trace_file: File | None = None
        """Where its calls are, once one of them was seen."""
        self.has_steps = False
        self.prompts: dict[str, int | None] = {}
        """Length of the system prompts, by their fingerprint."""
        self.header_ms: int | None = None
        self.version: str | None = None
        self.grade: Grade = "exact"
        """How sure it is that its nodes are its own."""
        self.doubtful: dict[int, list[str]] = {}
        """Nodes, by place, that other processes may have written, and the conversations of all these."""
        self.main = Participant(f"{conversation_id}/main", "main", None)
        self.children: list[Execution] = []
        self.unrecorded: dict[str | None, Execution] = {}
        """Calls of children that have no node, by label."""
        self.by_node: dict[int, Execution] = {}
        self.by_number: dict[int, Execution] = {}
        self.remarks: list[Node] = []
        self.agent_ids = Counter([self.main.agent_id])
        self.settled = False

    @property
    def unix_ms(self) -> int | None:
        """When it began, by the clock."""
        return self.behavior.unix_ms if self.behavior.unix_ms is not None else self.header_ms

    def since_start(self, unix_ms: int | None) -> int | None:
        """A time of the clock as milliseconds from its start."""
        return None if unix_ms is None or self.unix_ms is None else max(unix_ms - self.unix_ms, 0)

    def take_node(self, record: Record) -> Node | None:
        """Note a line of the lineage."""
        if record.fields.get("kind") == PROMPT:
            sha, text = record.fields.get("prompt_sha"), record.fields.get("text")
            if isinstance(sha, str):
                self.prompts[sha] = len(text) if isinstance(text, str) else None
            return None
        if record.fields.get("kind") == SESSION:
            unix_ms, version = record.fields.get("unix_ms"), record.fields.get("version")
            if type(unix_ms) is int and 0 <= unix_ms <= MOST_UNIX_MS:
                self.header_ms = unix_ms
            self.version = version if isinstance(version, str) else None
            return None
        node = node_of(record)
        self.nodes.append(node)
        return node

    # --- executions --------------------------------------------------------------------------------------------------

    def settle(self) -> Iterator[Finding]:
        """Make executions of what was taken in."""
        self.settled = True
        errors: list[Node] = []
        of_agents: list[Node] = []
        for node in self.nodes:
            if node.kind == TURN and node.id is not None:
                yield from self._turn(node)
            elif node.kind == ERROR:
                errors.append(node)
            elif node.id is not None and node.ms is not None and node.kind != TURN:
                of_agents.append(node)
            else:
                self.remarks.append(node)
        self._behavioral_turns()
        for node in errors:
            self._error(node)
        self.main.runs.sort(key=in_order)
        self.turns = Turns(self.main.runs)
        for node in of_agents:
            yield from self._child(node)
        self.labelled: dict[str | None, Children] = {None: Children(self.children)}
        labels: dict[str | None, list[Execution]] = {}
        for child in self.children:
            labels.setdefault(child.agent.label, []).append(child)
        self.labelled.update({label: Children(same) for label, same in labels.items() if label is not None})

    def _turn(self, node: Node) -> Iterator[Finding]:
        """A turn is written twice: when it begins, and when it ends."""
        assert node.id is not None
        turn = self.by_node.get(node.id)
        if turn is None:
            turn = self.by_node[node.id] = self._of_main(str(node.id))
        elif not node.live and turn.node is not None:
            message = f"a second end of turn {node.id}: the first one counts"
            yield from self.file.finding("duplicate-id", "warning", message, node.offset, self.conversation_id, turn)
            return
        self._doubt(turn, node)
        if node.live:
            turn.opened = turn.opened or node
        else:
            turn.node = node
            turn.sums = dict(node.counts)
            turn.end = node.t
        turn.start = turn.opened.start if turn.opened else node.start

    def _of_main(self, native: str) -> Execution:
        turn = Execution(f"{self.main.agent_id}/{native}", self.main, native, grade=self.grade)
        self.main.runs.append(turn)
        return turn

    def _behavioral_turns(self) -> None:
        """Link the two numberings; turns whose nodes were lost or never written are executions all the same."""
        for number, node, unix_ms in ((turn.number, turn.node, turn.unix_ms) for turn in self.behavior.turns):
            turn = self.by_node.get(node) if node else None
            if turn is None:
                turn = self._of_main(str(node)) if node else self.of_number(number)
                turn.start = self.since_start(unix_ms)
                if node:
                    self.by_node[node] = turn
            turn.number = turn.number or number
            self.by_number[number] = turn

    def of_number(self, number: int) -> Execution:
        """The turn of a behavioral number that no node is known of."""
        if number not in self.by_number:
            self.by_number[number] = self._of_main(f"turn-{number}")
            self.by_number[number].number = number
        return self.by_number[number]

    def outside(self) -> Execution:
        """What the root agent does outside of any turn."""
        for run in self.main.runs:
            if run.native == OUTSIDE:
                return run
        return self._of_main(OUTSIDE)

    def _error(self, node: Node) -> None:
        turn = self.by_node.get(node.parent or 0)
        if turn is None:
            self.remarks.append(node)
        else:
            turn.error = turn.error or node.detail or "error"

    def _child(self, node: Node) -> Iterator[Finding]:
        agent_id = self.free_id(f"{node.kind}-{node.id}")
        agent = Participant(agent_id, node.kind, node.label)
        child = Execution(f"{agent_id}/1", agent, str(node.id), node, grade=self.grade)
        child.start, child.end = node.start, node.t
        self._doubt(child, node)
        agent.runs.append(child)
        self.children.append(child)
        if "~" in agent_id.rpartition("/")[2]:
            message = f"a second {node.kind} with the id {node.id}: told apart by order"
            yield from self.file.finding("duplicate-id", "warning", message, node.offset, self.conversation_id, child)
        yield from self._parent(child, node)

    def _doubt(self, run: Execution, node: Node) -> None:
        """Another process may have written the node."""
        if node.offset in self.doubtful:
            run.grade, run.candidates = "ambiguous", self.doubtful[node.offset]

    def free_id(self, name: str) -> str:
        """A key of its own for an agent."""
        agent_id = f"{self.conversation_id}/{key_part(name)}"
        self.agent_ids[agent_id] += 1
        number = self.agent_ids[agent_id]
        return agent_id if number == 1 else f"{agent_id}~{number}"

    def _parent(self, child: Execution, node: Node) -> Iterator[Finding]:
        """The turn that began a child: the recorded parent is the one that was current when it ended."""
        recorded = self.by_node.get(node.parent or 0)
        if child.start is None or not any(turn.start is not None for turn in self.main.runs):
            child.parent, child.parent_grade = recorded or self.outside(), "derived" if recorded else "ambiguous"
            return
        if recorded and (recorded.start is None or recorded.start <= child.start + SHORTLY_MS):
            child.parent, child.parent_grade = recorded, "derived" if recorded.start is None else "exact"
            return
        current = self.turns.current(child.start + SHORTLY_MS)
        child.parent = current or recorded or self.turns.nearest(child.start)
        child.parent_grade = "derived" if current else "ambiguous"
        if current and recorded:
            message = (
                f"recorded below turn {recorded.native}, which was current when it ended; "
                f"it had begun during turn {current.native}"
            )
            yield from self.file.finding("late-parent", "info", message, node.offset, self.conversation_id, child)
