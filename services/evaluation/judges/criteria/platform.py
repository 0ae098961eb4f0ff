"""Does it fit the platform: length as the platform counts it, hashtags, structure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from shared.style.marks import HASHTAG

from ..draft import Draft, quote
from ..rating import START, Finding, Rating, rating, up_to

# A post over the limit cannot be published as it is, whatever else is right with it.
_OVER_LIMIT: Final = 40
_OVER_WORDS: Final = 60
# LinkedIn folds a post after about this many characters.
_FOLD: Final = 210


def rate(draft: Draft) -> Rating:
    """Measures: length (of the longest post), limit, posts, words, hashtags, headings, list_items."""
    platform = draft.platform
    length, words = draft.length, draft.word_count
    measures = {
        "length": length,
        "limit": platform.max_length,
        "posts": len(draft.posts),
        "words": words,
        "hashtags": len(draft.hashtags),
        "headings": len(draft.headings),
        "list_items": draft.bullets,
    }
    findings = list(_findings(draft, length, words))
    most = START
    if platform.max_length is not None and length > platform.max_length:
        most = _OVER_LIMIT
        excess, line = length - platform.max_length, _line_over(draft, platform.max_length)
        advice = f"cut it down by {excess} characters, in line {line} it is over the limit of {platform.max_length}"
        findings.append(Finding(60, advice, line))
    elif platform.max_words is not None and words > platform.max_words:
        most, line = _OVER_WORDS, _line_of_word(draft, platform.max_words)
        findings.append(
            Finding(
                40, f"cut it down to {platform.max_words} words, it has {words}, too many from line {line} on", line
            )
        )
    return rating(findings, measures, most)


def _line_over(draft: Draft, most: int) -> int:
    """The line with which a post gets longer than `most`; in a thread the one with which the first such post begins."""
    if len(draft.posts) > 1:
        place = next(place for place, post in enumerate(draft.posts) if draft.measured(post) > most)
        return draft.post_lines[place]
    low, high = 1, draft.last_line
    while low < high:
        middle = (low + high) // 2
        if draft.measured("\n".join(draft.rows[:middle]).strip()) > most:
            high = middle
        else:
            low = middle + 1
    return low


def _line_of_word(draft: Draft, place: int) -> int:
    """Where the paragraph begins that holds the word in this place, counted from 0."""
    for line, paragraph in zip(draft.lines, draft.paragraphs, strict=True):
        place -= len(paragraph.split())
        if place < 0:
            return line
    return draft.last_line


def _findings(draft: Draft, length: int, words: int) -> Iterator[Finding]:
    platform, end = draft.platform, draft.last_line
    fewest, most = platform.hashtags
    count = len(draft.hashtags)
    if platform.max_length is not None and count < fewest:
        points = 35 if not count else 18
        yield Finding(points, f"add hashtags after line {end}, it has {count} and {fewest} to {most} are usual", end)
    if platform.max_length is not None and count > most:
        line = _line_of_tag(draft, most)
        advice = f"use fewer hashtags, it has {count} and at most {most} are usual, too many from line {line} on"
        yield Finding(up_to(30, 8 * (count - most)), advice, line)
    if platform.min_words is not None and words < platform.min_words:
        missing = 1 - words / platform.min_words
        advice = f"it is too short with {words} words, aim for {platform.min_words} or more and go on after line {end}"
        yield Finding(45 * missing, advice, end)
    match platform.name:
        case "blog" | "ghost":
            yield from _blog(draft, words)
        case "linkedin":
            yield from _linkedin(draft, length)
        case _ if length < 70 and words < 10:
            advice = f"it is too short to say something, add a second thought after line {end}"
            yield Finding(up_to(25, (70 - length) * 0.6), advice, end)


def _line_of_tag(draft: Draft, place: int) -> int:
    """The line with the hashtag in this place, counted from 0."""
    for number, row in enumerate(draft.rows, start=1):
        place -= len(HASHTAG.findall(row))
        if place < 0:
            return number
    return draft.last_line


def _blog(draft: Draft, words: int) -> Iterator[Finding]:
    inner = sum(1 for heading in draft.headings if not heading.startswith("h1"))
    wanted = 2 if words >= 300 else 1
    if inner < wanted and words > 80:
        line = _line_of_word(draft, words // 2)
        advice = f"add headings, one above line {line}, it has {inner} below its title"
        yield Finding(12.0 * (wanted - inner) + 6, advice, line)
    if not any(heading.startswith("h1") for heading in draft.headings):
        yield Finding(8, "begin with a title above line 1", 1)
    longest = max(draft.paragraphs, key=lambda p: len(p.split()), default="")
    if len(longest.split()) > 150:
        yield Finding(10, f"divide the paragraph that begins {quote(longest, 60)}", draft.line_of(longest))


def _linkedin(draft: Draft, length: int) -> Iterator[Finding]:
    end = draft.last_line
    # A syllable block says as much as two or three letters.
    said = length * 2 if draft.language == "ko" else length
    if said < 400:
        advice = f"it is too short with {length} characters, say more after line {end}"
        yield Finding(up_to(30, (400 - said) * 0.1), advice, end)
    if draft.paragraphs and len(first := draft.paragraphs[0]) > _FOLD:
        advice = f"the first line {quote(first, 80)} does not fit above the fold of {_FOLD}"
        yield Finding(18, advice, draft.lines[0])
    if length > 400 and len(draft.paragraphs) < 4:
        line = draft.line_of(max(draft.paragraphs, key=len, default=""))
        yield Finding(15, f"break line {line} into short paragraphs", line)
    elif length > 400 and not draft.bullets:
        first_line, last = draft.lines[1], draft.lines[-2]
        yield Finding(8, f"set the takeaways of lines {first_line} to {last} as a list", first_line)
