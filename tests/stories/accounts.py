"""The story of accounts: people sign up, prove their address, log in and out, get roles, are shut out, and some go."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID

from contracts.envelope import Event
from contracts.events import auth
from shared.ids import new_id

AT = datetime(2026, 3, 5, 8, tzinfo=UTC)


class Ground(Protocol):
    """Where it happens."""

    async def play(self, event: Event, *, key: UUID) -> None: ...


async def sign_up(on: Ground, user_id: UUID, chance: random.Random) -> None:
    """Somebody comes and stays; beside them somebody comes and goes for good, and others only try."""
    await _live(on, user_id, chance)
    await _try(on, chance)
    guest = new_id()
    for session_id in await _live(on, guest, chance):
        await on.play(auth.SessionRemoved(session_id=session_id, user_id=guest), key=session_id)
    await on.play(auth.UserErased(user_id=guest), key=guest)


async def _try(on: Ground, chance: random.Random) -> None:
    """A trial that goes on, becomes an account, or ends."""
    user_id = new_id()
    name = f"trial-{user_id.hex}"
    await on.play(auth.TrialStarted(user_id=user_id, username=name, expires_at=AT + timedelta(days=7)), key=user_id)
    session_id = (await _visit(on, user_id, 1, chance))[0]
    what = chance.choice(["goes on", "is claimed", "ends"])
    if what == "is claimed":
        name = f"bob-{user_id.hex}"
        claimed = auth.TrialClaimed(
            user_id=user_id, username=name, name="Bob", email=f"{name}@example.com", hashed_password="$2b$12$x"
        )
        await on.play(claimed, key=user_id)
    if what == "ends":
        await on.play(auth.SessionRemoved(session_id=session_id, user_id=user_id), key=session_id)
        await on.play(auth.UserErased(user_id=user_id), key=user_id)


async def _live(on: Ground, user_id: UUID, chance: random.Random) -> list[UUID]:
    """Returns the sessions that are left."""
    name = f"ada-{user_id.hex}"
    await on.play(
        auth.UserRegistered(
            user_id=user_id, username=name, name="A. B.", email=f"{name}@example.com", hashed_password="$2b$12$x"
        ),
        key=user_id,
    )
    verification_id = new_id()
    await on.play(
        auth.VerificationRequested(
            user_id=user_id,
            verification_id=verification_id,
            requested_at=AT,
            expires_at=AT + timedelta(days=2),
            token_hash=verification_id.hex,
        ),
        key=user_id,
    )
    if chance.random() < 0.5:
        await on.play(auth.EmailVerified(user_id=user_id), key=user_id)
    left = [
        session for number in range(1, chance.randint(2, 4)) for session in await _visit(on, user_id, number, chance)
    ]
    profile = {"name": "Ada", "tone_of_voice": "warm", "preferences": {"tone": "dry"}}
    await on.play(auth.ProfileUpdated(user_id=user_id, **profile), key=user_id)
    if chance.random() < 0.5:
        await on.play(auth.UserRoleChanged(user_id=user_id, role="reviewer"), key=user_id)
    if chance.random() < 0.3:
        await on.play(auth.UserDeactivated(user_id=user_id), key=user_id)
        if chance.random() < 0.5:
            await on.play(auth.UserActivated(user_id=user_id), key=user_id)
    return left


async def _visit(on: Ground, user_id: UUID, number: int, chance: random.Random) -> list[UUID]:
    """One log-in and what becomes of its session; the session, unless it is forgotten."""
    key = new_id()
    await on.play(auth.UserLoggedIn(user_id=user_id, session_id=key, number=number), key=user_id)
    await on.play(
        auth.SessionStarted(
            session_id=key,
            user_id=user_id,
            expires_at=AT,
            number=number,
            device_info={"os": "Debian"},
            user_agent="curl/8",
            ip_address="192.0.2.7",
            fingerprint=key.hex,
            refresh_token_hash=key.hex,
        ),
        key=key,
    )
    if chance.random() < 0.7:
        hashed = new_id().hex
        await on.play(
            auth.SessionRefreshed(session_id=key, user_id=user_id, expires_at=AT, refresh_token_hash=hashed), key=key
        )
    if chance.random() < 0.5:
        await on.play(auth.ActivePlatformSelected(session_id=key, user_id=user_id, connection_id=new_id()), key=key)
    if number > 1 and chance.random() < 0.5:
        await on.play(auth.SessionRevoked(session_id=key, user_id=user_id, reason="logged_out"), key=key)
        if chance.random() < 0.5:
            await on.play(auth.SessionRemoved(session_id=key, user_id=user_id), key=key)
            return []
    return [key]
