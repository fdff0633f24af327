-- name: take_places
-- Submissions of one session (or with one key) go one after another until the commit. A statement of its own,
-- so that the next one has a snapshot from after the wait: it must see the turn that the other one inserted,
-- or two turns of a session would start at the same time. In order, so that two transactions cannot block each
-- other.
SELECT pg_advisory_xact_lock(hashtextextended(key, 0))
FROM (SELECT key FROM unnest(%(keys)s::text[]) AS key ORDER BY key) AS place;

-- name: accept_turns
-- Decides for each submission whether it is a new turn or one that was accepted before (by its id or its key), and
-- whether it can start at once. Two identical ones that run at the same moment: the second inserts nothing
-- (ON CONFLICT) and is asked again. Where an earlier turn of the session is open the new one is queued, or refused
-- when so many are waiting. A turn that starts gets what the newest answered one has left in the conversation's
-- hands.
WITH item AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(%(items)s::jsonb) AS item (
        n integer, owner text, "user" text, turn_id text, session_id text, new_session boolean, dedup_key text,
        fingerprint text, content text, as_of timestamptz, identity jsonb, metadata jsonb, traceparent text,
        actor text, can_start boolean, most_open integer)
), known AS MATERIALIZED (
    SELECT item.n, turn.id, turn.session_id, turn.fingerprint
    FROM item JOIN turn ON turn.owner = item.owner AND turn.id = item.turn_id
    UNION
    SELECT item.n, turn.id, turn.session_id, turn.fingerprint
    FROM item JOIN turn ON turn.owner = item.owner AND turn.dedup_key = item.dedup_key
), crowded AS MATERIALIZED (
    SELECT n FROM item
    WHERE NOT new_session AND NOT EXISTS (SELECT FROM known WHERE known.n = item.n) AND item.most_open <= (
        SELECT count(*) FROM turn t WHERE t.session_id = item.session_id AND t.state IN ('queued', 'running'))
), opened AS (
    INSERT INTO session (id, owner, user_name, timezone, metadata, last_seq)
    SELECT session_id, owner, "user", 'UTC', '{}', 1 FROM item
    WHERE new_session AND NOT EXISTS (SELECT FROM known WHERE known.n = item.n)
    RETURNING id, last_seq, timezone
), raised AS (
    UPDATE session SET last_seq = last_seq + 1, updated_at = now()
    FROM item
    WHERE session.id = item.session_id AND session.owner = item.owner AND NOT item.new_session
      AND item.n NOT IN (SELECT n FROM known UNION ALL SELECT n FROM crowded)
    RETURNING session.id, session.last_seq, session.timezone
), place AS (
    SELECT * FROM opened UNION ALL SELECT * FROM raised
), added AS (
    INSERT INTO turn (owner, id, session_id, seq, dedup_key, fingerprint, content, as_of, identity, metadata,
                      traceparent, state, actor, epoch)
    SELECT owner, turn_id, place.id, place.last_seq, dedup_key, fingerprint, content, as_of, identity, metadata,
           traceparent, CASE WHEN free THEN 'running' ELSE 'queued' END, CASE WHEN free THEN item.actor END,
           CASE WHEN free THEN 1 ELSE 0 END
    FROM item JOIN place ON place.id = item.session_id
    CROSS JOIN LATERAL (SELECT item.can_start AND NOT EXISTS (
        SELECT FROM turn t WHERE t.session_id = item.session_id AND t.state IN ('queued', 'running')
    ) AS free) AS open
    ON CONFLICT DO NOTHING
    RETURNING id, session_id, seq, state, accepted_at
)
SELECT item.n, 'new' AS verdict, added.id, added.session_id, added.seq, added.state, added.accepted_at,
       NULL AS fingerprint, place.timezone, CASE WHEN added.state = 'running' THEN (
           SELECT memory::text FROM message WHERE message.session_id = added.session_id ORDER BY seq DESC LIMIT 1
       ) END AS memory
FROM added JOIN item ON item.session_id = added.session_id AND item.turn_id = added.id
JOIN place ON place.id = added.session_id
UNION ALL
SELECT n, 'known', id, session_id, NULL, NULL, NULL, fingerprint, NULL, NULL FROM known
UNION ALL
SELECT n, CASE WHEN EXISTS (SELECT FROM place WHERE place.id = item.session_id) THEN 'again'
               WHEN n IN (SELECT n FROM crowded) THEN 'full' ELSE 'no_session' END,
       NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM item
WHERE NOT EXISTS (SELECT FROM added WHERE added.session_id = item.session_id AND added.id = item.turn_id)
  AND NOT EXISTS (SELECT FROM known WHERE known.n = item.n);

