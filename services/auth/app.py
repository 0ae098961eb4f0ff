"""The auth service, put together."""

from __future__ import annotations

from contracts import registry
from services.auth import projections, reactions, retention
from services.auth.api import accounts, sessions, trials, users, verification
from services.auth.domain import session, user
from services.auth.settings import AuthSettings
from services.auth.tools import tools
from shared.kit import Service
from shared.retention.everywhere import EVERYWHERE

service = Service(
    name="auth",
    settings=AuthSettings,
    registry=registry,
    deciders=[user.decider, session.decider],
    projections=[projections],
    reactions=[reactions],
    routers=[accounts.router, trials.router, verification.router, sessions.router, users.router],
    retention=[*retention.RULES, *EVERYWHERE],
    tools=tools,
    secrets={
        "users": frozenset({"hashed_password", "password_hash", "verification_token"}),
        "sessions": frozenset({"refresh_token", "session_fingerprint"}),
    },
)
