"""The judge that needs no network: five criteria by named, explained measures."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from . import draft as drafts
from .criteria import RATE
from .port import CRITERIA, LABELS, WEIGHTS, Submission, Verdict, overall
from .rating import START, Rating

# A criterion below this gets a sentence of feedback.
_WEAK: Final = 80
_THREADS: Final = 2
_ENOUGH_WORDS: Final = 8

# Shows every rule a word it may look at, a fault included. Two words written as one cost a second, once a thread.
WARM_UP: Final = """# A first draft should not wait

It's better that nobody has to wait for a dictionary, because a judge that is asked for the first time reads it whole.

- In 2024 the first of 100 drafts took two seconds; the others took less then 20 milliseconds each, envoyproxy included.
- Everything that was learned from the slow one is kept, which helps all of those who come later. Is that so?
"""


class OfflineJudge:
    """Rates in threads of its own. The same draft always gets the same verdict."""

    name: Final = "offline"

    def __init__(self, weights: Mapping[str, float] = WEIGHTS) -> None:
        overall(dict.fromkeys(weights, 100), weights)
        self._weights = weights
        self._pool = ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="offline-judge")

    async def judge(self, submission: Submission) -> Verdict:
        """Raises KeyError for an unknown platform."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self.rate, submission)

    async def warm_up(self) -> None:
        """Load the dictionaries and compile the rules before the first draft."""
        await asyncio.gather(*(self.judge(Submission("blog", WARM_UP)) for _ in range(_THREADS)))

    def rate(self, submission: Submission) -> Verdict:
        """The same as `judge`, in the calling thread."""
        draft = drafts.read(submission)
        ratings = {name: rate(draft) for name, rate in RATE.items()}
        # A word or two have no faults because there is nothing they could be in.
        most = round(START * min(1.0, draft.said / _ENOUGH_WORDS))
        scores = {name: min(most, rating.score) for name, rating in ratings.items()}
        weights = submission.weights or self._weights
        measures: dict[str, Any] = {"language": draft.language}
        if most < START:
            measures["most_for_so_few_words"] = most
        for name, rating in ratings.items():
            measures[name] = {
                **rating.measures,
                "findings": [
                    {"points": round(f.points, 1), "advice": f.advice, "line": f.line} for f in rating.findings
                ],
            }
        counting = {name: scores[name] for name in CRITERIA if weights[name]}
        feedback = _feedback(counting, ratings)
        return Verdict(overall(scores, weights), scores, feedback, self.name, measures, weights=dict(weights))


def _feedback(scores: Mapping[str, int], ratings: Mapping[str, Rating]) -> str:
    """One sentence per weak criterion, the weakest first; the lowest one when none is weak."""
    order = sorted((name for name in scores if ratings[name].findings), key=lambda name: scores[name])
    weak = [name for name in order if scores[name] < _WEAK] or order[:1]
    return " ".join(f"{LABELS[name]}: {ratings[name].advice()}." for name in weak) or "Nothing to change was found."
