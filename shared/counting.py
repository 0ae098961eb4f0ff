"""How long a text is on a platform, what of the platform's limits it breaks, and how it falls into a thread."""

from __future__ import annotations

from typing import Final, Literal

import regex
from pydantic import BaseModel, Field

from shared.platforms import Platform, measure, split_thread

_LONGEST_THREAD: Final = 100  # posts
_SHOWN: Final = 25  # of its posts
_HASHTAG: Final = regex.compile(r"(?<![\p{L}\p{M}\p{N}_&/])[#＃]([\p{L}\p{M}\p{N}_]*\p{L}[\p{L}\p{M}\p{N}_]*)")


class Break(BaseModel):
    """What is not as the platform wants it."""

    code: Literal["empty", "too_long", "thread", "too_few_words", "too_many_words", "few_hashtags", "many_hashtags"]
    level: Literal["limit", "advice"] = Field(description="limit: the platform refuses it; advice: it works better so.")
    detail: str = Field(description="What to do about it.")


class ThreadPart(BaseModel):
    """One post of a thread."""

    text: str
    length: int


class Count(BaseModel):
    """A text as its platform counts it."""

    platform: str
    length: int = Field(description="In the platform's own characters, white space at both ends aside.")
    counting: Literal["weighted", "graphemes", "characters"]
    limit: int | None = Field(description="The most for one post; null: none.")
    remaining: int | None = Field(description="What is left of the limit, below 0 when it is passed.")
    words: int
    hashtags: int
    fits: bool = Field(description="Whether the platform takes it, perhaps as a thread.")
    breaks: list[Break]
    thread: list[ThreadPart] = Field(
        description="The posts it becomes where one does not hold it, at most the first 25; else empty."
    )


def count(platform: Platform, text: str) -> Count:
    """The counters of `text` on a platform."""
    body = text.strip()
    length, words, hashtags = measure(platform, body), _words(body), len(_HASHTAG.findall(body))
    limit = platform.max_length
    posts: list[str] = []
    if limit is not None and length > limit and platform.threads:
        # Of a text too long to be shown whole, only as much is split as those posts can hold.
        posts = split_thread(body[: (_SHOWN + 1) * limit], limit, platform)
    thread = [ThreadPart(text=post, length=measure(platform, post)) for post in posts[:_SHOWN]]
    breaks = [*_limits(platform, length, len(posts)), *_advice(platform, words, hashtags)]
    return Count(
        platform=platform.name,
        length=length,
        counting=platform.counting,
        limit=limit,
        remaining=None if limit is None else limit - length,
        words=words,
        hashtags=hashtags,
        fits=all(each.level != "limit" for each in breaks),
        breaks=breaks,
        thread=thread,
    )


def _words(text: str) -> int:
    return sum(1 for word in text.split() if any(character.isalnum() for character in word))


def _limits(platform: Platform, length: int, posts: int) -> list[Break]:
    if length == 0:
        return [Break(code="empty", level="limit", detail="Write something; an empty post cannot be published.")]
    limit = platform.max_length
    if limit is None or length <= limit:
        return []
    if not platform.threads:
        detail = f"Cut {length - limit} characters; {platform.name} takes at most {limit}."
        return [Break(code="too_long", level="limit", detail=detail)]
    if length > _LONGEST_THREAD * limit:
        detail = f"Shorten it; a thread has at most {_LONGEST_THREAD} posts of {limit} characters."
        return [Break(code="too_long", level="limit", detail=detail)]
    how_many = posts if posts <= _SHOWN else f"more than {_SHOWN}"
    return [Break(code="thread", level="advice", detail=f"It goes out as a thread of {how_many} posts.")]


def _advice(platform: Platform, words: int, hashtags: int) -> list[Break]:
    found: list[tuple[Literal["too_few_words", "too_many_words", "few_hashtags", "many_hashtags"], str]] = []
    if platform.min_words is not None and words < platform.min_words:
        found.append(("too_few_words", f"It has {words} words; aim for {platform.min_words} or more."))
    if platform.max_words is not None and words > platform.max_words:
        found.append(("too_many_words", f"It has {words} words; cut it down to {platform.max_words}."))
    fewest, most = platform.hashtags
    if hashtags < fewest:
        found.append(("few_hashtags", f"It has {hashtags} hashtags; {fewest} to {most} are usual."))
    if hashtags > most:
        found.append(("many_hashtags", f"It has {hashtags} hashtags; at most {most} are usual."))
    return [Break(code=code, level="advice", detail=detail) for code, detail in found]
