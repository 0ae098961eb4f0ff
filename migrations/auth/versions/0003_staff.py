"""Administrators read every account, profile and session."""

from migrations.kit import let_staff_read, withdraw

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TABLES = ("users", "profiles", "sessions")


def upgrade() -> None:
    for table in _TABLES:
        let_staff_read(table, "admin")


def downgrade() -> None:
    for table in _TABLES:
        withdraw(table, "staff_select")
