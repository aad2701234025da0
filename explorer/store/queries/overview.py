"""The numbers of a node, each with its grade and how it comes about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.store.counts import counts
from explorer.store.queries.checkpoints import checkpoints
from explorer.store.queries.counting import counting
from explorer.store.queries.facts import Sheet
from explorer.store.queries.forks import counted_once, opens_like
from explorer.store.queries.handoffs import handed_over
from explorer.store.queries.proposals import proposal
from explorer.store.queries.recorded import as_recorded, attribution, footprint, numbering, recorded, times
from explorer.store.queries.reuse import reuse_totals
from explorer.store.queries.scope import Scope, one, scope_of
from explorer.store.queries.shapes import Fact
from explorer.store.queries.sums import Sums, whole_of
from explorer.store.queries.versions import versions

if TYPE_CHECKING:
    from explorer.model import Grade
    from explorer.store.database import Cursor
    from explorer.store.queries.facts import Unit
    from explorer.store.queries.recorded import Recorded

_TOKENS = {
    "input_tokens": ("input", "with what a cache served or stored"),
    "cache_read_tokens": ("cache read", "measured by the recorder; part of input"),
    "cache_write_tokens": ("cache write", "part of input"),
    "output_tokens": ("output", "with reasoning"),
    "reasoning_tokens": ("reasoning", "part of output"),
}


def overview(cursor: Cursor, node_id: str | None) -> list[Fact]:
    """The numbers of a node with their grade and source; of everything opened for None."""
    scope = scope_of(cursor, node_id)
    if scope is None:
        return []
    sheet = Sheet()
    if scope.kind == "all":
        _opened(cursor, sheet)
        _totals(cursor, sheet, scope)
        counted_once(cursor, sheet)
        counting(cursor, sheet, scope)
        versions(cursor, sheet, scope)
        _reuse(cursor, sheet, scope)
        return sheet.facts
    of = recorded(cursor, scope)
    _totals(cursor, sheet, scope, of)
    counting(cursor, sheet, scope)
    if scope.kind == "conversation":
        opens_like(cursor, sheet, of.line["conversation_id"])
        versions(cursor, sheet, scope)
    proposal(cursor, sheet, scope)
    times(cursor, sheet, of)
    handed_over(cursor, sheet, scope)
    _reuse(cursor, sheet, scope)
    sheet.section = "Blocks and numbering"
    footprint(sheet, of)
    if scope.kind == "conversation":
        numbering(cursor, sheet, of)
    checkpoints(cursor, sheet, scope, of.line["conversation_id"])
    as_recorded(cursor, sheet, scope, of)
    attribution(cursor, sheet, scope, of)
    return sheet.facts


def _opened(cursor: Cursor, sheet: Sheet) -> None:
    sheet.section = "Opened"
    held = counts(cursor)
    without = f"; of {held.agents_without_runs:,} no run is recorded" if held.agents_without_runs else ""
    copies = f"without {held.copied_runs:,} of copied history" if held.copied_runs else ""
    for label, number, note in (
        ("conversations", held.conversations, ""),
        ("agents", held.agents, f"{held.sub_agents:,} of them sub-agents{without}"),
        ("runs", held.runs, copies),
        ("sources read", held.sources_read, ""),
        ("sources read in part", held.sources_partial, "findings say what was left out"),
        ("sources skipped", held.sources_skipped, "no known format, empty, or beside the traces"),
        ("sources failed", held.sources_failed, "could not be read at all"),
    ):
        sheet.add(label, number, "count", note=note)
    row = one(cursor, "SELECT sum(bytes)::BIGINT FROM sources")
    sheet.add("size on disk", row[0] if row else None, "bytes")


def _totals(cursor: Cursor, sheet: Sheet, scope: Scope, of: Recorded | None = None) -> None:
    """Sums with everything below, and what of them is the node's own."""
    sheet.section = "Totals"
    sums = Sums(cursor, scope)
    note = sums.note(cursor, scope)
    _counted(cursor, sheet, scope, sums)
    _tokens(cursor, sheet, scope, sums, note is not None)
    if of and of.run:
        sheet.add_known("about these sums", of.run["reported_note"])
    elif of:
        sheet.add_known("about these sums", note)


