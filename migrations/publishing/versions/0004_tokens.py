"""Tokens that end and are renewed, connections that broke, jobs that wait for them, and turns of jobs."""

from alembic import op

from migrations.kit import execute_script

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_UP = """
ALTER TABLE platform_connections
    ADD COLUMN refresh_token    text,                       -- encrypted
    ADD COLUMN token_expires_at timestamptz,
    ADD COLUMN token_turn       integer NOT NULL DEFAULT 1, -- which of the connection's tokens it is
    ADD COLUMN token_at         timestamptz,                -- when it came
    ADD COLUMN broken_at        timestamptz,
    ADD COLUMN broken_reason    text,
    ADD COLUMN paused_until     timestamptz;
ALTER TABLE publishing_jobs
    ADD COLUMN turn       integer NOT NULL DEFAULT 1,
    ADD COLUMN started_at timestamptz,
    ADD COLUMN held_for   uuid;                             -- the connection that it waits for
CREATE INDEX idx_publishing_job_held_for ON publishing_jobs (held_for) WHERE held_for IS NOT NULL;
-- What is not done yet, by when it is due: as small as the work that is left, whatever was done before.
CREATE INDEX idx_publishing_job_open ON publishing_jobs ((coalesce(next_attempt_at, updated_at)))
    WHERE status::text = ANY (ARRAY['queued', 'scheduled', 'publishing']);
-- What went through a connection lately, and what goes on at a platform now.
CREATE INDEX idx_publishing_job_started ON publishing_jobs (used_connection_id, started_at)
    WHERE started_at IS NOT NULL;
CREATE INDEX idx_publishing_job_running ON publishing_jobs (platform, started_at) WHERE status = 'publishing';
"""


def upgrade() -> None:
    execute_script(_UP)


def downgrade() -> None:
    for index in ("running", "started", "open", "held_for"):
        op.execute(f"DROP INDEX idx_publishing_job_{index}")
    execute_script(
        "ALTER TABLE publishing_jobs DROP COLUMN turn, DROP COLUMN started_at, DROP COLUMN held_for;"
        "ALTER TABLE platform_connections DROP COLUMN refresh_token, DROP COLUMN token_expires_at,"
        " DROP COLUMN token_turn, DROP COLUMN token_at, DROP COLUMN broken_at, DROP COLUMN broken_reason,"
        " DROP COLUMN paused_until;"
    )
