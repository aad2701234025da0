"""What caches of every size would hit. It stands on the tables of ``Database.compute``, which must have been called."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from explorer.reuse.arrivals import Arrivals
from explorer.reuse.together import Piece
from explorer.store.queries.scope import Scope, one, scope_of
from explorer.store.recency import shared

if TYPE_CHECKING:
    from explorer.store.database import Cursor

_Change: TypeAlias = tuple[int, int, int, int | None, int | None]


class Curve(NamedTuple):
    """Hits at every capacity, or at every time that blocks are kept; exact."""

    at: list[int]
    """Where something changes, in order."""
    rate: list[int]
    """From there on, how many blocks each further unit adds."""
    moment: list[int]
    """Hits at c are rate * (c + 1) - moment, of the last change up to c."""
    token_rate: list[int] | None
    """The same in tokens; None where the size of some blocks is not recorded."""
    token_moment: list[int] | None

    def hits(self, capacity: int) -> int:
        """Blocks that are hit."""
        index = bisect_right(self.at, capacity) - 1
        return self.rate[index] * (capacity + 1) - self.moment[index] if index >= 0 else 0

    def tokens(self, capacity: int) -> int | None:
        """Tokens in these blocks."""
        if self.token_rate is None or self.token_moment is None:
            return None
        index = bisect_right(self.at, capacity) - 1
        return self.token_rate[index] * (capacity + 1) - self.token_moment[index] if index >= 0 else 0

    @property
    def most(self) -> int:
        """From here on nothing more is hit; 0 where nothing ever is."""
        last = self.at[-1] if self.at else 0
        return last - (last > 0 and self.hits(last - 1) == self.hits(last))

    def reach(self, hits: int) -> int:
        """The least capacity that hits so many blocks; ``most`` where none does."""
        low, high = 0, self.most
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if self.hits(middle) >= hits else (middle + 1, high)
        return low


class CacheCurves(NamedTuple):
    """The prompts of a node, and what of them is hit."""

    conversations: int
    steps: int
    blocks: int
    input_tokens: int | None
    """None where those of some step are not recorded."""
    block_tokens: int | None
    """None where blocks differ in size, or it is not recorded."""
    chained: bool
    """Whether an id stands for a whole prefix; else ``optimal`` may be out of reach."""
    is_whole: bool
    """Whether these are all prompts of their caches; of a part, ``lru`` may hit more than ``optimal``."""
    lru: Curve
    optimal: Curve
    kept: Curve | None
    """By how many milliseconds blocks are kept after their last use; None where some step has no time."""


class KvModel(NamedTuple):
    """A model whose numbers are public."""

    name: str
    bytes_per_token: int
    source: str


def cache_curves(cursor: Cursor, node_id: str | None, own: bool = False) -> CacheCurves | None:
    """The curves of a node, each conversation on a cache of its own; None without blocks."""
    scope = scope_of(cursor, node_id)
    if scope is None:
        return None
    whole = one(
        cursor,
        f"""
        SELECT
            count(DISTINCT r.conversation_id),
            count(*),
            sum(s.blocks)::BIGINT,
            internal.sum_of_all(t.input_tokens::HUGEINT),
            bool_and(coalesce(n.chained, true)),
            count(*) = (SELECT count(*) FROM step_recency),
            bool_and(s.blocks_1_minute IS NOT NULL),
            list(DISTINCT r.conversation_id)
        FROM step_recency AS s
        JOIN internal.runs AS r USING (run_id)
        JOIN steps AS t ON t.run_id = s.run_id AND t.ordinal = s.ordinal
        LEFT JOIN namespace_audit AS n USING (conversation_id)
        WHERE {chosen(scope, own, "s.")}
        """,
    )
    if whole is None or not whole[1]:
        return None
    conversations, steps, blocks, tokens, chained, all_of_all, timed, ids = whole
    of_conversations = one(
        cursor,
        "SELECT count(*) FROM step_recency JOIN internal.runs USING (run_id) WHERE list_contains($1, conversation_id)",
        [ids],
    )
    kept = None
    if timed:
        ages = cursor.execute(
            f"""
            SELECT
                age_ms, 0, -sum(sum(blocks)) OVER up_to, 0,
                CASE WHEN count(tokens) = count(*) THEN -sum(sum(tokens)) OVER up_to END
            FROM prompt_recency
            WHERE age_ms IS NOT NULL AND {chosen(scope, own)}
            GROUP BY age_ms
            WINDOW up_to AS (ORDER BY age_ms)
            ORDER BY age_ms
            """
        ).fetchall()
        kept = _curve(ages)
    return CacheCurves(
        conversations=conversations,
        steps=steps,
        blocks=blocks,
        input_tokens=tokens,
        block_tokens=block_tokens(cursor, chosen(scope, own)),
        chained=chained,
        is_whole=all_of_all or (of_conversations or (0,))[0] == steps,
        lru=_distances(cursor, "prompt_recency", scope, own),
        optimal=_distances(cursor, "prompt_optimal", scope, own),
        kept=kept,
    )


def shared_curves(cursor: Cursor, arrivals: Arrivals, stop: Callable[[], bool] = lambda: False) -> tuple[Curve, Curve]:
    """What everything open hits on one cache: by LRU, and at best.

    Raises:
        Stopped: ``stop``, which is asked again and again, said so.
    """
    pieces = shared(cursor, arrivals, stop)
    lru, optimal = (_curve(_changes(p for p in pieces if p.cache == policy)) for policy in ("lru", "optimal"))
    return lru, optimal


def kv_models(cursor: Cursor) -> list[KvModel]:
    """The models of which it is known what a token takes in the KV cache."""
    rows = cursor.execute("SELECT name, bytes_per_token, source FROM kv_models ORDER BY name").fetchall()
    return [KvModel(*row) for row in rows]


def chosen(scope: Scope, own: bool, of: str = "") -> str:
    """A condition over rows with a ``run_id``."""
    return f"{of}run_id IN (SELECT run_id FROM internal.run_lines WHERE {scope.runs(own)})"


def block_tokens(cursor: Cursor, where: str) -> int | None:
    """How many tokens every block holds; None where they differ in size, or it is not recorded of some."""
    found = one(
        cursor,
        "SELECT CASE WHEN min(block_tokens) = max(block_tokens) AND count(block_tokens) = count(*) "
        f"THEN min(block_tokens) END FROM block_runs WHERE {where}",
    )
    return found[0] if found else None


def _distances(cursor: Cursor, table: str, scope: Scope, own: bool) -> Curve:
    """The curve of the distances of a node's blocks."""
    return _curve(
        cursor.execute(
            f"""
            WITH changes AS (
                SELECT distance, sum(rate) AS rate, sum(token_rate) AS token_rate, count(token_rate) = count(*) AS known
                FROM (
                    SELECT unnest(
                        internal.changes(first_distance, last_distance, blocks, tokens), recursive := true
                    )
                    FROM {table}
                    WHERE first_distance IS NOT NULL AND {chosen(scope, own)}
                )
                GROUP BY distance
            )
            SELECT
                distance,
                sum(rate) OVER up_to,
                sum(rate * distance) OVER up_to,
                CASE WHEN known THEN sum(token_rate) OVER up_to END,
                CASE WHEN known THEN sum(token_rate * distance) OVER up_to END
            FROM changes
            WINDOW up_to AS (ORDER BY distance)
            ORDER BY distance
            """
        ).fetchall()
    )


