"""`python -m deploy.migrate [up|down] [service]`: every service's schema, brought to the newest revision.

Each service has a schema, an owner role that cannot log in, and a role of its own that can: without superuser, without
BYPASSRLS, without UPDATE or DELETE on events.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import secrets
import sys
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg
from alembic import command
from alembic.config import Config

REPOSITORY = Path(__file__).resolve().parents[1]
SERVICES = ("auth", "workflow", "generation", "evaluation", "publishing", "media")

_ROLES = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'presswork_{service}_owner') THEN
        CREATE ROLE presswork_{service}_owner NOLOGIN NOSUPERUSER NOBYPASSRLS;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'presswork_{service}') THEN
        CREATE ROLE presswork_{service} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
    END IF;
END $$;
GRANT presswork_{service}_owner TO CURRENT_USER;
"""

_SCHEMA = """
ALTER ROLE presswork_{service} IN DATABASE "{database}" SET search_path = {service};
ALTER ROLE presswork_{service}_owner IN DATABASE "{database}" SET search_path = {service};
CREATE SCHEMA IF NOT EXISTS {service} AUTHORIZATION presswork_{service}_owner;
GRANT USAGE ON SCHEMA {service} TO presswork_{service};
GRANT CONNECT ON DATABASE "{database}" TO presswork_{service};
"""

_GRANTS = """
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {service} TO presswork_{service};
REVOKE INSERT, UPDATE, DELETE ON {service}.schema_version, {service}.rebuilds FROM presswork_{service};
REVOKE UPDATE, DELETE, TRUNCATE ON {service}.events FROM presswork_{service};
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON {service}.streams FROM presswork_{service};
SELECT {service}.add_event_partitions();
GRANT USAGE ON ALL SEQUENCES IN SCHEMA {service} TO presswork_{service};
-- A partition is reached through its table, whose policies would not be asked otherwise.
DO $$ DECLARE partition oid; BEGIN
    FOR partition IN SELECT oid FROM pg_class WHERE relnamespace = '{service}'::regnamespace AND relispartition
                     AND relkind IN ('r', 'p') LOOP
        EXECUTE format('REVOKE ALL ON %s FROM presswork_{service}', partition::regclass);
    END LOOP;
END $$;
"""

# Transaction ids order the events, and are the server's own: a server to which a database was restored counts lower.
_NEWEST = """
SELECT transaction_id::text::bigint AS newest,
       pg_snapshot_xmax(pg_current_snapshot())::text::bigint + {service}.transaction_base() AS next
FROM {service}.events ORDER BY events.transaction_id DESC LIMIT 1
"""
_RAISE = """
CREATE OR REPLACE FUNCTION {service}.transaction_base() RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS 'SELECT {base}::bigint'
"""
RAISED_BY = 2**40  # above all that a server counts between a backup and the loss of what came after it


def service_dsn(admin_dsn: str, service: str, password: str) -> str:
    """The DSN of a service's own role on the server and database of `admin_dsn`."""
    parts = urlsplit(admin_dsn)
    place = parts.netloc.rpartition("@")[2]
    user = f"presswork_{service}:{quote(password, safe='')}"
    return urlunsplit((parts.scheme, f"{user}@{place}", parts.path, parts.query, ""))


def alembic_config(admin_dsn: str, service: str) -> Config:
    """Alembic's configuration for one service's history."""
    config = Config()
    config.set_main_option("script_location", str(REPOSITORY / "migrations" / service))
    url = re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", admin_dsn)
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


async def migrate(admin_dsn: str, passwords: dict[str, str], *, restored: bool = False) -> dict[str, str]:
    """Make roles and schemas that are missing and bring each history to its head.

    A database restored to another server is noticed; `restored` says that it was set back on its own.

    `passwords` by service; a service not named keeps the password it has. Returns service → DSN of its own role (only
    for services with a password). Raises asyncpg's and Alembic's errors.
    """
    connection = await asyncpg.connect(admin_dsn)
    dsns = {}
    try:
        database = await connection.fetchval("SELECT current_database()")
        for service in SERVICES:
            await ensure_roles(connection, service)
            await connection.execute(_SCHEMA.format(service=service, database=database))
            if password := passwords.get(service):
                quoted = await connection.fetchval("SELECT quote_literal($1)", password)
                await connection.execute(f"ALTER ROLE presswork_{service} PASSWORD {quoted}")
                dsns[service] = service_dsn(admin_dsn, service, password)
            await asyncio.to_thread(command.upgrade, alembic_config(admin_dsn, service), "head")
            await connection.execute(_GRANTS.format(service=service))
            await _raise_base(connection, service, restored=restored)
    finally:
        await connection.close()
    return dsns


async def ensure_roles(connection: asyncpg.Connection, service: str) -> None:
    """Make the service's two roles where they are missing; its own one cannot log in before it has a password."""
    await connection.execute(_ROLES.format(service=service))


async def _raise_base(connection: asyncpg.Connection, service: str, *, restored: bool) -> None:
    """Let what is appended from now on sort after all that was ever appended or published."""
    row = await connection.fetchrow(_NEWEST.format(service=service))
    if row is None or not (restored or row["newest"] >= row["next"]):
        return
    base = max(row["newest"], row["next"]) + RAISED_BY
    await connection.execute(_RAISE.format(service=service, base=base))


def main() -> int:
    """The command line. The DSN of an administrator stands in PRESSWORK_POSTGRES_URL."""
    parser = argparse.ArgumentParser(prog="python -m deploy.migrate", description=__doc__)
    parser.add_argument("direction", nargs="?", choices=("up", "down"), default="up")
    parser.add_argument("service", nargs="?", choices=SERVICES, help="with down: the one to take a revision back")
    parser.add_argument("--restored", action="store_true", help="the database was set back to an earlier state")
    parser.add_argument("--passwords", action="store_true", help="set new passwords and print the services' DSNs")
    arguments = parser.parse_args()
    admin_dsn = os.environ.get("PRESSWORK_POSTGRES_URL")
    if not admin_dsn:
        print("Set PRESSWORK_POSTGRES_URL to the DSN of a database administrator.", file=sys.stderr)
        return 2
    if arguments.direction == "down":
        if not arguments.service:
            parser.error("say which service to take back")
        command.downgrade(alembic_config(admin_dsn, arguments.service), "-1")
        return 0
    from_environment = {
        service: password
        for service in SERVICES
        if (password := os.environ.get(f"PRESSWORK_{service.upper()}_DATABASE_PASSWORD"))
    }
    passwords = (
        {service: secrets.token_urlsafe(24) for service in SERVICES} if arguments.passwords else from_environment
    )
    for service, dsn in asyncio.run(migrate(admin_dsn, passwords, restored=arguments.restored)).items():
        if arguments.passwords:
            print(f"{service}: {dsn}")
    print("All schemas are current.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
