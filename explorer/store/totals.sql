-- Numbers per run, computed once when a database is opened. Replayed steps and runs, and the tool calls and blocks of
-- these, are never counted. NULL is "not recorded": a sum over nothing that was recorded, never 0.
--
-- A figure of a run is the sum over its steps where every step has it; else the recorder's own sum for the run, if it
-- has one; else the sum over the steps that have it. Where it is not sure which steps are the run's, the recorder's
-- own sum comes first. A sum that the recorder made over the run and everything below it is never the run's own.

-- Money in billionths of a dollar: it adds up without rounding.
CREATE MACRO internal.nano(usd) AS CASE WHEN isfinite(usd) AND abs(usd) < 1e9 THEN round(usd * 1e9)::BIGINT END;

-- What is not to be counted: few rows, mostly none.
CREATE TABLE internal.replayed AS
SELECT run_id, ordinal FROM steps WHERE is_replay;

-- Runs of which it is not sure which steps and tool calls are theirs: few, mostly none.
CREATE TABLE internal.doubtful AS
SELECT run_id FROM steps WHERE grade = 'ambiguous'
UNION
SELECT run_id FROM tool_calls WHERE grade = 'ambiguous'
UNION
SELECT unnest(try(from_json(candidates, '["VARCHAR"]'))) FROM steps WHERE candidates IS NOT NULL;

CREATE TABLE internal.step_sums AS
SELECT
    run_id,
    count(*) FILTER (NOT is_replay) AS steps,
    count(*) FILTER (is_replay) AS replayed_steps,
    count(*) FILTER (NOT is_replay AND (input_tokens IS NOT NULL OR output_tokens IS NOT NULL)) AS steps_with_usage,
    count(input_tokens) FILTER (NOT is_replay) AS steps_with_input,
    count(output_tokens) FILTER (NOT is_replay) AS steps_with_output,
    count(error) FILTER (NOT is_replay) AS step_errors,
    internal.whole(sum(input_tokens) FILTER (NOT is_replay)) AS input_tokens,
    internal.whole(sum(cache_read_tokens) FILTER (NOT is_replay)) AS cache_read_tokens,
    internal.whole(sum(cache_write_tokens) FILTER (NOT is_replay)) AS cache_write_tokens,
    internal.whole(sum(output_tokens) FILTER (NOT is_replay)) AS output_tokens,
    internal.whole(sum(reasoning_tokens) FILTER (NOT is_replay)) AS reasoning_tokens,
    -- Saturating, as two recorded figures may not fit together.
    max(internal.whole(coalesce(input_tokens, 0)::HUGEINT + coalesce(output_tokens, 0)))
        FILTER (NOT is_replay AND (input_tokens IS NOT NULL OR output_tokens IS NOT NULL)) AS peak_context_tokens,
    count(*) FILTER (NOT is_replay AND tokens_grade = 'derived') AS tokens_derived,
    count(*) FILTER (NOT is_replay AND tokens_grade = 'ambiguous') AS tokens_ambiguous,
    count(*) FILTER (NOT is_replay AND grade = 'derived') AS steps_derived,
    count(*) FILTER (NOT is_replay AND grade = 'ambiguous') AS steps_ambiguous,
    min(start_ms) FILTER (NOT is_replay) AS first_step_ms,
    max(coalesce(end_ms, start_ms)) FILTER (NOT is_replay) AS last_step_ms
FROM steps
GROUP BY run_id;

CREATE TABLE internal.tool_sums AS
SELECT
    run_id,
    count(*) AS tool_calls,
    CASE WHEN count(is_error) > 0 THEN count(*) FILTER (is_error) END AS tool_errors
FROM tool_calls AS t
WHERE
    NOT EXISTS (FROM internal.replayed AS r WHERE r.run_id = t.run_id AND r.ordinal = t.step_ordinal)
    AND run_id NOT IN (SELECT run_id FROM runs WHERE is_replay)
GROUP BY run_id;

