"""style_samples: what was measured of the samples by which users show how they write."""

from alembic import op

from migrations.kit import execute_script, let_staff_read, protect

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_UP = """
CREATE TABLE style_samples (
    id              uuid PRIMARY KEY,            -- of the resource, in media
    user_id         uuid NOT NULL,
    platform        text NOT NULL DEFAULT '',    -- it was written for; empty for none in particular
    style           jsonb NOT NULL,
    created_at      timestamptz NOT NULL
);
CREATE INDEX idx_style_samples_user_id ON style_samples (user_id, created_at DESC, id DESC);
"""


def upgrade() -> None:
    execute_script(_UP)
    protect("style_samples")
    let_staff_read("style_samples", "admin")


def downgrade() -> None:
    op.execute("DROP TABLE style_samples")
