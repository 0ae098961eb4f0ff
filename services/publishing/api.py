"""Connections and jobs over HTTP."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import SecretStr

from services.publishing import queries
from services.publishing.beginning import opened
from services.publishing.connectors import PublishError
from services.publishing.connectors.ghost_site import is_admin_key
from services.publishing.domain.commands import CancelJob, RescheduleJob, RetryJob
from services.publishing.domain.connections import AddConnection, ChangeConnection, RemoveConnection
from services.publishing.domain.slots import TakeSlot
from services.publishing.domain.tokens import Reconnect
from services.publishing.fediverse.client import PLATFORMS as FEDIVERSE
from services.publishing.schedule import queries as schedule_queries
from services.publishing.schemas import (
    Connection,
    ConnectionChange,
    ConnectionTest,
    Job,
    JobStatus,
    NewConnection,
    Reschedule,
    Retry,
)
from services.publishing.tools import Tools
from shared.decider import Invalid, NotFound
from shared.http.idempotency import Idempotency
from shared.http.pagination import Page, PageQuery
from shared.http.user import CurrentUser
from shared.kit import kit_of
from shared.local_time import moment

router = APIRouter(prefix="/api/v1")

_NO_CONNECTION = "There is no such connection; list your connections to see which there are."
_INSTANCE = re.compile(r"https?://[A-Za-z0-9.\-]{1,253}(:\d{1,5})?")
_SITE = re.compile(_INSTANCE.pattern + r"(/[A-Za-z0-9._~\-]{1,100}){0,5}")
_NO_JOB = "There is no such job; list your jobs to see which there are."


def _tools(request: Request) -> Tools:
    tools: Tools = kit_of(request).tools
    return tools


@router.post("/connections", status_code=201, tags=["connections"])
async def add_connection(
    body: NewConnection, request: Request, user: CurrentUser, idempotency: Idempotency
) -> Connection:
    """Connect an account. Its token is kept encrypted and never given back."""
    connection_id = idempotency.id()
    command = AddConnection(
        connection_id=connection_id,
        user_id=user.user_id,
        name=body.name,
        platform=body.platform,
        instance_url=_instance_url(body, _tools(request)),
        username=body.username,
        is_default=body.is_default,
        settings=body.settings.model_dump(exclude_none=True),
        access_token=_sealed(request, "An access token", body.access_token),
        refresh_token=_sealed(request, "A refresh token", body.refresh_token) if body.refresh_token else None,
        expires_at=body.token_expires_at,
        client_key=_sealed(request, "A client key", body.client_key) if body.client_key else None,
        client_secret=_sealed(request, "A client secret", body.client_secret) if body.client_secret else None,
    )
    await idempotency.handle(command, actor=user.user_id)
    return await _connection(request, user.user_id, connection_id)


@router.get("/connections", tags=["connections"])
async def list_connections(request: Request, user: CurrentUser, page: PageQuery) -> Page[Connection]:
    """Your connections, newest first."""
    async with kit_of(request).database.reading(user.user_id) as connection:
        rows = await queries.connections(connection, user.user_id, page)
    return page.page(rows, lambda row: Connection(**row))


@router.get("/connections/{connection_id}", tags=["connections"])
async def read_connection(connection_id: UUID, request: Request, user: CurrentUser) -> Connection:
    """One connection."""
    return await _connection(request, user.user_id, connection_id)


@router.patch("/connections/{connection_id}", tags=["connections"])
async def change_connection(
    connection_id: UUID, body: ConnectionChange, request: Request, user: CurrentUser
) -> Connection:
    """Rename a connection, make it the platform's default, switch it off or on again, give it another token."""
    also = []
    if body.access_token is not None:
        access_token = _sealed(request, "An access token", body.access_token)
        refresh_token = _sealed(request, "A refresh token", body.refresh_token) if body.refresh_token else None
        also = [Reconnect(connection_id, user.user_id, access_token, refresh_token, body.token_expires_at)]
    elif body.refresh_token is not None or body.token_expires_at is not None:
        raise Invalid("`refresh_token` and `token_expires_at` say nothing without the `access_token` they belong to.")
    command = ChangeConnection(connection_id, user.user_id, body.name, body.is_active, bool(body.is_default))
    await kit_of(request).handle(command, actor=user.user_id, also=also)
    return await _connection(request, user.user_id, connection_id)


