"""Tokens are renewed before they end, by one worker at a time; jobs of a connection that broke wait for another token.

A platform may take a refresh token once, so a renewal is one task for each token: whoever holds its lease asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from contracts.events.publishing import (
    ConnectionAdded,
    ConnectionDeactivated,
    ConnectionReconnected,
    ConnectionRemoved,
    ConnectionTokenRenewed,
)
from services.publishing import queries
from services.publishing.accounts import NAMES
from services.publishing.beginning import AccountBroken, Begun
from services.publishing.connectors import PublishError
from services.publishing.domain.commands import HoldJob, RecordFailure, ReleaseJob
from services.publishing.domain.tokens import BreakConnection, RenewToken
from services.publishing.oauth.client import App, Refused, Unavailable
from shared.ids import derive
from shared.kit import Kit
from shared.reactions import LeasedTask, RetryLater, Task, gave_up, on, work
from shared.security.fields import NoKeyFits

RENEW, RELEASE = "renew_token", "release_jobs"
_AHEAD = timedelta(minutes=10)  # so much before its end a token is renewed, or a fifth of its life
_NEW = timedelta(minutes=1)  # a token that is refused so soon after a renewal is not renewed again
_PAUSE = 60.0  # seconds before a platform that gave no answer is asked again
_AT_ONCE = 100  # jobs that are released in one transaction


def renewal_id(connection_id: UUID, turn: int) -> UUID:
    """The task that renews one token of a connection."""
    return derive(RENEW, connection_id, turn)


@on(ConnectionAdded, ConnectionTokenRenewed, ConnectionReconnected)
def plan_the_renewal(event: ConnectionAdded | ConnectionTokenRenewed | ConnectionReconnected) -> Task | None:
    """A token that cannot be renewed is over when it ends, which is told then."""
    ends = event.token_expires_at
    if ends is None:
        return None
    if event.renewable:
        ends -= min(_AHEAD, (ends - event.meta.recorded_at) / 5)
    turn = 1 if isinstance(event, ConnectionAdded) else event.token_turn
    return _renewal(event.connection_id, event.user_id, turn, ends)


@on(ConnectionTokenRenewed, ConnectionReconnected, ConnectionDeactivated, ConnectionRemoved)
def let_its_jobs_go_on(event: Any) -> Task:
    """Those of a connection that is gone go on to say so."""
    return Task(derive(event.meta.event_id, RELEASE), RELEASE, {"connection_id": event.connection_id})


@work(RENEW, lease=60, attempts=10, concurrency=4)
async def renew(task: LeasedTask, kit: Kit) -> Sequence[Any]:
    """Ask for a new token. A platform that does not answer is asked again, however long it takes."""
    connection_id, turn = UUID(task.payload["connection_id"]), task.payload["turn"]
    row = await queries.token(kit.database.pool, connection_id)
    if row is None or row["token_turn"] != turn or row["broken_at"] is not None:
        return []
    name = NAMES.get(row["platform_type"], row["platform_type"])
    over = f"The token for {name} is over, and cannot be renewed. Connect the account again."
    if row["refresh_token"] is None:
        return [BreakConnection(connection_id, row["user_id"], turn, over)]
    cipher = kit.store.cipher
    try:
        refresh_token, client_key, client_secret = (
            None if row[column] is None else cipher.decrypt(row[column].encode()).decode()
            for column in ("refresh_token", "client_key", "client_secret")
        )
    except NoKeyFits:
        return [BreakConnection(connection_id, row["user_id"], turn, over)]
    try:
        own = None if client_key is None else App(client_key, client_secret)
        found = await kit.tools.oauth.renew(row["platform_type"], refresh_token, own)
    except Refused as refused:
        return [BreakConnection(connection_id, row["user_id"], turn, refused.reason)]
    except Unavailable as away:
        raise RetryLater(_PAUSE, away.reason, counts=False) from away
    access, refresh = (cipher.encrypt(each.encode()).decode() for each in (found.access_token, found.refresh_token))
    return [RenewToken(connection_id, row["user_id"], turn, access, refresh, found.expires_at)]


@gave_up(RENEW)
def not_renewed(task: LeasedTask, reason: str) -> Sequence[BreakConnection]:
    payload = task.payload
    said = "The token could not be renewed. Connect the account again."
    return [BreakConnection(UUID(payload["connection_id"]), UUID(payload["user_id"]), payload["turn"], said)]


@work(RELEASE, lease=60, attempts=20, concurrency=2)
async def release_jobs(task: LeasedTask, kit: Kit) -> list[Any]:
    """The jobs that waited for the connection, some at a time."""
    connection_id = UUID(task.payload["connection_id"])
    jobs = await queries.held(kit.database.pool, connection_id, _AT_ONCE)
    outcome: list[Any] = [ReleaseJob(job_id, connection_id) for job_id in jobs]
    if len(jobs) == _AT_ONCE:
        outcome.append(Task(derive(task.id, "rest"), task.kind, task.payload))
    return outcome


async def after_a_refusal(kit: Kit, begun: Begun, task: LeasedTask, error: PublishError) -> Sequence[Any]:
    """A platform refused the connection's token: it is renewed if it can be, and the job waits for the outcome."""
    assert begun.connection is not None
    connection_id, user_id = begun.connection.id, begun.post.user_id
    found = await refused(kit, connection_id, user_id, begun.token_turn, error.reason)
    if found is None:
        reason = "The account got a new token meanwhile, so the post is tried again with that."
        now = datetime.now(UTC)
        return [RecordFailure(begun.post.job_id, "transient", reason, now, timedelta(seconds=1), tries=4)]
    hold = HoldJob(begun.post.job_id, task.payload["turn"], connection_id, error.error_class, error.reason, called=True)
    return [found, hold]


async def refused(
    kit: Kit, connection_id: UUID, user_id: UUID, turn: int, reason: str
) -> BreakConnection | Task | None:
    """What follows when the platform refuses the token of `turn`: it is renewed now, or the connection is broken.

    None when the account has got another token meanwhile, or is gone.
    """
    row = await queries.token(kit.database.pool, connection_id)
    if row is None or row["token_turn"] != turn:
        return None
    just_renewed = turn > 1 and datetime.now(UTC) - row["token_at"] < _NEW
    if row["refresh_token"] is None or just_renewed or row["broken_at"] is not None:
        return BreakConnection(connection_id, user_id, turn, reason)
    renewal = _renewal(connection_id, user_id, turn, None)
    await queries.hasten(kit.database.pool, renewal.id)
    return renewal


def wait_for_the_account(task: LeasedTask, broken: AccountBroken) -> HoldJob:
    """The platform need not be asked to know its answer."""
    job_id, turn = UUID(task.payload["job_id"]), task.payload["turn"]
    return HoldJob(job_id, turn, broken.connection_id, "disconnected", broken.reason, called=False)


def _renewal(connection_id: UUID, user_id: UUID, turn: int, due_at: datetime | None) -> Task:
    payload = {"connection_id": connection_id, "user_id": user_id, "turn": turn}
    return Task(renewal_id(connection_id, turn), RENEW, payload, due_at)
