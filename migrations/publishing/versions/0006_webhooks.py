"""webhooks, and what was and is to be delivered to them."""

from alembic import op

from migrations.kit import execute_script, let_staff_read, protect

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_UP = """
CREATE TABLE webhooks (
    id              uuid PRIMARY KEY,
    user_id         uuid NOT NULL,
    url             text NOT NULL,
    events          text[] NOT NULL,             -- 'draft.created', 'draft.*', '*'
    description     text NOT NULL,
    secret          text NOT NULL,               -- encrypted
    previous_secret text,                        -- encrypted; signs as well until then
    previous_until  timestamptz,
    is_active       boolean NOT NULL,
    active_since    timestamptz NOT NULL,        -- what happened before is not told
    disabled_reason text CHECK (disabled_reason IN ('owner', 'failing', 'gone')),
    disabled_detail text,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL
);
CREATE INDEX idx_webhooks_user_created ON webhooks (user_id, created_at DESC, id DESC);
CREATE INDEX idx_webhooks_active ON webhooks (user_id) WHERE is_active;

-- What is to be sent to whom, and how it went.
CREATE TABLE webhook_deliveries (
    id              uuid PRIMARY KEY,            -- the `webhook-id` that the receiver sees, the same at every attempt
    place           bigint GENERATED ALWAYS AS IDENTITY,  -- in the order of hearing
    webhook_id      uuid NOT NULL,
    user_id         uuid NOT NULL,
    event_id        uuid NOT NULL,
    type            text NOT NULL,
    story           uuid NOT NULL,               -- deliveries of one workflow or other stream go out in order
    body            text NOT NULL,               -- exactly what is signed and sent
    status          text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'delivered', 'failed')),
    attempt         integer NOT NULL DEFAULT 0,  -- of the present turn; a replay begins anew
    attempts        jsonb NOT NULL DEFAULT '[]', -- [{at, status, error, duration_ms}], the last 50
    next_attempt_at timestamptz,
    delivered_at    timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT uq_webhook_delivery UNIQUE (webhook_id, event_id)
);
COMMENT ON TABLE webhook_deliveries IS 'No read table: a log of what no event tells of.';
CREATE INDEX idx_webhook_deliveries_created ON webhook_deliveries (webhook_id, created_at DESC, id DESC);
CREATE INDEX idx_webhook_deliveries_pending ON webhook_deliveries (webhook_id, story, place) WHERE status = 'pending';
CREATE INDEX idx_webhook_deliveries_age ON webhook_deliveries (created_at);

-- Events (event_id, user_id, type, patterns, story, at, body, not_to) become deliveries to whoever wants to know,
-- and tasks to send them.
CREATE FUNCTION tell_webhooks(told jsonb) RETURNS void LANGUAGE sql SET search_path FROM CURRENT AS $$
    WITH added AS (
        INSERT INTO webhook_deliveries (id, webhook_id, user_id, event_id, type, story, body)
        SELECT gen_random_uuid(), webhooks.id, webhooks.user_id, event_id, type, story, body
        FROM ROWS FROM (jsonb_to_recordset(told) AS (
            event_id uuid, user_id uuid, type text, patterns text[], story uuid, at timestamptz, body text, not_to uuid
        )) WITH ORDINALITY AS event (event_id, user_id, type, patterns, story, at, body, not_to, number)
        JOIN webhooks ON webhooks.user_id = event.user_id AND webhooks.is_active
                     AND webhooks.events && event.patterns
                     AND webhooks.id IS DISTINCT FROM event.not_to
                     -- Clocks of two machines differ by moments.
                     AND event.at > webhooks.active_since - interval '2 seconds'
        ORDER BY number
        ON CONFLICT (webhook_id, event_id) DO NOTHING
        RETURNING id, story, user_id
    )
    INSERT INTO tasks (id, kind, payload, due_at, correlation_id, actor)
    SELECT id, 'webhook', jsonb_build_object('delivery_id', id), now(), story, user_id FROM added
$$;

-- Deliveries (delivery_id, error) that are given up.
CREATE FUNCTION fail_webhook_deliveries(failed jsonb) RETURNS void LANGUAGE sql SET search_path FROM CURRENT AS $$
    UPDATE webhook_deliveries SET status = 'failed', next_attempt_at = NULL, attempts = attempts || jsonb_build_array(
        jsonb_build_object('at', now(), 'status', NULL, 'error', each.error, 'duration_ms', 0))
    FROM jsonb_to_recordset(failed) AS each (delivery_id uuid, error text)
    WHERE webhook_deliveries.id = each.delivery_id AND status = 'pending'
$$;

-- Of webhooks (webhook_id) that are gone nothing is kept; their tasks find nothing to do.
CREATE FUNCTION forget_webhooks(gone jsonb) RETURNS void LANGUAGE sql SET search_path FROM CURRENT AS $$
    DELETE FROM webhook_deliveries
    WHERE webhook_id IN (SELECT webhook_id FROM jsonb_to_recordset(gone) AS each (webhook_id uuid))
$$;
"""

_OWNED = ("webhooks", "webhook_deliveries")


def upgrade() -> None:
    execute_script(_UP)
    for table in _OWNED:
        protect(table)
        let_staff_read(table, "admin")


def downgrade() -> None:
    op.execute("DELETE FROM tasks WHERE kind = 'webhook'")
    for function in ("forget_webhooks", "fail_webhook_deliveries", "tell_webhooks"):
        op.execute(f"DROP FUNCTION {function}(jsonb)")
    for table in reversed(_OWNED):
        op.execute(f"DROP TABLE {table}")
