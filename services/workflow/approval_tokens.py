"""The token in an approval link: a JWT that names the link and proves that we made it.

It follows from the link and a secret key, so that no table holds it. Whether the link still opens anything is for its
row to say.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import jwt

_ALGORITHM = "HS256"
_AUDIENCE = "presswork-approval"
_PURPOSE = b"presswork approval link"

MAX_TOKEN_CHARACTERS = 1000


class ApprovalTokens:
    """Issues and reads the tokens of approval links."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Signs with the first of the service's secret `keys`, knows the signatures of all. Raises ValueError for
        none."""
        if not keys:
            raise ValueError("Give at least one secret key to sign approval links with.")
        # A key of its own is derived, so that no secret serves two purposes.
        self._keys = [hmac.digest(key.encode(), _PURPOSE, "sha256") for key in keys]

    def issue(self, link_id: UUID, expires_at: datetime) -> str:
        """The token: about 180 URL-safe characters, the same each time."""
        payload = {"aud": _AUDIENCE, "sub": str(link_id), "exp": int(expires_at.timestamp())}
        return jwt.encode(payload, self._keys[0], algorithm=_ALGORITHM)

    def read(self, token: str) -> UUID | None:
        """The link that a genuine token names, or None. Its age is not looked at."""
        if len(token) > MAX_TOKEN_CHARACTERS:
            return None
        for key in self._keys:
            try:
                payload = jwt.decode(
                    token,
                    key,
                    algorithms=[_ALGORITHM],
                    audience=_AUDIENCE,
                    options={"require": ["aud", "sub", "exp"], "verify_exp": False, "strict_aud": True},
                )
                return UUID(payload["sub"])
            except (jwt.InvalidTokenError, ValueError):
                continue
        return None
