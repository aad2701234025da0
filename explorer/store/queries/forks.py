"""What several conversations have in common at their start, and totals that count it once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.store.queries.scope import one

if TYPE_CHECKING:
    from explorer.store.database import Cursor
    from explorer.store.queries.facts import Sheet, Unit


def counted_once(cursor: Cursor, sheet: Sheet) -> None:
    """The totals of everything without the steps that another conversation has too; nothing where there are none."""
    row = one(
        cursor,
        """
        SELECT
            (SELECT count(*) FROM forked_captures WHERE same_steps > 0),
            (SELECT count(DISTINCT group_id) FROM forked_captures),
            a.steps - r.steps, internal.whole(a.input - r.input), internal.whole(a.output - r.output),
            internal.whole(a.blocks - r.blocks), r.steps, r.input, r.output, r.blocks
        FROM (
            SELECT count(*) AS steps, sum(input_tokens) AS input, sum(output_tokens) AS output, sum(blocks) AS blocks
            FROM internal.repeated
        ) AS r, (
            SELECT sum(steps) AS steps, sum(input_tokens) AS input, sum(output_tokens) AS output, sum(blocks) AS blocks
            FROM internal.runs
        ) AS a
        """,
    )
    if row is None or not row[0]:
        return
    forks, groups, steps, input_tokens, output_tokens, blocks, *again = row
    sheet.section = "Each step once"
    note = f"in {groups:,} group{'s' if groups > 1 else ''} that begin with the same steps; forked_captures lists them"
    sheet.add("forked captures", forks, "count", "derived", note)
    parts: tuple[tuple[str, int | None, int | None, Unit], ...] = (
        ("steps once", steps, again[0], "count"),
        ("input once", input_tokens, again[1], "tokens"),
        ("output once", output_tokens, again[2], "tokens"),
        ("blocks once", blocks, again[3], "blocks"),
    )
    for label, value, repeated, unit in parts:
        if value is not None and repeated is not None:
            note = f"without {int(repeated):,} that another conversation has too"
            sheet.add(label, int(value), unit, "derived", note)


def opens_like(cursor: Cursor, sheet: Sheet, conversation_id: str) -> None:
    """What a conversation has in common with others at its start; nothing where it has nothing."""
    row = one(
        cursor,
        """
        SELECT f.conversations, f.same_as, f.same_steps, f.steps, c.title
        FROM forked_captures AS f
        LEFT JOIN internal.conversations AS c ON c.conversation_id = f.same_as
        WHERE f.conversation_id = $1
        """,
        [conversation_id],
    )
    if row is None:
        return
    conversations, same_as, same, steps, title = row
    others = f"with {conversations - 1:,} other{'s' if conversations > 2 else ''}; forked_captures has them"
    if same_as is None:
        sheet.add("opens alike", conversations, "count", "derived", f"{others}; here the steps count as its own")
        return
    sheet.add("opens like", title or same_as, grade="derived", note=others)
    sheet.add("steps in common", same, "count", "derived", f"of {steps:,}; sums over both count them twice")
