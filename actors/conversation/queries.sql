-- name: take_place
-- Submissions of one session (or with one key) go one after another until the commit. A statement of its own,
-- so that the next one has a snapshot from after the wait: it must see the turn that the other one inserted,
-- or two turns of a session would start at the same time.
SELECT pg_advisory_xact_lock(hashtextextended(%(lock)s, 0));

-- name: accept_turn
-- Decides whether a submission is a new turn or one that was accepted before (by its id or its key), and
-- whether it can start at once. Two identical ones that run at the same moment: the second inserts nothing
-- (ON CONFLICT) and is asked again. Where an earlier turn of the session is open the new one is queued.
WITH known AS (
    SELECT id, session_id, fingerprint FROM turn
    WHERE owner = %(owner)s AND (id = %(turn_id)s OR dedup_key = %(dedup_key)s)
), opened AS (
    INSERT INTO session (id, owner, user_name, timezone, metadata, last_seq)
    SELECT %(session_id)s, %(owner)s, %(user)s, 'UTC', '{}', 1
    WHERE %(new_session)s AND NOT EXISTS (SELECT FROM known)
    RETURNING id, last_seq, 'UTC'::text AS timezone
), raised AS (
    UPDATE session SET last_seq = last_seq + 1, updated_at = now()
    WHERE id = %(session_id)s AND owner = %(owner)s AND NOT %(new_session)s AND NOT EXISTS (SELECT FROM known)
    RETURNING id, last_seq, timezone
), place AS (
    SELECT id, last_seq FROM opened UNION ALL SELECT id, last_seq FROM raised
), free AS (
    SELECT NOT EXISTS (
        SELECT FROM turn WHERE session_id = %(session_id)s AND state IN ('queued', 'running')
    ) AND %(can_start)s AS now
), added AS (
    INSERT INTO turn (owner, id, session_id, seq, dedup_key, fingerprint, content, as_of, identity, metadata,
                      traceparent, state, actor, epoch)
    SELECT %(owner)s, %(turn_id)s, place.id, place.last_seq, %(dedup_key)s, %(fingerprint)s, %(content)s,
           %(as_of)s, %(identity)s::jsonb, %(metadata)s::jsonb, %(traceparent)s,
           CASE WHEN free.now THEN 'running' ELSE 'queued' END,
           CASE WHEN free.now THEN %(actor)s END, CASE WHEN free.now THEN 1 ELSE 0 END
    FROM place, free
    ON CONFLICT DO NOTHING
    RETURNING id, session_id, seq, state, accepted_at
)
SELECT 'new' AS verdict, id, session_id, seq, state, accepted_at, NULL AS fingerprint FROM added
UNION ALL
SELECT 'known', id, session_id, NULL, NULL, NULL, fingerprint FROM known
UNION ALL
SELECT CASE WHEN EXISTS (SELECT FROM place) THEN 'again' ELSE 'no_session' END, NULL, NULL, NULL, NULL, NULL, NULL
WHERE NOT EXISTS (SELECT FROM added) AND NOT EXISTS (SELECT FROM known);

-- name: claim_turns
-- Decides which open turns this actor takes: those that are nobody's, or whose owner's lease has passed, and
-- that have no earlier open turn in their session. SKIP LOCKED lets several actors claim without waiting;
-- the epoch that rises here is the fence that shuts the former owner out.
WITH due AS (
    SELECT owner, id FROM turn AS t
    WHERE state IN ('queued', 'running')
      AND (actor IS NULL OR (actor <> %(actor)s
           AND NOT EXISTS (SELECT FROM actor_lease l WHERE l.actor = t.actor AND l.until > now())))
      AND NOT EXISTS (SELECT FROM turn e WHERE e.session_id = t.session_id AND e.seq < t.seq
                      AND e.state IN ('queued', 'running'))
    ORDER BY accepted_at
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
UPDATE turn SET state = 'running', actor = %(actor)s, epoch = epoch + 1
FROM due WHERE turn.owner = due.owner AND turn.id = due.id
RETURNING turn.owner, turn.id, turn.session_id, turn.seq, turn.content, turn.as_of, turn.identity,
          turn.traceparent, turn.epoch, turn.accepted_at;

-- name: close_turn
-- Ends the turn with its one stored reply. Only the owner at this epoch may: a twin who lost the turn while it
-- slept finds no row and stores nothing. Asked again after a commit whose answer got lost, it finds its own
-- closing (`mine` sees the state from before this statement). `waiting`: the session has a next turn.
WITH closed AS (
    UPDATE turn SET state = %(state)s, closed_at = now(), events = %(events)s, problem = %(problem)s::jsonb
    WHERE owner = %(owner)s AND id = %(turn_id)s AND actor = %(actor)s AND epoch = %(epoch)s
      AND state = 'running'
    RETURNING session_id, seq, id
), stored AS (
    INSERT INTO message (session_id, seq, id, turn_id, body, memory, created_at)
    SELECT session_id, seq, %(message_id)s, id, %(body)s::jsonb, %(memory)s::jsonb, %(created_at)s FROM closed
    WHERE %(message_id)s::text IS NOT NULL
), mine AS (
    SELECT session_id, seq FROM closed
    UNION ALL
    SELECT session_id, seq FROM turn WHERE owner = %(owner)s AND id = %(turn_id)s AND actor = %(actor)s
        AND epoch = %(epoch)s AND state IN ('done', 'failed')
)
SELECT EXISTS (SELECT FROM turn t WHERE t.session_id = mine.session_id AND t.seq > mine.seq
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
