"""Figures of the offline judge: how far it orders drafts as a reader does, and what one verdict takes."""

from __future__ import annotations

import time
from collections.abc import Iterator

from services.evaluation.judges.offline import WARM_UP, OfflineJudge
from services.evaluation.judges.port import Submission
from tests.bench.figure import Figure, percentile
from tests.bench.ground import Ground
from tests.judging import agreement, drafts, jargon


def judging(ground: Ground) -> Iterator[Figure]:
    """Each draft of tests/judging once, none seen before; CPU of the thread that judges."""
    judge, graded, took = OfflineJudge(), list(drafts()), []
    judge.rate(Submission("blog", WARM_UP))

    def score(submission: Submission) -> int:
        began = time.thread_time()
        verdict = judge.rate(submission)
        took.append((time.thread_time() - began) * 1000)
        return verdict.score

    found = agreement(graded, score)
    longest = max(took)
    score(Submission("blog", jargon(2000)))
    what = f"pairs of {len(graded)} graded drafts the judge orders as a reader does"
    yield Figure(what, "%", 100 * found.share, target=90)
    yield Figure("Kendall's tau over the same pairs", "", found.tau)
    yield Figure(
        "judging one of these drafts, median, CPU", "ms", percentile(took[:-1], 0.5), better="lower", target=60
    )
    yield Figure("judging a blog post of 2,000 words of jargon, CPU", "ms", took[-1], better="lower", target=60)
    yield Figure("judging the slowest of these drafts, CPU", "ms", longest, better="lower", target=60)
