"""Showing that an e-mail address is yours."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Request, Response

from services.auth.domain.user import RequestVerification, VerificationRefused, VerifyEmail
from services.auth.schemas import Confirm, VerificationSent
from services.auth.tools import Tools
from services.auth.verification import new_verification
from services.auth.verification_tokens import hash_of
from shared.http.idempotency import Idempotency
from shared.http.user import CurrentUser
from shared.kit import kit_of

router = APIRouter(prefix="/api/v1/auth/verification", tags=["account"])


@router.post("", status_code=202)
async def send_again(request: Request, user: CurrentUser, idempotency: Idempotency) -> VerificationSent:
    """Have another token sent to your address; the one before stops working. At most one a minute."""
    kit = kit_of(request)
    asked = new_verification(kit.tools, user.user_id, idempotency.id())
    state = await idempotency.handle(RequestVerification(user.user_id, asked), actor=user.user_id)
    return VerificationSent(expires_at=state.verification.expires_at)


@router.post("/confirm", status_code=204)
async def confirm(body: Confirm, request: Request) -> Response:
    """Send back the token that came by mail. Nobody has to be logged in for it."""
    kit = kit_of(request)
    tools: Tools = kit.tools
    token = body.token.get_secret_value().strip()
    user_id = tools.verification_tokens.read(token)
    if user_id is None:
        raise VerificationRefused("Send `token` exactly as it came by mail, or ask for a new one.")
    await kit.handle(VerifyEmail(user_id, hash_of(token), datetime.now(UTC)), actor=user_id)
    return Response(status_code=204)
