"""Accounts that are trials: until when."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE users ADD COLUMN trial_expires_at timestamptz")


def downgrade() -> None:
    op.execute("ALTER TABLE users DROP COLUMN trial_expires_at")
