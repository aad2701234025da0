-- The lines of the tree, before they are laid out. Nothing is lost here: a conversation or an agent that other rows
-- name and that has no row of its own gets a line all the same.

-- Agents with their runs at a glance. The parent is the recorded one if it exists in the conversation, else the agent
-- whose run spawned this agent's first run.
CREATE TABLE internal.agents AS
WITH at_a_glance AS (
    SELECT
        agent_id,
        count(*) FILTER (NOT is_replay) AS runs,
        count(*) AS lines,
        min(start_ms) AS start_ms,
        arg_min(run_id, sequence) AS first_run_id,
        arg_min_null(parent_run_id, sequence) AS first_parent_run_id
    FROM internal.runs
    GROUP BY agent_id
),

everyone AS MATERIALIZED (
    SELECT agent_id, conversation_id, parent_agent_id, name, version, label, helper FROM agents
    UNION ALL BY NAME
    SELECT agent_id, min(conversation_id) AS conversation_id
    FROM internal.runs
    ANTI JOIN agents USING (agent_id)
    GROUP BY agent_id
)

SELECT
    e.agent_id,
    e.conversation_id,
    e.parent_agent_id AS recorded_parent,
    e.name,
    e.version,
    e.label,
    e.helper,
    g.start_ms,
    g.first_run_id,
    -- The one run that the agent's own line stands for: copies have lines of their own, unless there is nothing else.
    CASE WHEN g.runs = 1 OR g.lines = 1 THEN g.first_run_id END AS only_run_id,
    coalesce(p.agent_id, s.agent_id) AS parent_agent_id,
    CASE WHEN p.agent_id IS NULL OR p.agent_id = s.agent_id THEN s.run_id END AS spawned_by
FROM everyone AS e
LEFT JOIN at_a_glance AS g USING (agent_id)
LEFT JOIN everyone AS p ON p.agent_id = e.parent_agent_id AND p.conversation_id = e.conversation_id
LEFT JOIN internal.runs AS s
    ON s.run_id = g.first_parent_run_id AND s.conversation_id = e.conversation_id AND s.agent_id <> e.agent_id;

-- One row per line: conversations, agents, the runs of agents that have several, and copies. n is the recorded order. node_id is
-- the id, with its kind in front where a conversation or an agent has the same one.
CREATE TABLE internal.items AS
SELECT
    row_number() OVER (ORDER BY place, start_ms NULLS LAST, ordinal, agent_id, run_id) - 1 AS n,
    *
FROM (
    SELECT 'conversation' AS kind, place, conversation_id AS node_id, conversation_id, 0 AS ordinal
    FROM internal.conversations
    UNION ALL BY NAME
    SELECT
        'agent' AS kind,
        c.place,
        CASE WHEN a.agent_id IN (SELECT conversation_id FROM internal.conversations) THEN 'agent:' ELSE '' END
        || a.agent_id AS node_id,
        a.conversation_id,
        0 AS ordinal,
        a.start_ms,
        a.agent_id,
        a.only_run_id AS run_id
    FROM internal.agents AS a
    JOIN internal.conversations AS c USING (conversation_id)
    UNION ALL BY NAME
    SELECT
        'run' AS kind,
        c.place,
        CASE
            WHEN
                r.run_id IN (SELECT agent_id FROM internal.agents)
                OR r.run_id IN (SELECT conversation_id FROM internal.conversations) THEN 'run:' ELSE ''
        END || r.run_id AS node_id,
        a.conversation_id,
        r.ordinal,
        r.start_ms,
        r.agent_id,
        r.run_id
    FROM internal.runs AS r
    JOIN internal.agents AS a USING (agent_id)
    JOIN internal.conversations AS c ON c.conversation_id = a.conversation_id
    WHERE r.run_id IS DISTINCT FROM a.only_run_id
);

-- What each item hangs below (-1 for an agent without a parent), and the conversation it is in.
CREATE TABLE internal.hang AS
SELECT
    i.n,
    i.kind = 'agent' AS is_agent,
    i.kind = 'conversation' AS is_conversation,
    coalesce(spawner.n, parent.n, own.n, -1) AS above,
    conversation.n AS conversation
FROM internal.items AS i
JOIN internal.items AS conversation
    ON conversation.kind = 'conversation' AND conversation.conversation_id = i.conversation_id
LEFT JOIN internal.agents AS a ON i.kind = 'agent' AND a.agent_id = i.agent_id
LEFT JOIN internal.items AS spawner ON spawner.kind = 'run' AND spawner.run_id = a.spawned_by
LEFT JOIN internal.items AS parent ON parent.kind = 'agent' AND parent.agent_id = a.parent_agent_id
LEFT JOIN internal.items AS own ON i.kind = 'run' AND own.kind = 'agent' AND own.agent_id = i.agent_id;