CREATE TABLE internal.reuse_sums AS
SELECT
    run_id,
    count(*) FILTER (blocks > 0) AS steps_with_blocks,
    sum(blocks)::BIGINT AS blocks,
    sum(hit_own)::BIGINT AS hit_own,
    sum(hit_ancestor)::BIGINT AS hit_ancestor,
    sum(hit_sibling)::BIGINT AS hit_sibling,
    sum(hit_other)::BIGINT AS hit_other,
    sum(fresh_blocks)::BIGINT AS fresh_blocks,
    sum(hit_own_tokens)::BIGINT AS hit_own_tokens,
    sum(hit_ancestor_tokens)::BIGINT AS hit_ancestor_tokens,
    sum(hit_sibling_tokens)::BIGINT AS hit_sibling_tokens,
    sum(hit_other_tokens)::BIGINT AS hit_other_tokens,
    sum(causal_own)::BIGINT AS causal_own,
    sum(causal_ancestor)::BIGINT AS causal_ancestor,
    sum(causal_sibling)::BIGINT AS causal_sibling,
    sum(causal_other)::BIGINT AS causal_other,
    sum(causal_own_tokens + causal_ancestor_tokens + causal_sibling_tokens + causal_other_tokens)::BIGINT
        AS causal_tokens,
    sum((hit_own + hit_ancestor + hit_sibling + hit_other) / blocks) FILTER (blocks > 0) AS shares,
    sum(hit_own / blocks) FILTER (blocks > 0) AS own_shares,
    arg_min(blocks, s.ordinal) AS first_blocks,
    arg_min(hit_own, s.ordinal) AS first_own,
    arg_min(hit_ancestor, s.ordinal) AS first_ancestor,
    arg_min(hit_sibling, s.ordinal) AS first_sibling,
    arg_min(hit_other, s.ordinal) AS first_other,
    min(s.ordinal) AS first_ordinal
FROM step_reuse AS s
WHERE NOT EXISTS (FROM internal.replayed AS r WHERE r.run_id = s.run_id AND r.ordinal = s.ordinal)
GROUP BY run_id;

-- Conversations in the order of the tree. Those that other rows name, without a row of their own, are kept.
CREATE TABLE internal.conversations AS
SELECT
    row_number() OVER (ORDER BY group_name, started_at, title, conversation_id) AS place,
    title IS NOT NULL AND count(*) OVER (PARTITION BY title) > 1 AS shares_title,
    *
FROM (
    SELECT
        conversation_id, source_id, format, group_name, title, started_at, ended_at, block_scope, steps_recorded,
        tool_calls_recorded
    FROM conversations
    UNION ALL BY NAME
    SELECT DISTINCT conversation_id
    FROM (SELECT conversation_id FROM agents UNION ALL SELECT conversation_id FROM runs)
    ANTI JOIN conversations USING (conversation_id)
);

