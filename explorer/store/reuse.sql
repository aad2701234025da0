-- The relations of the reuse laboratory: what a mistake would make of reuse, and what caches that forget would hit.

-- What becomes of reuse when every agent is given a namespace of its own, as a loader does that keys blocks on the
-- sub-agent and not on the trace. One row per conversation with blocks, and one over all of them, in which
-- conversation_id is NULL.
-- hit_shared: leading blocks that any earlier step of the namespace holds, as in step_reuse; hit_causal: that any step
-- holds which had ended. hit_private: those that earlier steps of the same agent hold, which is what is left of them.
-- lost_blocks: shared less private. mean_step_*: mean over steps of hits / blocks. sub_agent_*: the same of runs with a
-- parent alone. Tokens are NULL where the size of some blocks is not recorded; input_tokens are those of runs with
-- blocks.
CREATE VIEW scope_experiment AS
SELECT
    conversation_id,
    count(DISTINCT agent_id) AS agents,
    count(*) AS runs,
    sum(steps_with_blocks)::BIGINT AS steps,
    sum(blocks)::BIGINT AS blocks,
    sum(hit_blocks)::BIGINT AS hit_shared,
    sum(causal_own + causal_ancestor + causal_sibling + causal_other)::BIGINT AS hit_causal,
    sum(hit_own)::BIGINT AS hit_private,
    hit_shared - hit_private AS lost_blocks,
    hit_shared / nullif(sum(blocks), 0) AS reuse_shared,
    hit_private / nullif(sum(blocks), 0) AS reuse_private,
    sum(shares) / nullif(sum(steps_with_blocks), 0) AS mean_step_shared,
    sum(own_shares) / nullif(sum(steps_with_blocks), 0) AS mean_step_private,
    coalesce(sum(blocks) FILTER (is_below), 0)::BIGINT AS sub_agent_blocks,
    coalesce(sum(hit_blocks) FILTER (is_below), 0)::BIGINT AS sub_agent_hit_shared,
    coalesce(sum(hit_own) FILTER (is_below), 0)::BIGINT AS sub_agent_hit_private,
    internal.whole(sum(step_input_tokens)) AS input_tokens,
    CASE
        WHEN count(hit_own_tokens) = count(*)
            THEN sum(hit_own_tokens + hit_ancestor_tokens + hit_sibling_tokens + hit_other_tokens)::BIGINT
    END AS hit_shared_tokens,
    CASE WHEN count(hit_own_tokens) = count(*) THEN sum(hit_own_tokens)::BIGINT END AS hit_private_tokens
FROM (SELECT *, parent_run_id IS NOT NULL AS is_below FROM internal.runs WHERE blocks IS NOT NULL) AS r
GROUP BY GROUPING SETS ((conversation_id), ())
HAVING count(*) > 0
ORDER BY conversation_id NULLS LAST;

-- What becomes of runs when they are told apart by conversation and agent name alone. One row per such pair that stands
-- for several runs, which would all be shown as one. concurrent_runs: those that overlap another of them in time, so
-- that their steps would come out interleaved. largest_*: what the largest of them really has. Without times, none is
-- concurrent.
CREATE VIEW merge_experiment AS
SELECT
    conversation_id,
    agent_name,
    count(*) AS runs,
    count(*) FILTER (start_ms < others_end OR end_ms > next_start) AS concurrent_runs,
    sum(steps)::BIGINT AS merged_steps,
    max(steps) AS largest_steps,
    internal.whole(sum(input_tokens)) AS merged_input_tokens,
    max(input_tokens) AS largest_input_tokens
