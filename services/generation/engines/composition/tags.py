"""How many hashtags a draft carries, and which."""

from __future__ import annotations

from shared.platforms import Platform

from ..analysis import Analysis
from ..keyphrases import hashtags
from ..plan import Plan


def tags(analysis: Analysis, plan: Plan, platform: Platform) -> tuple[str, ...]:
    """The fewest the platform asks for, one more or less when the feedback says so, and never more than it allows."""
    fewest, most = platform.hashtags
    count = min(most, max(fewest, fewest + plan.more_tags, 0))
    return hashtags(analysis.phrases, count) if count else ()
