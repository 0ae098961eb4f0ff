-- What every service's schema holds beside its read tables. Run with search_path set to the service's schema.

-- What a server's own count of transactions is raised by. A database restored to another server, whose count may be
-- lower, gets a higher base (deploy.migrate), so that what comes later sorts later.
CREATE FUNCTION transaction_base() RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT 0::bigint';

-- In parts by position: indexes that are written to stay small, and old parts can be frozen, moved and stored apart.
CREATE TABLE events (
    position        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transaction_id  xid8 NOT NULL DEFAULT (pg_current_xact_id()::text::bigint + transaction_base())::text::xid8,
    stream_type     text NOT NULL,
    stream_id       uuid NOT NULL,
    version         integer NOT NULL CHECK (version > 0),
    event_id        uuid NOT NULL,
    type            text NOT NULL,
    schema_version  smallint NOT NULL,
    data            jsonb NOT NULL,
    private         bytea,                       -- encrypted; never relayed
    correlation_id  uuid NOT NULL,
    causation_id    uuid,
    actor           uuid,
    traceparent     text,
    recorded_at     timestamptz NOT NULL
) PARTITION BY RANGE (position);
CREATE INDEX events_stream ON events (stream_id, version);
-- The relay and the feed read in commit order.
CREATE INDEX events_commit_order ON events (transaction_id, position);
CREATE INDEX events_correlation ON events (correlation_id);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are append only: % is refused. Append a correcting event instead.', TG_OP;
END $$;
CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE ON events
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER events_keep BEFORE TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The last version of each stream. It refuses a stale writer, which no unique index can over partitions.
CREATE TABLE streams (
    stream_id       uuid PRIMARY KEY,
    version         integer NOT NULL,
    since           integer NOT NULL               -- the first version of the last append
) WITH (fillfactor = 70);                          -- room for the next version on the same page

CREATE FUNCTION refuse_stale_writer(stream uuid, stored integer, first integer) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
    RAISE unique_violation USING CONSTRAINT = 'events_stream_version', TABLE = 'events', MESSAGE = format(
        'stream %s is at version %s, so version %s cannot follow: load it and decide again', stream, stored, first);
END $$;
-- Whoever appends to the same stream waits here for the other transaction's end, and is refused if that committed.
CREATE FUNCTION advance_streams() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO streams (stream_id, version, since)
    SELECT stream_id, max(version), min(version) FROM appended GROUP BY stream_id ORDER BY stream_id
    ON CONFLICT (stream_id) DO UPDATE
    SET version = CASE WHEN excluded.since = streams.version + 1 THEN excluded.version
                       ELSE refuse_stale_writer(streams.stream_id, streams.version, excluded.since) END,
        since = excluded.since;
    RETURN NULL;
END $$;
CREATE TRIGGER events_advance_streams AFTER INSERT ON events
    REFERENCING NEW TABLE AS appended FOR EACH STATEMENT EXECUTE FUNCTION advance_streams();

