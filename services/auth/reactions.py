"""What auth does because of events: tokens and notices go by mail, a trial ends, a connection that is gone is left."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from contracts.events.auth import TrialClaimed, TrialStarted, VerificationRequested
from contracts.events.publishing import ConnectionBroken, ConnectionRemoved
from services.auth import queries
from services.auth.domain.session import LeavePlatform, RemoveSession
from services.auth.domain.trial import EndTrial
from services.auth.mail import broken_connection_mail, verification_mail
from services.auth.tools import Tools
from services.auth.verification_tokens import hash_of
from shared.ids import derive
from shared.kit import Kit
from shared.reactions import LeasedTask, Strike, Task, on, work

_NAMES = {"linkedin": "LinkedIn"}  # as people call platforms that are not written like others


@on(VerificationRequested)
def send_token(event: VerificationRequested) -> Task:
    payload = {"user_id": event.user_id, "verification_id": event.verification_id}
    return Task(derive("verification", event.verification_id), "verify_email", payload)


@work("verify_email", lease=90, attempts=8)
async def send_it(task: LeasedTask, kit: Kit) -> Sequence[None]:
    """Sent twice is no harm; a token that is not the last one any more is not sent."""
    tools: Tools = kit.tools
    user_id = UUID(task.payload["user_id"])
    async with kit.database.reading(None) as connection:
        user = await queries.unverified(connection, user_id)
    if user is None:
        return []
    for token in tools.verification_tokens.possible(user_id, UUID(task.payload["verification_id"])):
        if hash_of(token) == user["verification_token"]:
            expires_at = user["verification_token_expires"]
            await tools.mail.send(verification_mail(user["email"], user["username"], token, expires_at, tools.settings))
    return []


@on(TrialStarted)
def end_it_in_time(event: TrialStarted) -> Task:
    return Task(derive("trial", event.user_id), "end_trial", {"user_id": event.user_id}, due_at=event.expires_at)


@on(TrialClaimed)
def let_it_be(event: TrialClaimed) -> Strike:
    return Strike(derive("trial", event.user_id))


@work("end_trial", lease=60)
async def end_trial(task: LeasedTask, kit: Kit) -> Sequence[EndTrial | RemoveSession]:
    """The account goes with its sessions, as one that is erased; other services hear of it."""
    user_id, now = UUID(task.payload["user_id"]), datetime.now(UTC)
    async with kit.database.reading(None) as connection:
        if await queries.trial_expires_at(connection, user_id) is None:
            return []
        # The number first: it vouches for the sessions.
        log_ins = await queries.log_ins(connection, user_id)
        session_ids = await queries.all_sessions(connection, user_id)
    sessions = [RemoveSession(session_id, now, erased=True) for session_id in session_ids]
    return [EndTrial(user_id, log_ins, now), *sessions]


@on(ConnectionBroken)
def tell_its_user(event: ConnectionBroken) -> Task:
    payload = {
        "user_id": event.user_id,
        "platform": event.platform_type,
        "name": event.name,
        "reason": event.reason,
    }
    return Task(derive("broken", event.meta.event_id), "tell_of_broken", payload)


@work("tell_of_broken", lease=90, attempts=8)
async def tell_of_broken(task: LeasedTask, kit: Kit) -> Sequence[None]:
    """Only to addresses that are known to be the user's; told twice is no harm."""
    tools: Tools = kit.tools
    payload = task.payload
    async with kit.database.reading(None) as connection:
        user = await queries.verified(connection, UUID(payload["user_id"]))
    if user is not None:
        platform = _NAMES.get(payload["platform"], payload["platform"].capitalize())
        what = platform, payload["name"], payload["reason"]
        await tools.mail.send(broken_connection_mail(user["email"], user["username"], *what, tools.settings))
    return []


@on(ConnectionRemoved)
def leave_it(event: ConnectionRemoved) -> Task:
    payload = {"connection_id": event.connection_id, "successor_id": event.successor_id}
    return Task(derive("leave", event.connection_id), "leave_platform", payload)


@work("leave_platform", lease=30)
async def find_who_works_with_it(task: LeasedTask, kit: Kit) -> Sequence[LeavePlatform]:
    connection_id, successor = UUID(task.payload["connection_id"]), task.payload["successor_id"]
    async with kit.database.reading(None) as connection:
        sessions = await queries.sessions_with(connection, connection_id)
    successor_id = None if successor is None else UUID(successor)
    return [LeavePlatform(session_id, connection_id, successor_id) for session_id in sessions]
