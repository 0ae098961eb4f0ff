"""One composer per platform: a plan and an analysis in, the text of the post out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from shared.platforms import Platform

from ..analysis import Analysis
from ..plan import Plan
from .blog import compose as blog
from .email import compose as email
from .linkedin import compose as linkedin
from .short import compose as short

Compose = Callable[[Analysis, Plan, Platform], str]

_COMPOSERS: Final[Mapping[str, Compose]] = {
    "linkedin": linkedin,
    "x": short,
    "blog": blog,
    "ghost": blog,
    "email": email,
}


def composer(platform: Platform) -> Compose:
    """The platform's own composer, or the one for posts of its size."""
    if platform.name in _COMPOSERS:
        return _COMPOSERS[platform.name]
    return short if platform.max_length is not None and platform.max_length <= 1000 else linkedin


__all__ = ["Compose", "composer"]
