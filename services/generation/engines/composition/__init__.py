"""One composer per platform: a plan and an analysis in, the text of the post out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from shared.platforms import Platform

from ..analysis import Analysis
from ..plan import Plan
from .blog import compose as blog
from .email import compose as email
from .instagram import compose as instagram
from .linkedin import compose as linkedin
from .short import compose as short
from .thread import compose as thread
from .thread import deserved

_SHORT: Final = 1000
Compose = Callable[[Analysis, Plan, Platform], str]


def x(analysis: Analysis, plan: Plan, platform: Platform) -> str:
    """A thread where the source deserves one, else a single post."""
    return (thread if deserved(analysis, plan) else short)(analysis, plan, platform)


_COMPOSERS: Final[Mapping[str, Compose]] = {
    "linkedin": linkedin,
    "x": x,
    "blog": blog,
    "ghost": blog,
    "email": email,
    "instagram": instagram,
}


def composer(platform: Platform) -> Compose:
    """The platform's own composer, or the one for texts of its size; without a limit it takes an article."""
    if platform.name in _COMPOSERS:
        return _COMPOSERS[platform.name]
    if platform.max_length is None:
        return blog
    return short if platform.max_length <= _SHORT else linkedin


__all__ = ["Compose", "composer"]
