"""projects, workflows and platform_states."""

from alembic import op

from migrations.kit import SET_UPDATED_AT, execute_script, protect

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_UP = """
CREATE TABLE projects (
    id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id         uuid NOT NULL,
    title           text NOT NULL,
    description     text,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX idx_projects_user_created ON projects (user_id, created_at DESC, id DESC);
CREATE TRIGGER trg_projects_updated_at BEFORE UPDATE ON projects
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();

CREATE TABLE workflows (
    id              uuid PRIMARY KEY,
    user_id         uuid NOT NULL,
    status          varchar(50) NOT NULL,
    mode            varchar(20) NOT NULL,
    source_content  jsonb,
    template_input  jsonb,
    manual_options  jsonb,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    title           text NOT NULL DEFAULT '',
    project_id      uuid
);
CREATE INDEX idx_workflow_user_id ON workflows (user_id, created_at DESC, id DESC);
CREATE INDEX idx_workflow_status ON workflows (status);
CREATE INDEX idx_workflow_created_at ON workflows (created_at);

CREATE TABLE platform_states (
    id              uuid PRIMARY KEY,
    workflow_id     uuid NOT NULL REFERENCES workflows (id) ON DELETE CASCADE,
    platform        varchar(20) NOT NULL,
    status          varchar(50) NOT NULL,
    active_draft_id uuid,
    iteration       integer NOT NULL DEFAULT 0,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    user_id         uuid NOT NULL,
    score           integer,
    job_id          uuid,
    url             text,
    reason          text,
    CONSTRAINT uq_workflow_platform UNIQUE (workflow_id, platform)
);
CREATE INDEX idx_platform_state_workflow_id ON platform_states (workflow_id);
CREATE INDEX idx_platform_state_platform ON platform_states (platform);
CREATE INDEX idx_platform_state_status ON platform_states (status);
"""

_OWNED = ("projects", "workflows", "platform_states")


def upgrade() -> None:
    execute_script(SET_UPDATED_AT)
    execute_script(_UP)
    for table in _OWNED:
        protect(table)


def downgrade() -> None:
    for table in ("platform_states", "workflows", "projects"):
        op.execute(f"DROP TABLE {table}")
    op.execute("DROP FUNCTION set_updated_at()")
