"""The public queries whose rows the pages about caches show."""

from __future__ import annotations


def curve_sql(
    page: str, conversation_id: str | None, capacity: int, keep_ms: int | None, arrival: str | None = None
) -> str:
    """For ``--sql``: the curve of sizes (page ``size``) or times (``time``), ``misses``, what is in ``use``, ``means``.

    ``conversation_id`` None is for all conversations; ``arrival`` is how they begin where they share a cache.
    """
    of_it = "IS NULL" if conversation_id is None else "= '" + conversation_id.replace("'", "''") + "'"
    if page == "size" and arrival is not None:
        return f"FROM shared_cache_curve WHERE arrival = '{arrival}'"
    if page == "use":
        return "FROM working_set" + ("" if conversation_id is None else f" WHERE conversation_id {of_it}")
    cache = f"{capacity}, {'NULL' if keep_ms is None else keep_ms}"
    relation = {
        "size": "cache_curve",
        "time": "time_to_live_curve",
        "misses": f"missed_by_agent({cache})",
        "means": "reuse_means",
    }[page]
    where = f" WHERE conversation_id {of_it}" if page not in ("misses", "means") or conversation_id is not None else ""
    return f"FROM {relation}{where}"
