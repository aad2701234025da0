-- The rules that need more than one record. Each is a view in the schema "rules" with the columns of findings, and is
-- evaluated once when a database is opened, over what "internal" holds by then. A finding's id is its code and the key
-- of what it is about.

-- total-mismatch: the recorder's own sum for a run differs from the sum of its steps. Only what both sides have is
-- compared: a recorder that reports a sum and writes no figures on its steps, or on some of them, is contradicted only
-- by steps that sum to more. Where it is ambiguous which steps are the run's, nothing is.
CREATE VIEW rules.total_mismatch AS
SELECT
    concat('total-mismatch:', run_id, ':', what) AS finding_id,
    'total-mismatch' AS code,
    'warning' AS severity,
    source_id,
    NULL::BIGINT AS line,
    conversation_id,
    agent_id,
    run_id,
    NULL::BIGINT AS step_ordinal,
    format(
        'recorded {}: {:,}; its steps sum to {:,} ({}{:,}){}',
        replace(what, '_', ' '), reported, ours, CASE WHEN ours > reported THEN '+' ELSE '' END, ours - reported,
        CASE WHEN without > 0 THEN format(
            '; {:,} of {:,} steps {} no usage', without, steps, CASE WHEN without = 1 THEN 'has' ELSE 'have' END
        ) ELSE '' END
    ) AS message
FROM (
    SELECT r.run_id, r.conversation_id, r.agent_id, r.steps, c.source_id, unnest([
        {
            'what': 'steps', 'without': 0, 'reported': r.reported_steps,
            -- Some recorders do not count calls that failed.
            'ours': CASE
                WHEN
                    coalesce(c.steps_recorded, true)
                    AND NOT coalesce(r.reported_steps BETWEEN r.steps - r.step_errors AND r.steps, false) THEN r.steps
            END
        },
        {
            'what': 'input_tokens', 'without': r.steps - r.steps_with_input, 'reported': r.reported_input_tokens,
            'ours': r.step_input_tokens
        },
        {
            'what': 'output_tokens', 'without': r.steps - r.steps_with_output, 'reported': r.reported_output_tokens,
            'ours': r.step_output_tokens
        },
        {'what': 'tool_calls', 'without': 0, 'reported': r.reported_tool_calls, 'ours': r.step_tool_calls}
    ], recursive := true)
    FROM internal.runs AS r
    LEFT JOIN internal.conversations AS c USING (conversation_id)
    WHERE
        r.reported_scope = 'own' AND NOT r.is_doubtful
        AND (
            r.reported_steps <> r.steps
            OR r.reported_input_tokens <> r.step_input_tokens
            OR r.reported_output_tokens <> r.step_output_tokens
            OR r.reported_tool_calls <> r.step_tool_calls
        )
) AS compared
WHERE reported <> ours AND (without = 0 OR ours > reported);

-- The same of sums over a run and everything below it, which are compared where every run there has the figure.
CREATE VIEW rules.total_mismatch_below AS
WITH figures AS (
    SELECT
        l.position,
        l.last,
        i.run_id,
        coalesce(r.is_doubtful, false) AS doubtful,
        coalesce(r.steps, 0) AS steps,
        coalesce(r.input_tokens, 0) AS input_tokens,
        coalesce(r.output_tokens, 0) AS output_tokens,
        coalesce(r.tool_calls, 0) AS tool_calls,
        coalesce(NOT (r.input_from_report OR (r.steps > 0 AND r.steps_with_input = r.steps)), false) AS no_input,
        coalesce(NOT (r.output_from_report OR (r.steps > 0 AND r.steps_with_output = r.steps)), false) AS no_output,
        r.run_id IS NOT NULL AND r.tool_calls IS NULL AS no_tool_calls
    FROM internal.items AS i
    JOIN internal.layout AS l USING (n)
    LEFT JOIN internal.runs AS r USING (run_id)
),

running AS (
    SELECT
        position,
        sum(doubtful::INTEGER) OVER so_far AS doubtful,
        sum(steps) OVER so_far AS steps,
        sum(input_tokens) OVER so_far AS input_tokens,
        sum(output_tokens) OVER so_far AS output_tokens,
        sum(tool_calls) OVER so_far AS tool_calls,
        sum(no_input::INTEGER) OVER so_far AS no_input,
        sum(no_output::INTEGER) OVER so_far AS no_output,
        sum(no_tool_calls::INTEGER) OVER so_far AS no_tool_calls
    FROM figures
    WINDOW so_far AS (ORDER BY position ROWS UNBOUNDED PRECEDING)
),

