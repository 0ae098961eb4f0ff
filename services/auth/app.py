"""The auth service, put together."""

from __future__ import annotations

from contracts import registry
from services.auth import projections
from services.auth.api import accounts, users
from services.auth.domain import session, user
from services.auth.settings import AuthSettings
from services.auth.tools import tools
from shared.kit import Service

service = Service(
    name="auth",
    settings=AuthSettings,
    registry=registry,
    deciders=[user.decider, session.decider],
    projections=[projections],
    reactions=[],
    routers=[accounts.router, users.router],
    tools=tools,
)
