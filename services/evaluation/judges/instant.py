"""The judge that answers at once, for measuring everything else."""

from __future__ import annotations

from typing import Final

from shared.platforms import PLATFORMS

from .port import CRITERIA, Submission, Verdict

_SCORE: Final = 90
_UNREAD: Final = "Not read: this judge answers at once."


class InstantJudge:
    """90 for everything."""

    name: Final = "instant"

    async def judge(self, submission: Submission) -> Verdict:
        """Raises KeyError for an unknown platform."""
        PLATFORMS[submission.platform]
        return Verdict(
            _SCORE, dict.fromkeys(CRITERIA, _SCORE), _UNREAD, self.name, weights=dict(submission.weights or {})
        )
