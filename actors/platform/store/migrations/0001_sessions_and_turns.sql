-- Sessions, turns, replies, leases; keys that make a retry the same request; dead letters; audit.

CREATE TABLE session (
    id          text PRIMARY KEY,                -- <owner>.<ulid>
    owner       text NOT NULL,                   -- opaque token of the user
    user_name   text NOT NULL,
    name        text,
    timezone    text NOT NULL,
    metadata    jsonb NOT NULL,
    last_seq    bigint NOT NULL DEFAULT 0,       -- the number of the newest turn
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX session_of_owner ON session (owner, id DESC);

CREATE TABLE turn (
    owner       text NOT NULL,
    id          text NOT NULL,
    session_id  text NOT NULL REFERENCES session ON DELETE CASCADE,
    seq         bigint NOT NULL,
    dedup_key   text,                            -- source and id of the submission; forgotten after 24 hours
    fingerprint text NOT NULL,                   -- of the submission's body
    content     text NOT NULL,
    as_of       timestamptz,
    identity    jsonb NOT NULL,                  -- verified at acceptance
    metadata    jsonb NOT NULL,
    traceparent text,
    state       text NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed')),
    actor       text,                            -- who holds it; see actor_lease
    epoch       integer NOT NULL DEFAULT 0,      -- rises with every new owner
    events      integer NOT NULL DEFAULT 0,      -- reply events of a closed turn
    problem     jsonb,
    accepted_at timestamptz NOT NULL DEFAULT now(),
    closed_at   timestamptz,
    PRIMARY KEY (owner, id),
    UNIQUE (session_id, seq),
    UNIQUE (owner, dedup_key)
);
CREATE INDEX turn_open ON turn (session_id, seq) WHERE state IN ('queued', 'running');
CREATE INDEX turn_closed_by ON turn (actor, closed_at) WHERE closed_at IS NOT NULL;

CREATE TABLE message (
    session_id  text NOT NULL REFERENCES session ON DELETE CASCADE,
    seq         bigint NOT NULL,                 -- of its turn: one reply a turn
    id          text NOT NULL UNIQUE,
    turn_id     text NOT NULL,
    body        jsonb NOT NULL,                  -- the reply as sent
    memory      jsonb NOT NULL,                  -- working memory as this turn left it
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (session_id, seq)
);

CREATE TABLE actor_lease (
    actor       text PRIMARY KEY,                -- <slot>@<ulid of this life>
    until       timestamptz NOT NULL
);

CREATE TABLE idempotency (
    owner       text NOT NULL,
    key         text NOT NULL,
    fingerprint text NOT NULL,
    resource_id text NOT NULL,
    status      integer,                         -- null while the first request runs
    body        text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (owner, key)
);
CREATE INDEX idempotency_age ON idempotency (created_at);

CREATE TABLE dead_letter (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject     text NOT NULL,
    headers     jsonb NOT NULL,
    body        bytea NOT NULL,
    attempts    integer NOT NULL,
    reason      text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE audit (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          timestamptz NOT NULL DEFAULT now(),
    user_name   text NOT NULL,
    action      text NOT NULL,
    subject     text NOT NULL,
    source      text NOT NULL,
    outcome     text NOT NULL
);
CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit table is append-only';
END $$;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
