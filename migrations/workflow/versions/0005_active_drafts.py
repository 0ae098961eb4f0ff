"""An index on the draft a platform's state points to: what points into another service is looked up from there."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX idx_platform_state_active_draft_id ON platform_states (active_draft_id)")


def downgrade() -> None:
    op.execute("DROP INDEX idx_platform_state_active_draft_id")
