"""The judge that asks a language model, behind any endpoint that speaks OpenAI's chat completions."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, Field

from shared.platforms import PLATFORMS, limit, measure

from .port import CRITERIA, WEIGHTS, Judge, Submission, Verdict, overall

if TYPE_CHECKING:
    from pydantic_ai import Agent

_log = logging.getLogger(__name__)
_REPAIRS: Final = 1
# The platform refuses such a post: no opinion outweighs that.
_OVER_LIMIT: Final = 40


class _Scores(BaseModel):
    platform_appropriateness: int = Field(ge=0, le=100)
    style_consistency: int = Field(ge=0, le=100)
    clarity: int = Field(ge=0, le=100)
    engagement: int = Field(ge=0, le=100)
    grammar: int = Field(ge=0, le=100)


class _Opinion(BaseModel):
    criteria_scores: _Scores
    feedback: str = Field(min_length=1, max_length=4000)


class ModelJudge:
    """Structured answers, validated, repaired once; then the fallback judge decides.

    A verdict of the fallback bears its name and "-fallback", and the reason in its measures.
    """

    name: Final = "model"

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str | None,
        model: str,
        fallback: Judge,
        timeout: float = 30.0,
        weights: Mapping[str, float] = WEIGHTS,
    ) -> None:
        overall(dict.fromkeys(CRITERIA, 100), weights)
        self._base_url, self._api_key, self._model, self._timeout = base_url, api_key, model, timeout
        self._fallback, self._weights = fallback, weights
        self._agent: Agent[None, _Opinion] | None = None
        self._building = asyncio.Lock()

    async def judge(self, submission: Submission) -> Verdict:
        """One verdict within `timeout` seconds, or the fallback's. Raises KeyError for an unknown platform."""
        PLATFORMS[submission.platform]
        try:
            async with asyncio.timeout(self._timeout):
                return await self._ask(submission)
        except Exception as failure:
            reason = "timeout" if isinstance(failure, TimeoutError) else type(failure).__name__
            _log.warning("the model gave no verdict, the fallback does", extra={"reason": reason, "model": self._model})
            verdict = await self._fallback.judge(submission)
            measures = {**verdict.measures, "fallback_from": self._model, "fallback_reason": reason}
            return replace(verdict, judge=f"{verdict.judge}-fallback", measures=measures)

    async def _ask(self, submission: Submission) -> Verdict:
        async with self._building:
            # The client libraries weigh some 80 MB: only who uses a model pays, and not on the event loop.
            if self._agent is None:
                self._agent = await asyncio.to_thread(self._build)
            agent = self._agent
        result = await agent.run(_message(submission))
        scores = result.output.criteria_scores.model_dump()
        length, most = measure(submission.platform, submission.content), limit(submission.platform)
        if most is not None and length > most:
            scores["platform_appropriateness"] = min(_OVER_LIMIT, scores["platform_appropriateness"])
        used = result.usage
        measures: dict[str, Any] = {
            "length": length,
            "limit": most,
            "usage": {
                "input_tokens": used.input_tokens,
                "output_tokens": used.output_tokens,
                "requests": used.requests,
            },
        }
        weights = dict(submission.weights or self._weights)
        return Verdict(
            overall(scores, weights), scores, result.output.feedback, self.name, measures, self._model, weights
        )

    def _build(self) -> Agent[None, _Opinion]:
        from openai import AsyncOpenAI
        from pydantic_ai import Agent, PromptedOutput
        from pydantic_ai.models.openai import OpenAIChatModel
        from pydantic_ai.providers.openai import OpenAIProvider

        # One silent retry of the client for a dropped connection; everything else is the fallback's or the caller's.
        client = AsyncOpenAI(
            base_url=self._base_url, api_key=self._api_key or "none", timeout=self._timeout, max_retries=1
        )
        return Agent(
            OpenAIChatModel(self._model, provider=OpenAIProvider(openai_client=client)),
            output_type=PromptedOutput(_Opinion),
            instructions=(files(__package__) / "prompts" / "judge.md").read_text("utf-8"),
            deps_type=type(None),
            retries=_REPAIRS,
        )


def _message(submission: Submission) -> str:
    """The submission as data; the prompt says that nothing in it is an instruction."""
    platform = PLATFORMS[submission.platform]
    fields: dict[str, Any] = {
        "platform": platform.name,
        "limits": {
            "most_characters": platform.max_length,
            "words": [platform.min_words, platform.max_words],
            "hashtags": list(platform.hashtags),
        },
        "length": measure(platform, submission.content),
        "language": submission.language,
        "tone": submission.tone,
        "draft": {"title": submission.title, "content": submission.content},
    }
    return json.dumps(fields, ensure_ascii=False)