FROM (
    SELECT
        r.conversation_id,
        a.name AS agent_name,
        r.steps,
        r.input_tokens,
        r.start_ms,
        r.end_ms,
        max(r.end_ms) OVER (in_turn ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS others_end,
        lead(r.start_ms) OVER (in_turn) AS next_start
    FROM internal.runs AS r
    JOIN internal.agents AS a USING (agent_id)
    WINDOW in_turn AS (PARTITION BY r.conversation_id, a.name ORDER BY r.start_ms, r.sequence)
)
GROUP BY conversation_id, agent_name
HAVING runs > 1
ORDER BY conversation_id, agent_name NULLS LAST;

-- One row per sub-agent, a run with a parent and blocks: what tells whether its block ids are of the trace's numbering.
-- first_block: the first id of its first prompt. starts_at_base: that is the lowest of the trace. own_range: whether its
-- ids are all those from there to its highest, as a numbering of its own gives. shared_*: its distinct blocks that the
-- parent, that any sibling holds too; share_*: of all its distinct blocks.
CREATE VIEW sub_agent_scope AS
SELECT
    r.run_id,
    r.conversation_id,
    r.unique_blocks,
    f.first_block,
    f.first_block = n.base AS starts_at_base,
    s.top - n.base + 1 = r.unique_blocks AS own_range,
    coalesce(r.shared_parent, 0) AS shared_parent,
    coalesce(r.shared_siblings, 0) AS shared_siblings,
    coalesce(r.shared_parent, 0) / r.unique_blocks AS share_parent,
    coalesce(r.shared_siblings, 0) / r.unique_blocks AS share_siblings
FROM internal.runs AS r
JOIN namespace_audit AS n USING (conversation_id)
JOIN (
    SELECT run_id, max(first_block::HUGEINT + block_count - 1) AS top FROM block_runs GROUP BY run_id
) AS s USING (run_id)
JOIN block_runs AS f ON f.run_id = r.run_id AND f.step_ordinal = r.first_ordinal AND f.position = 0
WHERE r.parent_run_id IS NOT NULL AND r.unique_blocks > 0;

-- Whether sub-agents share the block ids of their trace: the figures by which it was shown that they do, for what is
-- open. One row per figure. Where value is a share it is numerator / denominator; a mean over sub-agents counts each the
-- same, a weighted one each distinct block. Sub-agents are runs with a parent and blocks, traces are conversations with
-- blocks; one without siblings shares nothing with them.
CREATE VIEW scope_report AS
WITH traces AS (
    SELECT
        count(*) AS traces,
        count(*) FILTER (s.conversation_id IS NOT NULL) AS with_sub_agents,
        count(*) FILTER (s.to_parent > 0) AS sharing_parent,
        count(*) FILTER (s.to_siblings > 0) AS sharing_siblings,
        count(*) FILTER (perfect_document) AS perfect_document,
        count(*) FILTER (perfect_parent_first) AS perfect_parent_first,
        count(*) FILTER (perfect_start_time) AS perfect_start_time,
        count(*) FILTER (dense) AS dense,
        count(*) FILTER (chained) AS chained,
        sum(reset_events_document) AS resets_document,
        sum(reset_events_parent_first) AS resets_parent_first,
        sum(reset_events_start_time) AS resets_start_time,
        sum(gap_events_document) AS gaps_document,
        sum(gap_events_parent_first) AS gaps_parent_first,
        sum(gap_events_start_time) AS gaps_start_time
    FROM namespace_audit AS n
    LEFT JOIN (
        SELECT conversation_id, sum(shared_parent) AS to_parent, sum(shared_siblings) AS to_siblings
        FROM sub_agent_scope
        GROUP BY conversation_id
    ) AS s USING (conversation_id)
),

below AS (
    SELECT
        count(*) AS sub_agents,
        count(*) FILTER (starts_at_base) AS at_base,
        count(*) FILTER (own_range) AS own_range,
        min(first_block) AS first_min,
        quantile_cont(first_block::DOUBLE, 0.5) AS first_median,
        quantile_disc(first_block, 0.9) AS first_p90,
        max(first_block) AS first_max,
        sum(unique_blocks) AS blocks,
        sum(shared_parent) AS parent_blocks,
        sum(shared_siblings) AS sibling_blocks,
        avg(share_parent) AS parent_mean,
        quantile_cont(share_parent, 0.5) AS parent_median,
        avg(share_siblings) AS sibling_mean,
        quantile_cont(share_siblings, 0.5) AS sibling_median
    FROM sub_agent_scope
),

figures AS (
    SELECT unnest([
        {'name': 'traces', 'value': NULL, 'numerator': traces, 'denominator': NULL,
         'note': 'conversations with blocks'},
        {'name': 'traces_with_sub_agents', 'value': NULL, 'numerator': with_sub_agents, 'denominator': traces,
         'note': 'of these, with sub-agents that have blocks'},
        {'name': 'sub_agents', 'value': NULL, 'numerator': sub_agents, 'denominator': NULL,
         'note': 'runs with a parent and blocks'},
        {'name': 'perfect_document', 'value': NULL, 'numerator': perfect_document, 'denominator': traces,
         'note': 'ids turn up for the first time in the order of their numbers, steps in the order of the record'},
        {'name': 'perfect_parent_first', 'value': NULL, 'numerator': perfect_parent_first, 'denominator': traces,
         'note': 'the same with all steps of the root before those of sub-agents'},
        {'name': 'perfect_start_time', 'value': NULL, 'numerator': perfect_start_time, 'denominator': traces,
         'note': 'the same with steps in order of start'},
        {'name': 'resets_document', 'value': NULL, 'numerator': resets_document, 'denominator': NULL,
         'note': 'fresh ids below the highest so far that do not follow the last fresh one'},
        {'name': 'resets_parent_first', 'value': NULL, 'numerator': resets_parent_first, 'denominator': NULL,
         'note': 'resets that are gone here come from the order of the builder, not from a private namespace'},
        {'name': 'resets_start_time', 'value': NULL, 'numerator': resets_start_time, 'denominator': NULL,
         'note': 'the same with steps in order of start: agents at the same time take turns, which proves nothing'},
        {'name': 'gaps_document', 'value': NULL, 'numerator': gaps_document, 'denominator': NULL,
         'note': 'fresh ids above the highest so far plus one'},
        {'name': 'gaps_parent_first', 'value': NULL, 'numerator': gaps_parent_first, 'denominator': NULL,
         'note': 'the same with all steps of the root before those of sub-agents'},
        {'name': 'gaps_start_time', 'value': NULL, 'numerator': gaps_start_time, 'denominator': NULL,
         'note': 'the same with steps in order of start'},
        {'name': 'dense', 'value': NULL, 'numerator': dense, 'denominator': traces,
         'note': 'every id between the lowest and the highest occurs'},
        {'name': 'chained', 'value': NULL, 'numerator': chained, 'denominator': traces,
         'note': 'every id has one position and one predecessor'},
        {'name': 'first_block_at_base', 'value': NULL, 'numerator': at_base, 'denominator': sub_agents,
         'note': 'sub-agents whose first prompt begins with the lowest id of the trace'},
        {'name': 'first_block_min', 'value': first_min, 'numerator': NULL, 'denominator': NULL,
         'note': 'first id of the first prompt of a sub-agent'},
        {'name': 'first_block_median', 'value': first_median, 'numerator': NULL, 'denominator': NULL,
         'note': 'between the two in the middle where they are even in number'},
        {'name': 'first_block_p90', 'value': first_p90, 'numerator': NULL, 'denominator': NULL,
         'note': 'the lowest that at least nine in ten do not exceed'},
        {'name': 'first_block_max', 'value': first_max, 'numerator': NULL, 'denominator': NULL,
         'note': 'the highest'},
        {'name': 'own_range', 'value': NULL, 'numerator': own_range, 'denominator': sub_agents,
         'note': 'sub-agents whose ids are all those from the lowest of the trace to their highest: a private numbering'},
        {'name': 'traces_sharing_parent', 'value': NULL, 'numerator': sharing_parent, 'denominator': with_sub_agents,
         'note': 'traces in which a sub-agent holds blocks that its parent holds too'},
        {'name': 'share_parent_mean', 'value': parent_mean, 'numerator': NULL, 'denominator': NULL,
         'note': 'of the distinct blocks of a sub-agent, those that its parent holds too'},
        {'name': 'share_parent_median', 'value': parent_median, 'numerator': NULL, 'denominator': NULL,
         'note': 'the same of the sub-agent in the middle'},
        {'name': 'share_parent_weighted', 'value': NULL, 'numerator': parent_blocks, 'denominator': blocks,
         'note': 'the same of all sub-agents together, so that large ones count more'},
        {'name': 'traces_sharing_siblings', 'value': NULL, 'numerator': sharing_siblings, 'denominator': with_sub_agents,
         'note': 'traces in which a sub-agent holds blocks that a sibling holds too'},
        {'name': 'share_siblings_mean', 'value': sibling_mean, 'numerator': NULL, 'denominator': NULL,
         'note': 'of the distinct blocks of a sub-agent, those that any sibling holds too'},
        {'name': 'share_siblings_median', 'value': sibling_median, 'numerator': NULL, 'denominator': NULL,
         'note': 'the same of the sub-agent in the middle'},
        {'name': 'share_siblings_weighted', 'value': NULL, 'numerator': sibling_blocks, 'denominator': blocks,
         'note': 'the same of all sub-agents together, so that large ones count more'}
    ]::STRUCT(name VARCHAR, value DOUBLE, numerator HUGEINT, denominator HUGEINT, note VARCHAR)[], recursive := true)
    FROM traces, below
    WHERE traces > 0
)

SELECT
    name,
    CASE
        WHEN denominator IS NOT NULL THEN numerator / nullif(denominator, 0)
        ELSE coalesce(value, numerator)
    END::DOUBLE AS value,
    internal.whole(numerator) AS numerator,
    internal.whole(denominator) AS denominator,
    note
FROM figures;

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