def _counted(cursor: Cursor, sheet: Sheet, scope: Scope, sums: Sums) -> None:
    """Runs, steps and tool calls."""
    total = sums.total
    if sums.below or total["runs"] != 1:
        sheet.add("runs", total["runs"] or 0, "count", note=sums.share("runs"))
    if scope.kind in ("agent", "run"):
        _started_elsewhere(cursor, sheet, scope)
    words = "model calls"
    if sums.counts_no_steps:
        everywhere = sums.counts_no_steps == total["runs"]
        words = _NO_STEPS if everywhere else _SOME_NO_STEPS
        how = "by the recorder's own count" if everywhere else _BOTH_COUNTS
        how = "" if sums.origin("model_calls") else how
        _add(cursor, sheet, scope, sums, "model_calls", "model calls", how)
    sheet.add("steps", total["steps"], "count", note=sums.share("steps", words))
    if total["replayed_steps"]:
        sheet.add("replayed steps", total["replayed_steps"], "count", note="copied from another recording; not counted")
    if total["step_errors"]:
        sheet.add("failed steps", total["step_errors"], "count", note=sums.share("step_errors"))
    _add(cursor, sheet, scope, sums, "tool_calls", "tool calls")
    if total["tool_calls"] is not None:
        _add(cursor, sheet, scope, sums, "tool_errors", "failed tool calls")


def _started_elsewhere(cursor: Cursor, sheet: Sheet, scope: Scope) -> None:
    """Runs that count here and that a run elsewhere started, and the reverse: an agent hangs with all its runs."""
    row = one(
        cursor,
        f"""
        WITH own AS (SELECT run_id FROM internal.run_lines WHERE {scope.runs(own=True)}),
        here AS (SELECT run_id FROM internal.run_lines WHERE {scope.runs(own=False)})

        SELECT
            count(*) FILTER (
                run_id IN (FROM here) AND run_id NOT IN (FROM own) AND parent_run_id NOT IN (FROM here)
            ),
            count(*) FILTER (run_id NOT IN (FROM here) AND parent_run_id IN (FROM own))
        FROM internal.runs
        WHERE parent_run_id IS NOT NULL AND NOT is_replay
        """,
    )
    assert row is not None
    for label, count, words in zip(("started elsewhere", "counted elsewhere"), row, _ELSEWHERE, strict=True):
        if count:
            sheet.add(label, count, "count", note=words)


_ELSEWHERE = (
    "runs that another run started, counted here: all runs of an agent hang below the run that started its first",
    "runs that were started here and count where the first run of their agent was started",
)


def _tokens(cursor: Cursor, sheet: Sheet, scope: Scope, sums: Sums, has_note: bool) -> None:
    """Tokens and what they cost."""
    grade: Grade = "ambiguous" if sums.tokens_ambiguous else "derived" if sums.tokens_derived else "exact"
    steps, covered = sums.total["steps"] or 0, sums.total["steps_with_usage"] or 0
    lacking = steps - covered
    verb = "has" if lacking == 1 else "have"
    missing = f"{lacking:,} of {steps:,} steps {verb} no usage" if 0 < covered < steps else ""
    for name, (label, words) in _TOKENS.items():
        by_recorder = sums.summed_up(name) or sums.reported(name)
        if name == "input_tokens" and by_recorder and has_note:
            words = _AS_NOTED if scope.kind == "all" else 'what that includes: see "about these sums"'
        without = "" if by_recorder else missing
        _add(cursor, sheet, scope, sums, name, label, ", ".join(filter(None, (words, without))), "tokens", grade)
    cost, own = sums.total["cost_nano"], sums.own["cost_nano"]
    if cost is not None:
        share = f"${own / 1e9:,.4f} own, the rest in sub-agents" if sums.below and own is not None else ""
        note = "; ".join(filter(None, (share, sums.origin("cost_nano") or "the recorder's own figure")))
        sheet.add("cost", cost / 1e9, "usd", note=note)
    words = "most input and output of one step" + (", sub-agents included" if sums.below else "")
    sheet.add("peak context", sums.peak_context_tokens, "tokens", grade, words)


