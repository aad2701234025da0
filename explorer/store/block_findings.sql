-- The rules about block ids and prompts, as those in findings.sql.

-- What the audits have to say: few rows, mostly none.
CREATE TABLE internal.audits AS
FROM namespace_audit
WHERE
    (NOT chained OR gap_events_document > 0 OR reset_events_document > 0)
    AND scope IS DISTINCT FROM 'prompt-parts';  -- which we have numbered ourselves

CREATE MACRO internal.times(n) AS CASE WHEN n = 1 THEN 'once' ELSE format('{:,} times', n) END;

-- numbering-gap: ids are missing in whatever order the steps are read, so prompts that used them are not here.
CREATE VIEW rules.numbering_gap AS
SELECT
    concat('numbering-gap:', a.conversation_id) AS finding_id,
    'numbering-gap' AS code,
    'warning' AS severity,
    c.source_id,
    NULL::BIGINT AS line,
    a.conversation_id,
    NULL AS agent_id,
    NULL AS run_id,
    NULL::BIGINT AS step_ordinal,
    format(
        'block ids jump ahead {} in every order of the steps, over {:,} ids that no prompt holds',
        internal.times(least(gap_events_document, gap_events_parent_first, gap_events_start_time)),
        least(missing_ids_document, missing_ids_parent_first, missing_ids_start_time)
    ) AS message
FROM internal.audits AS a
LEFT JOIN internal.conversations AS c USING (conversation_id)
WHERE
    least(gap_events_document, gap_events_parent_first, gap_events_start_time) > 0
    AND coalesce(a.scope, 'local') = 'local' AND a.chained;

-- namespace-reset: fresh ids below the highest so far. In every order of the steps: numbers were restarted, or two
-- recordings are mixed. Only in the order of the file: the builder numbered in another order, which is no fault.
CREATE VIEW rules.namespace_reset AS
WITH judged AS (
    SELECT
        *,
        least(reset_events_document, reset_events_parent_first, reset_events_start_time) > 0 AS everywhere
    FROM internal.audits
    WHERE coalesce(scope, 'local') = 'local' AND chained AND reset_events_document > 0
)

SELECT
    concat('namespace-reset:', j.conversation_id) AS finding_id,
    'namespace-reset' AS code,
    CASE WHEN everywhere THEN 'warning' ELSE 'info' END AS severity,
    c.source_id,
    NULL::BIGINT AS line,
    j.conversation_id,
    NULL AS agent_id,
    NULL AS run_id,
    NULL::BIGINT AS step_ordinal,
    CASE
        WHEN everywhere THEN format(
            'block ids start again below the highest so far in every order of the steps: {} in the order of the '
            'file, {} parent first, {} by start time',
            internal.times(reset_events_document), internal.times(reset_events_parent_first),
            internal.times(reset_events_start_time)
        )
        ELSE format(
            'block ids go back {} in the order of the file and never {}: the order in which the builder numbered '
            'them, not a restart',
            internal.times(reset_events_document),
            CASE WHEN reset_events_parent_first = 0 THEN 'when parents are read before their sub-agents'
                ELSE 'by start time' END
        )
    END AS message
FROM judged AS j
LEFT JOIN internal.conversations AS c USING (conversation_id);

-- not-prefix-chained: an id stands at two positions, or behind two different ids, so it does not stand for a prefix.
CREATE VIEW rules.not_prefix_chained AS
SELECT
    concat('not-prefix-chained:', a.conversation_id) AS finding_id,
    'not-prefix-chained' AS code,
    'warning' AS severity,
    c.source_id,
    NULL::BIGINT AS line,
    a.conversation_id,
    NULL AS agent_id,
    NULL AS run_id,
    NULL::BIGINT AS step_ordinal,
    format(
        'a block id stands at two positions or behind two different blocks: ids name contents here, not whole '
        'prefixes, and equal ids need not mean that a cache holds them: {:,} leading blocks were seen before, {:,} of '
        'them behind the same blocks', a.hits, a.prefix_hits
    ) AS message
FROM internal.audits AS a
LEFT JOIN internal.conversations AS c USING (conversation_id)
WHERE NOT a.chained;

