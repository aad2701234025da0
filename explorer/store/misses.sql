-- What caches that forget would hit and why they miss the rest, and who wrote and read a block.

-- For every conversation, how many blocks need a cache of how many blocks to be hit: one row per stretch of capacities
-- that are alike. blocks, tokens: of each capacity in it. One sum runs through all conversations, as the changes of each
-- add up to nothing: a window of many partitions takes far longer.
CREATE VIEW internal.reuse_distances AS
WITH changes AS (
    SELECT r.conversation_id, unnest([
        {
            'distance': p.first_distance, 'blocks': p.blocks // width, 'tokens': p.tokens // width, 'unsized': unsized
        },
        {
            'distance': p.last_distance + 1, 'blocks': -p.blocks // width, 'tokens': -p.tokens // width,
            'unsized': -unsized
        }
    ], recursive := true)
    FROM (
        SELECT *, last_distance - first_distance + 1 AS width, (tokens IS NULL)::INTEGER AS unsized
        FROM prompt_recency
        WHERE first_distance IS NOT NULL
    ) AS p
    JOIN internal.runs AS r USING (run_id)
)

SELECT
    conversation_id,
    distance AS first_distance,
    lead(distance) OVER so_far - 1 AS last_distance,
    sum(sum(blocks)) OVER so_far AS blocks,
    sum(coalesce(sum(tokens), 0)) OVER so_far AS tokens,
    sum(sum(unsized)) OVER so_far AS unsized
FROM changes
GROUP BY conversation_id, distance
WINDOW so_far AS (ORDER BY conversation_id, distance)
QUALIFY sum(sum(blocks)) OVER so_far > 0;

-- How large a cache must be: the histogram of the LRU stack distances of every conversation. One row per conversation
-- and distance; a cache of C blocks hits the blocks with a distance of at most C, as leading blocks of their prompts.
-- In the row without distance are those that no size is enough for: never seen before, or behind such. The cache is one
-- for the whole namespace, so a conversation's alone unless the recording says global. Prompts arrive in order of start
-- and are touched from their tail to their root. tokens: in these blocks, NULL where the size of some is not recorded.
CREATE VIEW reuse_distance AS
SELECT
    conversation_id,
    unnest(CASE WHEN first_distance IS NULL THEN [NULL] ELSE range(first_distance, last_distance + 1) END) AS distance,
    blocks::BIGINT AS blocks,
    CASE WHEN unsized = 0 THEN tokens::BIGINT END AS tokens
FROM (
    -- Sorted before there is a row for each distance, of which there are many times as many.
    FROM (
        FROM internal.reuse_distances
        UNION ALL
        SELECT r.conversation_id, NULL, NULL, sum(p.blocks), sum(p.tokens), count(*) - count(p.tokens)
        FROM prompt_recency AS p
        JOIN internal.runs AS r USING (run_id)
        WHERE p.first_distance IS NULL
        GROUP BY r.conversation_id
    )
    ORDER BY conversation_id, first_distance
);

-- How long a cache must keep blocks that are not used: the histogram of the time since they were last touched, in
-- milliseconds, at the start of the prompt that has them. One row per conversation and age; a cache that keeps blocks
-- for T milliseconds after their last use, however many, hits the blocks of at most this age: 300000 is 5 minutes. In
-- the row without age are those that no time is enough for. Conversations of which some step has no time have no rows.
CREATE VIEW reuse_age AS
SELECT
    r.conversation_id,
    p.age_ms,
    sum(p.blocks)::BIGINT AS blocks,
    internal.sum_of_all(p.tokens) AS tokens
FROM prompt_recency AS p
JOIN internal.runs AS r USING (run_id)
WHERE r.conversation_id NOT IN (
    SELECT u.conversation_id
    FROM step_recency AS s
    JOIN internal.runs AS u USING (run_id)
    WHERE s.blocks_1_minute IS NULL
)
GROUP BY r.conversation_id, p.age_ms
ORDER BY ALL;

