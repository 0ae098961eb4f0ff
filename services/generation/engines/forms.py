"""What an engine writes for: the platforms that posts are published on, and the forms that only outputs take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from shared.platforms import PLATFORMS, Platform

from .port import Request

_OUTPUTS_ONLY: Final[Mapping[str, Platform]] = MappingProxyType(
    {
        "instagram": Platform("instagram", 2200, "characters", None, None, (5, 10)),
        "email": Platform("email", None, "characters", 100, 400, (0, 5)),
    }
)
FORMS: Final[Mapping[str, Platform]] = MappingProxyType({**PLATFORMS, **_OUTPUTS_ONLY})


def form(request: Request) -> Platform:
    """What the request is to be written for, with the `words` among its options as the most where words are counted.

    Raises KeyError for an unknown one.
    """
    found = FORMS[request.platform]
    words = request.options.get("words")
    if not isinstance(words, int) or found.max_words is None:
        return found
    return replace(found, min_words=min(found.min_words or 0, words), max_words=words)
