-- Curves of caches that forget: what each size, and each time that blocks are kept, would hit. They stand on the tables
-- that are computed when a query first needs them.

-- Tokens as GiB of the KV cache of a model in kv_models: kv_gib(capacity_tokens, 'llama-3.1-70b'). Another is an error.
CREATE MACRO kv_gib(tokens, model) AS
    tokens * coalesce(
        (SELECT m.bytes_per_token FROM kv_models AS m WHERE m.name = model),
        error(format(
            'no model {} in kv_models, which has: {}',
            model, (SELECT string_agg(m.name, ', ' ORDER BY m.name) FROM kv_models AS m)
        ))
    ) / 1073741824.0;

-- What the prompts hold in all. input_tokens are NULL where those of some step, or the size of some block, are not
-- recorded; block_tokens where blocks differ in size, or it is not recorded of some.
CREATE VIEW internal.curve_wholes AS
SELECT
    coalesce(conversation_id, '') AS scope,
    sum(steps)::BIGINT AS steps,
    sum(blocks)::BIGINT AS blocks,
    CASE WHEN bool_and(sized AND counted) THEN internal.whole(sum(input_tokens)) END AS input_tokens,
    CASE WHEN bool_and(sized) AND min(smallest) = max(largest) THEN min(smallest) END AS block_tokens
FROM (
    SELECT
        r.conversation_id,
        count(*) AS steps,
        sum(s.blocks) AS blocks,
        sum(t.input_tokens::HUGEINT) AS input_tokens,
        count(t.input_tokens) = count(*) AS counted
    FROM step_recency AS s
    JOIN internal.runs AS r USING (run_id)
    JOIN steps AS t ON t.run_id = s.run_id AND t.ordinal = s.ordinal
    GROUP BY r.conversation_id
)
JOIN (
    SELECT
        r.conversation_id,
        min(b.block_tokens) AS smallest,
        max(b.block_tokens) AS largest,
        count(b.block_tokens) = count(*) AS sized
    FROM block_runs AS b
    JOIN internal.runs AS r USING (run_id)
    GROUP BY r.conversation_id
) USING (conversation_id)
GROUP BY GROUPING SETS ((conversation_id), ())
HAVING count(*) > 0;

