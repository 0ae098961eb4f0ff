"""Where each documented table lives here: in which service's schema and under which name."""

from __future__ import annotations

from deploy.schema.model import Schemas

OWNED = {
    "auth": ("users", "sessions", "user_sessions", "profiles"),
    "workflow": (
        "projects",
        "workflows",
        "platform_states",
        "checkpoints",
        "checkpoint_writes",
        "executions",
        "execution_logs",
        "artifacts",
        "processing_runs",
    ),
    "generation": (
        "drafts",
        "outputs",
        "outputs_archive",
        "templates",
        "caption_generation_tasks",
        "caption_generation_user_settings",
        "token_usage",
    ),
    "evaluation": ("evaluations",),
    "publishing": ("publishing_jobs", "platform_connections", "processing_logs"),
    "media": ("files", "resources", "images", "media_files"),
}
# Two documents give one name to different things: what a fediverse account posted, and what comes from Reddit.
_POSTS = {"vedfolnir": "media", "reddit-ghost-publisher": "publishing"}
_SERVICE = {table: service for service, tables in OWNED.items() for table in tables}


def owner(document: str, table: str) -> str | None:
    """The service that owns a documented table; None for one that nobody does."""
    return _POSTS.get(document) if table == "posts" else _SERVICE.get(table)


def ordered(documents: Schemas) -> list[tuple[str, str, str]]:
    """Every owned table as (service, table, document), services and tables in a fixed order."""
    services = list(OWNED)
    found = [
        (service, table, document)
        for document, schema in documents.schemas.items()
        for table in schema.tables
        if (service := owner(document, table)) is not None
    ]
    return sorted(found, key=lambda each: (services.index(each[0]), each[1]))
