-- Where prompts came from, what siblings share, what it costs them to start, and what caches that forget would hit.

-- One row per run with blocks: where the leading blocks of its prompts came from (step_reuse summed), and its first
-- step, the cold start. fresh_blocks: never seen before. behind_blocks: seen before, but after the first miss of their
-- prompt. mean_step_share: mean over steps of hits / blocks, each step counting the same. cache_read_tokens: what the
-- recorder measured, beside the four *_tokens that could have hit. causal_*: the hits among steps that had ended, in
-- blocks; causal_tokens is the sum of the four in tokens.
CREATE VIEW run_reuse AS
SELECT
    s.run_id,
    s.conversation_id,
    s.agent_id,
    s.steps_with_blocks,
    s.blocks,
    s.hit_blocks,
    s.hit_own,
    s.hit_ancestor,
    s.hit_sibling,
    s.hit_other,
    s.fresh_blocks,
    s.blocks - s.hit_blocks - s.fresh_blocks AS behind_blocks,
    s.hit_blocks / nullif(s.blocks, 0) AS reuse,
    s.shares / nullif(s.steps_with_blocks, 0) AS mean_step_share,
    s.hit_own_tokens,
    s.hit_ancestor_tokens,
    s.hit_sibling_tokens,
    s.hit_other_tokens,
    s.causal_own,
    s.causal_ancestor,
    s.causal_sibling,
    s.causal_other,
    s.causal_tokens,
    s.step_input_tokens AS input_tokens,
    s.cache_read_tokens,
    s.first_ordinal,
    s.first_blocks,
    s.first_own,
    s.first_ancestor,
    s.first_sibling,
    s.first_other,
    s.first_blocks - s.first_own - s.first_ancestor - s.first_sibling - s.first_other AS first_new
FROM internal.runs AS s
WHERE s.blocks IS NOT NULL;

-- One row per ordered pair of sibling runs (same recorded parent run) that both have blocks. containment: the share of
-- the first run's distinct blocks that the other holds too. jaccard: shared / held by either. first_step_prefix: the
-- leading blocks that the first steps of both have in common, of first_step_blocks in the first run's.
CREATE VIEW sibling_sharing AS
SELECT
    a.conversation_id,
    a.parent_run_id,
    a.run_id,
    b.run_id AS sibling_run_id,
    a.unique_blocks,
    b.unique_blocks AS sibling_unique_blocks,
    coalesce(p.shared_blocks, 0) AS shared_blocks,
    coalesce(p.shared_blocks, 0) / nullif(a.unique_blocks, 0) AS containment,
    coalesce(p.shared_blocks, 0)
    / nullif(a.unique_blocks + b.unique_blocks - coalesce(p.shared_blocks, 0), 0) AS jaccard,
    coalesce(p.first_step_prefix, 0) AS first_step_prefix,
    a.first_blocks AS first_step_blocks
FROM internal.runs AS a
JOIN internal.runs AS b ON b.parent_run_id = a.parent_run_id AND b.run_id <> a.run_id
LEFT JOIN sibling_pairs AS p ON p.run_a = least(a.run_id, b.run_id) AND p.run_b = greatest(a.run_id, b.run_id)
WHERE a.unique_blocks IS NOT NULL AND b.unique_blocks IS NOT NULL;

-- How each sibling's first prompt met the cache, by what the recorder measured: siblings are agents that one answer
-- spawned. cache: 'read' what was cached, 'wrote' it as the first of its siblings, or 'missed' it. why: of a miss, in
-- this order, that no sibling's model was the same, that it asked before the first answer of one began, that the last
-- use by one was longer ago than what is cached is kept (5 minutes, or an hour where a sibling wrote for an hour), or
-- from which part on its prompt differs. first_answer_ms: when the first of those before it had its answer.
-- idle_ms: since the last use.
CREATE VIEW sibling_cold_starts AS
WITH spawned AS (
    SELECT t.run_id AS parent_run_id, t.step_ordinal AS spawn_step, t.child_run_id AS run_id
    FROM tool_calls AS t
    WHERE t.child_run_id IS NOT NULL AND t.step_ordinal IS NOT NULL
),

firsts AS (
    SELECT
        p.parent_run_id,
        p.spawn_step,
        s.run_id,
        arg_min(s, s.ordinal) AS step
    FROM spawned AS p
    JOIN steps AS s USING (run_id)
    WHERE NOT s.is_replay
    GROUP BY ALL
),

asked AS NOT MATERIALIZED (
    SELECT
        f.parent_run_id,
        f.spawn_step,
        f.run_id,
        f.step.model AS model,
        f.step.start_ms AS start_ms,
        coalesce((f.step.extra ->> '$.first_record_ms')::BIGINT, f.step.end_ms) AS answer_ms,
        f.step.input_tokens AS input_tokens,
        f.step.cache_read_tokens AS read,
        f.step.cache_write_tokens AS written,
        coalesce((f.step.extra ->> '$.cache_write_1h_tokens')::BIGINT, 0) > 0 AS for_an_hour
    FROM firsts AS f
),

