"""slots: times of the week at which posts go out; jobs by the day of a calendar."""

from alembic import op

from migrations.kit import execute_script, let_staff_read, protect

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_UP = """
CREATE TABLE slots (
    id              uuid PRIMARY KEY,
    user_id         uuid NOT NULL,
    platform        varchar(20) NOT NULL,
    connection_id   uuid,                        -- null: the platform's default one
    weekdays        smallint[] NOT NULL,         -- 1 is Monday
    local_time      varchar(5) NOT NULL,
    time_zone       text NOT NULL,
    created_at      timestamptz NOT NULL
);
CREATE INDEX idx_slots_user_created ON slots (user_id, created_at, id);
CREATE INDEX idx_publishing_job_calendar
    ON publishing_jobs (user_id, (coalesce(scheduled_for, published_at, created_at)), id);
"""


def upgrade() -> None:
    execute_script(_UP)
    protect("slots")
    let_staff_read("slots", "admin")


def downgrade() -> None:
    op.execute("DROP INDEX idx_publishing_job_calendar")
    op.execute("DROP TABLE slots")
