"""Settings that policies ask for are looked up once a statement; an index alone says who made projects when."""

from alembic import op

from migrations.kit import look_settings_up_once

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    look_settings_up_once()
    op.execute("CREATE INDEX idx_projects_created_at ON projects (created_at) INCLUDE (user_id)")


def downgrade() -> None:
    op.execute("DROP INDEX idx_projects_created_at")
