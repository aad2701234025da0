-- Questions that somebody new to a corpus asks. The first line above each is its name, the others what its figures are.
-- Every one runs on every sample, whatever its format records.

-- Which runs took the most tokens?
-- The runs' own tokens, without those of the runs below them.
SELECT
    conversation_title AS conversation, agent_name AS agent,
    agent_label AS label, status, steps,
    input_tokens, cache_read_tokens, output_tokens,
    round(cost_usd, 4) AS cost_usd, run_id
FROM run_totals
WHERE NOT is_replay
ORDER BY
    coalesce(input_tokens, 0) + coalesce(output_tokens, 0) DESC, run_id
LIMIT 100;

-- Which agents took the most tokens?
-- By what they are called. The agents' own tokens; percent_of_input is of all that were recorded.
SELECT
    agent_name AS agent, is_sub_agent, count(*) AS runs,
    sum(steps) AS steps,
    sum(input_tokens) AS input_tokens,
    sum(output_tokens) AS output_tokens,
    round(100 * sum(input_tokens) / sum(sum(input_tokens)) OVER (), 1)
        AS percent_of_input,
    max(peak_context_tokens) AS peak_context_tokens
FROM run_totals
WHERE NOT is_replay
GROUP BY agent_name, is_sub_agent
ORDER BY input_tokens DESC NULLS LAST, runs DESC;

-- What did each model take?
SELECT
    coalesce(s.model, s.request_model) AS model, count(*) AS steps,
    sum(s.input_tokens) AS input_tokens,
    sum(s.cache_read_tokens) AS cache_read_tokens,
    sum(s.cache_write_tokens) AS cache_write_tokens,
    sum(s.output_tokens) AS output_tokens,
    sum(s.reasoning_tokens) AS reasoning_tokens,
    round(
        100 * sum(s.cache_read_tokens) / nullif(sum(s.input_tokens), 0), 1
    ) AS percent_cached
FROM steps AS s
JOIN runs AS r USING (run_id)
WHERE NOT s.is_replay AND NOT r.is_replay
GROUP BY ALL
ORDER BY input_tokens DESC NULLS LAST, steps DESC;

-- What did each conversation cost?
-- As the recorders say, never by prices of ours; empty is not recorded. What is told of a run may hold all below it, too.
SELECT
    c.title AS conversation, c.format, round(c.cost_usd, 4) AS cost_usd,
    c.runs, count(r.reported_cost_usd) AS runs_with_cost,
    c.steps, c.input_tokens, c.output_tokens, c.conversation_id
FROM conversation_totals AS c
LEFT JOIN run_totals AS r
    ON r.conversation_id = c.conversation_id AND NOT r.is_replay
GROUP BY ALL
ORDER BY
    cost_usd DESC NULLS LAST, c.input_tokens DESC NULLS LAST,
    c.conversation_id
LIMIT 1000;

-- What did each agent cost?
-- By what they are called. What is told of a run and all below it together is its agent's only where no run is below;
-- else it is only_with_those_below, and in what the conversation cost.
SELECT
    agent_name AS agent, is_sub_agent, count(*) AS runs,
    count(own_usd) AS runs_with_cost,
    count(reported_cost_usd) - count(own_usd) AS only_with_those_below,
    round(sum(own_usd), 4) AS cost_usd,
    round(avg(own_usd), 4) AS mean_usd,
    sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens
FROM (
    SELECT *, CASE WHEN reported_scope = 'own' OR total_runs = 1
        THEN reported_cost_usd END AS own_usd
    FROM run_totals
)
WHERE NOT is_replay
GROUP BY agent_name, is_sub_agent
ORDER BY cost_usd DESC NULLS LAST, runs DESC, agent;

-- What did each model cost?
-- Costs are told of runs, not of steps: those that used several models stand together. Else as for agents.
SELECT
    coalesce(m.models, r.model, r.request_model) AS models,
    count(*) AS runs, count(own_usd) AS runs_with_cost,
    count(reported_cost_usd) - count(own_usd) AS only_with_those_below,
    round(sum(own_usd), 4) AS cost_usd,
    sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens
FROM (
    SELECT *, CASE WHEN reported_scope = 'own' OR total_runs = 1
        THEN reported_cost_usd END AS own_usd
    FROM run_totals
) AS r
LEFT JOIN (
    SELECT
        run_id, string_agg(
            DISTINCT coalesce(model, request_model), ', '
            ORDER BY coalesce(model, request_model)
        ) AS models
    FROM steps
    WHERE NOT is_replay
    GROUP BY run_id
) AS m USING (run_id)
WHERE NOT r.is_replay
GROUP BY ALL
ORDER BY cost_usd DESC NULLS LAST, runs DESC, models;

-- Which tools fail the most?
-- percent_failed is of the calls whose outcome was recorded.
SELECT
    t.name AS tool, count(*) AS calls,
    count(*) FILTER (t.is_error) AS errors,
    round(
        100 * count(*) FILTER (t.is_error) / nullif(count(t.is_error), 0), 1
    ) AS percent_failed,
    median(t.end_ms - t.start_ms) AS median_ms,
    max(t.end_ms - t.start_ms) AS longest_ms
FROM tool_calls AS t
JOIN runs AS r USING (run_id)
LEFT JOIN steps AS s
    ON s.run_id = t.run_id AND s.ordinal = t.step_ordinal
WHERE NOT r.is_replay AND NOT coalesce(s.is_replay, false)
GROUP BY t.name
ORDER BY errors DESC, calls DESC, tool;

