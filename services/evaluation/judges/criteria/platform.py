"""Does it fit the platform: length as the platform counts it, hashtags, structure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from shared.platforms import measure

from ..draft import Draft, quote
from ..rating import START, Finding, Rating, rating, up_to

# A post over the limit cannot be published as it is, whatever else is right with it.
_OVER_LIMIT: Final = 40
_OVER_WORDS: Final = 60
# LinkedIn folds a post after about this many characters.
_FOLD: Final = 210


def rate(draft: Draft) -> Rating:
    """Measures: length, limit, words, hashtags, headings, list_items."""
    platform = draft.platform
    length, words = measure(platform, draft.content.strip()), len(draft.words)
    measures = {
        "length": length,
        "limit": platform.max_length,
        "words": words,
        "hashtags": len(draft.hashtags),
        "headings": len(draft.headings),
        "list_items": draft.bullets,
    }
    findings = list(_findings(draft, length, words))
    most = START
    if platform.max_length is not None and length > platform.max_length:
        most = _OVER_LIMIT
        excess = length - platform.max_length
        findings.append(
            Finding(60, f"cut it down by {excess} characters, it is over the limit of {platform.max_length}")
        )
    elif platform.max_words is not None and words > platform.max_words:
        most = _OVER_WORDS
        findings.append(Finding(40, f"cut it down to {platform.max_words} words, it has {words}"))
    return rating(findings, measures, most)


def _findings(draft: Draft, length: int, words: int) -> Iterator[Finding]:
    platform = draft.platform
    fewest, most = platform.hashtags
    count = len(draft.hashtags)
    if platform.max_length is not None and count < fewest:
        points = 35 if not count else 18
        yield Finding(points, f"add hashtags, it has {count} and {fewest} to {most} are usual")
    if platform.max_length is not None and count > most:
        yield Finding(up_to(30, 8 * (count - most)), f"use fewer hashtags, it has {count} and at most {most} are usual")
    if platform.min_words is not None and words < platform.min_words:
        missing = 1 - words / platform.min_words
        yield Finding(45 * missing, f"it is too short with {words} words, aim for {platform.min_words} or more")
    match platform.name:
        case "blog" | "ghost":
            yield from _blog(draft, words)
        case "linkedin":
            yield from _linkedin(draft, length)
        case _ if length < 70 and words < 10:
            yield Finding(up_to(25, (70 - length) * 0.6), "it is too short to say something, add a second thought")


def _blog(draft: Draft, words: int) -> Iterator[Finding]:
    inner = sum(1 for heading in draft.headings if not heading.startswith("h1"))
    wanted = 2 if words >= 300 else 1
    if inner < wanted and words > 80:
        yield Finding(12.0 * (wanted - inner) + 6, f"add headings, it has {inner} below its title")
    if not any(heading.startswith("h1") for heading in draft.headings):
        yield Finding(8, "begin with a title line")
    longest = max(draft.paragraphs, key=lambda p: len(p.split()), default="")
    if len(longest.split()) > 150:
        yield Finding(10, f"divide the paragraph that begins {quote(longest, 60)}")


def _linkedin(draft: Draft, length: int) -> Iterator[Finding]:
    # A syllable block says as much as two or three letters.
    said = length * 2 if draft.language == "ko" else length
    if said < 400:
        yield Finding(up_to(30, (400 - said) * 0.1), f"it is too short with {length} characters, say more")
    if draft.paragraphs and len(draft.paragraphs[0]) > _FOLD:
        yield Finding(18, f"the first line {quote(draft.paragraphs[0], 80)} does not fit above the fold of {_FOLD}")
    if length > 400 and len(draft.paragraphs) < 4:
        yield Finding(15, "break it into short paragraphs")
    elif length > 400 and not draft.bullets:
        yield Finding(8, "set the takeaways as a list")
