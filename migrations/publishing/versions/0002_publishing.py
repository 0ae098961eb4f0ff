"""publishing_jobs, platform_connections, and the texts that jobs publish."""

from alembic import op

from migrations.kit import SET_UPDATED_AT, execute_script, protect

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_UP = """
CREATE TABLE publishing_jobs (
    id              uuid PRIMARY KEY,
    workflow_id     uuid NOT NULL,
    platform        varchar(20) NOT NULL,
    status          varchar(50) NOT NULL,
    scheduled_for   timestamptz,
    published_at    timestamptz,
    response_data   jsonb,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    user_id         uuid NOT NULL,
    draft_id        uuid NOT NULL,
    connection_id   uuid,                        -- the one asked for; null: the platform's default
    used_connection_id uuid,                     -- the one the last attempt went through
    time_zone       text,
    attempt         integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz,
    error_class     varchar(20),
    error           text,
    CONSTRAINT chk_publishing_job_status
        CHECK (status IN ('queued', 'scheduled', 'publishing', 'published', 'failed', 'cancelled'))
);
CREATE INDEX idx_publishing_job_workflow_id ON publishing_jobs (workflow_id);
CREATE INDEX idx_publishing_job_status ON publishing_jobs (status);
CREATE INDEX idx_publishing_job_scheduled_for ON publishing_jobs (scheduled_for);
CREATE INDEX idx_publishing_job_user_created ON publishing_jobs (user_id, created_at DESC, id DESC);
-- One job for a draft; what was called off may be asked for anew.
CREATE UNIQUE INDEX uq_publishing_job_draft ON publishing_jobs (workflow_id, platform, draft_id)
    WHERE status <> 'cancelled';
CREATE TRIGGER trg_publishing_jobs_updated_at BEFORE UPDATE ON publishing_jobs
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();

CREATE TABLE platform_connections (
    id              uuid PRIMARY KEY,
    user_id         uuid NOT NULL,
    name            varchar(100) NOT NULL,
    platform_type   varchar(50) NOT NULL,
    instance_url    varchar(500) NOT NULL,
    username        varchar(200),
    access_token    text NOT NULL,               -- encrypted
    client_key      text,                        -- encrypted
    client_secret   text,                        -- encrypted
    is_active       boolean NOT NULL DEFAULT true,
    is_default      boolean NOT NULL DEFAULT false,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    last_used       timestamptz,
    settings        jsonb NOT NULL DEFAULT '{}',
    CONSTRAINT uq_user_platform_name UNIQUE (user_id, name),
    CONSTRAINT uq_user_instance_username UNIQUE (user_id, instance_url, username)
);
CREATE INDEX ix_platform_user_active ON platform_connections (user_id, is_active);
CREATE INDEX ix_platform_type_active ON platform_connections (platform_type, is_active);
CREATE INDEX ix_platform_instance_type ON platform_connections (instance_url, platform_type);
CREATE TRIGGER trg_platform_connections_updated_at BEFORE UPDATE ON platform_connections
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();

-- What was heard of a draft: all that a job needs in order to publish it.
CREATE TABLE draft_texts (
    draft_id        uuid PRIMARY KEY,
    workflow_id     uuid NOT NULL,
    user_id         uuid NOT NULL,
    platform        varchar(20) NOT NULL,
    title           text NOT NULL,
    content         text NOT NULL,
    hashtags        text[] NOT NULL,
    created_at      timestamptz NOT NULL
);
CREATE INDEX idx_draft_text_workflow_id ON draft_texts (workflow_id);

-- Each platform has room of its own, so due jobs are looked for platform by platform.
CREATE INDEX tasks_lane_due ON tasks (kind, lane, greatest(due_at, coalesce(leased_until, due_at)));
"""

_OWNED = ("publishing_jobs", "platform_connections", "draft_texts")


def upgrade() -> None:
    execute_script(SET_UPDATED_AT)
    execute_script(_UP)
    for table in _OWNED:
        protect(table)


def downgrade() -> None:
    op.execute("DROP INDEX tasks_lane_due")
    for table in reversed(_OWNED):
        op.execute(f"DROP TABLE {table}")
    op.execute("DROP FUNCTION set_updated_at()")
