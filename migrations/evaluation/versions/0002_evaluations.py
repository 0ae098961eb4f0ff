"""evaluations."""

from alembic import op

from migrations.kit import execute_script

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_UP = """
CREATE TABLE evaluations (
    id              uuid PRIMARY KEY,
    draft_id        uuid NOT NULL,               -- in generation
    score           integer NOT NULL CONSTRAINT ck_evaluation_score CHECK (score BETWEEN 0 AND 100),
    feedback        text,
    criteria_scores jsonb,
    created_at      timestamptz NOT NULL DEFAULT now(),
    workflow_id     uuid NOT NULL,
    user_id         uuid NOT NULL,
    platform        varchar(20) NOT NULL,
    iteration       integer NOT NULL,
    measures        jsonb NOT NULL DEFAULT '{}',
    judge           text NOT NULL,
    model           text
);
CREATE INDEX idx_evaluation_draft_id ON evaluations (draft_id);
CREATE INDEX idx_evaluation_score ON evaluations (score);
CREATE INDEX idx_evaluation_workflow_id ON evaluations (workflow_id, created_at DESC, id DESC);
CREATE INDEX idx_evaluation_user_id ON evaluations (user_id, created_at DESC, id DESC);

ALTER TABLE evaluations ENABLE ROW LEVEL SECURITY;
CREATE POLICY evaluations_owner_all ON evaluations
    USING (current_setting('app.user_id', true) = 'service' OR user_id::text = current_setting('app.user_id', true))
    WITH CHECK (
        current_setting('app.user_id', true) = 'service' OR user_id::text = current_setting('app.user_id', true)
    );
"""


def upgrade() -> None:
    execute_script(_UP)


def downgrade() -> None:
    op.execute("DROP TABLE evaluations")
