"""Log-in and lists of accounts find rows by an index; settings that policies ask for are looked up once a statement.

Row-level security lets an index answer only what cannot give a row away: `lower(email) = …` calls a function that
could, on rows the reader may not see, so log-in read every account. Columns of lowered text are compared without one.
"""

from alembic import op

from migrations.kit import execute_script, look_settings_up_each_row, look_settings_up_once

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_UP = """
ALTER TABLE users
    ADD COLUMN username_key text GENERATED ALWAYS AS (lower(username)) STORED,
    ADD COLUMN email_key text GENERATED ALWAYS AS (lower(email)) STORED;
CREATE INDEX idx_users_username_key ON users (username_key);
CREATE INDEX idx_users_email_key ON users (email_key);
CREATE INDEX idx_users_newest ON users (created_at DESC, id DESC);
"""


def upgrade() -> None:
    look_settings_up_once()
    execute_script(_UP)


def downgrade() -> None:
    op.execute("DROP INDEX idx_users_newest")
    op.execute("ALTER TABLE users DROP COLUMN email_key, DROP COLUMN username_key")
    look_settings_up_each_row(
        "users_owner_all",
        "profiles_owner_select",
        "profiles_owner_upsert",
        "profiles_owner_update",
        "profiles_service_delete",
    )