-- One row per run, with or without steps: what later statements need of it, and its numbers. start_ms and end_ms fall
-- back on the steps'. step_* are sums over the rows alone, and report_* the recorder's sums over the run and everything
-- below it. What is in *_from_report is the recorder's own sum.
CREATE TABLE internal.runs AS
SELECT
    r.run_id,
    r.conversation_id,
    r.agent_id,
    r.parent_run_id,
    r.ordinal,
    row_number() OVER (
        ORDER BY r.is_replay, coalesce(r.start_ms, s.first_step_ms) NULLS LAST, r.ordinal, r.run_id
    ) AS sequence,
    r.native_run_id,
    r.status,
    coalesce(r.model, r.request_model) AS model,
    r.status = 'running' AND r.end_ms IS NULL AND r.ended_at IS NULL AS is_open,
    r.is_replay,
    r.reported_steps,
    r.reported_input_tokens,
    r.reported_output_tokens,
    r.reported_tool_calls,
    r.reported_scope,
    r.reward,
    r.started_at,
    coalesce(r.start_ms, s.first_step_ms) AS start_ms,
    coalesce(r.end_ms, s.last_step_ms) AS end_ms,
    coalesce(
        coalesce(r.end_ms, s.last_step_ms) - coalesce(r.start_ms, s.first_step_ms),
        epoch_ms(r.ended_at) - epoch_ms(r.started_at)
    ) AS duration_ms,
    coalesce(s.steps, 0) AS steps,
    coalesce(s.replayed_steps, 0) AS replayed_steps,
    coalesce(s.steps_with_usage, 0) AS steps_with_usage,
    coalesce(s.steps_with_input, 0) AS steps_with_input,
    coalesce(s.steps_with_output, 0) AS steps_with_output,
    coalesce(s.step_errors, 0) AS step_errors,
    d.run_id IS NOT NULL AS is_doubtful,
    CASE WHEN c.tool_calls_recorded THEN coalesce(t.tool_calls, 0) ELSE t.tool_calls END AS step_tool_calls,
    CASE WHEN c.tool_calls_recorded AND t.tool_calls IS NULL THEN 0 ELSE t.tool_errors END AS step_tool_errors,
    s.input_tokens AS step_input_tokens,
    s.output_tokens AS step_output_tokens,
    r.reported_scope = 'own' AND r.reported_tool_calls IS NOT NULL
    AND (t.tool_calls IS NULL OR d.run_id IS NOT NULL) AS tool_calls_from_report,
    r.reported_scope = 'own' AND r.reported_tool_errors IS NOT NULL
    AND (t.tool_errors IS NULL OR d.run_id IS NOT NULL) AS tool_errors_from_report,
    r.reported_scope = 'own' AND r.reported_input_tokens IS NOT NULL
    AND (coalesce(s.steps_with_input < s.steps OR s.steps = 0, true) OR d.run_id IS NOT NULL) AS input_from_report,
    r.reported_scope = 'own' AND r.reported_output_tokens IS NOT NULL
    AND (coalesce(s.steps_with_output < s.steps OR s.steps = 0, true) OR d.run_id IS NOT NULL) AS output_from_report,
    CASE WHEN tool_calls_from_report THEN r.reported_tool_calls ELSE step_tool_calls END AS tool_calls,
    CASE WHEN tool_errors_from_report THEN r.reported_tool_errors ELSE step_tool_errors END AS tool_errors,
    CASE WHEN input_from_report THEN r.reported_input_tokens ELSE s.input_tokens END AS input_tokens,
    CASE WHEN output_from_report THEN r.reported_output_tokens ELSE s.output_tokens END AS output_tokens,
    -- Where model calls are not written down, only the recorder's count tells how many there were.
    NOT coalesce(c.steps_recorded, true) AS counts_no_steps,
    CASE
        WHEN NOT counts_no_steps THEN coalesce(s.steps, 0)
        WHEN r.reported_scope = 'own' THEN r.reported_steps
    END AS model_calls,
    CASE WHEN r.reported_scope = 'total' THEN r.reported_steps END AS report_model_calls,
    CASE WHEN r.reported_scope = 'own' THEN internal.nano(r.reported_cost_usd) END AS cost_nano,
    CASE WHEN r.reported_scope = 'total' THEN r.reported_tool_calls END AS report_tool_calls,
    CASE WHEN r.reported_scope = 'total' THEN r.reported_tool_errors END AS report_tool_errors,
    CASE WHEN r.reported_scope = 'total' THEN r.reported_input_tokens END AS report_input_tokens,
    CASE WHEN r.reported_scope = 'total' THEN r.reported_output_tokens END AS report_output_tokens,
    CASE WHEN r.reported_scope = 'total' THEN internal.nano(r.reported_cost_usd) END AS report_cost_nano,
    s.cache_read_tokens,
    s.cache_write_tokens,
    s.reasoning_tokens,
    s.peak_context_tokens,
    coalesce(s.tokens_derived, 0) AS tokens_derived,
    coalesce(s.tokens_ambiguous, 0) AS tokens_ambiguous,
    coalesce(s.steps_derived, 0) AS steps_derived,
    coalesce(s.steps_ambiguous, 0) AS steps_ambiguous,
    u.* EXCLUDE (run_id),
    u.hit_own + u.hit_ancestor + u.hit_sibling + u.hit_other AS hit_blocks,
    f.* EXCLUDE (run_id)
FROM runs AS r
LEFT JOIN internal.conversations AS c ON c.conversation_id = r.conversation_id
LEFT JOIN internal.doubtful AS d ON d.run_id = r.run_id
LEFT JOIN internal.step_sums AS s ON s.run_id = r.run_id
LEFT JOIN internal.tool_sums AS t ON t.run_id = r.run_id
LEFT JOIN internal.reuse_sums AS u ON u.run_id = r.run_id
LEFT JOIN run_footprint AS f ON f.run_id = r.run_id;

DROP TABLE internal.replayed;
DROP TABLE internal.doubtful;
DROP TABLE internal.step_sums;
DROP TABLE internal.tool_sums;
DROP TABLE internal.reuse_sums;
