"""The documented reads, as the services' own functions ask for them, each with what its document expects of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from services.auth import queries as auth
from services.evaluation import queries as evaluation
from services.generation.queries import drafts, outputs, usage
from services.media import queries as media
from services.publishing import queries as publishing
from services.workflow import queries as workflow
from services.workflow import queue_queries
from services.workflow.queue_queries import Filters
from shared.database import PoolConnection
from shared.http.pagination import Cursor, PageRequest
from tests.bench.queries.filling import Sample

Ask = Callable[[PoolConnection, Sample], Awaitable[Any]]

_PAGE = PageRequest()
_WHOLE = PageRequest(limit=100)  # what the gateway asks of each part


@dataclass(frozen=True, slots=True)
class Read:
    """What one request asks of services' databases; `target` in ms. `of_busiest`: by the user who has most;
    `of_nobody`: by the service, before it knows who asks."""

    what: str
    target: float
    parts: tuple[tuple[str, Ask], ...]
    role: str = ""
    of_busiest: bool = False
    of_nobody: bool = False


def _one(what: str, target: float, service: str, ask: Ask, **how: Any) -> Read:
    return Read(what, target, ((service, ask),), **how)


def _outputs_of(connection: PoolConnection, user: Any, page: PageRequest, project: Any = None) -> Awaitable[Any]:
    return outputs.outputs(connection, user, page, project_id=project, status=None, kind=None, archived=False)


async def _details(connection: PoolConnection, row: Sample) -> Any:
    """As the API reads an execution with its logs and artifacts."""
    found = await workflow.execution(connection, row.parent_id)
    logs = await workflow.logs(connection, row.parent_id, _WHOLE, None)
    return found and logs and await workflow.artifacts(connection, row.parent_id, _WHOLE)


def _from(row: Sample) -> PageRequest:
    return PageRequest(after=Cursor(row.created_at, row.id))


def _now() -> datetime:
    return datetime.now(UTC)


def _user_statistics(connection: PoolConnection, row: Sample) -> Awaitable[Any]:
    return workflow.statistics(connection, row.user_id)


def _tokens(connection: PoolConnection, row: Sample) -> Awaitable[Any]:
    today = _now().date()
    return usage.by_day(connection, row.user_id, today - timedelta(days=365), today, None)


READS = (
    _one("a project by id", 1, "workflow", lambda c, r: workflow.project(c, r.id)),
    _one("an execution by id", 1, "workflow", lambda c, r: workflow.execution(c, r.id)),
    _one("a draft by id", 1, "generation", lambda c, r: drafts.draft(c, r.id)),
    _one("an output by id", 1, "generation", lambda c, r: outputs.output(c, r.id)),
    _one("a file by id", 1, "media", lambda c, r: media.file(c, r.id)),
    _one("an image by id", 1, "media", lambda c, r: media.image(c, r.id)),
    _one("a job by id", 1, "publishing", lambda c, r: publishing.job(c, r.id)),
    _one(
        "an account by address, at log-in",
        1,
        "auth",
        lambda c, r: auth.by_email(c, "User40@example.org"),
        of_nobody=True,
    ),
    _one("a user's recent projects", 5, "workflow", lambda c, r: workflow.projects(c, r.user_id, _PAGE)),
    _one("a user's recent workflows", 5, "workflow", lambda c, r: workflow.workflows(c, r.user_id, _PAGE, None, None)),
    _one("a user's recent executions", 5, "workflow", lambda c, r: workflow.executions(c, r.user_id, _PAGE, None)),
    _one(
        "a user's completed executions",
        5,
        "workflow",
        lambda c, r: workflow.executions(c, r.user_id, _PAGE, "completed"),
    ),
    _one(
        "a page of the busiest user's workflows, from anywhere",
        5,
        "workflow",
        lambda c, r: workflow.workflows(c, r.user_id, _from(r), None, None),
        of_busiest=True,
    ),
    _one(
        "a project's workflows", 5, "workflow", lambda c, r: workflow.workflows(c, r.user_id, _PAGE, None, r.parent_id)
    ),
    _one("a user's recent outputs", 5, "generation", lambda c, r: _outputs_of(c, r.user_id, _PAGE)),
    _one("a user's recent files", 5, "media", lambda c, r: media.files(c, r.user_id, _PAGE, None)),
    _one("a user's recent images", 5, "media", lambda c, r: media.images(c, r.user_id, _PAGE, media.ImageFilter())),
    _one("a user's recent jobs", 5, "publishing", lambda c, r: publishing.jobs(c, r.user_id, _PAGE, None, None)),
    Read(
        "a project with files and outputs",
        10,
        (
            ("workflow", lambda c, r: workflow.project(c, r.parent_id)),
            ("media", lambda c, r: media.files(c, r.user_id, _WHOLE, r.parent_id)),
            ("generation", lambda c, r: _outputs_of(c, r.user_id, _WHOLE, r.parent_id)),
        ),
    ),
    Read(
        "a workflow with all data",
        10,
        (
            ("workflow", lambda c, r: workflow.workflow(c, r.parent_id)),
            ("generation", lambda c, r: drafts.drafts(c, r.user_id, r.parent_id, None, _WHOLE)),
            ("evaluation", lambda c, r: evaluation.evaluations(c, r.user_id, r.parent_id, None, _WHOLE)),
            ("publishing", lambda c, r: publishing.jobs(c, r.user_id, _WHOLE, r.parent_id, None)),
        ),
    ),
    _one("an execution with logs and artifacts", 10, "workflow", _details),
    _one(
        "drafts that await review, all users'",
        10,
        "workflow",
        lambda c, r: queue_queries.review_queue(c, _PAGE, Filters(), "longest_wait"),
        role="reviewer",
    ),
    _one(
        "a user's drafts that await review",
        10,
        "workflow",
        lambda c, r: queue_queries.review_queue(c, _PAGE, Filters(), "longest_wait"),
        of_busiest=True,
    ),
    _one(
        "images that await review, all users'",
        10,
        "media",
        lambda c, r: media.to_review(c, _PAGE, None),
        role="reviewer",
    ),
    _one(
        "active executions, all users'",
        10,
        "workflow",
        lambda c, r: workflow.active_everywhere(c, _PAGE),
        role="moderator",
    ),
    _one("queued outputs, all users'", 10, "generation", lambda c, r: outputs.queue(c, _PAGE), role="moderator"),
    _one(
        "stuck outputs, all users'",
        10,
        "generation",
        lambda c, r: outputs.stuck(c, _PAGE, _now() - timedelta(hours=1)),
        role="moderator",
    ),
    _one("newest accounts", 10, "auth", lambda c, r: auth.accounts(c, _PAGE, None, None), role="admin"),
    _one("user statistics", 50, "workflow", _user_statistics),
    _one("user statistics of the busiest user", 50, "workflow", _user_statistics, of_busiest=True),
    _one("a user's tokens by day, a year", 50, "generation", _tokens),
    _one("the busiest user's tokens by day, a year", 50, "generation", _tokens, of_busiest=True),
    _one(
        "active users by day, 30 days",
        50,
        "workflow",
        lambda c, r: workflow.activity(c, _now() - timedelta(days=30)),
        role="moderator",
    ),
)
