"""What the routes of auth need beside the kit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from services.auth.mail import Mail, mail
from services.auth.refresh_tokens import RefreshTokens
from services.auth.settings import AuthSettings
from services.auth.signing_keys import read_signer
from services.auth.verification_tokens import VerificationTokens
from shared.kit import Kit
from shared.security.tokens import Signer


@dataclass(frozen=True, slots=True)
class Tools:
    settings: AuthSettings
    signer: Signer
    refresh_tokens: RefreshTokens
    verification_tokens: VerificationTokens
    mail: Mail


@asynccontextmanager
async def tools(kit: Kit) -> AsyncIterator[Tools]:
    """Reads the keys. Raises ValueError when one is missing, or an address is none."""
    settings = kit.settings
    assert isinstance(settings, AuthSettings)
    keys = [key for key in settings.field_keys.split(",") if key]
    signer = read_signer(settings.signing_key_file)
    yield Tools(settings, signer, RefreshTokens(keys), VerificationTokens(keys), mail(settings))
