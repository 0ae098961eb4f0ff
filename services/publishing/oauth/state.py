"""What travels through the user's browser while they agree at a platform: sealed, bound to the user, good for a while.

It is encrypted as well as signed, because it bears the verifier that only we may show. X takes 500 characters of it.
"""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import orjson

from shared.decider import Forbidden, Invalid
from shared.security.fields import FieldCipher, NoKeyFits

LIFETIME: Final = timedelta(minutes=15)
_PREFIX: Final = b"oauth:"  # tells a state from everything else that is encrypted under the same keys
_AGAIN: Final = "Begin again at /api/v1/connections/authorize."


@dataclass(frozen=True, slots=True)
class State:
    """`connection_id`: of the connection that is made; `again_id`: of the one that is to work again."""

    connection_id: UUID
    user_id: UUID
    platform: str
    verifier: str
    is_default: bool
    again_id: UUID | None
    expires_at: datetime


def new_verifier() -> str:
    """43 characters, as RFC 7636 recommends."""
    return secrets.token_urlsafe(32)


def seal(state: State, cipher: FieldCipher) -> str:
    """At most 500 characters, safe in a URL."""
    ids = [state.connection_id, state.user_id, *([state.again_id] if state.again_id else [])]
    packed = base64.b64encode(b"".join(each.bytes for each in ids)).decode()
    body = [packed, state.platform, state.verifier, int(state.is_default), int(state.expires_at.timestamp())]
    return cipher.encrypt(_PREFIX + orjson.dumps(body)).decode()


def unseal(text: str, user_id: UUID, now: datetime, cipher: FieldCipher) -> State:
    """Raises Invalid for what was not sealed here or is over, and Forbidden for another user's."""
    try:
        plain = cipher.decrypt(text.encode())
    except (NoKeyFits, UnicodeEncodeError):
        plain = b""
    if not plain.startswith(_PREFIX):
        raise Invalid(f"This `state` was not issued here. {_AGAIN}")
    packed, platform, verifier, is_default, ends = orjson.loads(plain.removeprefix(_PREFIX))
    raw = base64.b64decode(packed)
    connection_id, owner, *again = (UUID(bytes=raw[at : at + 16]) for at in range(0, len(raw), 16))
    expires_at = datetime.fromtimestamp(ends, now.tzinfo)
    if owner != user_id:
        raise Forbidden(f"Somebody else began this log-in. {_AGAIN}")
    if expires_at <= now:
        raise Invalid(f"This log-in took too long, so its `state` is over. {_AGAIN}")
    return State(connection_id, owner, platform, verifier, bool(is_default), again[0] if again else None, expires_at)
