"""The tables of the kit, the same in every service's schema."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from shared.roles import Role, from_on

_HERE = Path(__file__).parent
_TABLES = (
    "idempotency_keys",
    "tasks",
    "parked_events",
    "heard",
    "subscribers",
    "relay_cursor",
    "streams",
    "events",
    "private_keys",
)


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

# Whose transaction it is: the service's own, or that of the user a row names. As a subquery the setting is looked up
# once a statement; plainly it would be once a row, which is half of what counting many rows costs.
_OWNER = "(SELECT current_setting('app.user_id', true)) IN ('service', {owner}::text)"
_CLAUSES = {
    "all": " USING ({rule}) WITH CHECK ({rule})",
    "select": " USING ({rule})",
    "insert": " WITH CHECK ({rule})",
    "update": " USING ({rule}) WITH CHECK ({rule})",
    "delete": " USING ({rule})",
}


def protect(table: str, *actions: str, owner: str = "user_id") -> None:
    """Row-level security: a user's transaction sees and changes their rows only, the service's own all of them.

    One policy `<table>_owner_<action>` for each of `actions` (select, insert, update, delete), or `<table>_owner_all`.
    """
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    for action in actions or ("all",):
        _policy(table, "owner", action, _OWNER.format(owner=owner))


def let_staff_read(table: str, least: Role, *, awaiting: str | None = None) -> None:
    """`<table>_staff_select`: users whose role is `least` or above read all rows, reviewers those where `awaiting`
    (SQL over the row's columns) holds."""
    rule = _has_role(least)
    if awaiting is not None:
        rule += f" OR {_has_role('reviewer')} AND ({awaiting})"
    _policy(table, "staff", "select", rule)


def let_staff_update(table: str, least: Role) -> None:
    """`<table>_staff_update`: users whose role is `least` or above change rows that they may read."""
    _policy(table, "staff", "update", _has_role(least))


def withdraw(table: str, *policies: str) -> None:
    """Drop policies by the end of their names, as `staff_select`."""
    for policy in policies:
        op.execute(f"DROP POLICY {table}_{policy} ON {table}")


def _has_role(least: Role) -> str:
    roles = ", ".join(f"'{role}'" for role in from_on(least))
    return f"(SELECT current_setting('app.user_role', true)) IN ({roles})"


def _policy(table: str, who: str, action: str, rule: str) -> None:
    clauses = _CLAUSES[action].format(rule=rule)
    execute_script(f"CREATE POLICY {table}_{who}_{action} ON {table} FOR {action}{clauses}")


def look_settings_up_once() -> None:
    """Let every policy of the schema look settings up once a statement, those too that were not made here."""
    execute_script((_HERE / "settings_once.sql").read_text())


def look_settings_up_each_row(*policies: str) -> None:
    """The opposite, for policies by their names."""
    names = ", ".join(f"'{policy}'" for policy in policies)
    execute_script((_HERE / "settings_each_row.sql").read_text().replace("POLICIES", names))


def upgrade_0001() -> None:
    execute_script((_HERE / "0001.sql").read_text())


def downgrade_0001() -> None:
    op.execute("ALTER TABLE events DISABLE TRIGGER USER")
    for table in _TABLES:
        op.execute(f"DROP TABLE {table}")
    for function in ("add_event_partitions", "advance_streams", "refuse_stale_writer", "refuse_change"):
        op.execute(f"DROP FUNCTION {function}")
    op.execute("DROP FUNCTION transaction_base()")


def upgrade_months() -> None:
    """What makes parts of tables that are parted by month."""
    execute_script((_HERE / "months.sql").read_text())


def downgrade_months() -> None:
    op.execute("DROP FUNCTION add_month_partitions(text, integer)")


def upgrade_cutoffs() -> None:
    """From when on rows are kept that go by their age."""
    execute_script((_HERE / "cutoffs.sql").read_text())


def downgrade_cutoffs() -> None:
    op.execute("DROP FUNCTION drop_partition_below_cutoff(text)")
    op.execute("DROP TABLE retention_cutoffs")


def upgrade_rebuilds() -> None:
    """What a rebuild notes about its shadows."""
    execute_script((_HERE / "rebuilds.sql").read_text())


_DROP_SHADOWS = """
DO $$ DECLARE shadow text; BEGIN
    FOR shadow IN SELECT DISTINCT format('%I', name || '__rebuild') FROM rebuilds, unnest(tables) AS name LOOP
        EXECUTE 'DROP TABLE IF EXISTS ' || shadow;
    END LOOP;
END $$
"""


def downgrade_rebuilds() -> None:
    """With the shadows that one left behind: nobody would know how far they are filled."""
    execute_script(_DROP_SHADOWS)
    op.execute("DROP TABLE rebuilds")
