"""`Idempotency-Key`: a POST that may be repeated creates what it creates once.

Ids of what is created are derived from the key, so a repeat is the same command again, which deciders answer with no
event. A row per key remembers the body, so that a key cannot be used for something else: as a keyed hash, because a
body may hold a password, which a plain hash would let a thief of the table guess without the cost of bcrypt.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import orjson
from fastapi import Depends, Header, Request, Response
from starlette.datastructures import FormData, UploadFile

from shared.http.problem import Problem
from shared.http.user import OptionalUser
from shared.ids import derive, new_id
from shared.projection import RowChange, insert

TABLE = "idempotency_keys"
_CHUNK = 1 << 20
_SELECT = f"SELECT request_hash FROM {TABLE} WHERE scope = $1 AND route = $2 AND key = $3"


class IdempotentRequest:
    """This request's key. Without one every id is new and nothing is remembered."""

    def __init__(
        self, kit: Any, response: Response, scope: str, route: str, key: str | None, request_hashes: Sequence[bytes]
    ) -> None:
        self._kit = kit
        self._response = response
        self._scope = scope
        self._route = route
        self._key = key
        self._hashes = request_hashes
        self._replayed = False

    @property
    def replayed(self) -> bool:
        """Whether the same request has been carried out before, as far as it was looked up."""
        return self._replayed

    async def look_up(self) -> None:
        """Find out whether the request is a repeat. Raises a 422 Problem when the key was used for another body."""
        if self._key is None:
            return
        async with self._kit.database.reading(None) as connection:
            known = await connection.fetchval(_SELECT, self._scope, self._route, self._key)
        if known is None:
            return
        if bytes(known) not in self._hashes:
            detail = "This Idempotency-Key was used for another body; use a new key for a new request."
            raise Problem(422, "idempotency-key-reused", "Idempotency key reused", detail)
        self._replayed = True
        self._response.headers["Idempotent-Replayed"] = "true"

    def id(self, name: str = "") -> UUID:
        """The id of the thing created; `name` tells several things of one request apart."""
        return new_id() if self._key is None else derive("idempotency", self._scope, self._route, self._key, name)

    def changes(self) -> list[RowChange]:
        """What to hand to `Kit.handle` so that the key is remembered in the transaction that creates."""
        if self._key is None or self._replayed:
            return []
        row = {"scope": self._scope, "route": self._route, "key": self._key}
        return [insert(TABLE, **row, request_hash=self._hashes[0], created_at=datetime.now(UTC))]

    async def handle(
        self, command: Any, *, actor: UUID | None, changes: Sequence[RowChange] = (), also: Sequence[Any] = ()
    ) -> Any:
        """`Kit.handle` with the key remembered; a repeat, even at the same time, gets the first's answer.

        Raises what the decider raises, and a 422 Problem when the first had another body.
        """
        try:
            return await self._kit.handle(command, actor=actor, changes=[*changes, *self.changes()], also=also)
        except asyncpg.UniqueViolationError as error:
            if self._key is None or self._replayed or error.table_name != TABLE:
                raise
        await self.look_up()
        return await self._kit.handle(command, actor=actor, changes=changes, also=also)


async def _unseen(
    request: Request,
    response: Response,
    user: OptionalUser,
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=255,
            pattern=r"^[!-~]+$",
            description="Any text of your choice, such as a UUID; repeating the request with it changes nothing.",
        ),
    ] = None,
) -> IdempotentRequest:
    kit = request.app.state.kit
    scope = f"user:{user.user_id}" if user else f"client:{_client(request)}"
    route = f"{request.method} {request.url.path}"
    hashes = [] if idempotency_key is None else _keyed(kit, await fingerprint(request))
    return IdempotentRequest(kit, response, scope, route, idempotency_key, hashes)


async def _looked_up(unseen: Annotated[IdempotentRequest, Depends(_unseen)]) -> IdempotentRequest:
    await unseen.look_up()
    return unseen


Idempotency = Annotated[IdempotentRequest, Depends(_looked_up)]
# Saves the round trip where nothing but a command follows: `handle` notices a repeat by itself.
UnseenIdempotency = Annotated[IdempotentRequest, Depends(_unseen)]


async def fingerprint(request: Request) -> bytes:
    """SHA-256 (32 bytes) of what the body says: JSON whatever its spacing, forms whatever their boundary."""
    if isinstance(form := getattr(request, "_form", None), FormData):
        return await _form_fingerprint(form)
    body = await request.body()
    with contextlib.suppress(orjson.JSONDecodeError):
        body = orjson.dumps(orjson.loads(body), option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(body).digest()


async def _form_fingerprint(form: FormData) -> bytes:
    whole = hashlib.sha256()
    for name, value in form.multi_items():
        if not isinstance(value, UploadFile):
            parts: tuple[object, ...] = (name, value)
        else:
            content = hashlib.sha256()
            while chunk := await value.read(_CHUNK):
                content.update(chunk)
            await value.seek(0)
            parts = (name, value.filename, value.content_type, content.hexdigest())
        whole.update(orjson.dumps(parts))
    return whole.digest()


def _keyed(kit: Any, digest: bytes) -> list[bytes]:
    """The digest under each of the service's field keys, the newest first: rotating them must not refuse a repeat."""
    keys = [key for key in kit.settings.field_keys.split(",") if key]
    return [hmac.digest(key.encode(), digest, "sha256") for key in keys]


def _client(request: Request) -> str:
    # The gateway replaces the header with the one address it has made sure of.
    forwarded = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    return forwarded or (request.client.host if request.client else "")
