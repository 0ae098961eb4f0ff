"""imports and import_refusals: files of posts that are imported in the background, and the lines that were refused."""

from alembic import op

from migrations.kit import execute_script, protect

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_UP = """
CREATE TABLE imports (
    id              uuid PRIMARY KEY,
    user_id         uuid NOT NULL,
    status          text NOT NULL CHECK (status IN ('running', 'completed')),
    lines           integer NOT NULL,
    imported        integer NOT NULL,
    refused         integer NOT NULL,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    completed_at    timestamptz
);
CREATE INDEX idx_imports_user_created ON imports (user_id, created_at DESC, id DESC);
CREATE INDEX idx_imports_completed_at ON imports (completed_at) WHERE completed_at IS NOT NULL;

CREATE TABLE import_refusals (
    id              uuid PRIMARY KEY,
    import_id       uuid NOT NULL REFERENCES imports (id) ON DELETE CASCADE,
    user_id         uuid NOT NULL,
    line            integer NOT NULL,
    error           text NOT NULL,
    created_at      timestamptz NOT NULL
);
CREATE INDEX idx_import_refusals_import_id ON import_refusals (import_id, created_at, id);
CREATE INDEX idx_import_refusals_user_id ON import_refusals (user_id);
"""
_TABLES = ("imports", "import_refusals")


def upgrade() -> None:
    execute_script(_UP)
    for table in _TABLES:
        protect(table)


def downgrade() -> None:
    op.execute("DELETE FROM tasks WHERE kind = 'import_part'")
    for table in reversed(_TABLES):
        op.execute(f"DROP TABLE {table}")
