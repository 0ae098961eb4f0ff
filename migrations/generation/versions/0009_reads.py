"""Settings that policies ask for are looked up once a statement; indexes on outputs that wait or are under way."""

from alembic import op

from migrations.kit import look_settings_up_each_row, look_settings_up_once

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    look_settings_up_once()
    op.execute("CREATE INDEX idx_outputs_queued ON outputs (created_at, id) WHERE status = 'queued'")
    op.execute("CREATE INDEX idx_outputs_processing ON outputs (updated_at, id) WHERE status = 'processing'")


def downgrade() -> None:
    op.execute("DROP INDEX idx_outputs_processing")
    op.execute("DROP INDEX idx_outputs_queued")
    look_settings_up_each_row("sources_owner_all", "drafts_owner_all", "templates_system_select")
