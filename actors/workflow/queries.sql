-- name: store_definition
-- Decides the version of a definition: the one it has, or the next of its name. Two different ones that are stored
-- at the same moment want the same number: the second inserts nothing (ON CONFLICT) and is asked again.
WITH known AS (
    SELECT version FROM definition WHERE name = %(name)s AND sha256 = %(sha256)s
), added AS (
    INSERT INTO definition (name, version, sha256, graph, created_by)
    SELECT %(name)s, COALESCE((SELECT max(version) FROM definition WHERE name = %(name)s), 0) + 1, %(sha256)s,
           %(graph)s::jsonb, %(user)s
    WHERE NOT EXISTS (SELECT FROM known)
    ON CONFLICT DO NOTHING
    RETURNING version
)
SELECT version FROM known UNION ALL SELECT version FROM added;

-- name: read_definition
-- A stored definition; its newest version where none is named.
SELECT name, version, graph FROM definition
WHERE name = %(name)s AND (%(version)s::integer IS NULL OR version = %(version)s)
ORDER BY version DESC LIMIT 1;

-- name: start_runs
-- Decides for each start whether it is a new run or one that was started before with its key, and who holds it. Two
-- with the same key at the same moment: the second inserts nothing (ON CONFLICT), has no row here, and asks again.
WITH item AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(%(items)s::jsonb) AS item (
        n integer, run_id text, owner text, user_name text, identity jsonb, name text, version integer, inputs jsonb,
        source text, session_id text, key text, fingerprint text, parent_id text, parent_step text, parent_item text,
        depth integer, steps_total integer, actor text, deadline_at timestamptz)
), known AS (
    SELECT item.n, run.id, run.name, run.version, run.status, run.fingerprint
    FROM item JOIN run ON run.owner = item.owner AND run.idempotency_key = item.key
), added AS (
    INSERT INTO run (id, owner, user_name, identity, name, version, inputs, source, session_id, idempotency_key,
                     fingerprint, parent_id, parent_step, parent_item, depth, status, steps_total, actor, epoch,
                     wake_at, deadline_at)
    SELECT run_id, owner, user_name, identity, name, version, inputs, source, session_id, key, fingerprint, parent_id,
           parent_step, parent_item, depth, 'pending', steps_total, actor, CASE WHEN actor IS NULL THEN 0 ELSE 1 END,
           now(), deadline_at
    FROM item WHERE NOT EXISTS (SELECT FROM known WHERE known.n = item.n)
    ON CONFLICT DO NOTHING
    RETURNING id
), audited AS (
    INSERT INTO audit (user_name, action, subject, source, outcome)
    SELECT item.user_name, 'workflow.start', item.run_id, item.source, item.name || ' ' || item.version
    FROM added JOIN item ON item.run_id = added.id
)
SELECT item.n, 'new' AS verdict, item.run_id AS id, item.name, item.version, 'pending' AS status,
       NULL AS fingerprint
FROM added JOIN item ON item.run_id = added.id
UNION ALL
SELECT n, 'known', id, name, version, status, fingerprint FROM known;

