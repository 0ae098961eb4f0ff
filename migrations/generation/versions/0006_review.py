"""drafts_in_review: which draft of a platform a person has to decide on, so that reviewers read those."""

from alembic import op

from migrations.kit import execute_script, let_staff_read, protect, withdraw

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_UP = """
CREATE TABLE drafts_in_review (
    workflow_id     uuid NOT NULL,
    platform        varchar(20) NOT NULL,
    draft_id        uuid NOT NULL,               -- no foreign key: the two are told by different services
    user_id         uuid NOT NULL,
    since           timestamptz NOT NULL,
    PRIMARY KEY (workflow_id, platform)
);
CREATE INDEX idx_drafts_in_review_draft_id ON drafts_in_review (draft_id);
CREATE INDEX idx_drafts_in_review_user_id ON drafts_in_review (user_id);
"""
_IN_REVIEW = "EXISTS (SELECT FROM drafts_in_review AS waiting WHERE waiting.draft_id = drafts.id)"


def upgrade() -> None:
    execute_script(_UP)
    protect("drafts_in_review")
    let_staff_read("drafts_in_review", "reviewer")
    withdraw("drafts", "staff_select")
    let_staff_read("drafts", "moderator", awaiting=_IN_REVIEW)


def downgrade() -> None:
    withdraw("drafts", "staff_select")
    let_staff_read("drafts", "moderator")
    op.execute("DROP TABLE drafts_in_review")
