"""Hashtags as people write them: one word, letters and digits only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import regex

WORD: Final = regex.compile(r"[#＃]([\p{L}\p{M}\p{N}_]*\p{L}[\p{L}\p{M}\p{N}_]*)")


def missing(content: str, hashtags: Iterable[str]) -> list[str]:
    """The hashtags, without their sign, that the content does not carry yet, each once, case aside."""
    seen = {tag.casefold() for tag in WORD.findall(content)}
    tags: list[str] = []
    for hashtag in hashtags:
        tag = regex.sub(r"[^\p{L}\p{M}\p{N}_]", "", hashtag)
        if tag and tag.casefold() not in seen:
            seen.add(tag.casefold())
            tags.append(tag)
    return tags


def with_hashtags(content: str, hashtags: Iterable[str]) -> str:
    """The content with the missing hashtags in a last paragraph."""
    tail = " ".join(f"#{tag}" for tag in missing(content, hashtags))
    return "\n\n".join(part for part in (content.strip(), tail) if part)