compared AS (
    SELECT r.run_id, r.conversation_id, r.agent_id, c.source_id, unnest([
        {
            'what': 'steps', 'reported': r.reported_steps, 'ours': upto.steps - coalesce(before.steps, 0),
            'without': CASE WHEN coalesce(c.steps_recorded, true) THEN 0 ELSE 1 END
        },
        {
            'what': 'input_tokens', 'reported': r.reported_input_tokens,
            'ours': upto.input_tokens - coalesce(before.input_tokens, 0),
            'without': upto.no_input - coalesce(before.no_input, 0)
        },
        {
            'what': 'output_tokens', 'reported': r.reported_output_tokens,
            'ours': upto.output_tokens - coalesce(before.output_tokens, 0),
            'without': upto.no_output - coalesce(before.no_output, 0)
        },
        {
            'what': 'tool_calls', 'reported': r.reported_tool_calls,
            'ours': upto.tool_calls - coalesce(before.tool_calls, 0),
            'without': upto.no_tool_calls - coalesce(before.no_tool_calls, 0)
        }
    ], recursive := true)
    FROM internal.runs AS r
    JOIN figures AS f USING (run_id)
    JOIN running AS upto ON upto.position = f.last
    LEFT JOIN running AS before ON before.position = f.position - 1
    LEFT JOIN internal.conversations AS c ON c.conversation_id = r.conversation_id
    WHERE r.reported_scope = 'total' AND upto.doubtful = coalesce(before.doubtful, 0)
)

SELECT
    concat('total-mismatch:', run_id, ':', what) AS finding_id,
    'total-mismatch' AS code,
    'warning' AS severity,
    source_id,
    NULL::BIGINT AS line,
    conversation_id,
    agent_id,
    run_id,
    NULL::BIGINT AS step_ordinal,
    format(
        'recorded {}, with everything below: {:,}; the steps there sum to {:,} ({}{:,})',
        replace(what, '_', ' '), reported, ours, CASE WHEN ours > reported THEN '+' ELSE '' END, ours - reported
    ) AS message
FROM compared
WHERE reported <> ours AND without = 0;

-- orphan-agent: a recorded parent that cannot be one. An agent, or a run whose agent is not itself reported.
CREATE VIEW rules.orphan_agent AS
WITH lost_agents AS (
    SELECT
        a.agent_id,
        a.conversation_id,
        CASE
            WHEN a.recorded_parent = a.agent_id THEN 'the agent is recorded as its own parent'
            WHEN c.agent_id IS NOT NULL THEN format('following parents from {} leads back to it', a.recorded_parent)
            WHEN p.agent_id IS NULL THEN format('its parent {} is not in the recording', a.recorded_parent)
            ELSE format('its parent {} belongs to another conversation', a.recorded_parent)
        END AS reason
    FROM internal.agents AS a
    LEFT JOIN internal.agents AS p ON p.agent_id = a.recorded_parent
    LEFT JOIN internal.cyclic_agents AS c ON c.agent_id = a.agent_id
    WHERE
        a.recorded_parent IS NOT NULL
        AND (c.agent_id IS NOT NULL OR p.agent_id IS NULL OR p.conversation_id <> a.conversation_id)
),

lost_runs AS (
    SELECT
        r.run_id,
        r.agent_id,
        r.conversation_id,
        CASE
            WHEN r.parent_run_id = r.run_id THEN 'the run is recorded as its own parent'
            WHEN c.run_id IS NOT NULL THEN format('following parents from {} leads back to it', r.parent_run_id)
            WHEN p.run_id IS NULL THEN format('its parent run {} is not in the recording', r.parent_run_id)
            ELSE format('its parent run {} belongs to another conversation', r.parent_run_id)
        END AS reason
    FROM internal.runs AS r
    ANTI JOIN lost_agents USING (agent_id)
    LEFT JOIN internal.runs AS p ON p.run_id = r.parent_run_id
    LEFT JOIN internal.cyclic_runs AS c ON c.run_id = r.run_id
    WHERE
        r.parent_run_id IS NOT NULL
        AND (c.run_id IS NOT NULL OR p.run_id IS NULL OR p.conversation_id <> r.conversation_id)
),

lost AS (
    SELECT agent_id AS key, agent_id, conversation_id, NULL AS run_id, reason FROM lost_agents
    UNION ALL
    SELECT run_id, agent_id, conversation_id, run_id, reason FROM lost_runs
)

SELECT
    concat('orphan-agent:', key) AS finding_id,
    'orphan-agent' AS code,
    'warning' AS severity,
    source_id,
    NULL::BIGINT AS line,
    conversation_id,
    agent_id,
    run_id,
    NULL::BIGINT AS step_ordinal,
    concat(reason, ': shown without this parent') AS message
FROM lost
LEFT JOIN (SELECT conversation_id, source_id FROM internal.conversations) USING (conversation_id);

-- open-run: the recorder says that the run is going on, and there is no end.
CREATE VIEW rules.open_run AS
SELECT
    concat('open-run:', r.run_id) AS finding_id,
    'open-run' AS code,
    'warning' AS severity,
    c.source_id,
    NULL::BIGINT AS line,
    r.conversation_id,
    r.agent_id,
    r.run_id,
    NULL::BIGINT AS step_ordinal,
    'the run was started and its end is not recorded: still running, or cut off' AS message
