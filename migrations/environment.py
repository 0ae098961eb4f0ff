"""Alembic's environment, the same for every service: its own history in its own schema, one transaction a revision."""

from __future__ import annotations

from alembic import context
from sqlalchemy import create_engine, pool, text


def run(service: str) -> None:
    """Run the migrations that Alembic was asked for against `sqlalchemy.url`, as the owner of the service's schema."""
    config = context.config
    engine = create_engine(config.get_main_option("sqlalchemy.url") or "", poolclass=pool.NullPool)
    with engine.connect() as connection:
        # One migration at a time, however many machines start at once.
        connection.execute(
            text("SELECT pg_advisory_lock(hashtext('presswork.migrate.' || :service))"), {"service": service}
        )
        connection.execute(text(f"SET ROLE presswork_{service}_owner"))
        connection.execute(text(f"SET search_path TO {service}"))
        connection.commit()
        context.configure(
            connection=connection,
            version_table="schema_version",
            version_table_schema=service,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()
