"""The measures of one text."""

from __future__ import annotations

import re
import statistics
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

import regex
from sentencex import segment

from shared.style.marks import (
    BULLET,
    CONTRACTION,
    EMOJI,
    FIGURE,
    FIRST,
    HASHTAG,
    LINK,
    PLURAL,
    POLITE,
    READER,
    asks,
)

Opening = Literal["question", "figure", "reader", "short", "statement"]

# Enough to know a voice by; what lies beyond costs time and changes little.
READ_AT_MOST: Final = 20_000
_SHORT_OPENING: Final = 8  # words
_FENCE: Final = re.compile(r"^(`{3,}|~{3,}).*?^\1", re.S | re.M)
_HEADING: Final = re.compile(r"^#{1,6}\s+\S")
_TAGS_ONLY: Final = re.compile(r"(?:#[^\s#]+\s*)+")
_WORD: Final = regex.compile(r"[\p{L}\p{N}]")
_ENDS: Final = (".", "!", "?", "…", ":", "。", "！", "？", "”", '"')
_FAVOURITES: Final = 3


@dataclass(frozen=True, slots=True)
class Style:
    """How one text, or several of one hand, are written.

    What counts words holds for texts in `language` (ISO 639-1); the form of posts is None when it was not seen on posts
    of the kind in question. `words` and `texts` say how much it was measured on.
    """

    language: str
    texts: int
    words: int
    sentence_words: float  # mean
    sentence_variation: float  # standard deviation by mean
    exclamations: float  # share of sentences
    questions: float  # share of sentences
    emoji: float  # in 100 words
    contractions: float  # in 100 words; English
    first_person: float  # I, in 100 words
    plural: float  # we, in 100 words
    reader: float  # you, in 100 words
    polite: float  # share of sentences that end politely; Korean
    openings: dict[Opening, float]  # shares of texts
    favourite_emoji: tuple[str, ...] = ()  # at most three, the most frequent first
    paragraph_sentences: float | None = None  # mean
    lists: float | None = None  # share of paragraphs that are items of a list
    hashtags: float | None = None  # in a text
    lower_hashtags: float | None = None  # share of hashtags without a capital
    closing_questions: float | None = None  # share of texts whose last sentence asks

    @property
    def formality(self) -> float:
        """0 (as in a chat) to 1 (as in a report): few contractions, emoji, exclamations and I, or a polite level."""
        if self.language == "ko":
            return round(max(0.0, min(1.0, 0.2 + 0.8 * self.polite - 0.1 * self.emoji)), 2)
        chatty = 0.12 * self.contractions + 0.15 * self.emoji + 0.8 * self.exclamations + 0.04 * self.first_person
        brief = max(0.0, (12 - self.sentence_words) * 0.04)
        return round(max(0.0, min(1.0, 1.0 - chatty - brief)), 2)


def measured(text: str, language: str) -> Style:
    """The style of one text, plain or Markdown. Reads at most 20,000 characters; an empty text has all zeros."""
    text = _FENCE.sub("", text[:READ_AT_MOST])
    paragraphs = list(_paragraphs(text))
    items = [_is_item(paragraph, paragraphs) for paragraph in paragraphs]
    prose = [p for paragraph in paragraphs if (p := _prose(paragraph))]
    code = language if len(language) == 2 else "en"
    split = [[s for piece in segment(code, p) if _WORD.search(s := piece.strip())] for p in prose]
    sentences = [sentence for each in split for sentence in each]
    lengths = [_words(sentence) for sentence in sentences] or [0]
    words, mean = sum(lengths), statistics.fmean(lengths)
    running = "\n".join(prose)
    tags = [tag for tag in HASHTAG.findall(text) if not tag[1:].isdigit()]
    emoji = EMOJI.findall(text)
    per_hundred = 100 / words if words else 0.0
    share = 1 / len(sentences) if sentences else 0.0
    return Style(
        language=language,
        texts=1,
        words=words,
        sentence_words=round(mean, 2),
        sentence_variation=round(statistics.pstdev(lengths) / mean, 2) if mean else 0.0,
        exclamations=round(sum(s.rstrip("\"'”’").endswith(("!", "！")) for s in map(_bare, sentences)) * share, 3),
        questions=round(sum(map(asks, map(_bare, sentences))) * share, 3),
        emoji=round(len(emoji) * per_hundred, 2),
        contractions=round(len(CONTRACTION.findall(running)) * per_hundred, 2) if language == "en" else 0.0,
        first_person=round(len(FIRST.findall(running)) * per_hundred, 2),
        plural=round(len(PLURAL.findall(running)) * per_hundred, 2),
        reader=round(len(READER.findall(running)) * per_hundred, 2),
        polite=round(sum(bool(POLITE.search(_bare(s))) for s in sentences) * share, 3) if language == "ko" else 0.0,
        openings={opening(sentences[0]): 1.0} if sentences else {},
        favourite_emoji=tuple(sign for sign, _ in Counter(emoji).most_common(_FAVOURITES)),
        paragraph_sentences=round(statistics.fmean(map(len, filter(None, split))), 2) if sentences else None,
        lists=round(sum(items) / len(paragraphs), 3) if paragraphs else None,
        hashtags=float(len(tags)),
        lower_hashtags=round(sum(tag == tag.lower() for tag in tags) / len(tags), 3) if tags else None,
        closing_questions=float(asks(_bare(sentences[-1]))) if sentences else None,
    )


def opening(sentence: str) -> Opening:
    """How a first sentence draws the reader in."""
    if asks(_bare(sentence)):
        return "question"
    if FIGURE.search(sentence):
        return "figure"
    if READER.search(sentence):
        return "reader"
    return "short" if _words(sentence) <= _SHORT_OPENING else "statement"


def _bare(sentence: str) -> str:
    """Without the emoji that follow its end."""
    return EMOJI.sub("", sentence).rstrip()


def _words(text: str) -> int:
    return sum(1 for token in text.split() if _WORD.search(token))


def _is_item(paragraph: str, every: list[str]) -> bool:
    """Marked as an item of a list, be it by an emoji that opens another paragraph, too."""
    sign = EMOJI.match(paragraph)
    return bool(BULLET.match(paragraph)) or (sign is not None and sum(p.startswith(sign[0]) for p in every) > 1)


def _prose(paragraph: str) -> str:
    return " ".join(HASHTAG.sub("", LINK.sub("", BULLET.sub("", paragraph))).split())


def _paragraphs(text: str) -> Iterator[str]:
    """Blocks, and the lines of one that are whole sentences or items; headings and lines of hashtags are none."""
    for block in re.split(r"\n\s*\n", text):
        running = ""
        for line in map(str.strip, block.splitlines()):
            if not line or _HEADING.match(line) or _TAGS_ONLY.fullmatch(line):
                continue
            if running and (BULLET.match(line) or EMOJI.match(line) or _bare(running).endswith(_ENDS)):
                yield running
                running = ""
            running = f"{running} {line}" if running else line
        if running:
            yield running
