"""Parts of outputs made ahead."""

from migrations.kit import downgrade_months, upgrade_months

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    upgrade_months()


def downgrade() -> None:
    downgrade_months()
