"""Asking for proof that an e-mail address is its user's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.auth.domain.trial import Verification
from services.auth.tools import Tools
from services.auth.verification_tokens import hash_of


def new_verification(tools: Tools, user_id: UUID, verification_id: UUID) -> Verification:
    """A token's id, hash and age; the token itself is made again by whoever sends it."""
    now = datetime.now(UTC)
    token = tools.verification_tokens.issue(user_id, verification_id)
    return Verification(verification_id, hash_of(token), now, now + timedelta(hours=tools.settings.verification_hours))