-- name: claim_turns
-- Decides which open turns this actor takes: those that are nobody's, or whose owner's lease has passed, or that are
-- its own without its knowing (a commit whose answer got lost), and that have no earlier open turn in their session.
-- An answer that is only late may still come: its owner then has an older epoch and loses the turn. SKIP LOCKED lets several actors claim without waiting;
-- the epoch that rises here is the fence that shuts the former owner out.
WITH due AS (
    SELECT owner, id, session_id FROM turn AS t
    WHERE state IN ('queued', 'running')
      AND (actor IS NULL
           OR actor = %(actor)s AND owner || ' ' || id <> ALL (%(held)s)
              AND accepted_at NOT BETWEEN now() - interval '3 s' AND now()
           OR actor <> %(actor)s
              AND NOT EXISTS (SELECT FROM actor_lease l WHERE l.actor = t.actor
                              AND l.until BETWEEN now() AND now() + make_interval(secs => %(longest)s)))
      AND NOT EXISTS (SELECT FROM turn e WHERE e.session_id = t.session_id AND e.seq < t.seq
                      AND e.state IN ('queued', 'running'))
    ORDER BY accepted_at
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
UPDATE turn SET state = 'running', actor = %(actor)s, epoch = turn.epoch + 1
FROM due JOIN session s ON s.id = due.session_id
WHERE turn.owner = due.owner AND turn.id = due.id
RETURNING turn.owner, turn.id, turn.session_id, turn.seq, turn.content, turn.as_of, turn.identity,
          turn.traceparent, turn.epoch, turn.accepted_at, s.timezone,
          (SELECT m.memory::text FROM message m WHERE m.session_id = turn.session_id ORDER BY m.seq DESC LIMIT 1)
              AS memory;

-- name: close_turns
-- Ends each turn with its one stored reply. Only the owner at this epoch may: a twin who lost the turn while it
-- slept finds no row and stores nothing. Asked again after a commit whose answer got lost, it finds its own
-- closing (`mine` sees the state from before this statement). `waiting`: the session has a next turn.
WITH item AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(%(items)s::jsonb) AS item (
        n integer, owner text, turn_id text, actor text, epoch integer, state text, events integer, problem text,
        message_id text, body text, memory text, created_at timestamptz)
), closed AS (
    UPDATE turn SET state = item.state, closed_at = now(), events = item.events, problem = item.problem::jsonb
    FROM item
    WHERE turn.owner = item.owner AND turn.id = item.turn_id AND turn.actor = item.actor
      AND turn.epoch = item.epoch AND turn.state = 'running'
    RETURNING item.n, turn.session_id, turn.seq, turn.id
), stored AS (
    INSERT INTO message (session_id, seq, id, turn_id, body, memory, created_at)
    SELECT closed.session_id, closed.seq, item.message_id, closed.id, item.body::jsonb, item.memory::jsonb,
           item.created_at
    FROM closed JOIN item USING (n)
    WHERE item.message_id IS NOT NULL
), mine AS (
    SELECT n, session_id, seq FROM closed
    UNION ALL
    SELECT item.n, turn.session_id, turn.seq FROM item JOIN turn
        ON turn.owner = item.owner AND turn.id = item.turn_id AND turn.actor = item.actor
        AND turn.epoch = item.epoch AND turn.state IN ('done', 'failed')
)
SELECT n, EXISTS (SELECT FROM turn t WHERE t.session_id = mine.session_id AND t.seq > mine.seq
                  AND t.state IN ('queued', 'running')) AS waiting
FROM mine;

-- name: release_turn
-- Gives a turn back that this owner cannot finish; a no-op when it has passed to another.
UPDATE turn SET actor = NULL
WHERE owner = %(owner)s AND id = %(turn_id)s AND actor = %(actor)s AND epoch = %(epoch)s AND state = 'running';

-- name: last_closed_by
-- Turns that a dead actor closed shortly before its end: the commit may have been its last act.
SELECT id, session_id, state, events, problem::text AS problem,
       (SELECT body::text FROM message m WHERE m.session_id = turn.session_id AND m.seq = turn.seq) AS body
FROM turn WHERE actor = %(actor)s AND closed_at > now() - interval '5 minutes';

-- name: turn_outcome
-- How a turn stands, with its stored reply.
SELECT state, events, problem::text AS problem,
       (SELECT body::text FROM message m WHERE m.session_id = turn.session_id AND m.seq = turn.seq) AS body
FROM turn WHERE owner = %(owner)s AND id = %(turn_id)s AND session_id = %(session_id)s;

-- name: session_owner
-- Whose session it is; nothing when there is none.
SELECT owner FROM session WHERE id = %(session_id)s;

-- name: history
-- What was said in a session after the cursor (turn and side), oldest first.
SELECT seq, side, turn_id, content, accepted_at, body FROM (
    SELECT seq, 0 AS side, id AS turn_id, content, accepted_at, NULL AS body FROM turn
    WHERE session_id = %(session_id)s
    UNION ALL
    SELECT seq, 1, turn_id, NULL, created_at, body::text FROM message WHERE session_id = %(session_id)s
) AS said
WHERE (seq, side) > (%(seq)s, %(side)s)
ORDER BY seq, side
LIMIT %(limit)s;

-- name: turns_after
-- The turns of a session after a given one, in order; all when none is given.
SELECT id FROM turn
WHERE session_id = %(session_id)s
  AND seq > COALESCE((SELECT seq FROM turn WHERE session_id = %(session_id)s AND id = %(after_turn)s), 0)
ORDER BY seq
LIMIT 1000;

-- name: bury_letter
-- Keeps what could not be taken, with the reason.
INSERT INTO dead_letter (subject, headers, body, attempts, reason)
VALUES (%(subject)s, %(headers)s::jsonb, %(body)s, %(attempts)s, %(reason)s);

-- name: forget_keys
-- A key that is older than a day may be used again.
UPDATE turn SET dedup_key = NULL WHERE dedup_key IS NOT NULL AND accepted_at < now() - interval '24 hours';
