"""The evaluation service, put together."""

from __future__ import annotations

from contracts import registry
from services.evaluation import api, captions, erasing, projections, reactions
from services.evaluation.domain import caption_evaluation, consultation, evaluation
from services.evaluation.settings import EvaluationSettings
from services.evaluation.tools import tools
from shared.kit import Service
from shared.retention.everywhere import EVERYWHERE

service = Service(
    name="evaluation",
    settings=EvaluationSettings,
    registry=registry,
    deciders=[evaluation.decider, caption_evaluation.decider, consultation.decider],
    projections=[projections],
    reactions=[reactions, captions, erasing],
    routers=api.routers,
    retention=EVERYWHERE,
    tools=tools,
)
