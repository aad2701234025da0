-- The relations that are derived from the tables. They keep their names and columns from release to release.
--
-- A number without a prefix is a run's (an agent's) own; with "total_" it adds every run below in the tree, each once.
-- "Below" is the tree's word: an agent hangs below the run that spawned it or else its parent agent, and one whose
-- recorded parents are missing or lead in a circle hangs below its conversation. All runs of an agent hang with it: one
-- that another run started later (its parent_run_id) still counts in the total_ of the run that the agent hangs below.
-- Replayed steps are never counted, except in replayed_steps, and neither are runs that are nothing but a copy
-- (is_replay). NULL is "not recorded": it is a sum only over what was recorded.
--
-- input_tokens, output_tokens, tool_calls and tool_errors of a run are the sum over its steps where every step has the
-- figure (tool calls: where any is recorded), else the recorder's own sum for this run (reported_*, with
-- reported_scope 'own'), else the sum over the steps that have it. Where it is ambiguous which steps are the run's, the
-- recorder's sum comes first. cost_usd is always the recorder's. A recorder's sum over a run and everything below it
-- (reported_scope 'total') is never the run's own: it is its total_ and counts in those above, in place of its
-- subtree, where no step of the run or below it has the figure and the recorder's own sums there come to no more.
-- Else the sum of the figures there is the total, and the recorder's is left beside it in reported_*.

-- One row per finding: those of the readers, and those of the rules over more than one record.
CREATE VIEW findings AS
SELECT * EXCLUDE (position) FROM internal.placed_findings;

-- Which run is where in the tree: one row per run, in depth-first order.
-- position: 1, 2, … over all runs. depth: agents above this one. path: labels (or names) of the lines down to it, the
-- nearest 64 of them.
CREATE VIEW spawn_tree AS
WITH RECURSIVE down AS (
    SELECT position, []::VARCHAR[] AS path FROM internal.nodes WHERE parent < 0
    UNION ALL
    SELECT n.position, list_append(d.path[-63:], CASE n.kind WHEN 'agent' THEN coalesce(n.label, n.name) ELSE n.name END)
    FROM down AS d
    JOIN internal.nodes AS n ON n.parent = d.position
)

SELECT
    r.run_id,
    row_number() OVER (ORDER BY l.position) AS position,
    l.depth,
    d.path,
    r.parent_run_id,
    r.conversation_id,
    r.agent_id,
    a.name AS agent_name
FROM internal.runs AS r
JOIN internal.run_lines AS l USING (run_id)
JOIN down AS d ON d.position = l.position
JOIN internal.agents AS a ON a.agent_id = r.agent_id
ORDER BY l.position;

-- One row per run: what was recorded of it, where it belongs, and its numbers. --where filters on these columns.
-- depth: agents above its agent. peak_context_tokens: most input and output of one step. duration_ms: end less start,
-- with the steps' times where the run has none. coverage: share of the steps with any usage; below 1 the tokens may be
-- the recorder's sum. reuse: share of the
-- blocks of the prompts that were already there (hit_blocks / blocks). findings: those of this run; where it is the only
-- one of its agent, copies aside, those of the agent as a whole too.
CREATE VIEW run_totals AS
SELECT
    r.*,
    c.title AS conversation_title,
    c.group_name,
    c.format,
    c.source_id,
    a.name AS agent_name,
    a.label AS agent_label,
    a.version AS agent_version,
    a.helper AS agent_helper,
    l.depth,
    internal.is_sub_agent(l.depth, a.recorded_parent) AS is_sub_agent,
    s.duration_ms,
    s.steps,
    s.replayed_steps,
    s.step_errors,
    s.steps_with_usage / nullif(s.steps, 0) AS coverage,
    s.tool_calls,
    s.tool_errors,
    s.input_tokens,
    s.cache_read_tokens,
    s.cache_write_tokens,
    s.output_tokens,
    s.reasoning_tokens,
    s.cost_nano / 1e9 AS cost_usd,
    s.peak_context_tokens,
    s.unique_blocks,
    s.unique_tokens,
    s.shared_parent AS shared_parent_blocks,
    s.shared_siblings AS shared_sibling_blocks,
    s.blocks,
    s.hit_blocks,
    s.hit_own,
    s.hit_ancestor,
    s.hit_sibling,
    s.hit_other,
    s.hit_blocks / nullif(s.blocks, 0) AS reuse,
    n.own_errors + n.own_warnings + n.own_infos AS findings,
    -- In an opened export: the filter had not kept it, and it is there because a kept run is below it.
    r.run_id IN (FROM internal.ancestors) AS ancestor_only,
    n.total_runs,
    n.total_steps,
    n.total_replayed_steps,
    n.total_step_errors,
    n.total_steps_with_usage / nullif(n.total_steps, 0) AS total_coverage,
    n.total_tool_calls,
    n.total_tool_errors,
    n.total_input_tokens,
    n.total_cache_read_tokens,
    n.total_cache_write_tokens,
    n.total_output_tokens,
    n.total_reasoning_tokens,
    n.total_cost_nano / 1e9 AS total_cost_usd,
    n.total_blocks,
    n.total_hit_blocks,
    n.total_hit_blocks / nullif(n.total_blocks, 0) AS total_reuse,
    n.total_errors + n.total_warnings + n.total_infos AS total_findings