FROM internal.runs AS r
LEFT JOIN internal.conversations AS c USING (conversation_id)
WHERE r.is_open;

-- serialised-siblings: agents that one answer asked for together, and of which none ran beside another. Their tasks
-- were written before any of them had begun, so none can have needed what another one found. Lost is what the time from
-- the first start to the last end has more than the longest of them took.
CREATE VIEW rules.serialised_siblings AS
WITH children AS (
    SELECT DISTINCT t.run_id, t.step_ordinal, t.source_id, r.run_id AS child, r.start_ms, r.end_ms
    FROM tool_calls AS t
    JOIN internal.runs AS r ON r.run_id = t.child_run_id
    JOIN internal.runs AS p ON p.run_id = t.run_id AND p.conversation_id = r.conversation_id
    WHERE t.child_run_id IS NOT NULL AND t.step_ordinal IS NOT NULL AND t.grade <> 'ambiguous' AND r.start_ms < r.end_ms
),

beside AS (
    SELECT
        *,
        start_ms >= lag(end_ms, 1, start_ms) OVER (
            PARTITION BY run_id, step_ordinal ORDER BY start_ms, end_ms, child
        ) AS is_behind
    FROM children
),

together AS (
    SELECT
        run_id,
        step_ordinal,
        min(source_id) AS source_id,
        count(*) AS agents,
        max(end_ms) - min(start_ms) AS took,
        max(end_ms - start_ms) AS longest
    FROM beside
    GROUP BY run_id, step_ordinal
    HAVING count(*) > 1 AND bool_and(is_behind)
)

SELECT
    concat('serialised-siblings:', s.run_id, ':', s.step_ordinal) AS finding_id,
    'serialised-siblings' AS code,
    'info' AS severity,
    s.source_id,
    NULL::BIGINT AS line,
    r.conversation_id,
    r.agent_id,
    s.run_id,
    s.step_ordinal,
    format(
        '{:,} agents that one answer asked for ran one after another, for {:,.1f} s; the longest took {:,.1f} s: '
        '{:,.1f} s were lost', agents, took / 1000, longest / 1000, (took - longest) / 1000
    ) AS message
FROM together AS s
JOIN internal.runs AS r USING (run_id)
WHERE took - longest >= 1000;

-- forked-capture: the first steps of a conversation are those of another one, so that sums over both count them twice.
CREATE VIEW rules.forked_capture AS
SELECT
    concat('forked-capture:', f.conversation_id) AS finding_id,
    'forked-capture' AS code,
    CASE WHEN f.same_steps = f.steps THEN 'warning' ELSE 'info' END AS severity,
    c.source_id,
    NULL::BIGINT AS line,
    f.conversation_id,
    NULL AS agent_id,
    NULL AS run_id,
    NULL::BIGINT AS step_ordinal,
    format(
        '{} are those of {}: {}; sums over all conversations count them again',
        CASE
            WHEN f.same_steps = f.steps THEN format('all of its {:,} steps', f.steps)
            ELSE format('its first {:,} of {:,} steps', f.same_steps, f.steps)
        END,
        f.same_as,
        CASE WHEN f.same_steps = f.steps THEN 'another capture of the same' ELSE 'a fork, or a longer capture of the same' END
    ) AS message
FROM forked_captures AS f
LEFT JOIN internal.conversations AS c USING (conversation_id)
WHERE f.same_steps > 0;

-- undelivered-message: what one run sent to another, by a message or as a task, is known never to have arrived. Readers
-- tell of results.
CREATE VIEW rules.undelivered_message AS
SELECT
    concat('undelivered-message:', e.edge_id) AS finding_id,
    'undelivered-message' AS code,
    'warning' AS severity,
    c.source_id,
    NULL::BIGINT AS line,
    coalesce(f.conversation_id, t.conversation_id) AS conversation_id,
    coalesce(f.agent_id, t.agent_id) AS agent_id,
    coalesce(f.run_id, t.run_id) AS run_id,
    NULL::BIGINT AS step_ordinal,
    format(
        'a {} to {} never arrived: nothing that {} shows it',
        CASE WHEN e.kind = 'message' THEN 'message' ELSE 'task (' || e.kind || ')' END,
        coalesce(a.name, a.label, 'an agent that is not recorded'),
        CASE WHEN t.run_id IS NULL THEN 'is recorded' ELSE 'was recorded of that agent' END
    ) AS message
FROM edges AS e
LEFT JOIN internal.runs AS f ON f.run_id = e.from_run_id
LEFT JOIN internal.runs AS t ON t.run_id = e.to_run_id
LEFT JOIN internal.agents AS a ON a.agent_id = t.agent_id
LEFT JOIN internal.conversations AS c ON c.conversation_id = coalesce(f.conversation_id, t.conversation_id)
WHERE NOT e.delivered AND e.kind IN ('message', 'spawn', 'assign', 'resume');