-- Blocks with distances from low to high, as many of each: what they change of a curve. r of each add r hits for each
-- further place from low on, and no more from high + 1 on: the sum over such changes at distances d up to a capacity c,
-- of r * (c + 1 - d), is what c hits.
CREATE MACRO internal.changes(low, high, held, held_tokens) AS [
    {'distance': low, 'rate': held // (high - low + 1), 'token_rate': held_tokens // (high - low + 1)},
    {'distance': high + 1, 'rate': -held // (high - low + 1), 'token_rate': -held_tokens // (high - low + 1)}
];

-- The capacities of curves: four for each doubling, by number. And the least of them that is no smaller than another
-- capacity, up to 2 ** 45.
CREATE MACRO internal.rung(number) AS round(2 ** (number / 4.0))::BIGINT;
CREATE MACRO internal.rung_above(capacity) AS internal.rung(ceil(4 * log2(capacity - 0.5)));

-- What is hit at which capacity, up to the one that hits all that can be hit. scope is the conversation, '' for all of
-- them; arrival is 'alone' where each conversation has a cache of its own. Changes are summed first from one capacity to
-- the next: there are many times as many as points. What changes at the one behind the last point adds none to that.
CREATE VIEW internal.curves AS
WITH pieces AS (
    SELECT 'alone' AS arrival, r.conversation_id, 1 AS lru, p.first_distance, p.last_distance, p.blocks, p.tokens
    FROM prompt_recency AS p
    JOIN internal.runs AS r USING (run_id)
    WHERE p.first_distance IS NOT NULL
    UNION ALL
    SELECT 'alone', r.conversation_id, 0, p.first_distance, p.last_distance, p.blocks, p.tokens
    FROM prompt_optimal AS p
    JOIN internal.runs AS r USING (run_id)
    UNION ALL
    SELECT arrival, NULL, (cache = 'lru')::INTEGER, first_distance, last_distance, blocks, tokens
    FROM shared_recency
),

changes AS (
    SELECT
        arrival,
        coalesce(conversation_id, '') AS scope,
        rung,
        max(distance) - 1 AS most,
        sum(rate * lru) AS lru,
        sum(rate * lru * distance) AS lru_at,
        sum(rate * (1 - lru)) AS optimal,
        sum(rate * (1 - lru) * distance) AS optimal_at,
        coalesce(sum(token_rate * lru), 0) AS lru_tokens,
        coalesce(sum(token_rate * lru * distance), 0) AS lru_tokens_at,
        coalesce(sum(token_rate * (1 - lru)), 0) AS optimal_tokens,
        coalesce(sum(token_rate * (1 - lru) * distance), 0) AS optimal_tokens_at
    FROM (
        SELECT *, internal.rung_above(distance) AS rung
        FROM (
            SELECT
                arrival, conversation_id, lru,
                unnest(internal.changes(first_distance, last_distance, blocks, tokens), recursive := true)
            FROM pieces
        )
    )
    GROUP BY GROUPING SETS ((arrival, rung, conversation_id), (arrival, rung))
    HAVING arrival = 'alone' OR grouping(conversation_id) = 1
),

points AS (
    SELECT
        arrival,
        scope,
        unnest(list_distinct([
            least(internal.rung(k), most) FOR k IN range(0, ceil(4 * log2(most))::BIGINT + 1)
        ])) AS capacity
    FROM (SELECT arrival, scope, max(most) AS most FROM changes GROUP BY arrival, scope)
)

SELECT
    arrival,
    scope,
    capacity,
    ((capacity + 1) * sum(lru) - sum(lru_at))::BIGINT AS hit_lru,
    ((capacity + 1) * sum(optimal) - sum(optimal_at))::BIGINT AS hit_optimal,
    internal.whole((capacity + 1) * sum(lru_tokens) - sum(lru_tokens_at)) AS hit_lru_tokens,
    internal.whole((capacity + 1) * sum(optimal_tokens) - sum(optimal_tokens_at)) AS hit_optimal_tokens
FROM points
JOIN changes USING (arrival, scope)
WHERE rung <= internal.rung_above(capacity)
GROUP BY arrival, scope, capacity;

-- The same with what the prompts hold in all, as both public views have it.
CREATE VIEW internal.curve_shares AS
SELECT
    arrival,
    scope,
    capacity AS capacity_blocks,
    capacity * block_tokens AS capacity_tokens,
    blocks,
    hit_lru,
    hit_optimal,
    hit_lru / nullif(blocks, 0) AS share_lru,
    hit_optimal / nullif(blocks, 0) AS share_optimal,
    input_tokens,
    CASE WHEN input_tokens IS NOT NULL THEN hit_lru_tokens END AS hit_lru_tokens,
    CASE WHEN input_tokens IS NOT NULL THEN hit_optimal_tokens END AS hit_optimal_tokens,
    hit_lru_tokens / nullif(input_tokens, 0) AS token_share_lru,
    hit_optimal_tokens / nullif(input_tokens, 0) AS token_share_optimal
FROM internal.curves
JOIN internal.curve_wholes USING (scope);

-- What caches of how many blocks hit. One row per conversation and capacity, four for each doubling up to the one that
-- hits all that can be hit, each conversation on a cache of its own (unless the recording says global); and as many
-- over all of them, each with such a cache, in which conversation_id is NULL. hit_lru: leading blocks that are hit
-- where the least recently used block is evicted first, of a prompt the one nearest to its end. hit_optimal: where what
-- is needed soonest is kept, which no cache of that size exceeds. share_*: of blocks, all blocks of all prompts;
-- token_share_*: of input_tokens. Tokens are NULL where the size of some blocks, or the tokens of some step, are not
-- recorded, and capacity_tokens where blocks differ in size. A conversation in which nothing is used again has no rows.
-- kv_gib(capacity_tokens, 'llama-3.1-70b') is the capacity in GiB. Any other capacity, by LRU: missed_by_agent(1228, NULL).
CREATE VIEW cache_curve AS
SELECT nullif(scope, '') AS conversation_id, * EXCLUDE (arrival, scope)
FROM internal.curve_shares
WHERE arrival = 'alone'
ORDER BY conversation_id NULLS LAST, capacity_blocks;

-- The same of all conversations together on one cache. arrival: 'at_once' where all of them begin at the same time,
-- 'in_turn' where each begins when the one before it has ended, 'poisson' where they begin at random, one in 5 minutes
-- in the mean (the same each time). Times within a conversation are those recorded.
CREATE VIEW shared_cache_curve AS
SELECT * EXCLUDE (scope, token_share_lru, token_share_optimal)
FROM internal.curve_shares
WHERE arrival <> 'alone'
ORDER BY arrival, capacity_blocks;

-- What caches hit that keep blocks for so long after their last use, however many. One row per conversation and time,
-- and per time over all of them (conversation_id is NULL); without keep_ms it is for ever. Prompts count at their
-- start. Conversations of which some step has no time are left out.
CREATE VIEW time_to_live_curve AS
SELECT
    h.conversation_id,
    k.keep_ms,
    sum(h.blocks)::BIGINT AS blocks,
    coalesce(sum(h.blocks) FILTER (h.age_ms <= coalesce(k.keep_ms, h.age_ms)), 0)::BIGINT AS hit,
    hit / nullif(sum(h.blocks), 0) AS share,
    CASE
        WHEN count(h.tokens) = count(*)
            THEN coalesce(sum(h.tokens) FILTER (h.age_ms <= coalesce(k.keep_ms, h.age_ms)), 0)::BIGINT
    END AS hit_tokens
FROM reuse_age AS h
CROSS JOIN (
    SELECT unnest([1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 86400, NULL]) * 1000 AS keep_ms
) AS k
GROUP BY GROUPING SETS ((h.conversation_id, k.keep_ms), (k.keep_ms))
ORDER BY h.conversation_id NULLS LAST, k.keep_ms NULLS LAST;

-- What is in use around each step: distinct blocks of all prompts that started within so many minutes before it, its
-- own included, and the live footprint. live_blocks: distinct blocks in the latest prompts of the agents that are at
-- work. live_apart_blocks: the blocks of these prompts added up. sharing_gain: how many times larger that is. One row
-- per step with blocks whose namespace has times throughout. *_tokens: blocks times their size, NULL where they differ
-- in size.
CREATE VIEW working_set AS
SELECT
    r.conversation_id,
    r.agent_id,
    s.run_id,
    s.ordinal,
    s.at_ms,
    s.blocks_1_minute,
    s.blocks_5_minutes,
    s.blocks_15_minutes,
    s.live_agents,
    s.live_blocks,
    s.live_apart_blocks,
    s.live_apart_blocks / nullif(s.live_blocks, 0) AS sharing_gain,
    s.blocks_1_minute * w.block_tokens AS tokens_1_minute,
    s.blocks_5_minutes * w.block_tokens AS tokens_5_minutes,
    s.blocks_15_minutes * w.block_tokens AS tokens_15_minutes,
    s.live_blocks * w.block_tokens AS live_tokens,
    s.live_apart_blocks * w.block_tokens AS live_apart_tokens
FROM step_recency AS s
JOIN internal.runs AS r USING (run_id)
JOIN internal.curve_wholes AS w ON w.scope = r.conversation_id
WHERE s.blocks_1_minute IS NOT NULL
ORDER BY r.conversation_id, s.at_ms, s.run_id, s.ordinal;

-- Why blocks miss in such a cache, summed: FROM missed_by_agent(4000, 300000). One row per agent with blocks, one per
-- conversation (agent_id is NULL), and one over everything open. hit to cold are those of missed_blocks and add up to
-- blocks. share: hit / blocks. mean_step_share: mean over steps of the same, each counting alike.
CREATE MACRO missed_by_agent(capacity, keep_ms) AS TABLE
SELECT
    r.conversation_id,
    r.agent_id,
    CASE WHEN grouping(r.agent_id) = 0 THEN any_value(a.name) END AS agent_name,
    count(*) AS steps,
    sum(m.blocks)::BIGINT AS blocks,
    internal.sum_of_all(m.hit) AS hit,
    internal.sum_of_all(m.expired) AS expired,
    internal.sum_of_all(m.evicted) AS evicted,
    sum(m.diverged)::BIGINT AS diverged,
    sum(m.tail)::BIGINT AS tail,
    sum(m.cold)::BIGINT AS cold,
    internal.sum_of_all(m.hit) / nullif(sum(m.blocks), 0) AS share,
    CASE WHEN count(m.hit) = count(*) THEN avg(m.hit / m.blocks) END AS mean_step_share
FROM missed_blocks(capacity, keep_ms) AS m
JOIN internal.runs AS r USING (run_id)
JOIN internal.agents AS a USING (agent_id)
GROUP BY GROUPING SETS ((r.conversation_id, r.agent_id), (r.conversation_id), ())
HAVING count(*) > 0
ORDER BY r.conversation_id NULLS LAST, r.agent_id NULLS LAST;

-- The same over time: FROM missed_over_time(4000, 300000, 600000) has a row per conversation and 10 minutes of its own
-- clock in which a step with blocks started. Steps without a time are in a row without one.
CREATE MACRO missed_over_time(capacity, keep_ms, slot_ms) AS TABLE
SELECT
    r.conversation_id,
    m.at_ms // slot_ms * slot_ms AS from_ms,
    count(*) AS steps,
    sum(m.blocks)::BIGINT AS blocks,
    internal.sum_of_all(m.hit) AS hit,
    internal.sum_of_all(m.expired) AS expired,
    internal.sum_of_all(m.evicted) AS evicted,
    sum(m.diverged)::BIGINT AS diverged,
    sum(m.tail)::BIGINT AS tail,
    sum(m.cold)::BIGINT AS cold
FROM missed_blocks(capacity, keep_ms) AS m
JOIN internal.runs AS r USING (run_id)
GROUP BY r.conversation_id, from_ms
ORDER BY r.conversation_id, from_ms NULLS LAST;

-- One row per step with blocks: its hits in every way they are counted, and in tokens. covered_tokens: those in its
-- blocks; what is behind the last block, where a recorder has full blocks only, no cache can hit.
CREATE VIEW internal.step_means AS
SELECT
    r.conversation_id,
    r.agent_id,
    u.run_id,
    u.ordinal,
    u.blocks,
    u.hit_own + u.hit_ancestor + u.hit_sibling + u.hit_other AS hit,
    u.causal_own + u.causal_ancestor + u.causal_sibling + u.causal_other AS causal,
    CASE
        WHEN m.run_id IS NULL THEN u.hit_own + u.hit_ancestor + u.hit_sibling + u.hit_other
        ELSE m.hit_own + m.hit_ancestor + m.hit_sibling + m.hit_other
    END AS same_model,
    u.hit_own AS private,
    s.input_tokens,
    s.cache_read_tokens,
    coalesce(s.model, s.request_model) AS model,
    CASE WHEN b.block_tokens IS NOT NULL THEN least(s.input_tokens, u.blocks * b.block_tokens) END AS covered_tokens,
    u.hit_own_tokens + u.hit_ancestor_tokens + u.hit_sibling_tokens + u.hit_other_tokens AS hit_tokens,
    u.causal_own_tokens + u.causal_ancestor_tokens + u.causal_sibling_tokens + u.causal_other_tokens AS causal_tokens,
    CASE
        WHEN m.run_id IS NULL THEN u.hit_own_tokens + u.hit_ancestor_tokens + u.hit_sibling_tokens + u.hit_other_tokens
        ELSE m.hit_tokens
    END AS same_model_tokens,
    u.hit_own_tokens AS private_tokens
FROM step_reuse AS u
JOIN steps AS s ON s.run_id = u.run_id AND s.ordinal = u.ordinal
JOIN internal.runs AS r ON r.run_id = u.run_id
LEFT JOIN model_reuse AS m ON m.run_id = u.run_id AND m.ordinal = u.ordinal
LEFT JOIN (
    SELECT run_id, CASE WHEN min(block_tokens) = max(block_tokens) THEN min(block_tokens) END AS block_tokens
    FROM block_runs
    GROUP BY run_id
) AS b ON b.run_id = u.run_id
WHERE NOT s.is_replay AND u.blocks > 0;

-- Reuse in every mean, on a cache without end: one row per agent with blocks, one per conversation (agent_id is NULL),
-- and one over everything open. Hits, each of leading blocks: hit, that any earlier step of the namespace holds;
-- causal, that any holds which had ended; same_model, that any of the same model holds (as hit where all have one
-- model); private, that earlier steps of the same agent hold. Of each, three means: share_*, of all blocks;
-- token_share_*, *_tokens of input_tokens; mean_step_*, the mean over steps of hits / blocks, each step counting the
-- same. covered_tokens are those in recorded blocks; of input_tokens the others, behind the last block, are never hit.
-- measured_share: cache_read_tokens, as the recorder measured, of measured_input_tokens, those of steps that have it.
-- Tokens are NULL where the size of some block, or the tokens of some step, are not recorded.
CREATE VIEW reuse_means AS
SELECT
    conversation_id,
    agent_id,
    steps,
    blocks,
    hit,
    causal,
    same_model,
    private,
    hit / blocks AS share_hit,
    causal / blocks AS share_causal,
    same_model / blocks AS share_same_model,
    private / blocks AS share_private,
    input_tokens,
    covered_tokens,
    hit_tokens,
    causal_tokens,
    same_model_tokens,
    private_tokens,
    hit_tokens / nullif(input_tokens, 0) AS token_share_hit,
    causal_tokens / nullif(input_tokens, 0) AS token_share_causal,
    same_model_tokens / nullif(input_tokens, 0) AS token_share_same_model,
    private_tokens / nullif(input_tokens, 0) AS token_share_private,
    mean_step_hit,
    mean_step_causal,
    mean_step_same_model,
    mean_step_private,
    cache_read_tokens,
    measured_input_tokens,
    cache_read_tokens / nullif(measured_input_tokens, 0) AS measured_share
FROM (
    SELECT
        m.conversation_id,
        m.agent_id,
        count(*) AS steps,
        sum(m.blocks)::BIGINT AS blocks,
        sum(m.hit)::BIGINT AS hit,
        sum(m.causal)::BIGINT AS causal,
        sum(m.same_model)::BIGINT AS same_model,
        sum(m.private)::BIGINT AS private,
        round(avg(m.hit / m.blocks), 12) AS mean_step_hit,
        round(avg(m.causal / m.blocks), 12) AS mean_step_causal,
        round(avg(m.same_model / m.blocks), 12) AS mean_step_same_model,
        round(avg(m.private / m.blocks), 12) AS mean_step_private,
        internal.sum_of_all(m.input_tokens::HUGEINT) AS input_tokens,
        internal.sum_of_all(m.covered_tokens::HUGEINT) AS covered_tokens,
        internal.sum_of_all(m.hit_tokens) AS hit_tokens,
        internal.sum_of_all(m.causal_tokens) AS causal_tokens,
        internal.sum_of_all(m.same_model_tokens) AS same_model_tokens,
        internal.sum_of_all(m.private_tokens) AS private_tokens,
        internal.whole(sum(m.cache_read_tokens::HUGEINT)) AS cache_read_tokens,
        internal.whole(sum(m.input_tokens::HUGEINT) FILTER (m.cache_read_tokens IS NOT NULL)) AS measured_input_tokens
    FROM internal.step_means AS m
    GROUP BY GROUPING SETS ((m.conversation_id, m.agent_id), (m.conversation_id), ())
    HAVING count(*) > 0
)
ORDER BY conversation_id NULLS LAST, agent_id NULLS LAST;
