"""All spans of the files that are read together, and which of them is inside which."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from explorer.model import Severity
from explorer.readers._values import many
from explorer.readers.otlp._draft import AgentCall, Key, ModelCall, Span


class Remark(NamedTuple):
    """Something doubtful about a span."""

    code: str
    severity: Severity
    message: str
    span: Span


class Forest:
    """The spans, each once."""

    def __init__(self) -> None:
        self.spans: dict[Key, Span] = {}
        self.copies: Counter[Key] = Counter()
        """How often a span was recorded again."""
        self.repeated: dict[Key, list[Span]] = {}
        """These, where they have usage, which does not count."""
        self.remarks: list[Remark] = []
        self._children: defaultdict[Key, list[Span]] = defaultdict(list)

    def add(self, span: Span) -> None:
        """A span in the order of the record; of several of one id the one that has ended counts, or tells the most."""
        known = self.spans.setdefault(span.key, span)
        if known is not span:
            if (span.end is not None, span.place.length) > (known.end is not None, known.place.length):
                self.spans[span.key], span = span, known
            self.copies[span.key] += 1
            if isinstance(span.told, (ModelCall, AgentCall)) and span.told.usage.is_recorded:
                self.repeated.setdefault(span.key, []).append(span)

    def in_order(self) -> list[Span]:
        """Every span behind its parent, those of one parent by start; finds the parents first."""
        spans = sorted(self.spans.values(), key=lambda span: span.order)
        roots: list[Span] = []
        for span in spans:
            span.parent = self.spans.get((span.key[0], span.parent_id)) if span.parent_id else None
            if span.parent is span:
                self._say("self-parent", "warning", "the span names itself as its parent: it is shown as a root", span)
                span.parent = None
            if span.parent is None:
                span.is_orphan = span.parent_id is not None and span.parent_id != span.key[1]
                roots.append(span)
            else:
                self._children[span.parent.key].append(span)
        found = self._below(roots)
        if len(found) < len(spans):
            seen = {span.key for span in found}
            for span in spans:
                if span.key not in seen:
                    below = self._below([self._cut(span)])
                    seen.update(each.key for each in below)
                    found += below
        self._orphans(spans)
        return found

    def children(self, span: Span) -> list[Span]:
        """The spans right inside one."""
        return self._children.get(span.key, [])

    def _below(self, roots: Iterable[Span]) -> list[Span]:
        found: list[Span] = []
        waiting = [*roots][::-1]
        while waiting:
            span = waiting.pop()
            found.append(span)
            waiting.extend(reversed(self.children(span)))
        return found

    def _cut(self, span: Span) -> Span:
        """The earliest span of the circle that parents lead into from here, without its parent now."""
        seen: dict[Key, Span] = {}
        while span.key not in seen:
            seen[span.key] = span
            assert span.parent is not None
            span = span.parent
        circle, at = [span], span.parent
        while at is not None and at is not span:
            circle.append(at)
            at = at.parent
        first = min(circle, key=lambda each: each.order)
        assert first.parent is not None
        self._children[first.parent.key].remove(first)
        first.parent = None
        text = f"the parents of {many(len(circle), 'span')} lead in a circle: the earliest of them is shown as a root"
        self._say("parent-cycle", "warning", text, first)
        return first

    def _orphans(self, spans: Iterable[Span]) -> None:
        """Parents that are named and not there, each once."""
        lost: dict[Key, list[Span]] = {}
        for span in spans:
            if span.is_orphan and span.parent_id and (span.kind != "other" or self.children(span)):
                lost.setdefault((span.key[0], span.parent_id), []).append(span)
        for (_, parent), orphans in lost.items():
            named = f"{many(len(orphans), 'span')} {'names' if len(orphans) == 1 else 'name'}"
            text = f"{named} the parent {parent}, which is in none of the files: another service or file has it"
            self._say("unknown-parent", "warning", text, orphans[0])

    def _say(self, code: str, severity: Severity, message: str, span: Span) -> None:
        self.remarks.append(Remark(code, severity, message, span))
