"""caption_evaluations, and what moderators and reviewers read."""

from alembic import op

from migrations.kit import execute_script, let_staff_read, protect, withdraw

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_UP = """
CREATE TABLE caption_evaluations (
    id              uuid PRIMARY KEY,
    image_id        uuid NOT NULL,               -- in media
    user_id         uuid NOT NULL,
    score           integer NOT NULL CONSTRAINT ck_caption_evaluation_score CHECK (score BETWEEN 0 AND 100),
    level           varchar(20) NOT NULL
                    CONSTRAINT ck_caption_evaluation_level CHECK (level IN ('excellent', 'good', 'fair', 'poor')),
    needs_special_review boolean NOT NULL,
    criteria_scores jsonb NOT NULL DEFAULT '{}',
    feedback        text NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX idx_caption_evaluation_image_id ON caption_evaluations (image_id, created_at DESC, id DESC);
CREATE INDEX idx_caption_evaluation_user_id ON caption_evaluations (user_id, created_at DESC, id DESC);
"""


def upgrade() -> None:
    execute_script(_UP)
    protect("caption_evaluations")
    let_staff_read("caption_evaluations", "reviewer")
    let_staff_read("evaluations", "moderator")


def downgrade() -> None:
    withdraw("evaluations", "staff_select")
    op.execute("DROP TABLE caption_evaluations")