-- Which siblings share the least?
-- Blocks from the start on that the first prompts of both have, as a share of the first one's.
SELECT
    round(100 * p.first_step_prefix / nullif(p.first_step_blocks, 0), 1)
        AS percent_shared,
    p.first_step_prefix AS shared_blocks, p.first_step_blocks AS blocks,
    a.agent_name AS agent, a.agent_label AS label,
    b.agent_name AS sibling, b.agent_label AS sibling_label,
    a.conversation_title AS conversation, p.run_id, p.sibling_run_id
FROM sibling_sharing AS p
JOIN run_totals AS a ON a.run_id = p.run_id
JOIN run_totals AS b ON b.run_id = p.sibling_run_id
WHERE p.run_id < p.sibling_run_id
ORDER BY percent_shared NULLS LAST, p.run_id, p.sibling_run_id
LIMIT 100;

-- What is wrong in the recordings?
SELECT
    severity, code, count(*) AS findings,
    count(DISTINCT source_id) AS files, min(message) AS for_example
FROM findings
GROUP BY severity, code
ORDER BY
    CASE severity WHEN 'error' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END,
    findings DESC, code;

-- Which runs failed, and why?
-- Or were cancelled, or had steps that failed.
SELECT
    conversation_title AS conversation, agent_name AS agent,
    agent_label AS label, status, status_detail,
    steps, step_errors, tool_errors, run_id
FROM run_totals
WHERE status IN ('failed', 'cancelled') OR step_errors > 0
ORDER BY status, conversation, run_id
LIMIT 1000;

-- Which steps took the longest?
SELECT
    s.end_ms - s.start_ms AS took_ms, r.agent_name AS agent,
    r.agent_label AS label, s.ordinal AS step_ordinal,
    s.input_tokens, s.output_tokens, s.model, s.error, s.run_id
FROM steps AS s
JOIN run_totals AS r USING (run_id)
WHERE NOT s.is_replay AND took_ms IS NOT NULL
ORDER BY took_ms DESC, s.run_id, s.ordinal
LIMIT 100;

-- Which tool calls took longest?
SELECT
    t.end_ms - t.start_ms AS took_ms, t.name AS tool, t.is_error,
    r.agent_name AS agent, r.agent_label AS label,
    t.step_ordinal, t.run_id
FROM tool_calls AS t
JOIN run_totals AS r USING (run_id)
WHERE took_ms IS NOT NULL
ORDER BY took_ms DESC, t.run_id, t.ordinal
LIMIT 100;

-- Which hand-offs never arrived?
SELECT
    e.kind, f.agent_name AS from_agent, t.agent_name AS to_agent, e.at_ms,
    e.grade,
    coalesce(e.from_run_id, e.to_run_id) AS run_id, e.to_run_id
FROM edges AS e
LEFT JOIN run_totals AS f ON f.run_id = e.from_run_id
LEFT JOIN run_totals AS t ON t.run_id = e.to_run_id
WHERE e.delivered = false
ORDER BY e.kind, run_id, e.at_ms
LIMIT 1000;

-- Which contexts grew the largest?
-- peak_context_tokens is the most input and output of one step; compactions are those that were recorded.
SELECT
    r.peak_context_tokens, count(e.run_id) AS compactions,
    r.agent_name AS agent, r.agent_label AS label,
    r.model, r.steps, r.conversation_title AS conversation, r.run_id
FROM run_totals AS r
LEFT JOIN events AS e ON e.run_id = r.run_id AND e.kind = 'compaction'
WHERE r.peak_context_tokens IS NOT NULL
GROUP BY ALL
ORDER BY r.peak_context_tokens DESC, r.run_id
LIMIT 100;

-- What could a cache have served?
-- could: leading blocks that were there before, on a prefix cache without end; did: what the recorder measured, of tokens.
SELECT
    title AS conversation, format, steps,
    round(100 * reuse, 1) AS percent_could, input_tokens,
    cache_read_tokens,
    round(100 * cache_read_tokens / nullif(input_tokens, 0), 1)
        AS percent_did,
    conversation_id
FROM conversation_totals
ORDER BY input_tokens DESC NULLS LAST, conversation_id
LIMIT 1000;

-- How did siblings meet the cache?
-- By the first prompt of each, as the recorder measured it.
SELECT
    cache, why, count(*) AS siblings, sum(input_tokens) AS input_tokens,
    sum(cache_read_tokens) AS cache_read_tokens
FROM sibling_cold_starts
GROUP BY cache, why
ORDER BY siblings DESC, cache, why;

-- How deep do agents start agents?
SELECT
    depth, count(*) AS runs, count(DISTINCT agent_id) AS agents,
    sum(steps) AS steps,
    sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens
FROM run_totals
WHERE NOT is_replay
GROUP BY depth
ORDER BY depth;

-- On which days was work done?
-- By the start of each step, else of its run, in UTC; without a day is what no clock was recorded for.
SELECT
    coalesce(s.started_at, r.started_at)::DATE AS day,
    count(DISTINCT r.conversation_id) AS conversations,
    count(*) AS steps, sum(s.input_tokens) AS input_tokens,
    sum(s.output_tokens) AS output_tokens
FROM steps AS s
JOIN runs AS r USING (run_id)
WHERE NOT s.is_replay AND NOT r.is_replay
GROUP BY day
ORDER BY day DESC NULLS LAST;

-- Which files were not read whole?
SELECT status, path, bytes, bad_records, message, read_with
FROM sources
WHERE status <> 'read'
ORDER BY status, path
LIMIT 1000;
