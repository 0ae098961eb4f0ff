"""The generation service, put together."""

from __future__ import annotations

from contracts import registry
from services.generation import api, budget, erasing, outputs, paying, projections, reactions, retention
from services.generation.domain import (
    caption,
    caption_settings,
    caption_task,
    draft,
    output,
    source,
    template,
    token_budget,
    token_usage,
)
from services.generation.settings import GenerationSettings
from services.generation.tools import tools
from shared.kit import Service
from shared.retention.everywhere import EVERYWHERE

service = Service(
    name="generation",
    settings=GenerationSettings,
    registry=registry,
    deciders=[
        draft.decider,
        source.decider,
        output.decider,
        template.decider,
        caption_task.decider,
        caption_settings.decider,
        caption.captions,
        caption.summaries,
        token_usage.decider,
        token_budget.decider,
    ],
    projections=[projections],
    reactions=[reactions, outputs, paying, budget, erasing],
    routers=api.routers,
    retention=[*retention.RULES, *EVERYWHERE],
    months=["outputs"],
    tools=tools,
)