FROM runs AS r
JOIN internal.run_lines AS l USING (run_id)
JOIN internal.nodes AS n ON n.position = l.position
JOIN internal.runs AS s USING (run_id)
JOIN internal.agents AS a ON a.agent_id = r.agent_id
LEFT JOIN internal.conversations AS c ON c.conversation_id = r.conversation_id;

-- One row per agent: its columns, the numbers of its runs, and total_ with every agent below it. findings: those of its
-- runs, and those of the agent as a whole, which no run is named in.
CREATE VIEW agent_totals AS
SELECT
    a.*,
    c.title AS conversation_title,
    internal.is_sub_agent(n.depth - 1, a.parent_agent_id) AS is_sub_agent,
    n.status,
    n.model,
    n.start_ms,
    n.duration_ms,
    n.own_runs AS runs,
    n.own_steps AS steps,
    n.own_replayed_steps AS replayed_steps,
    n.own_step_errors AS step_errors,
    n.own_steps_with_usage / nullif(n.own_steps, 0) AS coverage,
    n.own_tool_calls AS tool_calls,
    n.own_tool_errors AS tool_errors,
    n.own_input_tokens AS input_tokens,
    n.own_cache_read_tokens AS cache_read_tokens,
    n.own_cache_write_tokens AS cache_write_tokens,
    n.own_output_tokens AS output_tokens,
    n.own_reasoning_tokens AS reasoning_tokens,
    n.own_cost_nano / 1e9 AS cost_usd,
    n.own_blocks AS blocks,
    n.own_hit_blocks AS hit_blocks,
    n.own_hit_blocks / nullif(n.own_blocks, 0) AS reuse,
    n.own_errors + n.own_warnings + n.own_infos + coalesce(f.findings, 0) AS findings,
    n.total_runs,
    n.total_steps,
    n.total_replayed_steps,
    n.total_step_errors,
    n.total_steps_with_usage / nullif(n.total_steps, 0) AS total_coverage,
    n.total_tool_calls,
    n.total_tool_errors,
    n.total_input_tokens,
    n.total_cache_read_tokens,
    n.total_cache_write_tokens,
    n.total_output_tokens,
    n.total_reasoning_tokens,
    n.total_cost_nano / 1e9 AS total_cost_usd,
    n.total_blocks,
    n.total_hit_blocks,
    n.total_hit_blocks / nullif(n.total_blocks, 0) AS total_reuse,
    n.total_errors + n.total_warnings + n.total_infos AS total_findings
FROM agents AS a
JOIN internal.nodes AS n ON n.kind = 'agent' AND n.agent_id = a.agent_id
LEFT JOIN (
    SELECT l.agent_position, count(*) AS findings
    FROM internal.run_lines AS l
    JOIN internal.placed_findings AS p ON p.position = l.position
    WHERE l.position <> l.agent_position
    GROUP BY l.agent_position
) AS f ON f.agent_position = n.position
LEFT JOIN internal.conversations AS c ON c.conversation_id = a.conversation_id
ORDER BY n.position;

-- One row per conversation: its columns and the numbers of all its runs, each counted once. findings: all in it, those
-- of its runs, of its agents and of itself. Findings of files that no conversation is in are in none.
CREATE VIEW conversation_totals AS
SELECT
    c.*,
    n.status,
    n.model,
    n.duration_ms,
    coalesce(g.agents, 0) AS agents,
    coalesce(g.sub_agents, 0) AS sub_agents,
    n.total_runs AS runs,
    n.total_steps AS steps,
    n.total_replayed_steps AS replayed_steps,
    n.total_step_errors AS step_errors,
    n.total_steps_with_usage / nullif(n.total_steps, 0) AS coverage,
    n.total_tool_calls AS tool_calls,
    n.total_tool_errors AS tool_errors,
    n.total_input_tokens AS input_tokens,
    n.total_cache_read_tokens AS cache_read_tokens,
    n.total_cache_write_tokens AS cache_write_tokens,
    n.total_output_tokens AS output_tokens,
    n.total_reasoning_tokens AS reasoning_tokens,
    n.total_cost_nano / 1e9 AS cost_usd,
    n.total_blocks AS blocks,
    n.total_hit_blocks AS hit_blocks,
    n.total_hit_blocks / nullif(n.total_blocks, 0) AS reuse,
    n.total_errors + n.total_warnings + n.total_infos AS findings
