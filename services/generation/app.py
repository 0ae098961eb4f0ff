"""The generation service, put together."""

from __future__ import annotations

from contracts import registry
from services.generation import api, projections, reactions
from services.generation.domain import draft
from services.generation.settings import GenerationSettings
from services.generation.tools import tools
from shared.kit import Service

service = Service(
    name="generation",
    settings=GenerationSettings,
    registry=registry,
    deciders=[draft.decider],
    projections=[projections],
    reactions=[reactions],
    routers=[api.router],
    tools=tools,
)
