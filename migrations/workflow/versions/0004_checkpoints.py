"""checkpoints and checkpoint_writes: a workflow's state after each of its events, and what each event wrote."""

from alembic import op

from migrations.kit import execute_script, let_staff_read, protect

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_UP = """
CREATE TABLE checkpoints (
    thread_id       varchar NOT NULL,
    checkpoint_id   varchar NOT NULL,
    parent_checkpoint_id varchar,
    checkpoint      bytea NOT NULL,
    metadata        jsonb NOT NULL DEFAULT '{}',
    created_at      timestamptz NOT NULL DEFAULT now(),
    user_id         uuid NOT NULL,
    PRIMARY KEY (thread_id, checkpoint_id)
);

CREATE TABLE checkpoint_writes (
    thread_id       varchar NOT NULL,
    checkpoint_id   varchar NOT NULL,
    task_id         varchar NOT NULL,
    idx             integer NOT NULL,
    channel         varchar NOT NULL,
    value           bytea,
    user_id         uuid NOT NULL,
    PRIMARY KEY (thread_id, checkpoint_id, task_id, idx),
    CONSTRAINT checkpoint_writes_checkpoint FOREIGN KEY (thread_id, checkpoint_id)
        REFERENCES checkpoints (thread_id, checkpoint_id) ON DELETE CASCADE
);
"""


def upgrade() -> None:
    execute_script(_UP)
    for table in ("checkpoints", "checkpoint_writes"):
        protect(table)
        let_staff_read(table, "admin")


def downgrade() -> None:
    for table in ("checkpoint_writes", "checkpoints"):
        op.execute(f"DROP TABLE {table}")
