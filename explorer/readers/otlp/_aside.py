"""Usage of spans that are no calls of a model by an agent, such as embeddings: it was spent, and is in no sum of steps.

Where spans that have usage are inside each other, the innermost tell; what is inside the call of a model repeats it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from explorer.readers.otlp._draft import Key, Span
from explorer.readers.otlp._forest import Forest, Remark
from explorer.readers.otlp._run import Run
from explorer.readers.otlp._runs import Runs

_MOST_NAMES = 10


class Asides:
    """Finds it in a forest of which the runs are known."""

    def __init__(self, forest: Forest, runs: Runs) -> None:
        self._conversation_of: dict[str, str] = {}
        for run in runs.runs:
            self._conversation_of.setdefault(run.span.key[0], run.conversation)
        self._by_conversation: defaultdict[str | None, list[Span]] = defaultdict(list)
        self._by_run: defaultdict[int, list[Span]] = defaultdict(list)
        having = [span for span in forest.spans.values() if span.aside]
        around = _around(forest.spans.values()) if having else set()
        for span in having:
            if span.key in around or any(above.kind == "model" for above in _above(span)):
                continue
            inside = runs.run_of.get(span.key)
            self._by_conversation[inside.conversation if inside else self._conversation_of.get(span.key[0])].append(
                span
            )
            if inside:
                self._by_run[id(inside)].append(span)

    def of(self, run: Run) -> list[Span]:
        """The spans that are right inside a run."""
        return self._by_run.get(id(run), [])

    def remarks(self) -> Iterator[tuple[str | None, Remark]]:
        """What each conversation has of it, or its trace; None where there is neither."""
        for conversation, spans in self._by_conversation.items():
            asides = [span.aside for span in spans if span.aside]
            names = Counter(aside.operation for aside in asides).most_common()
            said = [f"{name} ×{times:,}" for name, times in names[:_MOST_NAMES]]
            said += [f"others ×{sum(times for _, times in names[_MOST_NAMES:]):,}"] if names[_MOST_NAMES:] else []
            sums = {
                what: [count for aside in asides if (count := getattr(aside.usage, what)) is not None]
                for what in ("input", "output")
            }
            tokens = " and ".join(f"{sum(counts):,} {what}" for what, counts in sums.items() if counts)
            text = f"{', '.join(said)}: {tokens} tokens, in no total"
            yield conversation, Remark("unsummed-usage", "info", text, min(spans, key=lambda span: span.order))


def _above(span: Span) -> Iterator[Span]:
    """What a span is inside of, from the nearest on."""
    while span.parent is not None:
        span = span.parent
        yield span


def _around(spans: Iterable[Span]) -> set[Key]:
    """Of all spans those that what has usage, or may have, is inside of."""
    found: set[Key] = set()
    for span in spans:
        if span.aside or span.kind in ("model", "agent"):
            for above in _above(span):
                if above.key in found:
                    break
                found.add(above.key)
    return found
