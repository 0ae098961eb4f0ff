"""The SQL of the event store, each statement beside its reason."""

# One round trip appends any number of events; the table's trigger on `streams` refuses a stale writer.
APPEND = """
INSERT INTO events (stream_type, stream_id, version, event_id, type, schema_version, data, private,
                    correlation_id, causation_id, actor, traceparent, recorded_at)
SELECT stream_type, stream_id, version, event_id, type, schema_version, data::jsonb, private,
       correlation_id, causation_id, actor, traceparent, recorded_at
FROM unnest($1::text[], $2::uuid[], $3::int[], $4::uuid[], $5::text[], $6::smallint[], $7::text[], $8::bytea[],
            $9::uuid[], $10::uuid[], $11::uuid[], $12::text[], $13::timestamptz[])
     AS new (stream_type, stream_id, version, event_id, type, schema_version, data, private,
             correlation_id, causation_id, actor, traceparent, recorded_at)
"""

_COLUMNS = """stream_type, stream_id, version, event_id, type, schema_version, data::text AS data, private,
       correlation_id, causation_id, actor, traceparent, recorded_at,
       transaction_id::text::bigint AS transaction_id, position,
       CASE WHEN private IS NOT NULL THEN
           (SELECT sealed FROM private_keys WHERE private_keys.user_id = (events.data->>'user_id')::uuid)
       END AS private_key"""

LOAD = f"""
SELECT {_COLUMNS} FROM events WHERE stream_id = ANY ($1::uuid[]) ORDER BY stream_id, version
"""

# What streams were before one of their events each.
LOAD_BEFORE = f"""
SELECT {_COLUMNS.replace("stream_id", "events.stream_id").replace(" version", " events.version")} FROM events
JOIN unnest($1::uuid[], $2::int[]) AS wanted (stream_id, version)
  ON events.stream_id = wanted.stream_id AND events.version < wanted.version
ORDER BY events.stream_id, events.version
"""

STREAM_AFTER = f"""
SELECT {_COLUMNS} FROM events WHERE stream_id = $1 AND version > $2 ORDER BY version LIMIT $3
"""

# Everything one request caused in this service, oldest first.
HISTORY = f"""
SELECT {_COLUMNS} FROM events WHERE correlation_id = $1 ORDER BY events.transaction_id, events.position LIMIT $2
"""

# Only behind the oldest transaction still open: whatever commits later sorts later.
GATE = "transaction_id < (pg_snapshot_xmin(pg_current_snapshot())::text::bigint + transaction_base())::text::xid8"

# In commit order, so a reader that remembers (transaction_id, position) skips nothing. Sorted by the table's columns,
# which an index holds in that order, not by the output columns of the same names, for which all that is left would be
# read and sorted.
IN_COMMIT_ORDER = f"""
SELECT {_COLUMNS} FROM events
WHERE (transaction_id, position) > ($1::text::xid8, $2)
  AND {GATE}
ORDER BY events.transaction_id, events.position
LIMIT $3
"""

# Whether anything is committed beyond a mark, behind the gate or before it. In order, so that the index is asked:
# EXISTS would be planned as a search through the whole table.
ANY_AFTER = """
SELECT true FROM events WHERE (transaction_id, position) > ($1::text::xid8, $2)
ORDER BY events.transaction_id, events.position LIMIT 1
"""

# For projections built anew: all but the types they pass by.
OF_INTEREST = IN_COMMIT_ORDER.replace("ORDER BY", "  AND type <> ALL ($3::text[])\nORDER BY").replace(
    "LIMIT $3", "LIMIT $4"
)

# The same for whoever keeps writers out: then no open transaction can hold an earlier event.
OF_INTEREST_UNGATED = OF_INTEREST.replace(f"  AND {GATE}\n", "")

# Of twins that make a key for the same user at once both get the one that stays. In order, so that none deadlock.
ADD_PRIVATE_KEYS = """
INSERT INTO private_keys (user_id, sealed)
SELECT user_id, sealed FROM unnest($1::uuid[], $2::bytea[]) AS new (user_id, sealed) ORDER BY user_id
ON CONFLICT (user_id) DO UPDATE SET sealed = private_keys.sealed
RETURNING user_id, sealed
"""

