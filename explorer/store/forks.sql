-- Captures of one session that are in several conversations: forks, and recordings that were cut out twice.

-- What tells a step from others wherever it was captured. Without tokens a step is like no other.
CREATE MACRO internal.step_print(s, conversation, blocks) AS hash(
    s.input_tokens, s.output_tokens, s.end_ms - s.start_ms, s.model, blocks,
    CASE WHEN s.input_tokens IS NULL OR s.output_tokens IS NULL THEN conversation END
);

-- Conversations whose first step another one's is like: few, mostly none.
CREATE TABLE internal.alike AS
SELECT conversation_id
FROM (
    SELECT
        r.conversation_id,
        min({
            'at': coalesce(s.start_ms, 9223372036854775807), 'input': coalesce(s.input_tokens, -1),
            'output': coalesce(s.output_tokens, -1), 'took': coalesce(s.end_ms - s.start_ms, -1)
        }) AS first
    FROM steps AS s
    JOIN internal.runs AS r USING (run_id)
    WHERE NOT s.is_replay
    GROUP BY r.conversation_id
)
WHERE first.input >= 0 AND first.output >= 0
QUALIFY count(*) OVER (PARTITION BY first.input, first.output, first.took) > 1;

-- The steps of these in order of start, each with what stands for it and all those before it.
CREATE TABLE internal.openings AS
WITH in_turn AS (
    SELECT
        r.conversation_id,
        s.run_id,
        s.ordinal,
        s.input_tokens,
        s.output_tokens,
        u.blocks,
        internal.step_print(s, r.conversation_id, u.blocks) AS print,
        row_number() OVER (
            PARTITION BY r.conversation_id
            ORDER BY
                coalesce(s.start_ms, 9223372036854775807), coalesce(s.input_tokens, -1), coalesce(s.output_tokens, -1),
                coalesce(s.end_ms - s.start_ms, -1), s.source_id, s.offset NULLS LAST, s.run_id, s.ordinal
        ) AS place
    FROM steps AS s
    JOIN internal.runs AS r USING (run_id)
    LEFT JOIN step_reuse AS u ON u.run_id = s.run_id AND u.ordinal = s.ordinal
    WHERE NOT s.is_replay AND r.conversation_id IN (FROM internal.alike)
)

SELECT
    *,
    -- A sum, but each part of it knows its place: equal only where all up to here are.
    sum(hash(place, print)::HUGEINT) OVER (PARTITION BY conversation_id ORDER BY place) AS opening
FROM in_turn;

-- Conversations that open with the same two steps at least: one row each, with the one that stands first in the tree.
CREATE TABLE internal.fork_groups AS
SELECT
    o.conversation_id,
    first_value(o.conversation_id) OVER (PARTITION BY o.opening ORDER BY c.place) AS group_id
FROM internal.openings AS o
JOIN internal.conversations AS c USING (conversation_id)
WHERE o.place = 2
QUALIFY count(*) OVER (PARTITION BY o.opening) > 1;

-- The steps of them that a conversation further up in the tree has too, at the same place behind the same steps.
CREATE TABLE internal.repeated AS
SELECT
    o.conversation_id,
    o.run_id,
    o.ordinal,
    o.place,
    o.input_tokens,
    o.output_tokens,
    o.blocks,
    first_value(o.conversation_id) OVER in_turn AS same_as
FROM internal.openings AS o
JOIN internal.fork_groups AS g USING (conversation_id)
JOIN internal.conversations AS c USING (conversation_id)
WINDOW in_turn AS (PARTITION BY o.place, o.opening ORDER BY c.place)
QUALIFY row_number() OVER in_turn > 1;

-- Conversations of one session, by how they open: two at least of which the first two steps are the same, that is in
-- input and output tokens, blocks, duration and model, in order of start. One row per conversation of such a group, which
-- is called by the one that stands first in the tree. same_steps: how many steps at its start another one further up has
-- too, of its steps in all; same_as: which one has the last of these. What is in same_* is counted twice by sums over
-- all conversations. The grade is 'derived': nothing in the recording says so.
CREATE VIEW forked_captures AS
SELECT
    g.group_id,
    g.conversation_id,
    count(*) OVER (PARTITION BY g.group_id) AS conversations,
    r.same_as,
    coalesce(r.same_steps, 0) AS same_steps,
    o.steps,
    r.same_input_tokens,
    r.same_output_tokens,
    r.same_blocks,
    'derived' AS grade
FROM internal.fork_groups AS g
JOIN internal.conversations AS c USING (conversation_id)
JOIN (SELECT conversation_id, count(*) AS steps FROM internal.openings GROUP BY conversation_id) AS o
    USING (conversation_id)
LEFT JOIN (
    SELECT
        conversation_id,
        arg_max(same_as, place) AS same_as,
        count(*) AS same_steps,
        internal.whole(sum(input_tokens)) AS same_input_tokens,
        internal.whole(sum(output_tokens)) AS same_output_tokens,
        internal.whole(sum(blocks)) AS same_blocks
    FROM internal.repeated
    GROUP BY conversation_id
) AS r USING (conversation_id)
ORDER BY g.group_id, c.place;
