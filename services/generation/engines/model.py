"""The engine that asks a language model, a second one when the first is of no use, and then the offline engine."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from shared.llm import Answer, Asker, Budget, Endpoint, Failure, NoAnswer, Spent, Unlimited
from shared.llm.failures import said
from shared.llm.spending import estimated
from shared.platforms import Platform
from shared.style import described

from .answers import Post, fault, instructions, seen, tags
from .article import READ_AT_MOST
from .forms import form
from .port import Engine, NothingToWrite, Request, Written
from .sentences import squeeze

_AN_ANSWER: Final = 1000  # tokens, about, of an answer that is not there yet


class ModelEngine:
    """Structured answers, checked against the platform and the source, repaired once.

    A draft of the fallback engine bears its name and "-fallback", one of the second model bears its own name; either
    says in its usage whose place it took, the reason in one word, and in a sentence what to do (`fallback_from`,
    `fallback_reason`, `fallback_detail`).
    """

    name: Final = "model"

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        *,
        fallback: Engine,
        timeout: float = 60.0,
        answer_tokens: int = 8192,
        budget: Budget | None = None,
    ) -> None:
        self._first, self._fallback, self._budget = endpoints[0].model, fallback, budget or Unlimited()
        self._asker = Asker(
            endpoints,
            form=Post,
            instructions=instructions(),
            check=fault,
            timeout=timeout,
            answer_tokens=answer_tokens,
        )

    async def write(self, request: Request) -> Written:
        """One draft within `timeout` seconds, or the fallback's. Raises what the fallback raises."""
        form(request)
        if not request.source.text.strip() and not request.source.title.strip():
            raise NothingToWrite("The source holds no text: give it a text or a title.")
        message = _message(request)
        async with self._budget.holding(request.user_id, estimated(len(message)) + _AN_ANSWER) as closed:
            if closed:
                return await self._instead(request, (Failure(self._first, "budget", closed),), ())
            try:
                return _written(await self._asker.ask(message, request), request)
            except NoAnswer as none:
                return await self._instead(request, none.failures, none.spent)

    async def _instead(self, request: Request, failures: Sequence[Failure], spent: tuple[Spent, ...]) -> Written:
        written = await self._fallback.write(request)
        usage = {**written.usage, **said(failures)}
        return replace(written, engine=f"{written.engine}-fallback", usage=usage, spent=spent)


def _written(answer: Answer[Post], request: Request) -> Written:
    usage = {**answer.usage, **said(answer.failures)}
    if (cost := answer.spent[-1].cost) is not None:
        usage["cost_usd"] = cost
    return Written(
        squeeze(seen(answer.value.title)),
        seen(answer.value.content).strip(),
        ModelEngine.name,
        answer.model,
        tags(answer.value, request),
        usage,
        answer.spent,
    )


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
