"""The evaluation service, put together."""

from __future__ import annotations

from contracts import registry
from services.evaluation import api, projections, reactions
from services.evaluation.domain import evaluation
from services.evaluation.settings import EvaluationSettings
from services.evaluation.tools import tools
from shared.kit import Service

service = Service(
    name="evaluation",
    settings=EvaluationSettings,
    registry=registry,
    deciders=[evaluation.decider],
    projections=[projections],
    reactions=[reactions],
    routers=[api.router],
    tools=tools,
)
