"""Settings that policies ask for are looked up once a statement."""

from migrations.kit import look_settings_up_once

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    look_settings_up_once()


def downgrade() -> None:
    pass  # nothing that a migration before this one makes is plain any more
