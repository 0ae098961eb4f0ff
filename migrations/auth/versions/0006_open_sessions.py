"""The index on whether a session is open, which one of the documents asks for."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX ix_user_sessions_is_active ON sessions (revoked)")


def downgrade() -> None:
    op.execute("DROP INDEX ix_user_sessions_is_active")
