-- Workflows: definitions, runs, their steps, what waits for people, the history that is also the outbox, triggers.

CREATE TABLE definition (
    name        text NOT NULL,
    version     integer NOT NULL,                -- 1, 2, … of this name; a run keeps the one it started with
    sha256      text NOT NULL,                   -- of the canonical tree
    graph       jsonb NOT NULL,
    created_by  text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (name, version),
    UNIQUE (name, sha256)
);
CREATE FUNCTION definition_is_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a stored definition never changes: store a new version';
END $$;
CREATE TRIGGER definition_immutable BEFORE UPDATE ON definition
    FOR EACH STATEMENT EXECUTE FUNCTION definition_is_immutable();

CREATE TABLE run (
    id          text PRIMARY KEY,                -- <owner>.<ulid>
    owner       text NOT NULL,                   -- opaque token of the user
    user_name   text NOT NULL,
    identity    jsonb NOT NULL,                  -- verified when it was accepted
    name        text NOT NULL,
    version     integer NOT NULL,
    inputs      jsonb NOT NULL,
    source      text NOT NULL,
    session_id  text,
    idempotency_key text,
    fingerprint text NOT NULL,                   -- of what was asked for
    parent_id   text,                            -- the run whose step waits for this one
    parent_step text,
    parent_item text,
    depth       integer NOT NULL DEFAULT 0,
    status      text NOT NULL CHECK (status IN ('pending', 'running', 'waiting_approval', 'paused', 'succeeded',
                                                'failed', 'cancelled', 'compensating', 'compensated')),
    error       jsonb,
    outputs     jsonb,
    steps_total integer NOT NULL,
    steps_done  integer NOT NULL DEFAULT 0,
    actor       text,                            -- who holds it; see actor_lease
    epoch       integer NOT NULL DEFAULT 0,      -- rises with every new holder
    revision    integer NOT NULL DEFAULT 0,      -- rises with every write of the holder
    claims      integer NOT NULL DEFAULT 0,      -- since the last write: holders that came to nothing
    signals     integer NOT NULL DEFAULT 0,      -- rises with every word from outside: decision, cancel, pause …
    wake_at     timestamptz,                     -- when it is to be taken up again; null: only on a signal
    last_seq    bigint NOT NULL DEFAULT 0,       -- the number of the newest event
    pause_requested_at  timestamptz,
    cancel_requested_at timestamptz,
    cancel      jsonb,                           -- who, why, and whether to take back what was done
    deadline_at timestamptz,
    created_at  timestamptz NOT NULL DEFAULT now(),
    started_at  timestamptz,
    finished_at timestamptz,
    FOREIGN KEY (name, version) REFERENCES definition,
    UNIQUE (owner, idempotency_key)
) WITH (fillfactor = 70);                        -- room for its many updates in place
CREATE INDEX run_due ON run (wake_at)
    WHERE actor IS NULL AND status NOT IN ('succeeded', 'failed', 'cancelled', 'compensated');
CREATE INDEX run_held ON run (actor)
    WHERE actor IS NOT NULL AND status NOT IN ('succeeded', 'failed', 'cancelled', 'compensated');
CREATE INDEX run_of_owner ON run (owner, id DESC);
CREATE INDEX run_of_parent ON run (parent_id)
    WHERE parent_id IS NOT NULL AND status IN ('pending', 'running', 'waiting_approval', 'paused');
CREATE INDEX run_newest ON run (created_at DESC, id DESC);

