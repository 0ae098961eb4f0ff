"""Tokens that go to an e-mail address and come back: they name the user and prove that we issued them.

A token follows from the ids and a secret key, so that whoever sends it need not be told it, and no list of tasks holds
it. Its age is in the user's stream, which also knows which one is the last.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from uuid import UUID

_ID_BYTES = 16
_LENGTH = 2 * _ID_BYTES + 32
_PURPOSE = b"presswork verification token"

TOKEN_CHARACTERS = 86


class VerificationTokens:
    """Issues and reads verification tokens."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Seals with the first of the service's secret `keys`, knows the seals of all. Raises ValueError for none."""
        if not keys:
            raise ValueError("Give at least one secret key to seal verification tokens with.")
        # A key of its own is derived, so that no secret serves two purposes.
        self._keys = [hmac.digest(key.encode(), _PURPOSE, "sha256") for key in keys]

    def issue(self, user_id: UUID, verification_id: UUID) -> str:
        """The token: 86 URL-safe characters."""
        return self.possible(user_id, verification_id)[0]

    def possible(self, user_id: UUID, verification_id: UUID) -> list[str]:
        """The token under each of the keys, for whoever sends it after the keys were rotated."""
        content = user_id.bytes + verification_id.bytes
        return [_encoded(content + hmac.digest(key, content, "sha256")) for key in self._keys]

    def read(self, token: str) -> UUID | None:
        """The user whom a genuine token names, or None."""
        if len(token) != TOKEN_CHARACTERS:
            return None
        try:
            packed = base64.b64decode(token + "==", altchars=b"-_", validate=True)
        except ValueError:
            return None
        content, seal = packed[: 2 * _ID_BYTES], packed[2 * _ID_BYTES :]
        if len(packed) != _LENGTH or not any(
            hmac.compare_digest(seal, hmac.digest(key, content, "sha256")) for key in self._keys
        ):
            return None
        return UUID(bytes=packed[:_ID_BYTES])


def hash_of(token: str) -> str:
    """The SHA-256 of a token in hex (64 characters), which is what is kept of it."""
    return hashlib.sha256(token.encode()).hexdigest()


def _encoded(packed: bytes) -> str:
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()
