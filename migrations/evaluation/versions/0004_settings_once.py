"""Settings that policies ask for are looked up once a statement."""

from migrations.kit import look_settings_up_each_row, look_settings_up_once

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    look_settings_up_once()


def downgrade() -> None:
    look_settings_up_each_row("evaluations_owner_all")