@router.delete("/connections/{connection_id}", status_code=204, tags=["connections"])
async def remove_connection(connection_id: UUID, request: Request, user: CurrentUser) -> Response:
    """Take a connection away. Jobs that were to use it fail with what to do."""
    await kit_of(request).handle(RemoveConnection(connection_id, user.user_id), actor=user.user_id)
    return Response(status_code=204)


@router.post("/connections/{connection_id}/test", tags=["connections"])
async def test_connection(connection_id: UUID, request: Request, user: CurrentUser) -> ConnectionTest:
    """Ask the platform whose account the token opens. Posts nothing."""
    async with kit_of(request).database.reading(user.user_id) as connection:
        account = await queries.account(connection, connection_id, user.user_id)
    if account is None:
        raise NotFound(_NO_CONNECTION)
    found = opened(account, kit_of(request).store.cipher)
    if found is None:
        return ConnectionTest(
            ok=False, error_class="disconnected", detail="The token can no longer be read; connect the account again."
        )
    try:
        username = await _tools(request).accounts.whose(found)
    except PublishError as error:
        return ConnectionTest(ok=False, error_class=error.error_class, detail=error.reason)
    return ConnectionTest(ok=True, username=username or found.username)


@router.get("/jobs", tags=["jobs"])
async def list_jobs(
    request: Request,
    user: CurrentUser,
    page: PageQuery,
    workflow_id: Annotated[UUID | None, Query(description="Only jobs of this workflow.")] = None,
    status: Annotated[JobStatus | None, Query(description="Only jobs in this state.")] = None,
) -> Page[Job]:
    """Your publishing jobs, newest first."""
    async with kit_of(request).database.reading(user.user_id) as connection:
        rows = await queries.jobs(connection, user.user_id, page, workflow_id, status)
    return page.page(rows, lambda row: Job(**row))


@router.get("/jobs/{job_id}", tags=["jobs"])
async def read_job(job_id: UUID, request: Request, user: CurrentUser) -> Job:
    """One publishing job."""
    return Job(**await _job(request, user.user_id, job_id))


@router.post("/jobs/{job_id}/retry", tags=["jobs"])
async def retry_job(job_id: UUID, request: Request, user: CurrentUser, body: Retry | None = None) -> Job:
    """Try a failed job again. After `outcome_unknown`, look at the platform first: the post may be out already."""
    job = await _job(request, user.user_id, job_id)
    connection_id = body.connection_id if body else None
    if connection_id is not None:
        other = await _connection(request, user.user_id, connection_id)
        if other.platform != job["platform"]:
            raise Invalid(f"This connection is for {other.platform}; name one for {job['platform']}.")
    command = RetryJob(job_id, user.user_id, job["workflow_id"], connection_id)
    await kit_of(request).handle(command, actor=user.user_id)
    return Job(**await _job(request, user.user_id, job_id))


@router.post("/jobs/{job_id}/cancel", tags=["jobs"])
async def cancel_job(job_id: UUID, request: Request, user: CurrentUser) -> Job:
    """Call a job off while it is queued or scheduled."""
    job = await _job(request, user.user_id, job_id)
    await kit_of(request).handle(CancelJob(job_id, user.user_id, job["workflow_id"]), actor=user.user_id)
    return Job(**await _job(request, user.user_id, job_id))


