"""The weights by which an evaluation's score is the mean of its criteria."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE evaluations ADD COLUMN criteria_weights jsonb NOT NULL DEFAULT '{}'")


def downgrade() -> None:
    op.execute("ALTER TABLE evaluations DROP COLUMN criteria_weights")
