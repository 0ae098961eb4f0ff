"""What each platform allows, and how long a text is there.

Limits change: these are the documented defaults, and settings override them (`configured`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, Literal
from unicodedata import normalize

import regex

from shared import threads
from shared.weighted_text import URL_WEIGHT, weighted_length


@dataclass(frozen=True, slots=True)
class Platform:
    """The limits of one platform; `None` means that it has no such limit. `hashtags` is (fewest, most).

    `threads`: a longer text becomes several posts. `max_images`: attached to one post, each with an alternative text of
    at most `max_alt_text` characters and at most `max_image_bytes` bytes.
    """

    name: str
    max_length: int | None
    counting: Literal["weighted", "graphemes", "characters"]
    min_words: int | None
    max_words: int | None
    hashtags: tuple[int, int]
    threads: bool = False
    max_images: int = 0
    max_alt_text: int = 0
    max_image_bytes: int | None = None


PLATFORMS: Final[Mapping[str, Platform]] = MappingProxyType(
    {
        "linkedin": Platform("linkedin", 3000, "characters", None, None, (3, 5), False, 20, 4086),
        "x": Platform("x", 280, "weighted", None, None, (2, 3), True, 4, 1000, 5_242_880),
        "blog": Platform("blog", None, "characters", 800, 2000, (0, 5)),
        "ghost": Platform("ghost", None, "characters", 800, 2000, (0, 5), False, 20, 1000),
        "bluesky": Platform("bluesky", 300, "graphemes", None, None, (1, 3), True, 4, 2000, 1_000_000),
    }
)

_IMAGES: Final = ("max_images", "max_alt_text", "max_image_bytes")
_OVERRIDABLE: Final = ("max_length", "min_words", "max_words", "min_hashtags", "max_hashtags", *_IMAGES)


def configured(overrides: Mapping[str, int]) -> dict[str, Platform]:
    """The platforms with limits overridden, as in `{"x.max_length": 25000, "linkedin.max_hashtags": 4}`.

    Raises ValueError when a key names no platform or no limit, or when a limit is negative or below its counterpart.
    """
    platforms = dict(PLATFORMS)
    for key, value in overrides.items():
        name, _, field = key.partition(".")
        if name not in platforms or field not in _OVERRIDABLE:
            raise ValueError(f"{key} is no limit: write <{'|'.join(platforms)}>.<{'|'.join(_OVERRIDABLE)}>.")
        if value < 0:
            raise ValueError(f"{key} is {value}: a limit is 0 or more.")
        platform = platforms[name]
        match field:
            case "max_length":
                platforms[name] = replace(platform, max_length=value)
            case "max_images":
                platforms[name] = replace(platform, max_images=value)
            case "max_alt_text":
                platforms[name] = replace(platform, max_alt_text=value)
            case "max_image_bytes":
                platforms[name] = replace(platform, max_image_bytes=value)
            case "min_words":
                platforms[name] = replace(platform, min_words=value)
            case "max_words":
                platforms[name] = replace(platform, max_words=value)
            case "min_hashtags":
                platforms[name] = replace(platform, hashtags=(value, platform.hashtags[1]))
            case _:
                platforms[name] = replace(platform, hashtags=(platform.hashtags[0], value))
    for platform in platforms.values():
        fewest, most = platform.hashtags
        if fewest > most:
            raise ValueError(f"{platform.name} asks for at least {fewest} hashtags and at most {most}.")
        if (
            platform.min_words is not None
            and platform.max_words is not None
            and platform.min_words > platform.max_words
        ):
            raise ValueError(
                f"{platform.name} asks for at least {platform.min_words} words and at most {platform.max_words}."
            )
    return platforms


def measure(platform: Platform | str, text: str) -> int:
    """The length of `text` as the platform counts it. Raises KeyError for an unknown name."""
    match _resolve(platform).counting:
        case "weighted":
            return weighted_length(text)
        case "graphemes":
            return len(regex.findall(r"\X", text))
        case _:
            return len(text)


def longest(platform: Platform | str, text: str) -> int:
    """The length of the text, or of the longest post where it is a numbered thread and the platform has threads."""
    where = _resolve(platform)
    posts = threads.numbered(normalize("NFC", text)) if where.threads else []
    return max(measure(where, post) for post in posts or [text])


def limit(platform: Platform | str) -> int | None:
    """The most that `measure` may give for one post, `None` for no limit. Raises KeyError for an unknown name."""
    return _resolve(platform).max_length


def _resolve(platform: Platform | str) -> Platform:
    return PLATFORMS[platform] if isinstance(platform, str) else platform


def split_thread(text: str, limit: int, platform: Platform | str = "x") -> list[str]:
    """Split `text` (taken to NFC) into posts of at most `limit` as the platform counts.

    A numbered thread is cut where it is numbered (`shared.threads`), another text between sentences; a sentence that is
    too long is cut between words, a word that is too long between graphemes.
    No word is lost or reordered; white space at the cuts goes. An empty text gives no posts.
    Raises ValueError for a limit below 23, the weight of a link.
    """
    if limit < URL_WEIGHT:
        raise ValueError(f"A post of {limit} holds no link ({URL_WEIGHT}): use a higher limit.")
    where = _resolve(platform)
    return threads.split(normalize("NFC", text), lambda part: measure(where, part) <= limit)