-- Steps and events are written by statements that hold the run's row: a foreign key would ask again for each row.
CREATE TABLE step (
    run_id      text NOT NULL,
    step_id     text NOT NULL,
    item        text NOT NULL,                   -- '' for the step itself, '0', '1', … of a for_each
    status      text NOT NULL CHECK (status IN ('pending', 'ready', 'running', 'waiting', 'succeeded', 'failed',
                                                'skipped', 'cancelled', 'compensated')),
    attempt     integer NOT NULL DEFAULT 0,      -- how often the effect was asked for
    failures    integer NOT NULL DEFAULT 0,      -- how many of these came back as failed
    input       jsonb,                           -- as resolved at the first attempt
    items       jsonb,                           -- what a for_each goes over
    output      jsonb,
    error       jsonb,
    wake_at     timestamptz,                     -- a waiting step's time
    deadline_at timestamptz,                     -- of the attempt, or of the wait
    child_id    text,                            -- the run of a core.workflow step
    started_at  timestamptz,
    finished_at timestamptz,
    completed   bigint,                          -- the order of completion: compensation goes backwards
    undo        text CHECK (undo IN ('running', 'succeeded', 'failed')),
    undo_attempt integer NOT NULL DEFAULT 0,
    undo_failures integer NOT NULL DEFAULT 0,
    undo_error  jsonb,
    PRIMARY KEY (run_id, step_id, item)
) WITH (fillfactor = 70);

CREATE TABLE action_slot (
    action      text NOT NULL,                   -- an action whose concurrency is capped
    run_id      text NOT NULL,
    step_id     text NOT NULL,
    item        text NOT NULL,
    actor       text NOT NULL,                   -- counts only while this actor's lease holds
    PRIMARY KEY (action, run_id, step_id, item)
);

CREATE TABLE approval (
    run_id      text NOT NULL REFERENCES run,
    step_id     text NOT NULL,
    item        text NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('approval', 'question', 'verdict')),
    round       integer NOT NULL,                -- a step that is tried again asks again
    title       text NOT NULL,
    message     text NOT NULL,
    details     jsonb,
    options     jsonb NOT NULL,
    approvers   text[] NOT NULL,
    quorum      integer NOT NULL,
    allow_self  boolean NOT NULL,
    on_expiry   text NOT NULL,
    plan_hash   text NOT NULL,
    plan        jsonb NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz,
    remind_at   timestamptz,
    remind_seconds double precision,             -- again after so long
    outcome     text,                            -- null while it waits; set once
    answer      jsonb,
    closed_at   timestamptz,
    PRIMARY KEY (run_id, step_id, item, kind, round)
);
CREATE INDEX approval_pending ON approval (requested_at DESC) WHERE outcome IS NULL;

CREATE TABLE decision (
    run_id      text NOT NULL,
    step_id     text NOT NULL,
    item        text NOT NULL,
    kind        text NOT NULL,
    round       integer NOT NULL,
    decided_by  text NOT NULL,
    decision    text NOT NULL,
    plan_hash   text NOT NULL,
    comment     text NOT NULL,
    answer      jsonb,
    self        boolean NOT NULL,                -- by the person who started the run
    source      text NOT NULL,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (run_id, step_id, item, kind, round, decided_by),   -- the first word of each person counts
    FOREIGN KEY (run_id, step_id, item, kind, round) REFERENCES approval
);

CREATE TABLE event (
    run_id      text NOT NULL,
    seq         bigint NOT NULL,
    type        text NOT NULL,
    payload     jsonb NOT NULL,
    at          timestamptz NOT NULL,
    published_at timestamptz,                    -- null: still to be told on the bus
    PRIMARY KEY (run_id, seq)
);
CREATE INDEX event_unpublished ON event (at) WHERE published_at IS NULL;

CREATE TABLE inbox (
    consumer    text NOT NULL,
    message_id  text NOT NULL,
    at          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, message_id)
);
CREATE INDEX inbox_age ON inbox (at);

CREATE TABLE trigger (
    id          text PRIMARY KEY,
    owner       text NOT NULL,
    identity    jsonb NOT NULL,                  -- runs are started in this name
    name        text NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('schedule', 'event', 'webhook')),
    origin      jsonb NOT NULL,                  -- definition, template, or workflow and version
    workflow    text NOT NULL,
    inputs      jsonb NOT NULL,
    cron        text,
    zone        text NOT NULL,
    missed      text NOT NULL,
    subject     text,
    filter      text,
    secret_sha256 text,
    enabled     boolean NOT NULL,
    next_at     timestamptz,
    last_at     timestamptz,
    last_run    text,
    last_problem jsonb,
    created_at  timestamptz NOT NULL DEFAULT now(),
    UNIQUE (owner, name)
);
CREATE INDEX trigger_due ON trigger (next_at) WHERE enabled AND next_at IS NOT NULL;
