"""drafts, and the sources they are written from."""

from alembic import op

from migrations.kit import execute_script

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_UP = """
CREATE TABLE sources (
    workflow_id     uuid PRIMARY KEY,
    user_id         uuid NOT NULL,
    title           text NOT NULL DEFAULT '',
    text            text,
    file_id         uuid,                        -- in media, when the text is too long to travel
    sha256          text NOT NULL,
    characters      integer NOT NULL,
    language        text NOT NULL DEFAULT '',
    url             text,
    options         jsonb NOT NULL DEFAULT '{}',
    created_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT ck_source_has_content CHECK (text IS NOT NULL OR file_id IS NOT NULL)
);
CREATE INDEX idx_source_user_id ON sources (user_id);

CREATE TABLE drafts (
    id              uuid PRIMARY KEY,
    workflow_id     uuid NOT NULL,
    platform        varchar(20) NOT NULL,
    content         text NOT NULL,
    source          varchar(20) NOT NULL CONSTRAINT ck_draft_source CHECK (source IN ('ai', 'human')),
    based_on_id     uuid REFERENCES drafts (id),
    created_at      timestamptz NOT NULL DEFAULT now(),
    user_id         uuid NOT NULL,
    title           text NOT NULL DEFAULT '',
    iteration       integer NOT NULL,
    engine          text NOT NULL,
    model           text,
    language        text NOT NULL DEFAULT '',
    tone            text NOT NULL DEFAULT '',
    hashtags        jsonb NOT NULL DEFAULT '[]',
    usage           jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX idx_draft_workflow_id ON drafts (workflow_id, created_at DESC, id DESC);
CREATE INDEX idx_draft_platform ON drafts (platform);
CREATE INDEX idx_draft_created_at ON drafts (created_at);
CREATE INDEX idx_draft_user_id ON drafts (user_id, created_at DESC, id DESC);
CREATE INDEX idx_draft_based_on_id ON drafts (based_on_id);
"""

_POLICY = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
CREATE POLICY {table}_owner_all ON {table}
    USING (current_setting('app.user_id', true) = 'service' OR user_id::text = current_setting('app.user_id', true))
    WITH CHECK (
        current_setting('app.user_id', true) = 'service' OR user_id::text = current_setting('app.user_id', true)
    );
"""


def upgrade() -> None:
    execute_script(_UP)
    for table in ("sources", "drafts"):
        execute_script(_POLICY.format(table=table))


def downgrade() -> None:
    op.execute("DROP TABLE drafts")
    op.execute("DROP TABLE sources")