FROM conversations AS c
JOIN internal.nodes AS n ON n.kind = 'conversation' AND n.conversation_id = c.conversation_id
LEFT JOIN (
    SELECT conversation_id, count(*) AS agents, count(*) FILTER (is_sub_agent) AS sub_agents
    FROM agent_totals
    GROUP BY conversation_id
) AS g ON g.conversation_id = c.conversation_id
ORDER BY n.position;

-- What compares versions of an agent: the figures of each run, as run_totals has them. Runs that are nothing but a copy
-- of another recording's are left out.
CREATE VIEW internal.version_runs AS
SELECT
    r.run_id,
    a.name AS agent_name,
    a.version AS agent_version,
    r.status,
    r.steps,
    -- A recorder's own count of its turns, else the model calls that it wrote down.
    coalesce(CASE WHEN r.reported_scope = 'own' THEN r.reported_steps END, r.model_calls) AS model_calls,
    r.tool_calls,
    r.tool_errors,
    r.input_tokens,
    r.output_tokens,
    r.cost_nano / 1e9 AS cost_usd,
    r.duration_ms,
    CASE WHEN isfinite(r.reward) THEN r.reward END AS reward
FROM internal.runs AS r
JOIN internal.agents AS a USING (agent_id)
WHERE NOT r.is_replay AND (r.steps > 0 OR r.replayed_steps = 0);

-- One row per version of an agent's definition, over everything opened; runs without a name or a version have rows of
-- their own. success_rate: completed / (completed + failed), NULL where no run ended either way. Of each figure: its sum,
-- the runs that have it (runs_with_), their mean, and the standard deviation of a sample (spread_, NULL for one run).
-- Runs without the figure are in none of these, so that what is not recorded is not taken for 0. model_calls are turns by
-- the recorder's count, else the steps; duration_ms is wall time; all are the runs' own, without sub-agents.
CREATE VIEW agent_version_totals AS
SELECT
    agent_name,
    agent_version,
    count(*) AS runs,
    count(*) FILTER (status = 'completed') AS completed,
    count(*) FILTER (status = 'failed') AS failed,
    completed / nullif(completed + failed, 0) AS success_rate,
    internal.whole(sum(steps)) AS steps,
    count(model_calls) AS runs_with_model_calls,
    internal.whole(sum(model_calls)) AS model_calls,
    avg(model_calls) AS mean_model_calls,
    stddev_samp(model_calls) AS spread_model_calls,
    count(input_tokens) AS runs_with_input_tokens,
    internal.whole(sum(input_tokens)) AS input_tokens,
    avg(input_tokens) AS mean_input_tokens,
    stddev_samp(input_tokens) AS spread_input_tokens,
    count(output_tokens) AS runs_with_output_tokens,
    internal.whole(sum(output_tokens)) AS output_tokens,
    avg(output_tokens) AS mean_output_tokens,
    stddev_samp(output_tokens) AS spread_output_tokens,
    count(tool_calls) AS runs_with_tool_calls,
    internal.whole(sum(tool_calls)) AS tool_calls,
    avg(tool_calls) AS mean_tool_calls,
    stddev_samp(tool_calls) AS spread_tool_calls,
    count(tool_errors) AS runs_with_tool_errors,
    internal.whole(sum(tool_errors)) AS tool_errors,
    avg(tool_errors) AS mean_tool_errors,
    stddev_samp(tool_errors) AS spread_tool_errors,
    count(duration_ms) AS runs_with_duration_ms,
    internal.whole(sum(duration_ms)) AS duration_ms,
    avg(duration_ms) AS mean_duration_ms,
    stddev_samp(duration_ms) AS spread_duration_ms,
    count(cost_usd) AS runs_with_cost_usd,
    sum(cost_usd) AS cost_usd,
    avg(cost_usd) AS mean_cost_usd,
    stddev_samp(cost_usd) AS spread_cost_usd,
    count(reward) AS runs_with_reward,
    avg(reward) AS mean_reward,
    stddev_samp(reward) AS spread_reward
FROM internal.version_runs
GROUP BY agent_name, agent_version
ORDER BY agent_name NULLS LAST, agent_version NULLS LAST;

