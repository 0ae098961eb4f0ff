"""draft_comments and approval_links: what is said about drafts, and by which links others decide on them."""

from alembic import op

from migrations.kit import execute_script, let_staff_read, protect

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# No foreign keys: the rows have streams of their own, whose events remove them when their workflow is.
_UP = """
CREATE TABLE draft_comments (
    id              uuid PRIMARY KEY,
    workflow_id     uuid NOT NULL,
    user_id         uuid NOT NULL,
    platform        varchar(20) NOT NULL,
    draft_id        uuid NOT NULL,
    author_id       uuid,
    link_id         uuid,
    author          text NOT NULL DEFAULT '',
    body            text NOT NULL,
    resolved_at     timestamptz,
    resolved_by     uuid,
    created_at      timestamptz NOT NULL,
    CONSTRAINT ck_draft_comments_author CHECK (author_id IS NOT NULL OR link_id IS NOT NULL)
);
CREATE INDEX idx_draft_comments_workflow_id ON draft_comments (workflow_id, created_at DESC, id DESC);
CREATE INDEX idx_draft_comments_draft_id ON draft_comments (draft_id);
CREATE INDEX idx_draft_comments_user_id ON draft_comments (user_id);
CREATE INDEX idx_draft_comments_author_id ON draft_comments (author_id) WHERE author_id IS NOT NULL;

CREATE TABLE approval_links (
    id              uuid PRIMARY KEY,
    workflow_id     uuid NOT NULL,
    user_id         uuid NOT NULL,
    platforms       jsonb NOT NULL,
    label           text NOT NULL DEFAULT '',
    expires_at      timestamptz NOT NULL,
    uses            integer NOT NULL DEFAULT 0,
    opened_at       timestamptz,
    last_used_at    timestamptz,
    revoked_at      timestamptz,
    created_at      timestamptz NOT NULL
);
CREATE INDEX idx_approval_links_workflow_id ON approval_links (workflow_id, created_at DESC, id DESC);
CREATE INDEX idx_approval_links_user_id ON approval_links (user_id);
"""
_AWAITING = """EXISTS (
    SELECT FROM platform_states AS state
    WHERE state.workflow_id = draft_comments.workflow_id AND state.platform = draft_comments.platform
      AND state.status = 'awaiting_review')"""


def upgrade() -> None:
    execute_script(_UP)
    for table in ("draft_comments", "approval_links"):
        protect(table)
    let_staff_read("draft_comments", "moderator", awaiting=_AWAITING)
    let_staff_read("approval_links", "moderator")


def downgrade() -> None:
    for table in ("approval_links", "draft_comments"):
        op.execute(f"DROP TABLE {table}")
