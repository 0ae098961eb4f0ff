"""executions with their logs (partitioned by month) and artifacts, processing_runs, and what each role may read."""

from alembic import op

from migrations.kit import execute_script, let_staff_read, protect, withdraw

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_UP = """
CREATE TABLE executions (
    id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id         uuid NOT NULL,
    input_type      varchar(50) NOT NULL,
    input_value     text NOT NULL,
    input_file_url  text,
    status          varchar(50) NOT NULL DEFAULT 'planned',
    plan            jsonb,
    current_step    integer DEFAULT 0,
    created_at      timestamptz DEFAULT now(),
    started_at      timestamptz,
    completed_at    timestamptz,
    metadata        jsonb DEFAULT '{}',
    error_message   text,
    input_file_id   uuid,
    auto_correct    boolean NOT NULL DEFAULT true,
    max_retries     integer NOT NULL DEFAULT 3,
    CONSTRAINT executions_status CHECK (
        status IN ('planned', 'running', 'validating', 'correcting', 'completed', 'failed', 'cancelled')),
    CONSTRAINT executions_input_type CHECK (input_type IN ('pdf', 'code', 'url', 'youtube', 'text'))
);
CREATE INDEX idx_executions_user_id ON executions (user_id);
CREATE INDEX idx_executions_status ON executions (status);
CREATE INDEX idx_executions_created_at ON executions (created_at);
CREATE INDEX idx_executions_user_status ON executions (user_id, status);
CREATE INDEX idx_executions_user_status_created ON executions (user_id, status, created_at DESC);
CREATE INDEX idx_executions_user_created ON executions (user_id, created_at DESC, id DESC);
CREATE INDEX idx_executions_active ON executions (started_at DESC)
    WHERE status::text = ANY (ARRAY['running'::text, 'validating'::text, 'correcting'::text]);

CREATE TABLE execution_logs (
    id              uuid NOT NULL DEFAULT gen_random_uuid(),
    execution_id    uuid REFERENCES executions (id) ON DELETE CASCADE,
    timestamp       timestamptz NOT NULL DEFAULT now(),
    level           varchar(20) NOT NULL,
    message         text NOT NULL,
    metadata        jsonb,
    step_id         integer,
    user_id         uuid NOT NULL,
    CONSTRAINT execution_logs_level CHECK (level IN ('debug', 'info', 'warning', 'error', 'critical')),
    PRIMARY KEY (id, timestamp)
) PARTITION BY RANGE (timestamp);
CREATE TABLE execution_logs_default PARTITION OF execution_logs DEFAULT;
CREATE INDEX idx_execution_logs_execution_id ON execution_logs (execution_id);
CREATE INDEX idx_execution_logs_timestamp ON execution_logs (timestamp);

CREATE TABLE artifacts (
    id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    execution_id    uuid REFERENCES executions (id) ON DELETE CASCADE,
    type            varchar(50) NOT NULL,
    name            varchar(255),
    data            jsonb,
    file_url        text,
    file_size_bytes bigint,
    mime_type       varchar(100),
    verified        boolean DEFAULT false,
    created_at      timestamptz DEFAULT now(),
    user_id         uuid NOT NULL,
    CONSTRAINT artifacts_type CHECK (
        type IN ('summary', 'analysis', 'documentation', 'visualization', 'data_export'))
);
CREATE INDEX idx_artifacts_execution_id ON artifacts (execution_id);
CREATE INDEX idx_artifacts_type ON artifacts (type);

CREATE TABLE processing_runs (
    id                  uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id             uuid NOT NULL,
    batch_id            varchar(200),
    started_at          timestamptz DEFAULT now(),
    completed_at        timestamptz,
    posts_processed     integer DEFAULT 0,
    images_processed    integer DEFAULT 0,
    captions_generated  integer DEFAULT 0,
    errors_count        integer DEFAULT 0,
    status              varchar(50) DEFAULT 'running',
    platform_connection_id uuid,
    platform_type       varchar(50),
    instance_url        varchar(500),
    retry_attempts      integer DEFAULT 0,
    retry_successes     integer DEFAULT 0,
    retry_failures      integer DEFAULT 0,
    retry_total_time    integer DEFAULT 0,
    retry_stats_json    text,
    CONSTRAINT uq_batch_platform UNIQUE (batch_id, platform_connection_id),
    CONSTRAINT processing_runs_status CHECK (status IN ('running', 'completed', 'failed', 'cancelled'))
);
CREATE INDEX idx_processing_runs_user_started ON processing_runs (user_id, started_at DESC, id DESC);
CREATE INDEX idx_processing_runs_connection ON processing_runs (platform_connection_id);

CREATE INDEX idx_workflows_project_id ON workflows (project_id, created_at DESC, id DESC) WHERE project_id IS NOT NULL;
CREATE INDEX idx_platform_states_awaiting_review ON platform_states (updated_at, id) WHERE status = 'awaiting_review';
"""

# The months around the migration; later ones are made ahead by the service's upkeep, the default takes what is left.
_PARTITIONS = """
DO $$
DECLARE month date := date_trunc('month', now() AT TIME ZONE 'UTC')::date;
BEGIN
    FOR n IN 0..2 LOOP
        EXECUTE format(
            'CREATE TABLE execution_logs_%s PARTITION OF execution_logs FOR VALUES FROM (%L) TO (%L)',
            to_char(month, 'YYYYMM'), month || ' 00:00:00+00', (month + interval '1 month')::date || ' 00:00:00+00');
        month := (month + interval '1 month')::date;
    END LOOP;
END $$;
"""

_NEW = ("executions", "execution_logs", "artifacts", "processing_runs")
_AWAITING = "status = 'awaiting_review'"


def upgrade() -> None:
    execute_script(_UP)
    execute_script(_PARTITIONS)
    for table in _NEW:
        protect(table)
    for table in (*_NEW, "projects"):
        let_staff_read(table, "moderator")
    for table in ("workflows", "platform_states"):
        let_staff_read(table, "moderator", awaiting=_AWAITING)


def downgrade() -> None:
    for table in ("projects", "workflows", "platform_states"):
        withdraw(table, "staff_select")
    op.execute("DROP INDEX idx_platform_states_awaiting_review")
    op.execute("DROP INDEX idx_workflows_project_id")
    for table in ("processing_runs", "artifacts", "execution_logs", "executions"):
        op.execute(f"DROP TABLE {table}")
