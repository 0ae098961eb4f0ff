"""What auth does because of events: a token goes by mail, and a connection that is gone is left."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from contracts.events.auth import VerificationRequested
from contracts.events.publishing import ConnectionRemoved
from services.auth import queries
from services.auth.domain.session import LeavePlatform
from services.auth.mail import verification_mail
from services.auth.tools import Tools
from services.auth.verification_tokens import hash_of
from shared.ids import derive
from shared.kit import Kit
from shared.reactions import LeasedTask, Task, on, work


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