met AS (
    SELECT
        b.parent_run_id,
        b.run_id,
        count(*) AS before,
        count(*) FILTER (a.model IS NOT DISTINCT FROM b.model) AS alike,
        min(a.answer_ms) FILTER (a.model IS NOT DISTINCT FROM b.model) AS first_answer_ms,
        bool_or(a.for_an_hour) AS for_an_hour,
        max(u.used_ms) AS used_ms,
        max(coalesce(x.first_step_prefix, 0)) AS prefix
    FROM asked AS b
    JOIN asked AS a
        ON
            a.parent_run_id = b.parent_run_id AND a.spawn_step = b.spawn_step
            AND (a.start_ms, a.run_id) < (b.start_ms, b.run_id)
    LEFT JOIN (
        SELECT p.parent_run_id, p.run_id, s.run_id AS by_run_id, max(s.start_ms) AS used_ms
        FROM asked AS p
        JOIN asked AS o ON o.parent_run_id = p.parent_run_id AND o.spawn_step = p.spawn_step AND o.run_id <> p.run_id
        JOIN steps AS s ON s.run_id = o.run_id AND s.start_ms <= p.start_ms AND s.model IS NOT DISTINCT FROM p.model
        WHERE NOT s.is_replay
        GROUP BY ALL
    ) AS u ON u.parent_run_id = b.parent_run_id AND u.run_id = b.run_id AND u.by_run_id = a.run_id
    LEFT JOIN sibling_pairs AS x ON x.run_a = least(a.run_id, b.run_id) AND x.run_b = greatest(a.run_id, b.run_id)
    GROUP BY b.parent_run_id, b.run_id
)

SELECT
    b.run_id,
    b.parent_run_id,
    b.spawn_step,
    b.model,
    b.start_ms,
    b.input_tokens,
    b.read AS cache_read_tokens,
    b.written AS cache_write_tokens,
    m.first_answer_ms,
    b.start_ms - m.used_ms AS idle_ms,
    CASE
        WHEN b.read > 0 THEN 'read'
        WHEN b.read IS NULL THEN NULL
        WHEN m.run_id IS NOT NULL THEN 'missed'
        WHEN b.written > 0 THEN 'wrote'
    END AS cache,
    CASE
        WHEN cache IS DISTINCT FROM 'missed' THEN NULL
        WHEN m.alike = 0 THEN 'another model than its siblings'
        WHEN b.start_ms < m.first_answer_ms THEN 'asked before the first answer began'
        WHEN idle_ms > CASE WHEN m.for_an_hour THEN 3600000 ELSE 300000 END
            THEN format('last used {} s before', idle_ms // 1000)
        ELSE format('its prompt differs at part {}', m.prefix + 1)
    END AS why
FROM asked AS b
LEFT JOIN met AS m ON m.parent_run_id = b.parent_run_id AND m.run_id = b.run_id;

-- For every conversation, how many blocks need a cache of how many blocks to be hit: one row per stretch of capacities
-- that are alike. blocks, tokens: of each capacity in it.
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
WINDOW so_far AS (PARTITION BY conversation_id ORDER BY distance)
QUALIFY sum(sum(blocks)) OVER so_far > 0;

-- How large a cache must be: the histogram of the LRU stack distances of every conversation. One row per conversation
-- and distance; a cache of C blocks hits the blocks with a distance of at most C, as leading blocks of their prompts.
-- In the row without distance are those that no size is enough for: never seen before, or behind such. The cache is one
-- for the whole namespace, so a conversation's alone unless the recording says global. Prompts arrive in order of start
-- and are touched from their tail to their root. tokens: in these blocks, NULL where the size of some is not recorded.
CREATE VIEW reuse_distance AS
SELECT
    conversation_id,
    unnest(range(first_distance, last_distance + 1)) AS distance,
    blocks::BIGINT AS blocks,
    CASE WHEN unsized = 0 THEN tokens::BIGINT END AS tokens
FROM internal.reuse_distances
UNION ALL
SELECT
    r.conversation_id,
    NULL,
    sum(p.blocks)::BIGINT,
    CASE WHEN count(p.tokens) = count(*) THEN sum(p.tokens)::BIGINT END
FROM prompt_recency AS p
JOIN internal.runs AS r USING (run_id)
WHERE p.first_distance IS NULL
GROUP BY r.conversation_id
ORDER BY ALL;

-- How long a cache must keep blocks that are not used: the histogram of the time since they were last touched, in
-- milliseconds, at the start of the prompt that has them. One row per conversation and age; a cache that keeps blocks
-- for T milliseconds after their last use, however many, hits the blocks of at most this age: 300000 is 5 minutes. In
-- the row without age are those that no time is enough for. Conversations of which some step has no time have no rows.
CREATE VIEW reuse_age AS
SELECT
    r.conversation_id,
    p.age_ms,
    sum(p.blocks)::BIGINT AS blocks,
    CASE WHEN count(p.tokens) = count(*) THEN sum(p.tokens)::BIGINT END AS tokens
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