-- Takes what has no partition yet, so that an append never fails for the lack of one.
CREATE TABLE events_rest PARTITION OF events DEFAULT;
CREATE TRIGGER events_keep BEFORE TRUNCATE ON events_rest FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Adds partitions until `ahead` whole ones are empty, without keeping writers out; how many were added.
CREATE FUNCTION add_event_partitions(size bigint DEFAULT 2000000, ahead integer DEFAULT 2) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '100ms' AS $$
DECLARE
    wanted bigint := coalesce(pg_sequence_last_value(pg_get_serial_sequence('events', 'position')), 0) + ahead * size;
    lower bigint;
    name text;
    added integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('presswork.events'), hashtext(current_schema()));
    -- Above the last partition, and above what had to go to the rest.
    SELECT coalesce(max(substring(pg_get_expr(relpartbound, oid) FROM 'TO \(''(\d+)''\)')::bigint), 1) INTO lower
    FROM pg_inherits JOIN pg_class ON oid = inhrelid WHERE inhparent = 'events'::regclass;
    SELECT greatest(lower, (max(position) / size + 1) * size) INTO lower FROM events_rest;
    WHILE lower < wanted LOOP
        name := 'events_from_' || lower;
        EXECUTE format('CREATE TABLE %I (LIKE events INCLUDING ALL EXCLUDING INDEXES EXCLUDING IDENTITY)', name);
        EXECUTE format('CREATE TRIGGER events_keep BEFORE TRUNCATE ON %I '
                       'FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
        EXECUTE format('ALTER TABLE events ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
                       name, lower, (lower / size + 1) * size);
        lower := (lower / size + 1) * size;
        added := added + 1;
    END LOOP;
    RETURN added;
END $$;
SELECT add_event_partitions();

-- What the private fields of a user's events are encrypted with, encrypted itself; null: destroyed, the user is forgotten.
CREATE TABLE private_keys (
    user_id         uuid PRIMARY KEY,
    sealed          bytea
);

-- How far the relay has published, and what the broker said last: offsets that go back mean an emptied broker.
CREATE TABLE relay_cursor (
    only_row        boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    term            bigint NOT NULL DEFAULT 0,      -- of the relay that may move it; each takes a new one
    epoch           integer NOT NULL DEFAULT 0,     -- grows when an emptied broker is refilled
    transaction_id  bigint NOT NULL DEFAULT 0,
    position        bigint NOT NULL DEFAULT 0,
    held_transaction_id bigint NOT NULL DEFAULT 0,  -- the topic holds, without a gap, what comes after this mark
    held_position   bigint NOT NULL DEFAULT 0,
    partitions      integer NOT NULL DEFAULT 0,     -- the topic had when the marks below were sent
    last_marks      jsonb NOT NULL DEFAULT '{}',    -- by partition: transaction and position of the last message
    offsets         jsonb NOT NULL DEFAULT '{}',    -- by partition: offset of the last message
    moved_at        timestamptz NOT NULL DEFAULT now()
);
INSERT INTO relay_cursor DEFAULT VALUES;

-- Who hears this service, and how far: what a refill has to bring back.
CREATE TABLE subscribers (
    subscriber      text PRIMARY KEY,
    marks           jsonb NOT NULL,
    missing         boolean NOT NULL DEFAULT false, -- hears that something before what it is sent is missing
    reported_at     timestamptz NOT NULL DEFAULT now()
);

-- How far this service has heard others. Moved by compare-and-set in the transaction that holds the effects.
CREATE TABLE heard (
    source          text NOT NULL,
    partitions      integer NOT NULL,
    partition       integer NOT NULL,
    transaction_id  bigint NOT NULL DEFAULT 0,
    position        bigint NOT NULL DEFAULT 0,
    epoch           integer NOT NULL DEFAULT 0,
    closed          boolean NOT NULL DEFAULT false, -- the topic has another number of partitions by now
    PRIMARY KEY (source, partitions, partition)
);

-- Events that failed, and later ones of the same stream that wait for them.
CREATE TABLE parked_events (
    source          text NOT NULL,
    transaction_id  bigint NOT NULL,
    position        bigint NOT NULL,
    stream_id       uuid NOT NULL,
    event_id        uuid NOT NULL,
    type            text NOT NULL,
    headers         jsonb NOT NULL,
    data            bytea NOT NULL,
    attempts        integer NOT NULL DEFAULT 0,
    error           text,
    next_attempt_at timestamptz,                 -- null: waits for an operator, or for the event before it
    parked_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source, transaction_id, position)
);
CREATE INDEX parked_events_stream ON parked_events (stream_id, transaction_id, position);
CREATE INDEX parked_events_due ON parked_events (next_attempt_at) WHERE next_attempt_at IS NOT NULL;

-- The to-do list.
CREATE TABLE tasks (
    id              uuid PRIMARY KEY,
    kind            text NOT NULL,
    lane            text NOT NULL DEFAULT '',
    payload         jsonb NOT NULL DEFAULT '{}',
    due_at          timestamptz NOT NULL DEFAULT now(),
    attempts        integer NOT NULL DEFAULT 0,
    lease_token     uuid,
    leased_until    timestamptz,
    last_error      text,
    correlation_id  uuid NOT NULL,
    causation_id    uuid,
    actor           uuid,
    traceparent     text,
    created_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX tasks_due ON tasks (kind, greatest(due_at, coalesce(leased_until, due_at)));

-- What was asked under which key, so that a repeat with another body is refused.
CREATE TABLE idempotency_keys (
    scope           text NOT NULL,
    route           text NOT NULL,
    key             text NOT NULL,
    request_hash    bytea NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (scope, route, key)
);
