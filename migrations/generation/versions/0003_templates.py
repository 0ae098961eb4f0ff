"""templates, caption_generation_tasks, caption_generation_user_settings and token_usage."""

from alembic import op

from migrations.kit import SET_UPDATED_AT, execute_script, protect

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TABLES = ("templates", "caption_generation_tasks", "caption_generation_user_settings", "token_usage")

_UP = """
CREATE TYPE template_type AS ENUM ('blog', 'linkedin', 'twitter', 'instagram', 'email');

CREATE TABLE templates (
    id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id         uuid NOT NULL,               -- nobody's (all zeros) when it is everybody's
    name            text NOT NULL,
    type            template_type NOT NULL,
    prompt          text NOT NULL,
    is_custom       boolean NOT NULL DEFAULT true,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT uq_templates_user_id_name UNIQUE (user_id, name)
);
CREATE INDEX idx_templates_user_id ON templates (user_id);
CREATE INDEX idx_templates_system ON templates (created_at DESC, id DESC) WHERE NOT is_custom;
CREATE TRIGGER trg_templates_updated_at BEFORE UPDATE ON templates FOR EACH ROW EXECUTE FUNCTION set_updated_at();

CREATE TYPE task_status AS ENUM ('queued', 'running', 'completed', 'failed', 'cancelled');

CREATE TABLE caption_generation_tasks (
    id              uuid PRIMARY KEY,
    user_id         uuid NOT NULL,
    platform_connection_id uuid NOT NULL,        -- in publishing
    status          task_status NOT NULL DEFAULT 'queued',
    settings_json   text,
    created_at      timestamptz NOT NULL DEFAULT now(),
    started_at      timestamptz,
    completed_at    timestamptz,
    error_message   text,
    results_json    text,
    progress_percent integer DEFAULT 0,
    current_step    varchar(200)
);
CREATE INDEX idx_caption_task_user_id ON caption_generation_tasks (user_id, created_at DESC, id DESC);
CREATE INDEX idx_caption_task_platform_connection_id ON caption_generation_tasks (platform_connection_id);
-- A user has one task under way.
CREATE UNIQUE INDEX uq_caption_task_active ON caption_generation_tasks (user_id)
    WHERE status IN ('queued', 'running');

CREATE TABLE caption_generation_user_settings (
    id              uuid PRIMARY KEY,
    user_id         uuid NOT NULL,
    platform_connection_id uuid NOT NULL,        -- in publishing
    max_posts_per_run integer DEFAULT 50,
    max_caption_length integer DEFAULT 500,
    optimal_min_length integer DEFAULT 80,
    optimal_max_length integer DEFAULT 200,
    reprocess_existing boolean DEFAULT false,
    processing_delay double precision DEFAULT 1.0,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT uq_user_platform_settings UNIQUE (user_id, platform_connection_id)
);
CREATE INDEX idx_caption_settings_platform_connection_id ON caption_generation_user_settings (platform_connection_id);
CREATE TRIGGER trg_caption_generation_user_settings_updated_at BEFORE UPDATE ON caption_generation_user_settings
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();

CREATE TABLE token_usage (
    id              uuid PRIMARY KEY,
    post_id         uuid,                        -- in publishing
    service         text NOT NULL,
    model           text NOT NULL,
    input_tokens    integer DEFAULT 0,
    output_tokens   integer DEFAULT 0,
    cost_usd        numeric(10, 6),
    created_at      timestamptz NOT NULL DEFAULT now(),
    user_id         uuid
);
CREATE INDEX idx_token_usage_created_at ON token_usage (created_at);
CREATE INDEX idx_token_usage_post_id ON token_usage (post_id);
CREATE INDEX idx_token_usage_user_id ON token_usage (user_id, created_at);
"""

# What the platform offers is there for everybody to read.
_SYSTEM_TEMPLATES = "CREATE POLICY templates_system_select ON templates FOR SELECT USING (NOT is_custom)"


def upgrade() -> None:
    execute_script(SET_UPDATED_AT)
    execute_script(_UP)
    for table in _TABLES:
        protect(table)
    execute_script(_SYSTEM_TEMPLATES)


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.execute(f"DROP TABLE {table}")
    op.execute("DROP TYPE task_status")
    op.execute("DROP TYPE template_type")
    op.execute("DROP FUNCTION set_updated_at()")
