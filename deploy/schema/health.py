"""What must hold in any database of ours, whatever the documents say; no deviation excuses it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from alembic.script import ScriptDirectory

from deploy.migrate import alembic_config
from deploy.schema.model import Schema, Table
from deploy.schema.ownership import OWNED

_POSTS = ("publishing", "media")
_OWNERS = ("owner_", "user_isolation")  # how a policy's name goes on after its table's


def ailments(live: Mapping[str, Schema]) -> Iterator[str]:
    """One sentence for each thing that is wrong: a missing schema, an old or newer migration, a disabled trigger, an
    invalid index, a read table without row-level security or an owner's policy."""
    for service, tables in OWNED.items():
        schema = live.get(service)
        if schema is None:
            yield f"{service}: the schema is missing; `make migrate` makes it."
            continue
        yield from _migration(service, schema.revision)
        for table in schema.tables.values():
            yield from _table(service, table)
        for name in (*tables, *(("posts",) if service in _POSTS else ())):
            found = schema.tables.get(name)
            if found is not None and found.source is None:
                yield from _protection(service, found)


def _migration(service: str, revision: str | None) -> Iterator[str]:
    scripts = ScriptDirectory.from_config(alembic_config("", service))
    head = scripts.get_current_head()
    if revision == head:
        return
    known = {script.revision for script in scripts.walk_revisions()}
    if revision is None:
        yield f"{service}: no migration was run; `make migrate` brings it to {head}."
    elif revision in known:
        yield f"{service}: at migration {revision}, the newest is {head}; `make migrate` brings it there."
    else:
        yield f"{service}: at migration {revision}, which this version does not know; {head} is its newest."


def _table(service: str, table: Table) -> Iterator[str]:
    for trigger in table.triggers:
        if not trigger.enabled:
            enable = f"ALTER TABLE {service}.{table.name} ENABLE TRIGGER {trigger.name}"
            yield f"{service}.{table.name}: the trigger {trigger.name} is disabled; `{enable}` enables it."
    for index in table.indexes:
        if not index.valid:
            mend = f"REINDEX INDEX CONCURRENTLY {service}.{index.name}"
            yield f"{service}.{table.name}: the index {index.name} is invalid and unused; `{mend}` mends it."


def _protection(service: str, table: Table) -> Iterator[str]:
    if not table.row_security:
        yield f"{service}.{table.name}: row-level security is off, so every user's rows are open to all."
    elif not any(policy.name.removeprefix(f"{table.name}_").startswith(_OWNERS) for policy in table.policies):
        yield f"{service}.{table.name}: no policy {table.name}_owner_<action> says what its owner may see."
