-- Where prompts came from, what siblings share, and what it costs them to start.

-- Whether the block ids of a scope are numbers that the recorder gave: how we number the parts of prompts, and hashes,
-- tell nothing.
CREATE MACRO internal.is_numbered(scope) AS coalesce(scope, '') NOT IN ('prompt-parts', 'hashes');

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
        coalesce(TRY_CAST(f.step.extra ->> '$.first_record_ms' AS BIGINT), f.step.end_ms) AS answer_ms,
        f.step.input_tokens AS input_tokens,
        f.step.cache_read_tokens AS read,
        f.step.cache_write_tokens AS written,
        coalesce(TRY_CAST(f.step.extra ->> '$.cache_write_1h_tokens' AS BIGINT), 0) > 0 AS for_an_hour
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
