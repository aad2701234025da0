"""What happened to runs besides their steps, and which of it is marked."""

MOVED = """
    moved AS (
        SELECT
            e.*,
            -- Times count from the start of the receiver's conversation. Where the sender's is another one, they count
            -- on its lane from that one's start, if both are known.
            CASE WHEN f.conversation_id <> t.conversation_id THEN epoch_ms(fc.started_at) - epoch_ms(tc.started_at)
                ELSE 0 END AS earlier,
            -- Where no time was recorded: what starts a run is when it starts, its result when it ends.
            CASE
                WHEN e.at_ms IS NOT NULL THEN e.at_ms
                WHEN e.kind = 'result' THEN f.end_ms + earlier
                WHEN e.kind IN ('spawn', 'assign', 'fork', 'resume') THEN t.start_ms
            END AS moment
        FROM edges AS e
        LEFT JOIN internal.runs AS f ON f.run_id = e.from_run_id
        LEFT JOIN internal.runs AS t ON t.run_id = e.to_run_id
        LEFT JOIN conversations AS fc ON fc.conversation_id = f.conversation_id
        LEFT JOIN conversations AS tc ON tc.conversation_id = t.conversation_id
    )
"""
"""The edges, each with the moment it is drawn at."""

HAPPENINGS = (
    MOVED
    + """,
    told AS (SELECT DISTINCT run_id FROM events WHERE trigger = 'checkpoint' AND at_ms IS NOT NULL),
    happenings AS (
        SELECT
            e.run_id, e.at_ms AS moment, CASE WHEN e.trigger = 'checkpoint' THEN 'checkpoint' ELSE e.kind END AS what,
            NULL::BOOLEAN AS outward, NULL AS other, coalesce(e.detail, e.trigger) AS detail,
            NULL::BOOLEAN AS delivered, NULL AS grade, e.tokens_before AS before, e.tokens_after AS after
        FROM events AS e
        -- A note of repaired times is at the time that is not true.
        WHERE e.trigger IS DISTINCT FROM 'repaired-time'
        UNION ALL BY NAME
        SELECT run_id, at_ms AS moment, 'checkpoint' AS what, checkpoint_id AS detail, messages AS before
        FROM checkpoints
        -- Where events tell of them as well, these say more.
        ANTI JOIN told USING (run_id)
        UNION ALL BY NAME
        SELECT
            from_run_id AS run_id, moment - earlier AS moment, kind AS what, true AS outward, to_run_id AS other,
            delivered, grade, edge_id, moment AS moment_there
        FROM moved
        UNION ALL BY NAME
        SELECT
            to_run_id AS run_id, moment, kind AS what, false AS outward, from_run_id AS other, delivered, grade,
            edge_id, moment - earlier AS moment_there
        FROM moved
        WHERE delivered IS DISTINCT FROM false
        UNION ALL BY NAME
        SELECT
            t.run_id, coalesce(t.start_ms, s.start_ms, t.end_ms) AS moment, 'tool' AS what, t.name AS other, t.grade,
            coalesce(t.is_error, false) AS failed, t.end_ms - t.start_ms AS took
        FROM tool_calls AS t
        LEFT JOIN steps AS s ON s.run_id = t.run_id AND s.ordinal = t.step_ordinal
        WHERE NOT coalesce(s.is_replay, false)
    )
"""
)
"""Everything but steps that has a time, run by run."""

MARK = """
    CASE
        WHEN what = 'tool' THEN CASE WHEN failed THEN 'tool_error' ELSE 'tool' END
        WHEN outward AND delivered IS NOT DISTINCT FROM false THEN 'lost'
        WHEN what = 'spawn' THEN CASE WHEN outward THEN 'spawn' END
        WHEN what = 'result' THEN CASE WHEN NOT outward THEN 'result' END
        WHEN what = 'fork' THEN CASE WHEN outward THEN 'fork' END
        WHEN what = 'resume' AND outward THEN 'sent'
        WHEN what IN ('assign', 'message', 'close') THEN CASE WHEN outward THEN 'sent' ELSE 'received' END
        WHEN what <> 'note' THEN what
    END
"""
"""A spawn is marked where it starts and a result where it arrives: the child's bar shows the other end."""
