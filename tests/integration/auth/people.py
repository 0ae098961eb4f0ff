"""Somebody before auth, and what auth has stored of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes as email_message
from typing import Any
from uuid import UUID

import aiohttp
import jwt

from contracts.envelope import START, Event, Meta
from contracts.events.publishing import ConnectionAdded
from services.auth.domain.user import ChangeRole, RegisterUser
from services.auth.sessions import Device, start
from shared.eventstore.store import Cause
from shared.ids import new_id
from shared.kit import Kit
from tests.waiting import eventually

PASSWORD = "Analytical-Engine-1843"
PROFILE = {"name": "Ada Lovelace", "tone_of_voice": "warm", "preferences": {"language": "ko"}}


@dataclass
class Answer:
    status: int
    headers: Any
    json: Any


@dataclass
class Person:
    """Somebody before auth, logged in or not."""

    http: aiohttp.ClientSession
    base: str
    username: str
    tokens: dict[str, Any]
    id: str = ""

    @property
    def email(self) -> str:
        return f"{self.username}@example.org"

    async def call(self, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None) -> Answer:
        sent = dict(headers or {})
        if self.tokens:
            sent.setdefault("Authorization", f"Bearer {self.tokens['access_token']}")
        url = path if path.startswith(("/.", "/api/")) else "/api/v1/auth" + path
        async with self.http.request(method, self.base + url, json=body, headers=sent) as answer:
            return Answer(answer.status, answer.headers, await answer.json(content_type=None))

    async def sign_up(self, *, key: str = "", **fields: Any) -> Answer:
        body = {"username": self.username, "email": self.email, "password": PASSWORD, **fields}
        return await self.call("POST", "/signup", body, headers={"Idempotency-Key": key} if key else {})

    async def log_in(self, password: str = PASSWORD, **fields: Any) -> Answer:
        names = {} if {"username", "email"} & set(fields) else {"username": self.username}
        return await self.call("POST", "/login", {**names, "password": password, **fields})

    async def refresh(self, token: str) -> Answer:
        return await self.call("POST", "/refresh", {"refresh_token": token})

    async def sessions(self) -> list[dict[str, Any]]:
        answer = await self.call("GET", "/sessions")
        assert answer.status == 200, answer.json
        found: list[dict[str, Any]] = answer.json["items"]
        return found

    async def elsewhere(self, kit: Kit) -> Person:
        """The same person on another device; past the password, whose checking takes a quarter of a second."""
        pair = await start(
            kit, UUID(self.id), self.username, "viewer", Device({"os": "Debian"}, "Firefox", "203.0.113.7")
        )
        return Person(self.http, self.base, self.username, pair.model_dump(), self.id)


async def registered(person: Person, kit: Kit, hashed: str) -> Person:
    user_id = new_id()
    await kit.handle(RegisterUser(user_id, person.username, person.email, hashed), actor=user_id)
    person.id = str(user_id)
    return await person.elsewhere(kit)


async def private_fields(kit: Kit, user_id: UUID) -> dict[str, Any]:
    """The private fields of a user's events, as read now."""
    rows = await kit.store.in_commit_order(START, 100_000)
    events = [kit.store.restore(row) for row in rows if row["private"] is not None]
    mine = [event for event in events if getattr(event, "user_id", None) == user_id]
    return {name: getattr(event, name) for event in mine for name in event.private_fields}


async def token_for(kit: Kit, email: str) -> str:
    """The token in the mail that went to this address."""

    def look() -> str:
        for file in (kit.settings.data_dir / "mail").glob("*.eml"):
            message = email_message(file.read_bytes())
            if message["To"] == email:
                return str(message.get_payload()).partition("confirm:")[2].split()[0]
        return ""

    return await eventually(look)


async def mails_to(kit: Kit, email: str) -> list[str]:
    """The texts of the mail that went to this address."""
    messages = [email_message(file.read_bytes()) for file in (kit.settings.data_dir / "mail").glob("*.eml")]
    return [str(message.get_payload()) for message in messages if message["To"] == email]


async def hear(kit: Kit, event: Event, version: int) -> None:
    """Auth hears of a connection, as if publishing had said so just now."""
    key = event.connection_id  # type: ignore[attr-defined]
    event.at(Meta(new_id(), event.stream, key, version, datetime.now(UTC), key))
    unit = kit.unit()
    unit.changes.extend(kit.projections.changes(event))
    await unit.follow(kit.reactions.outcomes(event), Cause(key, event.meta.event_id))
    await unit.commit()
    kit.made(unit)


async def connect(kit: Kit, connection_id: UUID, user_id: UUID) -> None:
    added = {"name": "X", "platform_type": "x", "instance_url": "https://x.example"}
    await hear(kit, ConnectionAdded(connection_id=connection_id, user_id=user_id, **added), 1)


def changed_to(connection_id: UUID) -> dict[str, str]:
    return {"active_platform_id": str(connection_id)}


def role_in(tokens: dict[str, Any]) -> str:
    """What an access token says of its user, unchecked."""
    claims: dict[str, Any] = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    return str(claims["role"])


async def administrator(person: Person, kit: Kit) -> Person:
    """The same person with the role."""
    await kit.handle(ChangeRole(UUID(person.id), "admin"), actor=None)
    pair = await start(kit, UUID(person.id), person.username, "admin", Device({}, None, None))
    return Person(person.http, person.base, person.username, pair.model_dump(), person.id)


async def events_of(kit: Kit, user_id: str) -> list[str]:
    """Types of all events of a user's account and sessions, oldest first."""
    rows = await kit.database.pool.fetch(
        "SELECT type FROM events WHERE data->>'user_id' = $1 ORDER BY position", user_id
    )
    return [row["type"] for row in rows]
