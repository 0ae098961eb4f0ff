"""The event store, the relay's cursor, consumer positions, parked events, the to-do list and idempotency keys."""

from migrations.kit import downgrade_0001, upgrade_0001

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    upgrade_0001()


def downgrade() -> None:
    downgrade_0001()
