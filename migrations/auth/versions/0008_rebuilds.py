"""Where a rebuild of read tables notes how far it is."""

from migrations.kit import downgrade_rebuilds, upgrade_rebuilds

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    upgrade_rebuilds()


def downgrade() -> None:
    downgrade_rebuilds()
