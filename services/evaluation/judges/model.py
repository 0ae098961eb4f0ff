"""The judge that asks a language model, a second one when the first is of no use, and then the offline judge."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from shared.llm import Answer, Asker, Budget, Endpoint, Failure, NoAnswer, Spent, Unlimited
from shared.llm.failures import said
from shared.llm.spending import estimated
from shared.platforms import PLATFORMS, limit, longest
from shared.style import described

from .opinion import Opinion, capped, fault, instructions
from .port import CRITERIA, LABELS, WEIGHTS, Judge, Submission, Verdict, overall

# The platform refuses such a post: no opinion outweighs that.
_OVER_LIMIT: Final = 40
_AN_ANSWER: Final = 400  # tokens, about, of an answer that is not there yet
_WEAK: Final = 80  # a criterion below this is worth a sentence, as with the offline judge


class ModelJudge:
    """Structured answers, validated, repaired once; a score and a sentence for each criterion.

    A verdict of the fallback judge bears its name and "-fallback", one of the second model bears its own name; either
    says in its measures whose place it took, the reason in one word, and in a sentence what to do (`fallback_from`,
    `fallback_reason`, `fallback_detail`).
    """

    name: Final = "model"

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        *,
        fallback: Judge,
        timeout: float = 30.0,
        answer_tokens: int = 8192,
        budget: Budget | None = None,
        weights: Mapping[str, float] = WEIGHTS,
    ) -> None:
        overall(dict.fromkeys(CRITERIA, 100), weights)
        self._first, self._fallback, self._budget = endpoints[0].model, fallback, budget or Unlimited()
        self._weights = weights
        self._asker = Asker(
            endpoints,
            form=Opinion,
            instructions=instructions(),
            check=fault,
            timeout=timeout,
            answer_tokens=answer_tokens,
        )

    async def judge(self, submission: Submission) -> Verdict:
        """One verdict within `timeout` seconds, or the fallback's. Raises KeyError for an unknown platform."""
        message = _message(submission)
        async with self._budget.holding(submission.user_id, estimated(len(message)) + _AN_ANSWER) as closed:
            if closed:
                return await self._instead(submission, (Failure(self._first, "budget", closed),), ())
            try:
                return self._verdict(await self._asker.ask(message, submission), submission)
            except NoAnswer as none:
                return await self._instead(submission, none.failures, none.spent)

    async def _instead(self, submission: Submission, failures: Sequence[Failure], spent: tuple[Spent, ...]) -> Verdict:
        verdict = await self._fallback.judge(submission)
        measures = {**verdict.measures, **said(failures)}
        return replace(verdict, judge=f"{verdict.judge}-fallback", measures=measures, spent=spent)

    def _verdict(self, answer: Answer[Opinion], submission: Submission) -> Verdict:
        criteria = answer.value.criteria()
        scores = {name: each.score for name, each in criteria.items()}
        advice = {name: capped(each.feedback) for name, each in criteria.items()}
        length, most = longest(submission.platform, submission.content), limit(submission.platform)
        if most is not None and length > most:
            scores["platform_appropriateness"] = min(_OVER_LIMIT, scores["platform_appropriateness"])
            advice["platform_appropriateness"] = f"The post counts {length} characters; at most {most} are allowed."
        measures: dict[str, Any] = {
            "length": length,
            "limit": most,
            "usage": dict(answer.usage),
            **{name: {"advice": sentence} for name, sentence in advice.items()},
            **said(answer.failures),
        }
        feedback = _feedback(scores, advice)
        weights = dict(submission.weights or self._weights)
        score = overall(scores, weights)
        return Verdict(score, scores, feedback, self.name, measures, answer.model, weights, answer.spent)


def _feedback(scores: Mapping[str, int], advice: Mapping[str, str]) -> str:
    """A sentence per weak criterion, the weakest first; the lowest one when none is weak."""
    order = sorted(scores, key=lambda name: scores[name])
    weak = [name for name in order if scores[name] < _WEAK] or order[:1]
    return " ".join(f"{LABELS[name]}: {advice[name]}" for name in weak)


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
        "length": longest(platform, submission.content),
        "language": submission.language,
        "tone": submission.tone,
        "style": [] if submission.style is None else described(submission.style),
        "draft": {"title": submission.title, "content": submission.content},
    }
    return json.dumps(fields, ensure_ascii=False)