@router.post("/jobs/{job_id}/reschedule", tags=["jobs"])
async def reschedule_job(job_id: UUID, body: Reschedule, request: Request, user: CurrentUser) -> Job:
    """Choose another time for a job that waits, or that failed without anything sent."""
    job = await _job(request, user.user_id, job_id)
    now = datetime.now(UTC)
    if body.next_free_slot:
        if body.scheduled_for is not None or body.time_zone is not None:
            raise Invalid("`next_free_slot` finds the time itself; leave out `scheduled_for` and `time_zone`.")
        return Job(**await _to_the_next_slot(request, user.user_id, job, now))
    if body.scheduled_for is None:
        raise Invalid("Say when: `scheduled_for`, or `next_free_slot`.")
    scheduled_for, time_zone = moment(body.scheduled_for, body.time_zone, now)
    command = RescheduleJob(job_id, user.user_id, job["workflow_id"], scheduled_for, time_zone, now)
    await kit_of(request).handle(command, actor=user.user_id)
    return Job(**await _job(request, user.user_id, job_id))


async def _to_the_next_slot(request: Request, user_id: UUID, job: Any, now: datetime) -> Any:
    async with kit_of(request).database.reading(user_id) as connection:
        situation = await schedule_queries.situation(connection, user_id, job["platform"], job["id"])
    command = TakeSlot(
        job_id=job["id"],
        workflow_id=job["workflow_id"],
        user_id=user_id,
        platform=job["platform"],
        draft_id=job["draft_id"],
        connection_id=job["connection_id"],
        default_id=situation["default_id"],
        busy=frozenset(situation["busy"]),
        now=now,
        moved=True,
    )
    await kit_of(request).handle(command, actor=user_id)
    return await _job(request, user_id, job["id"])


def _sealed(request: Request, what: str, secret: SecretStr) -> str:
    value = secret.get_secret_value()
    if not value.isascii() or not value.isprintable() or " " in value:
        raise Invalid(f"{what} has neither spaces nor special characters; send it exactly as issued.")
    return kit_of(request).store.cipher.encrypt(value.encode()).decode()


def _instance_url(body: NewConnection, tools: Tools) -> str:
    """Where the platform is reached. What users name is called with care, X and LinkedIn are the operator's choice."""
    given = body.instance_url.rstrip("/") if body.instance_url else None
    if body.platform == "bluesky":
        if body.username is None:
            raise Invalid("Name the account's handle as `username`, such as ada.bsky.social.")
        given = given or tools.settings.bluesky_url.rstrip("/")
    if body.platform == "ghost":
        if given is None:
            raise Invalid("Name the address of the Ghost site as `instance_url`, such as https://blog.example.org.")
        if not is_admin_key(body.access_token.get_secret_value()):
            raise Invalid(
                "An admin key of Ghost is id:secret; copy it from the integration's page in Ghost's settings."
            )
    if body.platform in (*FEDIVERSE, "bluesky", "ghost"):
        if given is None:
            raise Invalid(f"Name the instance of {body.platform}, such as https://{body.platform}.social.")
        if not (_SITE if body.platform == "ghost" else _INSTANCE).fullmatch(given):
            raise Invalid("An instance is named by https:// and its host, without a path, such as https://example.org.")
        if given.startswith("http:") and not tools.settings.fediverse_allow_private:
            raise Invalid("An instance is reached over https, so that nobody reads your token on the way.")
        return given
    base = tools.settings.base_urls()[body.platform]
    if given is not None and given != base:
        raise Invalid(f"{body.platform} is reached at {base} only; leave out `instance_url`.")
    return base


async def _connection(request: Request, user_id: UUID, connection_id: UUID) -> Connection:
    async with kit_of(request).database.reading(user_id) as connection:
        row = await queries.connection(connection, connection_id)
    if row is None:
        raise NotFound(_NO_CONNECTION)
    return Connection(**row)


async def _job(request: Request, user_id: UUID, job_id: UUID) -> Any:
    async with kit_of(request).database.reading(user_id) as connection:
        row = await queries.job(connection, job_id)
    if row is None:
        raise NotFound(_NO_JOB)
    return row
