"""How often a user has logged in is told by the user's own stream, which is what log-ins at the same moment notice."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Numbers may have come twice since.
_NUMBER = """
UPDATE sessions SET number = counted.number
FROM (SELECT id, row_number() OVER (PARTITION BY user_id ORDER BY created_at, id) AS number FROM sessions) AS counted
WHERE counted.id = sessions.id
"""


def upgrade() -> None:
    op.execute("ALTER TABLE users ADD COLUMN log_ins integer NOT NULL DEFAULT 0")
    op.execute("ALTER TABLE sessions DROP CONSTRAINT sessions_number")


def downgrade() -> None:
    op.execute(_NUMBER)
    op.execute("ALTER TABLE sessions ADD CONSTRAINT sessions_number UNIQUE (user_id, number)")
    op.execute("ALTER TABLE users DROP COLUMN log_ins")
