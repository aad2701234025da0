"""A source that is being read, and what the rows that have come tell of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, fields

from explorer.model import Conversation, Finding
from explorer.readers import Report
from explorer.store.ingest.companions import State
from explorer.store.ingest.task import UNFINISHED, Chunk, Task
from explorer.store.ingest.together import Group
from explorer.store.ingest.walk import Found

_SCOPE = [each.name for each in fields(Conversation)].index("block_scope")
_CODE = [each.name for each in fields(Finding)].index("code")
_NOTHING: list[tuple[object, ...]] = [()] * (1 + max(_SCOPE, _CODE))


@dataclass(slots=True)
class Begun:
    """A source that is being read."""

    task: Task
    found: Found
    companions: State
    linked: Group | None = None
    """What else is read with it for its links."""
    companions_of_parts: Sequence[State] = ()
    """Of each of these."""
    position: int = 0
    """How far the reading is, in bytes."""
    records: Counter[str] = field(default_factory=Counter)
    """Model calls so far, by the source that they stand in."""
    shared: bool = False
    """Whether it has blocks in a namespace that other sources share."""
    unfinished: bool = False
    """Whether it ends in the middle of a record that is being written."""
    open: int = 1
    """Shares of it that are still to come."""
    report: Report = field(default_factory=lambda: Report(0))
    """What the shares that have come told together."""
    failure: str | None = None

    @property
    def parts(self) -> Sequence[Found]:
        """The other sources that its links lead to."""
        return self.linked.parts if self.linked else ()

    @property
    def bytes(self) -> int:
        """Of all that is read."""
        return sum(each.size or 0 for each in (self.found, *self.parts))

    def add(self, chunk: Chunk) -> None:
        """Take in what a chunk tells beyond its rows."""
        if "global" in chunk.columns.get("conversations", _NOTHING)[_SCOPE]:
            self.shared = True
        if UNFINISHED in chunk.columns.get("findings", _NOTHING)[_CODE]:
            self.unfinished = True
        self.records.update(chunk.records)
        if chunk.report is None:
            return
        self.open -= 1
        self.failure = self.failure or chunk.failure
        before, told = self.report, chunk.report
        self.report = Report(
            before.bad_records + told.bad_records,
            {**before.assumed, **told.assumed},
            [*before.votes, *told.votes],
            Counter(before.bad_of_parts) + Counter(told.bad_of_parts),
            before.aside or told.aside,
        )