-- private-namespace: a sub-agent's ids look like a numbering of its own. The signs, all of them needed: its distinct
-- ids are exactly base, base + 1, … from the same base 0 or 1 as its parent's; either all of them are the parent's
-- too, or all of the parent's are its own; its first prompt is such a range as well; and ids that it came to after
-- its first prompt are also the parent's. In one numbering by first appearance an agent's own additions bear new
-- ids, which the parent cannot hold.
CREATE TABLE internal.suspects AS
SELECT r.run_id, r.agent_id, r.conversation_id, r.parent_run_id, r.unique_blocks
FROM internal.runs AS r
JOIN internal.runs AS p ON p.run_id = r.parent_run_id
LEFT JOIN internal.conversations AS c ON c.conversation_id = r.conversation_id
WHERE
    r.shared_parent > 0 AND r.shared_parent = least(r.unique_blocks, p.unique_blocks)
    AND c.block_scope IS DISTINCT FROM 'prompt-parts';

CREATE VIEW rules.private_namespace AS
WITH spans AS (
    SELECT
        b.run_id,
        b.namespace,
        min(b.first_block) AS base,
        max(b.first_block::HUGEINT + b.block_count - 1) AS top,
        min(b.step_ordinal) AS first_step
    FROM block_runs AS b
    SEMI JOIN (SELECT run_id FROM internal.suspects UNION SELECT parent_run_id FROM internal.suspects) AS s USING (run_id)
    GROUP BY b.run_id, b.namespace
),

first_prompts AS (
    SELECT
        b.run_id,
        min(b.first_block) AS base,
        max(b.first_block::HUGEINT + b.block_count - 1) AS top,
        sum(b.block_count) AS blocks
    FROM block_runs AS b
    JOIN spans AS s ON s.run_id = b.run_id AND s.first_step = b.step_ordinal
    GROUP BY b.run_id
),

dense AS (
    SELECT s.*, own.namespace, own.base, own.top, f.top AS first_top
    FROM internal.suspects AS s
    JOIN spans AS own USING (run_id)
    JOIN spans AS parent ON parent.run_id = s.parent_run_id AND parent.namespace = own.namespace
    JOIN first_prompts AS f ON f.run_id = s.run_id
    WHERE
        own.base IN (0, 1) AND parent.base = own.base AND f.base = own.base
        AND own.top - own.base + 1 = s.unique_blocks
        AND f.top - f.base + 1 = f.blocks
        AND own.top > f.top
)

SELECT
    concat('private-namespace:', d.run_id) AS finding_id,
    'private-namespace' AS code,
    'warning' AS severity,
    c.source_id,
    NULL::BIGINT AS line,
    d.conversation_id,
    d.agent_id,
    d.run_id,
    NULL::BIGINT AS step_ordinal,
    format(
        'its block ids are exactly {} to {}, and ids that it came to after its first prompt are also its parent''s: '
        'it seems to have a numbering of its own, so that what it shares with other agents is not real', base, top
    ) AS message
FROM dense AS d
LEFT JOIN internal.conversations AS c USING (conversation_id)
WHERE EXISTS (
    FROM block_runs AS b
    WHERE
        b.run_id = d.parent_run_id AND b.namespace = d.namespace
        AND b.first_block <= d.top AND b.first_block::HUGEINT + b.block_count - 1 > d.first_top
);

-- hidden-agents: the prompts of a run at the top are those of several agents in turn. Single calls aside are no agents.
CREATE VIEW rules.hidden_agents AS
SELECT
    concat('hidden-agents:', h.run_id) AS finding_id,
    'hidden-agents' AS code,
    'info' AS severity,
    c.source_id,
    NULL::BIGINT AS line,
    r.conversation_id,
    r.agent_id,
    h.run_id,
    NULL::BIGINT AS step_ordinal,
    format(
        'by their prompts, its {:,} steps seem to be those of {:,} agents: {:,} of its own, and {} of {}{}',
        h.steps, h.hidden + 1, h.own, h.others,
        CASE WHEN h.hidden > 1 THEN format('{:,} agents that are not told apart', h.hidden) ELSE 'another agent' END,
        CASE
            WHEN h.aside = 1 THEN '; 1 is a call aside'
            WHEN h.aside > 1 THEN format('; {:,} are calls aside', h.aside)
            ELSE ''
        END
    ) AS message
FROM (
    SELECT
        run_id,
        sum(steps)::BIGINT AS steps,
        sum(steps) FILTER (kind = 'main')::BIGINT AS own,
        count(*) FILTER (kind IN ('worker', 'solo')) AS hidden,
        count(*) FILTER (kind = 'sidecar') AS aside,
        string_agg(format('{:,}', steps), ' + ' ORDER BY chain) FILTER (kind IN ('worker', 'solo')) AS others
    FROM main.hidden_agents
    GROUP BY run_id
    HAVING hidden > 0
) AS h
JOIN internal.runs AS r USING (run_id)
LEFT JOIN internal.conversations AS c ON c.conversation_id = r.conversation_id;