STRIKE_TASKS = """
DELETE FROM tasks USING unnest($1::uuid[], $2::uuid[]) AS done (id, token)
WHERE tasks.id = done.id AND tasks.lease_token = done.token
RETURNING tasks.id, tasks.lease_token
"""
HELD_TASKS = """
SELECT tasks.id, tasks.lease_token FROM tasks JOIN unnest($1::uuid[], $2::uuid[]) AS done (id, token)
ON tasks.id = done.id AND tasks.lease_token = done.token
"""

CALL = "SELECT {function}($1::text::jsonb) IS NULL AS done"

DROP_TASKS = "DELETE FROM tasks WHERE id = ANY ($1::uuid[])"

ADD_TASKS = """
INSERT INTO tasks (id, kind, lane, payload, due_at, attempts, lease_token, leased_until,
                   correlation_id, causation_id, actor, traceparent)
SELECT id, kind, lane, payload::jsonb, coalesce(due_at, now()), attempts, lease_token, leased_until,
       correlation_id, causation_id, actor, traceparent
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::int[], $7::uuid[], $8::timestamptz[],
            $9::uuid[], $10::uuid[], $11::uuid[], $12::text[])
     AS new (id, kind, lane, payload, due_at, attempts, lease_token, leased_until,
             correlation_id, causation_id, actor, traceparent)
ON CONFLICT (id) DO NOTHING
RETURNING id
"""

# A zombie that lost its partition finds the mark moved and rolls back.
MOVE_MARKS = """
UPDATE heard SET transaction_id = new.transaction_id, position = new.position, epoch = new.epoch
FROM unnest($1::text[], $2::int[], $3::int[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::int[])
     AS new (source, partitions, partition, old_transaction, old_position, transaction_id, position, epoch)
WHERE heard.source = new.source AND heard.partitions = new.partitions AND heard.partition = new.partition
  AND heard.transaction_id = new.old_transaction AND heard.position = new.old_position AND NOT heard.closed
RETURNING 1
"""

PARK = """
INSERT INTO parked_events (source, transaction_id, position, stream_id, event_id, type, headers, data,
                           attempts, error, next_attempt_at)
SELECT source, transaction_id, position, stream_id, event_id, type, headers::jsonb, data,
       attempts, error, next_attempt_at
FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::bytea[],
            $9::int[], $10::text[], $11::timestamptz[])
     AS new (source, transaction_id, position, stream_id, event_id, type, headers, data,
             attempts, error, next_attempt_at)
ON CONFLICT DO NOTHING
"""

UNPARK = "DELETE FROM parked_events WHERE source = $1 AND transaction_id = $2 AND position = $3"

# Rows travel as one JSON text and get the table's own column types; not as jsonb, whose codec would encode them again.
ROWS_INSERT = (
    "INSERT INTO {table} ({columns}) SELECT {columns} FROM jsonb_populate_recordset(NULL::{table}, $1::text::jsonb)"
)
ROWS_UPSERT = ROWS_INSERT + " ON CONFLICT ({key}) {action}"
# The keys stand there twice, because a join alone is planned for a hundred rows: it would read small tables whole.
_ROWS = "WITH new AS MATERIALIZED (SELECT * FROM jsonb_populate_recordset(NULL::{table}, $1::text::jsonb)) "
_MATCHING = "WHERE {matching} AND old.{first} = ANY (ARRAY(SELECT {first} FROM new))"
ROWS_UPDATE = _ROWS + "UPDATE {table} AS old SET {assignments} FROM new " + _MATCHING
# The same with the columns that each row gives, as bits; `unnest` is what PostgreSQL names them.
ROWS_PATCH = (
    "WITH new AS MATERIALIZED (SELECT * FROM ROWS FROM ("
    "jsonb_populate_recordset(NULL::{table}, $1::text::jsonb), unnest($2::bigint[])) AS given) "
    "UPDATE {table} AS old SET {assignments} FROM new " + _MATCHING
)
ROWS_DELETE = _ROWS + "DELETE FROM {table} AS old USING new " + _MATCHING
