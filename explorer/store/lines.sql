-- The lines of the tree as they are shown. A line of several runs is running while one of them is, else it has the
-- status of the last, copies aside; a conversation has the status and the model of its agents without a parent.
-- started_at: by the recorder's clock; NULL where it had none. shares_name: whether a sibling is called the same.
-- concurrent: of a line of several runs, the most of them that were active at once; NULL where no time is recorded.

-- When the runs of agents with several of them were active. An open run goes on to the last time of its conversation. A
-- run that ends when another starts was not active together with it; one of no length, or without an end, was for a ms.
CREATE TABLE internal.spans AS
SELECT
    l.agent_position,
    r.run_id,
    r.start_ms::HUGEINT AS start,
    greatest(r.start_ms::HUGEINT + 1, CASE WHEN r.is_open THEN c.last_ms ELSE r.end_ms END) AS stop
FROM internal.run_lines AS l
JOIN internal.runs AS r USING (run_id)
JOIN (
    SELECT conversation_id, max(greatest(start_ms, end_ms)) AS last_ms FROM internal.runs GROUP BY conversation_id
) AS c USING (conversation_id)
WHERE l.agent_position <> l.position AND r.start_ms IS NOT NULL;

-- How many of them were active from one start or end to the next.
CREATE VIEW internal.activity AS
SELECT
    agent_position,
    lead(moment) OVER (PARTITION BY agent_position ORDER BY moment, change) - moment AS lasting,
    sum(change) OVER (PARTITION BY agent_position ORDER BY moment, change)::BIGINT AS active
FROM (
    SELECT agent_position, start AS moment, 1 AS change FROM internal.spans
    UNION ALL
    SELECT agent_position, stop, -1 FROM internal.spans
);

CREATE TABLE internal.nodes AS
WITH shown AS (
    SELECT
        l.position, l.agent_position, l.conversation_position, l.depth,
        r.status, r.model, r.started_at, r.start_ms, r.end_ms, r.duration_ms, r.sequence, r.is_replay
    FROM internal.run_lines AS l
    JOIN internal.runs AS r USING (run_id)
),

facts AS (
    SELECT position, status, model, started_at, start_ms, duration_ms FROM shown
    UNION ALL
    SELECT
        agent_position,
        CASE WHEN bool_or(status = 'running') THEN 'running' ELSE arg_max(status, sequence) FILTER (NOT is_replay) END,
        arg_min(model, sequence),
        min(started_at),
        min(start_ms),
        max(end_ms) - min(start_ms)
    FROM shown
    WHERE agent_position NOT IN (SELECT position FROM shown)
    GROUP BY agent_position
    UNION ALL
    SELECT
        conversation_position,
        CASE WHEN bool_or(status = 'running') FILTER (depth = 0) THEN 'running'
            ELSE arg_max(status, sequence) FILTER (depth = 0 AND NOT is_replay) END,
        arg_min(model, sequence) FILTER (depth = 0),
        min(started_at),
        min(start_ms),
        max(end_ms) - min(start_ms)
    FROM shown
    GROUP BY conversation_position
)

SELECT
    l.position,
    l.parent,
    l.last,
    l.depth,
    i.kind,
    i.node_id,
    i.conversation_id,
    i.agent_id,
    i.run_id,
    CASE i.kind
        WHEN 'conversation' THEN coalesce(c.title, i.conversation_id)
        WHEN 'agent' THEN coalesce(a.name, a.label, i.agent_id)
        ELSE CASE WHEN r.is_replay THEN 'copied history' ELSE concat('run ', r.ordinal) END
    END AS name,
    CASE i.kind
        -- Conversations of one title, as copies of a recording have, are told apart by where they are from.
        WHEN 'conversation' THEN CASE WHEN c.shares_title THEN i.conversation_id ELSE c.group_name END
        WHEN 'agent' THEN CASE WHEN a.name IS NOT NULL THEN a.label END
        ELSE r.native_run_id
    END AS label,
    coalesce(f.status, 'unknown') AS status,
    f.model,
    CASE WHEN i.kind = 'conversation' THEN coalesce(c.started_at, f.started_at) ELSE f.started_at END AS started_at,
    f.start_ms,
    coalesce(
        f.duration_ms,
        CASE WHEN i.kind = 'conversation' THEN epoch_ms(c.ended_at) - epoch_ms(c.started_at) END
    ) AS duration_ms,
    m.concurrent,
    count(*) OVER (PARTITION BY l.parent, i.kind, name) > 1 AS shares_name,
    n.* EXCLUDE (position)
FROM internal.items AS i
JOIN internal.layout AS l USING (n)
JOIN numbers AS n ON n.position = l.position
LEFT JOIN facts AS f ON f.position = l.position
LEFT JOIN (
    SELECT agent_position AS position, max(active) AS concurrent FROM internal.activity GROUP BY agent_position
) AS m ON m.position = l.position
LEFT JOIN internal.conversations AS c ON i.kind = 'conversation' AND c.conversation_id = i.conversation_id
LEFT JOIN internal.agents AS a ON i.kind = 'agent' AND a.agent_id = i.agent_id
LEFT JOIN internal.runs AS r ON i.kind = 'run' AND r.run_id = i.run_id;

DROP VIEW internal.held;
DROP TABLE internal.hang;
DROP TABLE internal.items;
DROP TABLE internal.layout;

-- The words for a line: of a run that has one of its own below its agent, with the name of that.
CREATE MACRO internal.called(kind_of_line, line_name, line_label, agent_name) AS
    CASE kind_of_line WHEN 'run' THEN concat_ws(' ', agent_name, line_name) ELSE concat_ws(' ', line_name, line_label) END;

-- Whether an agent that stands below so many others is a sub-agent: also where the record alone says that it has one
-- above it.
CREATE MACRO internal.is_sub_agent(agents_above, recorded_parent) AS agents_above > 0 OR recorded_parent IS NOT NULL;
