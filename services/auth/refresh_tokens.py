"""Refresh tokens: 256 random bits that name their session and prove that we issued them.

Only the SHA-256 of the current token is kept. The seal tells a token that was replaced (which is a theft) from one made
up by somebody who learnt the id of a session (who may not end it), without keeping the hashes of all former tokens.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

_ID_BYTES = 16
_RANDOM_BYTES = 32
_SEAL_BYTES = 16
_LENGTH = _ID_BYTES + _RANDOM_BYTES + _SEAL_BYTES
_PURPOSE = b"presswork refresh token"

TOKEN_CHARACTERS = 86


@dataclass(frozen=True, slots=True)
class Presented:
    """A refresh token as somebody sent it. `genuine`: the seal is ours."""

    session_id: UUID
    hash: str = field(repr=False)
    genuine: bool


class RefreshTokens:
    """Issues and reads refresh tokens."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Seals with the first of the service's secret `keys`, knows the seals of all. Raises ValueError for none."""
        if not keys:
            raise ValueError("Give at least one secret key to seal refresh tokens with.")
        # A key of its own is derived, so that no secret serves two purposes.
        self._keys = [hmac.digest(key.encode(), _PURPOSE, "sha256") for key in keys]

    def issue(self, session_id: UUID) -> str:
        """A new token: 86 URL-safe characters."""
        content = session_id.bytes + secrets.token_bytes(_RANDOM_BYTES)
        return base64.urlsafe_b64encode(content + _seal(self._keys[0], content)).rstrip(b"=").decode()

    def read(self, token: str) -> Presented | None:
        """What a token says, or None for a text that is none."""
        if len(token) != TOKEN_CHARACTERS:
            return None
        try:
            packed = base64.b64decode(token + "==", altchars=b"-_", validate=True)
        except ValueError:
            return None
        if len(packed) != _LENGTH:
            return None
        content, seal = packed[:-_SEAL_BYTES], packed[-_SEAL_BYTES:]
        genuine = any(hmac.compare_digest(seal, _seal(key, content)) for key in self._keys)
        return Presented(UUID(bytes=packed[:_ID_BYTES]), hash_of(token), genuine)


def hash_of(token: str) -> str:
    """The SHA-256 of a token in hex (64 characters): enough for 256 random bits, where a password would need bcrypt."""
    return hashlib.sha256(token.encode()).hexdigest()


def _seal(key: bytes, content: bytes) -> bytes:
    return hmac.digest(key, content, "sha256")[:_SEAL_BYTES]
