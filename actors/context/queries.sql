-- name: create_session
-- A session with this id is made once; asked again by its owner, the same one is returned.
WITH made AS (
    INSERT INTO session (id, owner, user_name, name, timezone, metadata)
    VALUES (%(id)s, %(owner)s, %(user)s, %(name)s, %(timezone)s, %(metadata)s::jsonb)
    ON CONFLICT (id) DO NOTHING
    RETURNING id, name, timezone, metadata, created_at, updated_at
), noted AS (
    INSERT INTO audit (user_name, action, subject, source, outcome)
    SELECT %(user)s, 'session.create', id, %(source)s, 'done' FROM made
)
SELECT * FROM made
UNION ALL
SELECT id, name, timezone, metadata, created_at, updated_at FROM session
WHERE id = %(id)s AND owner = %(owner)s;

-- name: get_session
-- Only the owner's own, or anybody's for who may see all.
SELECT id, name, timezone, metadata, created_at, updated_at FROM session
WHERE id = %(id)s AND (owner = %(owner)s OR %(any)s);

-- name: session_memory
-- What the last reply left in the conversation's hands; only the owner's own, or anybody's for who may see all.
SELECT timezone, (
    SELECT memory::text FROM message WHERE message.session_id = session.id ORDER BY seq DESC LIMIT 1
) AS memory
FROM session
WHERE id = %(id)s AND (owner = %(owner)s OR %(any)s);

-- name: list_sessions
-- The caller's own, newest first, below the cursor.
SELECT id, name, timezone, metadata, created_at, updated_at FROM session
WHERE owner = %(owner)s AND (%(cursor)s::text IS NULL OR id < %(cursor)s)
ORDER BY id DESC
LIMIT %(limit)s;

-- name: delete_session
-- Ends the session with its turns and messages, and says so in the audit in the same statement.
WITH gone AS (
    DELETE FROM session WHERE id = %(id)s AND (owner = %(owner)s OR %(any)s) RETURNING id
)
INSERT INTO audit (user_name, action, subject, source, outcome)
SELECT %(user)s, 'session.delete', id, %(source)s, 'done' FROM gone
RETURNING subject;

-- name: claim_key
-- The first one with a key makes the row; the others see how far it is. A key older than a day is taken over.
WITH made AS (
    INSERT INTO idempotency AS i (owner, key, fingerprint, resource_id)
    VALUES (%(owner)s, %(key)s, %(fingerprint)s, %(resource_id)s)
    ON CONFLICT (owner, key) DO UPDATE
        SET fingerprint = excluded.fingerprint, resource_id = excluded.resource_id, status = NULL, body = NULL,
            created_at = now()
        WHERE i.created_at < now() - interval '24 hours'
    RETURNING 'new' AS state, fingerprint, resource_id, status, body
)
SELECT * FROM made
UNION ALL
SELECT CASE WHEN status IS NULL THEN 'running' ELSE 'done' END, fingerprint, resource_id, status, body
FROM idempotency WHERE owner = %(owner)s AND key = %(key)s AND NOT EXISTS (SELECT FROM made);

-- name: retake_key
-- A first request that left no answer within its time has died: its successor may try again, one of them.
UPDATE idempotency SET created_at = now()
WHERE owner = %(owner)s AND key = %(key)s AND status IS NULL AND created_at < now() - interval '60 seconds'
RETURNING resource_id;

-- name: release_key
-- The first request came to nothing that stands: the next one need not wait until it counts as dead. The resource
-- id stays, so that what the first one may have made is not made twice.
UPDATE idempotency SET created_at = now() - interval '60 seconds'
WHERE owner = %(owner)s AND key = %(key)s AND status IS NULL;

-- name: finish_key
-- Keeps the answer for everybody who asks with this key again.
UPDATE idempotency SET status = %(status)s, body = %(body)s WHERE owner = %(owner)s AND key = %(key)s;

-- name: forget_keys
-- A key is kept for a day.
DELETE FROM idempotency WHERE created_at < now() - interval '24 hours';
