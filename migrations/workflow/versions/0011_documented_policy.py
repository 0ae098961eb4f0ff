"""The policy of executions bears the documented name; what it says stays."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER POLICY executions_owner_all ON executions RENAME TO executions_user_isolation")


def downgrade() -> None:
    op.execute("ALTER POLICY executions_user_isolation ON executions RENAME TO executions_owner_all")
