"""What the worker of evaluation needs: a judge."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from services.evaluation.budget import AskedBudget
from services.evaluation.judges.factory import build
from services.evaluation.judges.offline import OfflineJudge
from services.evaluation.judges.port import Judge
from services.evaluation.settings import EvaluationSettings
from shared.kit import Kit


@dataclass(frozen=True, slots=True)
class Tools:
    judge: Judge


@asynccontextmanager
async def tools(kit: Kit) -> AsyncIterator[Tools]:
    """A judge that is ready. Raises ValueError for a model that is not fully configured, or weights that do not fit."""
    settings = kit.settings
    assert isinstance(settings, EvaluationSettings)
    assert kit.client is not None
    judge = build(
        settings.judge,
        endpoints=settings.endpoints() if settings.judge == "model" else (),
        timeout=settings.model_timeout,
        answer_tokens=settings.model_answer_tokens,
        budget=AskedBudget(kit.client),
        weights=settings.judge_weights,
    )
    if isinstance(judge, OfflineJudge):
        await judge.warm_up()
    yield Tools(judge)
