-- What the two classic mistakes would make of what is open: sub-agents on namespaces of their own, and runs that are
-- merged by their names.

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
    internal.sum_of_all(
        hit_own_tokens + hit_ancestor_tokens + hit_sibling_tokens + hit_other_tokens
    ) AS hit_shared_tokens,
    internal.sum_of_all(hit_own_tokens) AS hit_private_tokens
FROM (SELECT *, parent_run_id IS NOT NULL AS is_below FROM internal.runs WHERE blocks IS NOT NULL) AS r
GROUP BY GROUPING SETS ((conversation_id), ())
HAVING count(*) > 0
ORDER BY conversation_id NULLS LAST;

-- What becomes of runs when they are told apart by conversation and agent name alone. One row per such pair that stands
-- for several runs, which would all be shown as one. concurrent_runs: those that overlap another of them in time, so
-- that their steps would come out interleaved. largest_*: what the largest of them really has. Without times, none is
-- concurrent. A copy of another recording's run is none.
CREATE VIEW merge_experiment AS
WITH named AS (
    SELECT r.conversation_id, a.name AS agent_name, r.sequence, r.steps, r.input_tokens, r.start_ms, r.end_ms
    FROM internal.runs AS r
    JOIN internal.agents AS a USING (agent_id)
    WHERE NOT r.is_replay
)

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
        *,
        max(end_ms) OVER (in_turn ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS others_end,
        lead(start_ms) OVER (in_turn) AS next_start
    FROM named
    SEMI JOIN (FROM named SELECT conversation_id, agent_name GROUP BY ALL HAVING count(*) > 1) AS several
        ON several.conversation_id = named.conversation_id AND several.agent_name IS NOT DISTINCT FROM named.agent_name
    WINDOW in_turn AS (PARTITION BY conversation_id, agent_name ORDER BY start_ms, sequence)
)
GROUP BY conversation_id, agent_name
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
WITH scopes AS MATERIALIZED (FROM sub_agent_scope),

traces AS (
    SELECT
        count(*) AS traces,
        count(*) FILTER (s.conversation_id IS NOT NULL) AS with_sub_agents,
        count(*) FILTER (s.to_parent > 0) AS sharing_parent,
        count(*) FILTER (s.to_siblings > 0) AS sharing_siblings,
        count(*) FILTER (perfect_document AND numbered) AS perfect_document,
        count(*) FILTER (perfect_parent_first AND numbered) AS perfect_parent_first,
        count(*) FILTER (perfect_start_time AND numbered) AS perfect_start_time,
        count(*) FILTER (numbered) AS numbered,
        count(*) FILTER (dense) AS dense,
        count(*) FILTER (chained) AS chained,
        sum(reset_events_document) FILTER (numbered) AS resets_document,
        sum(reset_events_parent_first) FILTER (numbered) AS resets_parent_first,
        sum(reset_events_start_time) FILTER (numbered) AS resets_start_time,
        sum(gap_events_document) FILTER (numbered) AS gaps_document,
        sum(gap_events_parent_first) FILTER (numbered) AS gaps_parent_first,
        sum(gap_events_start_time) FILTER (numbered) AS gaps_start_time
    FROM (SELECT *, internal.is_numbered(scope) AS numbered FROM namespace_audit) AS n
    LEFT JOIN (
        SELECT conversation_id, sum(shared_parent) AS to_parent, sum(shared_siblings) AS to_siblings
        FROM scopes
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
    FROM scopes
),

figures AS (
    SELECT unnest([
        {'name': 'traces', 'value': NULL, 'numerator': traces, 'denominator': NULL,
         'note': 'conversations with blocks'},
        {'name': 'traces_with_sub_agents', 'value': NULL, 'numerator': with_sub_agents, 'denominator': traces,
         'note': 'of these, with sub-agents that have blocks'},
        {'name': 'sub_agents', 'value': NULL, 'numerator': sub_agents, 'denominator': NULL,
         'note': 'runs with a parent and blocks'},
        {'name': 'perfect_document', 'value': NULL, 'numerator': perfect_document, 'denominator': numbered,
         'note': 'ids turn up for the first time in the order of their numbers, steps in the order of the record'},
        {'name': 'perfect_parent_first', 'value': NULL, 'numerator': perfect_parent_first, 'denominator': numbered,
         'note': 'the same with all steps of the root before those of sub-agents'},
        {'name': 'perfect_start_time', 'value': NULL, 'numerator': perfect_start_time, 'denominator': numbered,
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
