"""Which connections a session may work with; the index and trigger that sessions lacked."""

from alembic import op

from migrations.kit import execute_script, let_staff_read, protect

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_UP = """
-- Of publishing's connections what a selection has to know: that it is there, and whose it is.
CREATE TABLE known_connections (
    id              uuid PRIMARY KEY,
    user_id         uuid NOT NULL,
    created_at      timestamptz NOT NULL
);
CREATE INDEX idx_known_connections_user_id ON known_connections (user_id);

CREATE INDEX ix_user_sessions_updated_at ON sessions (updated_at);
CREATE INDEX ix_user_sessions_active_platform_id ON sessions (active_platform_id)
    WHERE active_platform_id IS NOT NULL;
CREATE TRIGGER trg_sessions_updated_at BEFORE UPDATE ON sessions
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();
"""


def upgrade() -> None:
    execute_script(_UP)
    protect("known_connections")
    let_staff_read("known_connections", "admin")


def downgrade() -> None:
    op.execute("DROP TRIGGER trg_sessions_updated_at ON sessions")
    op.execute("DROP INDEX ix_user_sessions_active_platform_id")
    op.execute("DROP INDEX ix_user_sessions_updated_at")
    op.execute("DROP TABLE known_connections")