def _changes(pieces: Iterable[Piece]) -> list[_Change]:
    """The changes of a curve of these pieces."""
    rates: dict[int, tuple[int, int | None]] = {}
    for _, first, last, blocks, tokens in pieces:
        width = last - first + 1
        for at, sign in ((first, 1), (last + 1, -1)):
            rate, held = rates.get(at, (0, 0))
            known = None if tokens is None or held is None else held + sign * (tokens // width)
            rates[at] = rate + sign * (blocks // width), known
    changes: list[_Change] = []
    rate = moment = 0
    token_rate: int | None = 0
    token_moment: int | None = 0
    for at, (added, tokens) in sorted(rates.items()):
        rate, moment = rate + added, moment + added * at
        if tokens is None or token_rate is None or token_moment is None:
            token_rate = token_moment = None
        else:
            token_rate, token_moment = token_rate + tokens, token_moment + tokens * at
        changes.append((at, rate, moment, token_rate, token_moment))
    return changes


def _curve(changes: Sequence[_Change]) -> Curve:
    at, rate, moment, token_rate, token_moment = (
        (list(column) for column in zip(*changes, strict=True)) if changes else ([], [], [], [], [])
    )
    known = None not in token_rate and None not in token_moment
    return Curve(at, rate, moment, token_rate if known else None, token_moment if known else None)
