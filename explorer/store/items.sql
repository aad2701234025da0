-- The lines of the tree, before they are laid out. Nothing is lost here: a conversation or an agent that other rows
-- name and that has no row of its own gets a line all the same.

-- Conversations in the order of the tree.
CREATE TABLE internal.conversations AS
SELECT
    row_number() OVER (ORDER BY group_name, started_at, title, conversation_id) AS place,
    *
FROM (
    SELECT conversation_id, group_name, title, started_at, ended_at FROM conversations
    UNION ALL BY NAME
    SELECT DISTINCT conversation_id FROM agents ANTI JOIN conversations USING (conversation_id)
    UNION ALL BY NAME
    SELECT DISTINCT conversation_id
    FROM runs
    ANTI JOIN conversations USING (conversation_id)
    ANTI JOIN agents USING (conversation_id)
);

-- When each run was, with its steps' times where the run has none.
CREATE TABLE internal.run_times AS
SELECT
    r.run_id,
    r.conversation_id,
    r.agent_id,
    r.parent_run_id,
    r.ordinal,
    coalesce(r.start_ms, s.first_step_ms) AS start_ms,
    coalesce(r.end_ms, s.last_step_ms) AS end_ms,
    coalesce(
        coalesce(r.end_ms, s.last_step_ms) - coalesce(r.start_ms, s.first_step_ms),
        epoch_ms(r.ended_at) - epoch_ms(r.started_at)
    ) AS duration_ms
FROM runs AS r
JOIN internal.run_sums AS s USING (run_id);

-- Agents with their runs at a glance. The parent is the recorded one if it exists in the conversation, else the agent
-- whose run spawned this agent's first run.
CREATE TABLE internal.agents AS
WITH at_a_glance AS (
    SELECT
        agent_id,
        count(*) AS runs,
        min(start_ms) AS start_ms,
        arg_min(run_id, (coalesce(start_ms, 9223372036854775807), ordinal, run_id)) AS first_run_id,
        arg_min_null(parent_run_id, (coalesce(start_ms, 9223372036854775807), ordinal, run_id)) AS first_parent_run_id
    FROM internal.run_times
    GROUP BY agent_id
),

everyone AS (
    SELECT agent_id, conversation_id, parent_agent_id FROM agents
    UNION ALL BY NAME
    SELECT agent_id, min(conversation_id) AS conversation_id
    FROM runs
    ANTI JOIN agents USING (agent_id)
    GROUP BY agent_id
)

SELECT
    e.agent_id,
    e.conversation_id,
    coalesce(g.runs, 0) AS runs,
    g.start_ms,
    g.first_run_id,
    coalesce(p.agent_id, s.agent_id) AS parent_agent_id,
    CASE WHEN p.agent_id IS NULL OR p.agent_id = s.agent_id THEN s.run_id END AS spawned_by
FROM everyone AS e
LEFT JOIN at_a_glance AS g USING (agent_id)
LEFT JOIN everyone AS p ON p.agent_id = e.parent_agent_id AND p.conversation_id = e.conversation_id
LEFT JOIN internal.run_times AS s
    ON s.run_id = g.first_parent_run_id AND s.conversation_id = e.conversation_id AND s.agent_id <> e.agent_id;

-- One row per line: conversations, agents, and the runs of agents that have several. n is the recorded order.
CREATE TABLE internal.items AS
SELECT
    row_number() OVER (ORDER BY place, start_ms NULLS LAST, ordinal, node_id, kind) - 1 AS n,
    *
FROM (
    SELECT 'conversation' AS kind, place, conversation_id AS node_id, conversation_id, 0 AS ordinal
    FROM internal.conversations
    UNION ALL BY NAME
    SELECT
        'agent' AS kind, c.place, a.agent_id AS node_id, a.conversation_id, 0 AS ordinal, a.start_ms, a.agent_id,
        CASE WHEN a.runs = 1 THEN a.first_run_id END AS run_id
    FROM internal.agents AS a
    JOIN internal.conversations AS c USING (conversation_id)
    UNION ALL BY NAME
    SELECT
        'run' AS kind, c.place, r.run_id AS node_id, a.conversation_id, r.ordinal, r.start_ms, r.agent_id, r.run_id
    FROM internal.run_times AS r
    JOIN internal.agents AS a USING (agent_id)
    JOIN internal.conversations AS c ON c.conversation_id = a.conversation_id
    WHERE a.runs > 1
);

-- What each item hangs below, and the conversation it is in; NULL above for an agent without a parent.
CREATE TABLE internal.hang AS
SELECT
    i.n,
    i.kind,
    CASE i.kind WHEN 'agent' THEN coalesce(spawner.n, parent.n) WHEN 'run' THEN own.n END AS above,
    conversation.n AS conversation
FROM internal.items AS i
JOIN internal.items AS conversation
    ON conversation.kind = 'conversation' AND conversation.conversation_id = i.conversation_id
LEFT JOIN internal.agents AS a ON i.kind = 'agent' AND a.agent_id = i.agent_id
LEFT JOIN internal.items AS spawner ON spawner.kind = 'run' AND spawner.run_id = a.spawned_by
LEFT JOIN internal.items AS parent ON parent.kind = 'agent' AND parent.agent_id = a.parent_agent_id
LEFT JOIN internal.items AS own ON i.kind = 'run' AND own.kind = 'agent' AND own.agent_id = i.agent_id;
