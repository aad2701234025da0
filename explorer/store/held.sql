-- The lines of the tree with their numbers; internal.layout says where each of them is.

-- Where each run is shown, and in what.
CREATE TABLE internal.run_lines AS
SELECT
    r.run_id,
    l.position,
    agent.position AS agent_position,
    conversation.position AS conversation_position,
    agent.nesting - 1 AS depth
FROM internal.runs AS r
JOIN internal.items AS i ON i.kind = 'agent' AND i.agent_id = r.agent_id
JOIN internal.layout AS agent ON agent.n = i.n
JOIN internal.hang AS h ON h.n = i.n
JOIN internal.layout AS conversation ON conversation.n = h.conversation
LEFT JOIN internal.items AS line ON line.kind = 'run' AND line.run_id = r.run_id
JOIN internal.layout AS l ON l.n = coalesce(line.n, i.n);

-- Findings with the line where each shows: its run's, else its agent's, else its conversation's, else that of the only
-- conversation of its source.
CREATE TABLE internal.placed_findings AS
SELECT
    f.*,
    coalesce(r.position, a.position, c.position, s.position) AS position
FROM (
    -- An export has brought the findings of rules with it.
    FROM internal.stored_findings
    UNION ALL BY NAME
    FROM internal.rule_findings ANTI JOIN internal.stored_findings USING (finding_id)
) AS f
LEFT JOIN internal.run_lines AS r ON r.run_id = f.run_id
LEFT JOIN (
    SELECT i.agent_id, l.position FROM internal.items AS i JOIN internal.layout AS l USING (n) WHERE i.kind = 'agent'
) AS a ON a.agent_id = f.agent_id
LEFT JOIN (
    SELECT i.conversation_id, l.position
    FROM internal.items AS i
    JOIN internal.layout AS l USING (n)
    WHERE i.kind = 'conversation'
) AS c ON c.conversation_id = f.conversation_id
LEFT JOIN (
    SELECT o.source_id, min(l.position) AS position
    FROM internal.conversations AS o
    JOIN internal.items AS i ON i.kind = 'conversation' AND i.conversation_id = o.conversation_id
    JOIN internal.layout AS l USING (n)
    GROUP BY o.source_id
    HAVING count(*) = 1
) AS s ON s.source_id = f.source_id;

-- What each line adds to the lines above it, and which of these it is summed up in as their own. report_* counts for
-- the line and those above it where no step at or below it has the figure, and is not below what is known there.
CREATE VIEW internal.held AS
SELECT
    l.position,
    l.last,
    coalesce(r.agent_position, -1) AS agent_position,
    CASE WHEN r.depth = 0 THEN r.conversation_position ELSE -1 END AS conversation_position,
    (NOT coalesce(s.is_replay, true))::BIGINT AS runs,
    s.steps,
    s.replayed_steps,
    s.steps_with_usage,
    s.step_errors,
    s.model_calls,
    s.report_model_calls,
    s.tool_calls,
    s.tool_errors,
    s.input_tokens,
    s.cache_read_tokens,
    s.cache_write_tokens,
    s.output_tokens,
    s.reasoning_tokens,
    s.cost_nano,
    s.step_tool_calls,
    s.step_tool_errors,
    s.step_input_tokens,
    s.step_output_tokens,
    s.report_tool_calls,
    s.report_tool_errors,
    s.report_input_tokens,
    s.report_output_tokens,
    s.report_cost_nano,
    s.blocks,
    s.hit_blocks,
    f.errors,
    f.warnings,
    f.infos
FROM internal.items AS i
JOIN internal.layout AS l USING (n)
LEFT JOIN internal.run_lines AS r ON r.run_id = i.run_id
LEFT JOIN internal.runs AS s ON s.run_id = i.run_id
LEFT JOIN (
    SELECT
        position,
        count(*) FILTER (severity = 'error') AS errors,
        count(*) FILTER (severity = 'warning') AS warnings,
        count(*) FILTER (severity = 'info') AS infos
    FROM internal.placed_findings
    GROUP BY position
) AS f ON f.position = l.position
ORDER BY l.position;
