"""The tables of the kit, the same in every service's schema."""

from __future__ import annotations

from pathlib import Path

from alembic import op

_HERE = Path(__file__).parent
_TABLES = ("idempotency_keys", "tasks", "parked_events", "heard", "subscribers", "relay_cursor", "events")


def execute_script(sql: str) -> None:
    """Run a script of many statements as it stands (no parameters, so colons and percent signs are text)."""
    connection = op.get_bind().connection.cursor()
    connection.execute(sql)
    connection.close()


# What the documents ask of `updated_at`. Projections write the event's own time, which is not touched, or a rebuilt row
# could differ from the live one.
SET_UPDATED_AT = """
CREATE FUNCTION set_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.updated_at IS NOT DISTINCT FROM OLD.updated_at
       AND current_setting('app.user_id', true) IS DISTINCT FROM 'service' THEN
        NEW.updated_at = now();
    END IF;
    RETURN NEW;
END $$;
"""

_PROTECT = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
CREATE POLICY {table}_owner_{action} ON {table} FOR {action}
    USING (current_setting('app.user_id', true) IN ('service', user_id::text))
    WITH CHECK (current_setting('app.user_id', true) IN ('service', user_id::text));
"""


def protect(table: str) -> None:
    """Row-level security: a user's transaction sees and changes their rows only, the service's own all of them."""
    execute_script(_PROTECT.format(table=table, action="all"))


def upgrade_0001() -> None:
    execute_script((_HERE / "0001.sql").read_text())


def downgrade_0001() -> None:
    op.execute("ALTER TABLE events DISABLE TRIGGER USER")
    for table in _TABLES:
        op.execute(f"DROP TABLE {table}")
    op.execute("DROP FUNCTION refuse_change()")
    op.execute("DROP FUNCTION transaction_base()")
