"""By which place in storage a row is found: what no row names is an orphan."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX idx_files_text_path ON files (text_path) WHERE text_path IS NOT NULL")
    op.execute("CREATE INDEX ix_images_local_path ON images (local_path)")
    op.execute("CREATE INDEX idx_media_files_path ON media_files (path)")


def downgrade() -> None:
    for index in ("idx_media_files_path", "ix_images_local_path", "idx_files_text_path"):
        op.execute(f"DROP INDEX {index}")
