"""Trying the platform without an account."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fastapi import APIRouter, Request

from services.auth import sessions
from services.auth.api.accounts import device_of
from services.auth.domain.trial import StartTrial
from services.auth.schemas import Trial
from shared.ids import new_id
from shared.kit import kit_of
from shared.roles import TRIAL

router = APIRouter(prefix="/api/v1/trial", tags=["account"])


@router.post("", status_code=201)
async def start_trial(request: Request) -> Trial:
    """Begin a trial: upload files, write outputs of them, nothing more. It ends by itself, with all that it made.

    Sign up with its access token (`POST /api/v1/auth/signup`) to keep what was made.
    """
    kit = kit_of(request)
    user_id = new_id()
    username = f"{TRIAL}-{user_id.hex}"
    # In whole seconds, as in the tokens.
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(days=kit.tools.settings.trial_days)
    await kit.handle(StartTrial(user_id, username, until), actor=user_id)
    pair = await sessions.start(kit, user_id, username, TRIAL, device_of(request, {}), until=until)
    return Trial(**pair.model_dump(), user_id=user_id, expires_at=until)
