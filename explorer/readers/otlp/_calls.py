"""Which calls of models count, and what their tokens mean: each call once, with what a cache served in the input."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from explorer.readers._values import many
from explorer.readers.otlp._draft import AgentCall, Key, ModelCall, Span, Usage
from explorer.readers.otlp._forest import Remark
from explorer.readers.otlp._run import Run
from explorer.readers.otlp._runs import Runs
from explorer.readers.otlp._span import scope_of


class Counting:
    """What is known of the usage of all spans of a source."""

    def __init__(self, runs: Runs) -> None:
        self.remarks: list[Remark] = []
        self._borrowed: set[Key] = set()
        for run in runs.runs:
            self._unwrap(run, runs)
        self._say_nested(runs.runs)
        self._exclusive: set[tuple[str, str | None]] = set()
        self._find_exclusive(runs.runs)

    def usage(self, span: Span) -> Usage:
        """The tokens of a span, its input with what a cache read and wrote."""
        told = span.told
        if isinstance(told, ModelCall):
            return told.usage.inclusive((scope_of(span), told.provider) in self._exclusive)
        if isinstance(told, AgentCall):
            scope = scope_of(span)
            return told.usage.inclusive(any(scope == each for each, _ in self._exclusive))
        return span.aside.usage if span.aside else Usage()

    def is_derived(self, span: Span) -> bool:
        """Whether the tokens were added up, or are those of a span around it."""
        told = span.told
        if not isinstance(told, ModelCall):
            return False
        return span.key in self._borrowed or bool(
            told.usage.cached and (scope_of(span), told.provider) in self._exclusive
        )

    def _unwrap(self, run: Run, runs: Runs) -> None:
        """Take what is around other calls, innermost first, out of the calls of a run."""
        innermost: dict[Key, list[Span]] = {}
        for outer in reversed(run.calls):
            inside = [each for each in runs.inside.get(outer.key, ()) if runs.run_of[each.key] is run]
            inner = [call for each in inside for call in innermost.get(each.key, [each])]
            if inner and _wraps(outer, inner):
                innermost[outer.key] = inner
                run.wrappers.append(outer)
                if len(inner) == 1:
                    self._lend(outer, inner[0])
        gone = {span.key for span in run.wrappers}
        run.calls = [span for span in run.calls if span.key not in gone]

    def _say_nested(self, runs: Iterable[Run]) -> None:
        """Of each conversation which recorders are around others."""
        found: defaultdict[str, list[Span]] = defaultdict(list)
        for run in runs:
            found[run.conversation] += run.wrappers
        for around in filter(None, found.values()):
            scopes = ", ".join(sorted({scope_of(span) for span in around}))
            text = (
                f"{many(len(around), 'span')} of {scopes} around calls that are recorded inside: the inner ones count"
            )
            self.remarks.append(Remark("nested-calls", "info", text, around[0]))

    def _lend(self, outer: Span, inner: Span) -> None:
        """What only the outer of two spans of one call has."""
        around, call = outer.told, inner.told
        assert isinstance(around, ModelCall)
        assert isinstance(call, ModelCall)
        call.request_model = call.request_model or around.request_model
        call.model = call.model or around.model
        call.provider = call.provider or around.provider
        call.response_id = call.response_id or around.response_id
        call.finish = call.finish or around.finish
        call.asked = call.asked or around.asked
        call.is_compacted = call.is_compacted or around.is_compacted
        call.cost = around.cost if call.cost is None else call.cost
        inner.error = inner.error or outer.error
        if not call.usage.is_recorded and around.usage.is_recorded:
            call.usage = around.usage
            self._borrowed.add(inner.key)
        if not call.is_told and around.is_told:
            call.parts, call.is_told = around.parts, True
            call.told_at = around.told_at or outer.place

    def _find_exclusive(self, runs: Iterable[Run]) -> None:
        """Recorders that leave out of the input what a cache read or wrote: if one call proves it, it is so in all."""
        seen: dict[tuple[str, str | None], Span] = {}
        counted: Counter[tuple[str, str | None]] = Counter()
        for run in runs:
            for span in run.calls:
                told = span.told
                assert isinstance(told, ModelCall)
                key = scope_of(span), told.provider
                if told.usage.cached:
                    counted[key] += 1
                    if told.usage.input is not None and told.usage.cached > told.usage.input:
                        seen.setdefault(key, span)
        self._exclusive = set(seen)
        for key, span in seen.items():
            scope, provider = key
            told = span.told
            assert isinstance(told, ModelCall)
            text = (
                f"{scope}{f', for {provider},' if provider else ''} records an input of {told.usage.input:,} tokens of "
                f"which a cache is said to have read and written {told.usage.cached:,}: its input is without them, and "
                f"they are added in {many(counted[key], 'call')}"
            )
            self.remarks.append(Remark("exclusive-input", "info", text, span))


def _wraps(outer: Span, inner: list[Span]) -> bool:
    """Whether a span holds the same calls as those inside it, and is none of its own.

    It is one where all have ids of their response, its own is another, and its tokens are not those inside.
    """
    told = outer.told
    assert isinstance(told, ModelCall)
    calls = [each.told for each in inner if isinstance(each.told, ModelCall)]
    ids = [call.response_id for call in calls]
    if told.response_id is None or None in ids or told.response_id in ids or not told.usage.is_recorded:
        return True
    figures = [(call.usage.input or 0, call.usage.output or 0) for call in calls]
    own = told.usage.input or 0, told.usage.output or 0
    return own in (figures[-1], tuple(map(sum, zip(*figures, strict=True))))
