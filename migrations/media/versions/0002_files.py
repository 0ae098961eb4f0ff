"""files and resources."""

from alembic import op

from migrations.kit import execute_script, protect

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_UP = """
CREATE TABLE files (
    id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id         uuid NOT NULL,
    project_id      uuid,
    path            text NOT NULL,
    mime_type       text,
    size_bytes      bigint,
    public_url      text,
    created_at      timestamptz NOT NULL DEFAULT now(),
    name            text NOT NULL DEFAULT '',
    sha256          text NOT NULL,
    text_status     text NOT NULL DEFAULT 'pending' CHECK (text_status IN ('pending', 'extracted', 'failed')),
    text_path       text,
    text_sha256     text,
    title           text,
    language        text,
    characters      integer,
    error           text,
    CONSTRAINT files_path_key UNIQUE (path)
);
CREATE INDEX idx_files_project_user ON files (project_id, user_id);
CREATE INDEX idx_files_user_created ON files (user_id, created_at DESC, id DESC);

CREATE TABLE resources (
    id              uuid PRIMARY KEY,
    user_id         uuid NOT NULL,
    type            varchar(50) NOT NULL CHECK (type IN ('style_sample', 'reference', 'image')),
    content         text NOT NULL,
    metadata        jsonb,
    created_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX idx_resource_user_id ON resources (user_id, created_at DESC, id DESC);
CREATE INDEX idx_resource_type ON resources (type);
"""

_TABLES = ("files", "resources")


def upgrade() -> None:
    execute_script(_UP)
    for table in _TABLES:
        protect(table)


def downgrade() -> None:
    for table in _TABLES:
        op.execute(f"DROP TABLE {table}")
