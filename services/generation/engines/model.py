"""The engine that asks a language model, behind any endpoint that speaks OpenAI's chat completions."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, Field

from shared.platforms import Platform, measure
from shared.style import described

from .article import READ_AT_MOST
from .forms import form
from .port import Engine, NothingToWrite, Request, Written
from .sentences import squeeze
from .spending import Prices, Spent, spent

if TYPE_CHECKING:
    from pydantic_ai import Agent
    from pydantic_ai.usage import RunUsage

_log = logging.getLogger(__name__)
_REPAIRS: Final = 1


class _Post(BaseModel):
    title: str = Field(max_length=200)
    content: str = Field(min_length=1)
    hashtags: list[str] = Field(default_factory=list, max_length=10)


class ModelEngine:
    """Structured answers, checked against the platform's limits, repaired once; then the fallback engine writes.

    A draft of the fallback bears its name and "-fallback", and the reason in its usage.
    """

    name: Final = "model"

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str | None,
        model: str,
        fallback: Engine,
        timeout: float = 60.0,
        prices: Prices = Prices(),
    ) -> None:
        self._base_url, self._api_key, self._model, self._timeout = base_url, api_key, model, timeout
        self._fallback, self._prices = fallback, prices
        self._agent: Agent[Request, _Post] | None = None
        self._building = asyncio.Lock()

    async def write(self, request: Request) -> Written:
        """One draft within `timeout` seconds, or the fallback's. Raises what the fallback raises."""
        form(request)
        if not request.source.text.strip() and not request.source.title.strip():
            raise NothingToWrite("The source holds no text: give it a text or a title.")
        used: list[RunUsage] = []
        try:
            async with asyncio.timeout(self._timeout):
                return await self._ask(request, used)
        except Exception as failure:
            reason = "timeout" if isinstance(failure, TimeoutError) else type(failure).__name__
            _log.warning("the model wrote no draft, the fallback does", extra={"reason": reason, "model": self._model})
            written = await self._fallback.write(request)
            usage = {**written.usage, "fallback_from": self._model, "fallback_reason": reason}
            return replace(written, engine=f"{written.engine}-fallback", usage=usage, spent=self._spent(used))

    def _spent(self, used: Sequence[RunUsage]) -> Spent | None:
        sent, answered = sum(each.input_tokens for each in used), sum(each.output_tokens for each in used)
        return spent(self._model, self._base_url, sent, answered, self._prices) if sent or answered else None

    async def _ask(self, request: Request, spending: list[RunUsage]) -> Written:
        """The answer; what it took is in `spending` even if it is no use."""
        async with self._building:
            # The client libraries weigh some 80 MB: only who uses a model pays, and not on the event loop.
            if self._agent is None:
                self._agent = await asyncio.to_thread(self._build)
            agent = self._agent
        from pydantic_ai.usage import RunUsage

        used = RunUsage()
        spending.append(used)
        post = (await agent.run(_message(request), deps=request, usage=used)).output
        usage = {"input_tokens": used.input_tokens, "output_tokens": used.output_tokens, "requests": used.requests}
        hashtags = tuple(tag if tag.startswith("#") else f"#{tag}" for tag in post.hashtags)
        content = post.content.strip()
        return Written(post.title, content, self.name, self._model, hashtags, usage, self._spent(spending))

    def _build(self) -> Agent[Request, _Post]:
        from openai import AsyncOpenAI
        from pydantic_ai import Agent, ModelRetry, PromptedOutput, RunContext
        from pydantic_ai.models.openai import OpenAIChatModel
        from pydantic_ai.providers.openai import OpenAIProvider

        # One silent retry of the client for a dropped connection; everything else is the fallback's or the caller's.
        client = AsyncOpenAI(
            base_url=self._base_url, api_key=self._api_key or "none", timeout=self._timeout, max_retries=1
        )
        agent = Agent(
            OpenAIChatModel(self._model, provider=OpenAIProvider(openai_client=client)),
            output_type=PromptedOutput(_Post),
            instructions=(files(__package__) / "prompts" / "write.md").read_text("utf-8"),
            deps_type=Request,
            retries=_REPAIRS,
        )

        @agent.output_validator
        def check(context: RunContext[Request], post: _Post) -> _Post:
            if fault := _fault(post, context.deps):
                raise ModelRetry(fault)
            return post

        return agent


def _fault(post: _Post, request: Request) -> str:
    platform = form(request)
    length = measure(platform, post.content.strip())
    if platform.max_length is not None and length > platform.max_length:
        return f"The content counts {length} characters on {platform.name}; at most {platform.max_length} are allowed."
    if request.previous and squeeze(post.content) == squeeze(request.previous):
        return "The content is the previous draft unchanged: act on the feedback."
    return "" if post.content.strip() else "The content is empty."


def _message(request: Request) -> str:
    """The request as data; the prompt says that nothing in it is an instruction."""
    platform: Platform = form(request)
    fields: dict[str, Any] = {
        "platform": platform.name,
        "limits": {
            "most_characters": platform.max_length,
            "counting": platform.counting,
            "words": [platform.min_words, platform.max_words],
            "hashtags": list(platform.hashtags),
        },
        "language": request.source.language,
        "tone": request.tone,
        "topic": request.options.get("topic"),
        "brief": request.options.get("brief"),
        "style": [] if request.style is None else described(request.style),
        "iteration": request.iteration,
        "feedback": request.feedback,
        "previous_draft": request.previous,
        "source": {"title": request.source.title, "text": request.source.text[:READ_AT_MOST]},
    }
    return json.dumps(fields, ensure_ascii=False)