-- What a sum over every record of a recording would give, beside what counts: a row per agent, and one per conversation
-- (agent_id is NULL). naive_* adds to the figures what is in no sum of steps (uncounted_usage, and steps that are
-- replayed); reasons says what that is, with how many records, and names agents that the recorder started by itself.
-- unconfirmed_steps: no record of the call has a stop reason, so that its output is a lower bound.
CREATE VIEW counting_audit AS
WITH figures AS (
    SELECT
        r.conversation_id, r.agent_id, 'counted' AS reason, count(*) AS records,
        count(*) FILTER ((s.extra ->> '$.output_unconfirmed') = 'true') AS unconfirmed_steps,
        sum(s.input_tokens) AS input_tokens, sum(s.cache_read_tokens) AS cache_read_tokens,
        sum(s.cache_write_tokens) AS cache_write_tokens,
        sum(TRY_CAST(s.extra ->> '$.cache_write_5m_tokens' AS BIGINT)) AS cache_write_5m_tokens,
        sum(TRY_CAST(s.extra ->> '$.cache_write_1h_tokens' AS BIGINT)) AS cache_write_1h_tokens,
        sum(s.output_tokens) AS output_tokens
    FROM steps AS s
    JOIN runs AS r USING (run_id)
    WHERE NOT s.is_replay
    GROUP BY ALL
    UNION ALL BY NAME
    SELECT
        r.conversation_id, r.agent_id, 'replayed copy' AS reason, count(*) AS records,
        sum(s.input_tokens) AS input_tokens, sum(s.cache_read_tokens) AS cache_read_tokens,
        sum(s.cache_write_tokens) AS cache_write_tokens, sum(s.output_tokens) AS output_tokens
    FROM steps AS s
    JOIN runs AS r USING (run_id)
    WHERE s.is_replay
    GROUP BY ALL
    UNION ALL BY NAME
    SELECT
        conversation_id, agent_id, reason, records, input_tokens, cache_read_tokens, cache_write_tokens, output_tokens
    FROM uncounted_usage
    UNION ALL BY NAME
    SELECT conversation_id, agent_id, concat(helper, ' agent') AS reason, 1 AS records
    FROM agents
    WHERE helper IS NOT NULL
),

summed AS (
    SELECT
        conversation_id,
        agent_id,
        reason,
        grouping(agent_id) = 1 AS is_whole,
        sum(records) AS records,
        sum(unconfirmed_steps) AS unconfirmed_steps,
        sum(input_tokens) AS input_tokens,
        sum(cache_read_tokens) AS cache_read_tokens,
        sum(cache_write_tokens) AS cache_write_tokens,
        sum(cache_write_5m_tokens) AS cache_write_5m_tokens,
        sum(cache_write_1h_tokens) AS cache_write_1h_tokens,
        sum(output_tokens) AS output_tokens
    FROM figures
    GROUP BY GROUPING SETS ((conversation_id, agent_id, reason), (conversation_id, reason))
)

SELECT
    s.conversation_id,
    CASE WHEN NOT s.is_whole THEN s.agent_id END AS agent_id,
    any_value(a.name) AS agent_name,
    internal.whole(sum(s.records) FILTER (s.reason = 'counted')) AS steps,
    internal.whole(sum(s.unconfirmed_steps)) AS unconfirmed_steps,
    internal.whole(sum(s.input_tokens) FILTER (s.reason = 'counted')) AS input_tokens,
    internal.whole(sum(s.cache_read_tokens) FILTER (s.reason = 'counted')) AS cache_read_tokens,
    internal.whole(sum(s.cache_write_tokens) FILTER (s.reason = 'counted')) AS cache_write_tokens,
    internal.whole(sum(s.cache_write_5m_tokens)) AS cache_write_5m_tokens,
    internal.whole(sum(s.cache_write_1h_tokens)) AS cache_write_1h_tokens,
    internal.whole(sum(s.output_tokens) FILTER (s.reason = 'counted')) AS output_tokens,
    internal.whole(sum(s.input_tokens)) AS naive_input_tokens,
    internal.whole(sum(s.cache_read_tokens)) AS naive_cache_read_tokens,
    internal.whole(sum(s.cache_write_tokens)) AS naive_cache_write_tokens,
    internal.whole(sum(s.output_tokens)) AS naive_output_tokens,
    string_agg(format('{} ×{:,}', s.reason, s.records::BIGINT), ', ' ORDER BY s.reason) FILTER (s.reason <> 'counted')
        AS reasons
FROM summed AS s
LEFT JOIN agents AS a ON a.agent_id = s.agent_id
GROUP BY s.conversation_id, s.is_whole, s.agent_id
ORDER BY s.conversation_id, s.is_whole DESC, s.agent_id;