-- name: claim_due
-- Takes runs that nobody holds and whose time has come. SKIP LOCKED lets several actors claim without waiting; the
-- epoch that rises here is the fence that shuts a former holder out.
WITH due AS (
    SELECT id FROM run
    WHERE actor IS NULL AND status NOT IN ('succeeded', 'failed', 'cancelled', 'compensated') AND wake_at <= now()
    ORDER BY wake_at
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
UPDATE run SET actor = %(actor)s, epoch = epoch + 1, claims = claims + 1 FROM due WHERE run.id = due.id
RETURNING run.id, run.epoch;

-- name: claim_left_behind
-- Takes runs whose holder's lease has passed, and this actor's own that it does not know of: the answer to its own
-- claim or start got lost after the commit.
WITH due AS (
    SELECT id FROM run
    WHERE actor IS NOT NULL AND status NOT IN ('succeeded', 'failed', 'cancelled', 'compensated')
      AND CASE WHEN actor = %(actor)s THEN NOT id = ANY(%(held)s)
          ELSE NOT EXISTS (SELECT FROM actor_lease l WHERE l.actor = run.actor AND l.until > now()) END
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
UPDATE run SET actor = %(actor)s, epoch = epoch + 1, claims = claims + 1 FROM due WHERE run.id = due.id
RETURNING run.id, run.epoch;

-- name: next_wake
-- In how many seconds the next run that nobody holds comes due; null when none has a time.
SELECT extract(epoch FROM min(wake_at) - now())::double precision AS seconds FROM run
WHERE actor IS NULL AND status NOT IN ('succeeded', 'failed', 'cancelled', 'compensated');

-- name: load_run
-- The run as its new holder finds it; nothing where it has passed to another meanwhile.
SELECT id, owner, user_name, identity, name, version, inputs, source, status, error, parent_id, depth, epoch,
       revision, claims, signals, pause_requested_at, cancel_requested_at, cancel, deadline_at, started_at
FROM run WHERE id = %(run_id)s AND actor = %(actor)s AND epoch = %(epoch)s;

-- name: load_steps
-- Every step of a run that is not pending any more.
SELECT step_id, item, status, attempt, failures, input, items, output, error, wake_at, deadline_at, child_id,
       started_at, finished_at, completed, undo, undo_attempt, undo_failures, undo_error
FROM step WHERE run_id = %(run_id)s;

-- name: advance_runs
-- Writes what has become of runs: of each its row, its steps, its history, what it asks people; all of it or nothing.
-- Only the holder at this epoch may, and only once (`revision`): asked again after a commit whose answer got lost, it
-- finds its own writing and adds no second history. `strict`: letting go, ending, or closing a question, it must have
-- seen every word from outside, or a cancel that was accepted would be passed over.
WITH item AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(%(items)s::jsonb) AS item (
        n integer, run_id text, actor text, epoch integer, revision integer, signals integer, strict boolean,
        keep boolean, wake_at timestamptz, status text, error jsonb, outputs jsonb, steps_done integer,
        started_at timestamptz, finished_at timestamptz, told integer, steps jsonb, events jsonb, asked jsonb,
        touched jsonb)
), held AS (
    UPDATE run SET status = item.status, error = item.error, outputs = item.outputs, steps_done = item.steps_done,
        revision = run.revision + 1, claims = 0, last_seq = last_seq + item.told,
        actor = CASE WHEN item.keep THEN run.actor END, wake_at = item.wake_at, started_at = item.started_at,
        finished_at = item.finished_at
    FROM item
    WHERE run.id = item.run_id AND run.actor = item.actor AND run.epoch = item.epoch
      AND run.revision = item.revision AND (NOT item.strict OR run.signals = item.signals)
    RETURNING item.n, run.id, run.last_seq - item.told AS seq
), changed AS (
    INSERT INTO step (run_id, step_id, item, status, attempt, failures, input, items, output, error, wake_at,
                      deadline_at, child_id, started_at, finished_at, completed, undo, undo_attempt, undo_failures,
                      undo_error)
    SELECT held.id, s.* FROM held JOIN item USING (n), jsonb_to_recordset(item.steps) AS s (
        step_id text, item text, status text, attempt integer, failures integer, input jsonb, items jsonb,
        output jsonb, error jsonb, wake_at timestamptz, deadline_at timestamptz, child_id text,
        started_at timestamptz, finished_at timestamptz, completed bigint, undo text, undo_attempt integer,
        undo_failures integer, undo_error jsonb)
    ON CONFLICT (run_id, step_id, item) DO UPDATE SET
        status = excluded.status, attempt = excluded.attempt, failures = excluded.failures,
        input = excluded.input, items = excluded.items, output = excluded.output, error = excluded.error,
        wake_at = excluded.wake_at, deadline_at = excluded.deadline_at, child_id = excluded.child_id,
        started_at = excluded.started_at, finished_at = excluded.finished_at, completed = excluded.completed,
        undo = excluded.undo, undo_attempt = excluded.undo_attempt, undo_failures = excluded.undo_failures,
        undo_error = excluded.undo_error
), told AS (
    INSERT INTO event (run_id, seq, type, payload, at)
    SELECT held.id, held.seq + e.number, e.type, e.payload, e.at
    FROM held JOIN item USING (n), jsonb_to_recordset(item.events) AS e (
        number integer, type text, at timestamptz, payload jsonb)
), asked AS (
    INSERT INTO approval (run_id, step_id, item, kind, round, title, message, details, options, approvers, quorum,
                          allow_self, on_expiry, plan_hash, plan, expires_at, remind_at, remind_seconds)
    SELECT held.id, a.* FROM held JOIN item USING (n), jsonb_to_recordset(item.asked) AS a (
        step_id text, item text, kind text, round integer, title text, message text, details jsonb, options jsonb,
        approvers text[], quorum integer, allow_self boolean, on_expiry text, plan_hash text, plan jsonb,
        expires_at timestamptz, remind_at timestamptz, remind_seconds double precision)
    ON CONFLICT (run_id, step_id, item, kind, round) DO NOTHING
), touched AS (
    UPDATE approval SET outcome = COALESCE(t.outcome, approval.outcome),
        closed_at = CASE WHEN t.outcome IS NULL THEN closed_at ELSE now() END,
        remind_at = COALESCE(t.remind_at, approval.remind_at)
    FROM held JOIN item USING (n), jsonb_to_recordset(item.touched) AS t (
        step_id text, item text, outcome text, remind_at timestamptz)
    WHERE approval.run_id = held.id AND approval.step_id = t.step_id AND approval.item = t.item
      AND approval.outcome IS NULL
)
SELECT n, 'written' AS verdict, seq FROM held
UNION ALL
SELECT item.n,
       CASE WHEN run.epoch <> item.epoch THEN 'lost'
            WHEN run.revision = item.revision + 1 THEN 'known'
            WHEN run.revision <> item.revision OR run.actor IS DISTINCT FROM item.actor THEN 'lost'
            WHEN run.signals <> item.signals THEN 'signalled'
            -- It sees the row from before a change that the statement has waited for.
            ELSE 'again' END,
       NULL
FROM item JOIN run ON run.id = item.run_id WHERE NOT EXISTS (SELECT FROM held WHERE held.n = item.n);

-- name: run_signals
-- What was said to a run from outside: pause, cancel, decisions that settle a question, children that have ended.
SELECT signals, pause_requested_at, cancel_requested_at, cancel,
    (SELECT COALESCE(jsonb_agg(jsonb_build_object('step_id', a.step_id, 'item', a.item, 'kind', a.kind,
                                                  'round', a.round, 'outcome', a.outcome, 'answer', a.answer,
                                                  'at', a.closed_at,
                                                  'decisions', (
                         SELECT COALESCE(jsonb_agg(jsonb_build_object('by', d.decided_by, 'decision', d.decision,
                                                                      'comment', d.comment, 'self', d.self,
                                                                      'at', d.at) ORDER BY d.at), '[]')
                         FROM decision d WHERE d.run_id = a.run_id AND d.step_id = a.step_id AND d.item = a.item
                             AND d.kind = a.kind AND d.round = a.round))), '[]')
     FROM approval a WHERE a.run_id = run.id AND a.outcome IS NOT NULL AND EXISTS (
         SELECT FROM step s WHERE s.run_id = a.run_id AND s.step_id = a.step_id AND s.item = a.item
             AND (s.status = 'waiting' OR s.undo = 'running'))) AS settled,
    (SELECT COALESCE(jsonb_agg(jsonb_build_object('step_id', s.step_id, 'item', s.item, 'child_id', c.id,
                                                  'status', c.status, 'outputs', c.outputs, 'error', c.error)), '[]')
     FROM step s JOIN run c ON c.id = s.child_id
     WHERE s.run_id = run.id AND s.status = 'waiting'
         AND c.status IN ('succeeded', 'failed', 'cancelled', 'compensated')) AS children
FROM run WHERE id = %(run_id)s;

-- name: open_questions
-- What a run has asked people and not taken in yet, whether it is settled or not: times to expire and to remind.
SELECT a.step_id, a.item, a.kind, a.round, a.expires_at, a.on_expiry, a.remind_at, a.remind_seconds
FROM approval a JOIN step s ON s.run_id = a.run_id AND s.step_id = a.step_id AND s.item = a.item
WHERE a.run_id = %(run_id)s AND (s.status = 'waiting' OR s.undo = 'running') ORDER BY a.round;

-- name: lock_run
-- Whoever speaks to a run goes one after another until the commit. A statement of its own, so that the next one has
-- a snapshot from after the wait.
SELECT id FROM run WHERE id = %(run_id)s FOR UPDATE;

-- name: cancel_run
-- Accepts a cancel of a run that has not ended and is not being taken back already; the first one counts. Where nobody
-- holds the run, whoever was asked takes it.
WITH cancelled AS (
    UPDATE run SET cancel_requested_at = now(), cancel = %(cancel)s::jsonb, signals = signals + 1, wake_at = now(),
        last_seq = last_seq + 1,
        epoch = CASE WHEN actor IS NULL AND %(take)s THEN epoch + 1 ELSE epoch END,
        actor = CASE WHEN actor IS NULL AND %(take)s THEN %(actor)s ELSE actor END
    WHERE id = %(run_id)s AND cancel_requested_at IS NULL
      AND status IN ('pending', 'running', 'waiting_approval', 'paused')
    RETURNING id, status, actor, epoch, last_seq
), told AS (
    INSERT INTO event (run_id, seq, type, payload, at)
    SELECT id, last_seq, 'run.cancelling', jsonb_build_object('status', status, 'message', %(message)s::text),
           clock_timestamp()
    FROM cancelled
), audited AS (
    INSERT INTO audit (user_name, action, subject, source, outcome)
    SELECT %(user)s, 'workflow.cancel', id, %(source)s, 'accepted: ' || %(message)s FROM cancelled
)
SELECT true AS changed, status, actor, epoch, last_seq FROM cancelled
UNION ALL
SELECT false, status, actor, epoch, last_seq FROM run
WHERE id = %(run_id)s AND NOT EXISTS (SELECT FROM cancelled);

-- name: pause_run
-- Accepts a pause of a run that goes on, or a resume of one that was paused. Where nobody holds the run, whoever was
-- asked takes it.
WITH changed AS (
    UPDATE run SET pause_requested_at = CASE WHEN %(pause)s THEN now() END, signals = signals + 1, wake_at = now(),
        epoch = CASE WHEN actor IS NULL AND %(take)s THEN epoch + 1 ELSE epoch END,
        actor = CASE WHEN actor IS NULL AND %(take)s THEN %(actor)s ELSE actor END
    WHERE id = %(run_id)s AND (pause_requested_at IS NULL) = %(pause)s AND cancel_requested_at IS NULL
      AND status IN ('pending', 'running', 'waiting_approval', 'paused')
    RETURNING id, status, actor, epoch, last_seq
), audited AS (
    INSERT INTO audit (user_name, action, subject, source, outcome)
    SELECT %(user)s, CASE WHEN %(pause)s THEN 'workflow.pause' ELSE 'workflow.resume' END, id, %(source)s,
           'accepted: ' || %(message)s
    FROM changed
)
SELECT true AS changed, status, actor, epoch, last_seq, pause_requested_at IS NOT NULL AS pausing FROM changed, run
WHERE run.id = changed.id
UNION ALL
SELECT false, status, actor, epoch, last_seq, pause_requested_at IS NOT NULL FROM run
WHERE id = %(run_id)s AND NOT EXISTS (SELECT FROM changed);

-- name: signal_run
-- Tells a run that another one, which it waits for, has ended; its holder, or whoever claims it, looks.
UPDATE run SET signals = signals + 1, wake_at = now()
WHERE id = %(run_id)s AND status NOT IN ('succeeded', 'failed', 'cancelled', 'compensated')
RETURNING id, actor, epoch;

-- name: orphaned_runs
-- Runs whose parent's step does not wait for them any more: it was cancelled, has failed, or has started another one.
SELECT c.id, c.user_name FROM run c
JOIN step s ON s.run_id = c.parent_id AND s.step_id = c.parent_step AND s.item = c.parent_item
WHERE c.parent_id IS NOT NULL AND c.cancel_requested_at IS NULL
  AND c.status IN ('pending', 'running', 'waiting_approval', 'paused')
  AND (s.status IN ('failed', 'cancelled', 'skipped') OR (s.status = 'waiting' AND s.child_id IS DISTINCT FROM c.id));

-- name: lock_slots
-- Actors that count the places of a capped action go one after the other until the commit, or two would see the last
-- free one. A statement of its own, so that the next ones have a snapshot from after the wait.
SELECT pg_advisory_xact_lock(hashtextextended('slots ' || %(action)s, 0));

-- name: free_dead_slots
-- What a dead actor held does not count.
DELETE FROM action_slot s WHERE s.action = %(action)s
    AND NOT EXISTS (SELECT FROM actor_lease l WHERE l.actor = s.actor AND l.until > now());

-- name: take_slot
-- Decides whether one more of a capped action may start; a row is the place.
INSERT INTO action_slot (action, run_id, step_id, item, actor)
SELECT %(action)s, %(run_id)s, %(step_id)s, %(item)s, %(actor)s
WHERE (SELECT count(*) FROM action_slot WHERE action = %(action)s
           AND NOT (run_id = %(run_id)s AND step_id = %(step_id)s AND item = %(item)s)) < %(cap)s
ON CONFLICT (action, run_id, step_id, item) DO UPDATE SET actor = excluded.actor
RETURNING action;

-- name: free_slot
-- One of a capped action has ended.
DELETE FROM action_slot
WHERE action = %(action)s AND run_id = %(run_id)s AND step_id = %(step_id)s AND item = %(item)s
  AND actor = %(actor)s;

-- name: asked
-- What a step asks people, the newest round first; whom, and who started the run.
SELECT a.kind, a.round, a.approvers, a.quorum, a.allow_self, a.options, a.outcome, r.user_name
FROM approval a JOIN run r ON r.id = a.run_id
WHERE a.run_id = %(run_id)s AND a.step_id = %(step_id)s AND a.item = %(item)s
ORDER BY (a.outcome IS NULL) DESC, a.requested_at DESC LIMIT 1;

-- name: decide
-- Decides what one person's word does: the first one of each person counts, the question must be open, in time, and
-- asked about the very plan that the person saw. It runs under `lock_run`: of two last words that arrive at the same
-- moment one settles the question and the other one is told that it is closed.
WITH asked AS (
    SELECT outcome, expires_at, plan_hash, quorum FROM approval
    WHERE run_id = %(run_id)s AND step_id = %(step_id)s AND item = %(item)s AND kind = %(kind)s
      AND round = %(round)s
), said AS (
    SELECT decided_by, decision FROM decision
    WHERE run_id = %(run_id)s AND step_id = %(step_id)s AND item = %(item)s AND kind = %(kind)s
      AND round = %(round)s
), verdict AS (
    SELECT CASE
        WHEN EXISTS (SELECT FROM said WHERE decided_by = %(user)s AND decision = %(decision)s) THEN 'known'
        WHEN EXISTS (SELECT FROM said WHERE decided_by = %(user)s) THEN 'second'
        WHEN outcome = 'expired' OR (outcome IS NULL AND expires_at <= clock_timestamp()) THEN 'expired'
        WHEN outcome IS NOT NULL THEN 'closed'
        WHEN plan_hash <> %(plan_hash)s THEN 'changed'
        ELSE 'taken' END AS verdict,
        (SELECT count(*) FROM said WHERE decision = 'approve') AS approvals, quorum, outcome
    FROM asked
), added AS (
    INSERT INTO decision (run_id, step_id, item, kind, round, decided_by, decision, plan_hash, comment, answer, self,
                          source)
    SELECT %(run_id)s, %(step_id)s, %(item)s, %(kind)s, %(round)s, %(user)s, %(decision)s, %(plan_hash)s,
           %(comment)s, %(answer)s::jsonb, %(self)s, %(source)s
    FROM verdict WHERE verdict = 'taken'
    RETURNING at
), closed AS (
    UPDATE approval SET outcome = %(decision)s, answer = %(answer)s::jsonb, closed_at = clock_timestamp()
    FROM verdict
    WHERE run_id = %(run_id)s AND step_id = %(step_id)s AND item = %(item)s AND kind = %(kind)s
      AND round = %(round)s AND verdict = 'taken'
      AND (%(decision)s <> 'approve' OR verdict.approvals + 1 >= approval.quorum)
    RETURNING approval.outcome
), signalled AS (
    UPDATE run SET signals = signals + 1, wake_at = now(), last_seq = last_seq + 1,
        epoch = CASE WHEN actor IS NULL AND %(take)s THEN epoch + 1 ELSE epoch END,
        actor = CASE WHEN actor IS NULL AND %(take)s THEN %(actor)s ELSE actor END
    WHERE id = %(run_id)s AND EXISTS (SELECT FROM added)
    RETURNING id, status, actor, epoch, last_seq
), told AS (
    INSERT INTO event (run_id, seq, type, payload, at)
    SELECT id, last_seq, 'approval.decided',
           jsonb_set(%(payload)s::jsonb, '{status}', to_jsonb(status)), added.at
    FROM signalled, added
), audited AS (
    INSERT INTO audit (user_name, action, subject, source, outcome)
    SELECT %(user)s, 'approval.decide', %(subject)s, %(source)s, %(audit)s FROM added
)
SELECT verdict.verdict, verdict.approvals + (verdict.verdict = 'taken' AND %(decision)s = 'approve')::int AS approvals,
       verdict.quorum, COALESCE(closed.outcome, verdict.outcome) AS outcome,
       signalled.actor, signalled.epoch, signalled.last_seq, signalled.status, added.at
FROM verdict LEFT JOIN closed ON true LEFT JOIN signalled ON true LEFT JOIN added ON true;

-- name: audit
-- Keeps who tried or did what, when, from where, and what came of it.
INSERT INTO audit (user_name, action, subject, source, outcome)
VALUES (%(user)s, %(action)s, %(subject)s, %(source)s, %(outcome)s);

-- name: unpublished
-- Events that are stored and, after a while, still not marked as told: their writer has died, or the bus was away.
-- SKIP LOCKED: several actors do not tell the same ones.
SELECT e.run_id, e.seq, e.type, e.payload, e.at, r.parent_id
FROM event e JOIN run r ON r.id = e.run_id
WHERE e.published_at IS NULL AND e.at < now() - make_interval(secs => %(older_than)s)
ORDER BY e.at LIMIT %(limit)s
FOR UPDATE OF e SKIP LOCKED;

-- name: mark_published
-- These events are on the bus. Marked twice, or told twice after a crash between the two, does no harm: followers
-- go by the number.
UPDATE event SET published_at = now()
FROM unnest(%(run_ids)s::text[], %(seqs)s::bigint[]) AS told (run_id, seq)
WHERE event.run_id = told.run_id AND event.seq = told.seq AND published_at IS NULL;

-- name: mark_lazily
-- A mark that a crash of the database takes back is made again: nobody waits for the disk.
SET LOCAL synchronous_commit = off;

-- name: run_view
-- A run as it is shown.
SELECT r.id, r.owner, r.user_name, r.name, r.version, r.inputs, r.source, r.session_id, r.status, r.error, r.outputs,
       r.steps_total, r.steps_done, r.parent_id, r.last_seq, r.created_at, r.started_at, r.finished_at,
       r.deadline_at, r.pause_requested_at, r.cancel_requested_at, d.graph ->> 'description' AS description
FROM run r JOIN definition d USING (name, version) WHERE r.id = %(run_id)s;

-- name: list_runs
-- Runs, newest first, after the cursor: one's own, or those of all for whom may see them.
SELECT r.id, r.owner, r.user_name, r.name, r.version, r.source, r.session_id, r.status, r.error, r.steps_total,
       r.steps_done, r.parent_id, r.created_at, r.started_at, r.finished_at, r.deadline_at,
       d.graph ->> 'description' AS description
FROM run r JOIN definition d USING (name, version)
WHERE (%(owner)s::text IS NULL OR r.owner = %(owner)s)
  AND (%(status)s::text IS NULL OR r.status = %(status)s)
  AND (%(name)s::text IS NULL OR r.name = %(name)s)
  AND (%(session_id)s::text IS NULL OR r.session_id = %(session_id)s)
  AND (%(before_at)s::timestamptz IS NULL OR (r.created_at, r.id) < (%(before_at)s, %(before_id)s))
ORDER BY r.created_at DESC, r.id DESC LIMIT %(limit)s;

-- name: history
-- What has happened to a run after a number, oldest first.
SELECT seq, type, payload, at FROM event WHERE run_id = %(run_id)s AND seq > %(after)s ORDER BY seq LIMIT %(limit)s;

-- name: list_approvals
-- What waits for people, or has, newest first: all of it for whom may see it, else of one's own runs.
SELECT a.*, r.name, r.user_name,
    (SELECT COALESCE(jsonb_agg(jsonb_build_object('decided_by', d.decided_by, 'decision', d.decision,
                                                  'comment', d.comment, 'answer', d.answer,
                                                  'self_approval', d.self, 'at', d.at, 'source', d.source)
                               ORDER BY d.at), '[]')
     FROM decision d WHERE d.run_id = a.run_id AND d.step_id = a.step_id AND d.item = a.item AND d.kind = a.kind
         AND d.round = a.round) AS decisions
FROM approval a JOIN run r ON r.id = a.run_id
WHERE (%(owner)s::text IS NULL OR r.owner = %(owner)s)
  AND (%(run_id)s::text IS NULL OR a.run_id = %(run_id)s)
  AND (%(status)s = 'all' OR (a.outcome IS NULL) = (%(status)s = 'pending'))
  AND (%(who)s::text[] IS NULL OR (a.approvers && %(who)s AND (a.allow_self OR %(alone)s OR r.user_name <> %(user)s)))
  AND (%(before_at)s::timestamptz IS NULL
       OR (a.requested_at, a.run_id, a.step_id, a.item) < (%(before_at)s, %(before_run)s, %(before_step)s,
                                                           %(before_item)s))
ORDER BY a.requested_at DESC, a.run_id DESC, a.step_id DESC, a.item DESC LIMIT %(limit)s;