def _add(
    cursor: Cursor, sheet: Sheet, scope: Scope, sums: Sums, name: str, label: str, words: str = "",
    unit: Unit = "count", grade: Grade = "exact",
) -> None:  # fmt: skip
    """Add a sum with its share and where it is from."""
    if sums.total[name] is None:
        sheet.add(label, None, unit, note=whole_of(cursor, scope, name))
        return
    note = "; ".join(filter(None, (sums.share(name, words), sums.origin(name))))
    sheet.add(label, sums.total[name], unit, grade, note)


_AS_NOTED = "what the recorder's own sums include is said of each run"

_NO_STEPS = "a step here is a tool call with its result, or an error: this recorder writes no model calls"
_SOME_NO_STEPS = "model calls; of recorders that write none, tool calls with their results, and errors"
_BOTH_COUNTS = "those written down, and where none are, the recorder's own count"


_PARTS = (
    "are parts of prompts, of any length; those not recorded, often system prompt and tools, are left out, though "
    "shared too: these shares and the measured one of tokens do not compare"
)


def _reuse(cursor: Cursor, sheet: Sheet, scope: Scope) -> None:
    """What a cache without limits would have held."""
    found = reuse_totals(cursor, scope.node_id)
    if found is None:
        return
    sheet.section = "Reuse"
    if found.part_blocks:
        which = "blocks here" if found.part_blocks == found.blocks else f"{found.part_blocks:,} of the blocks"
        sheet.add("counted", "prompt parts", "", "derived", f"{which} {_PARTS}")
    hits = found.own + found.ancestor + found.sibling + found.other
    sheet.add(
        "reuse",
        hits / found.blocks,
        "ratio",
        "derived",
        f"{hits:,} of {found.blocks:,} blocks of {found.steps:,} {'prompt' if found.steps == 1 else 'prompts'} were "
        "there on arrival",
    )
    sheet.add("mean over steps", found.mean_step_share, "ratio", "derived", "each step counts the same, however long")
    for label, blocks, tokens, words in (
        ("from its own steps", found.own, found.own_tokens, "written by earlier steps of the same agent"),
        ("from ancestors", found.ancestor, found.ancestor_tokens, "further blocks once its ancestors count"),
        ("from siblings", found.sibling, found.sibling_tokens, "further blocks once agents of the same parent count"),
        ("from others", found.other, found.other_tokens, "further blocks once all of the namespace counts"),
    ):
        sheet.add(label, blocks, "blocks", "derived", f"{words}; {tokens:,} tokens" if tokens else words)
    sheet.add("fresh", found.fresh, "blocks", "derived", "held by no earlier step")
    sheet.add("behind a miss", found.behind, "blocks", "derived", "seen before, but no prefix cache can serve them")
    parts = (found.own_tokens, found.ancestor_tokens, found.sibling_tokens, found.other_tokens)
    could = sum(part or 0 for part in parts)
    if could:
        sheet.add("could have hit", could, "tokens", "derived", _of_input(could, found.input_tokens))
    sheet.add("did hit", found.cache_read_tokens, "tokens", note=_of_input(found.cache_read_tokens, found.input_tokens))


def _of_input(tokens: int | None, input_tokens: int | None) -> str:
    if tokens is None or not input_tokens:
        return ""
    return f"{tokens / input_tokens:.1%} of {input_tokens:,} input tokens of steps with blocks"
