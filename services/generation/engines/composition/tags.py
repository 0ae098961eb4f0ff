"""How many hashtags a draft carries, and which."""

from __future__ import annotations

from shared.platforms import Platform

from ..analysis import Analysis
from ..keyphrases import hashtags
from ..plan import Plan


def tags(analysis: Analysis, plan: Plan, platform: Platform) -> tuple[str, ...]:
    """The fewest the platform asks for, or as many as the author uses, one more or less when the feedback says so.

    Never fewer than the platform asks for, nor more than it allows.
    """
    fewest, most = platform.hashtags
    usual = fewest if plan.manner.tags is None else plan.manner.tags
    count = min(most, max(fewest, usual + plan.more_tags, 0))
    found = hashtags(analysis.phrases, count) if count else ()
    return tuple(tag.lower() for tag in found) if plan.manner.lower_tags else found
