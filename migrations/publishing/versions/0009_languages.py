"""The language of a draft's text, for readers' browsers and for Bluesky."""

from alembic import op

from migrations.kit import execute_script

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_UP = "ALTER TABLE draft_texts ADD COLUMN language varchar(3);  -- null: nobody has said"


def upgrade() -> None:
    execute_script(_UP)


def downgrade() -> None:
    op.execute("ALTER TABLE draft_texts DROP COLUMN language")