-- Why the blocks of a prompt miss in a cache of so many blocks that keeps them for so many milliseconds after their last
-- use; NULL for either is without end: FROM missed_blocks(4000, 300000). One row per step with blocks, and hit to cold
-- add up to its blocks. Of the leading blocks that a cache without end would have hit, those kept too short are expired,
-- the others that do not fit are evicted. Behind them, what is longer than the last prompt of the same agent is cold, as
-- is all of an agent's first; where that prompt had other blocks, this one diverged from it, or, if its last block alone
-- was another, that one was filled up: tail. diverged_at: the 0-based place of the first block that differs. Where a
-- step of the namespace has no time, what expires is not known.
CREATE MACRO missed_blocks(capacity, keep_ms) AS TABLE
WITH seen AS (
    SELECT
        run_id,
        step_ordinal,
        blocks,
        age_ms > keep_ms AS is_old,
        CASE
            WHEN capacity IS NULL THEN blocks
            WHEN first_distance = last_distance THEN CASE WHEN first_distance <= capacity THEN blocks ELSE 0 END
            ELSE greatest(least(capacity, last_distance) - first_distance + 1, 0)
        END AS fitting
    FROM prompt_recency
    WHERE first_distance IS NOT NULL
),

steps_seen AS (
    SELECT
        run_id,
        step_ordinal,
        sum(blocks)::BIGINT AS seen,
        coalesce(sum(fitting) FILTER (is_old IS DISTINCT FROM true), 0)::BIGINT AS hit,
        coalesce(sum(blocks) FILTER (is_old), 0)::BIGINT AS expired
    FROM seen
    GROUP BY run_id, step_ordinal
),

parts AS (
    SELECT
        s.*,
        keep_ms IS NULL OR s.blocks_1_minute IS NOT NULL AS is_known,
        coalesce(h.seen, 0) AS seen,
        coalesce(h.hit, 0) AS hit,
        coalesce(h.expired, 0) AS expired,
        greatest(least(s.blocks, coalesce(s.previous_blocks, 0)) - coalesce(h.seen, 0), 0) AS replaced
    FROM step_recency AS s
    LEFT JOIN steps_seen AS h ON h.run_id = s.run_id AND h.step_ordinal = s.ordinal
)

SELECT
    run_id,
    ordinal,
    at_ms,
    blocks,
    CASE WHEN is_known THEN hit END AS hit,
    CASE WHEN is_known THEN expired END AS expired,
    CASE WHEN is_known THEN seen - hit - expired END AS evicted,
    CASE WHEN previous_blocks - repeated_blocks = 1 THEN 0 ELSE replaced END AS diverged,
    replaced - diverged AS tail,
    blocks - seen - replaced AS cold,
    CASE WHEN diverged > 0 THEN repeated_blocks END AS diverged_at
FROM parts;

-- Who wrote a block and who read it: FROM block_passport('trace_0254.json', 1234) gives a row per step whose prompt holds
-- this id of this namespace (that of block_runs), in order of arrival. wrote: it is the first of all. ended_before: the
-- step that wrote it had ended when this one started, so that a cache could have had it; NULL where that has no time.
-- position: where the block stands in the prompt. gap_ms: since the block was last used; the life span of a block is
-- from the first at_ms to the last.
CREATE MACRO block_passport(space, id) AS TABLE
WITH held AS (
    SELECT run_id, step_ordinal, min(position + (id::HUGEINT - first_block))::BIGINT AS position
    FROM block_runs
    WHERE namespace = space AND first_block <= id AND first_block::HUGEINT + block_count > id
    GROUP BY run_id, step_ordinal
),

touches AS (
    SELECT
        r.conversation_id,
        h.run_id,
        h.step_ordinal,
        s.start_ms AS at_ms,
        s.end_ms,
        h.position,
        s.source_id,
        s.offset,
        -- Without a time, a step stands behind the one before it of the same run.
        coalesce(
            s.start_ms,
            last_value(s.start_ms IGNORE NULLS) OVER (PARTITION BY h.run_id ORDER BY h.step_ordinal),
            0
        ) AS stands_at
    FROM held AS h
    JOIN steps AS s ON s.run_id = h.run_id AND s.ordinal = h.step_ordinal
    JOIN internal.runs AS r ON r.run_id = h.run_id
    WHERE NOT s.is_replay
)

SELECT
    conversation_id,
    run_id,
    step_ordinal,
    at_ms,
    end_ms,
    position,
    row_number() OVER in_turn = 1 AS wrote,
    at_ms - lag(at_ms) OVER in_turn AS gap_ms,
    CASE
        WHEN row_number() OVER in_turn > 1 THEN at_ms >= first_value(coalesce(end_ms, at_ms)) OVER in_turn
    END AS ended_before
FROM touches
WINDOW in_turn AS (ORDER BY stands_at, source_id, "offset" NULLS LAST, run_id, step_ordinal)
ORDER BY stands_at, source_id, "offset" NULLS LAST, run_id, step_ordinal;
