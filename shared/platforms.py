"""What each platform allows, and how long a text is there.

X counts weighted characters as its published configuration says (twitter-text `config/v3.json`): after NFC a code point
weighs 1 inside a few ranges and 2 outside, a link weighs 23 however long it is, an emoji sequence weighs 2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import Final, Literal
from unicodedata import normalize

import regex
from linkify_it.tlds import TLDS  # type: ignore[import-untyped]

_URL_WEIGHT: Final = 23
_EMOJI_WEIGHT: Final = 2
_WIDE_WEIGHT: Final = 2


@dataclass(frozen=True, slots=True)
class Platform:
    """The limits of one platform; `None` means that it has no such limit. `hashtags` is (fewest, most)."""

    name: str
    max_length: int | None
    counting: Literal["weighted", "characters"]
    min_words: int | None
    max_words: int | None
    hashtags: tuple[int, int]


PLATFORMS: Final[Mapping[str, Platform]] = MappingProxyType(
    {
        "linkedin": Platform("linkedin", 3000, "characters", None, None, (3, 5)),
        "x": Platform("x", 280, "weighted", None, None, (2, 3)),
        "blog": Platform("blog", None, "characters", 800, 2000, (0, 5)),
    }
)

_OVERRIDABLE: Final = ("max_length", "min_words", "max_words", "min_hashtags", "max_hashtags")


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
    return weighted_length(text) if _resolve(platform).counting == "weighted" else len(text)


def limit(platform: Platform | str) -> int | None:
    """The most that `measure` may give for one post, `None` for no limit. Raises KeyError for an unknown name."""
    return _resolve(platform).max_length


def _resolve(platform: Platform | str) -> Platform:
    return PLATFORMS[platform] if isinstance(platform, str) else platform


# Emoji by Unicode's own properties: flags, keycaps, ZWJ chains with modifiers and tags; text by default needs U+FE0F.
_EMOJI_UNIT: Final = (
    r"(?![0-9#*])(?:\p{EBase}\uFE0F?\p{EMod}|\p{Emoji}\uFE0F|\p{EPres}(?!\uFE0E)|(?<=\u200D)\p{Emoji})"
    r"[\U000E0020-\U000E007F]*"
)
_EMOJI: Final = regex.compile(rf"\p{{RI}}\p{{RI}}|[0-9#*]\uFE0F?\u20E3|{_EMOJI_UNIT}(?:\u200D{_EMOJI_UNIT})*")
_NARROW: Final = regex.compile(r"[\u0000-\u10FF\u2000-\u200D\u2010-\u201F\u2032-\u2037]")

_LATIN: Final = (
    r"\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u024F\u0253\u0254\u0256\u0257\u0259\u025B\u0263\u0268\u026F\u0272\u0289\u028B\u02BB"
    r"\u0300-\u036F\u1E00-\u1EFF"
)
_PATH: Final = rf"[a-z0-9\u0400-\u04FF{_LATIN}!*';:=+,.$/%#\[\]\-\u2013_~@|&]"
_PARENS: Final = rf"\((?:{_PATH}+|{_PATH}*\({_PATH}+\){_PATH}*)\)"
_PATH_END: Final = rf"[a-z0-9\u0400-\u04FF{_LATIN}+\-=_#/]"
_QUERY: Final = r"(?:\?[a-z0-9!?*'@();:&=+$/%#\[\]\-_.,~|]*[a-z0-9\-_&=#/])?"
_TAIL: Final = rf"(?:\:[0-9]+)?(?:/(?:(?:{_PATH}|{_PARENS})*(?:{_PATH_END}|{_PARENS}))?)?{_QUERY}"
_NO_DOMAIN: Final = (
    r"!'#%&()*+,\\\-./:;<=>?@\[\]\^_{|}~$\s\u0085\u180E\uFFFE\uFEFF\uFFFF\u202A-\u202E\u061C\u200E\u200F\u2066-\u2069"
)
_LABEL: Final = rf"[^{_NO_DOMAIN}](?:[^{_NO_DOMAIN}]|[_\-]){{0,62}}+(?<![_\-])\."
_DOMAIN: Final = rf"(?:{_LABEL}){{1,8}}(?:\L<tlds>)(?![0-9a-zA-Z@+\-])"
_ASCII_DOMAIN: Final = rf"[a-z0-9][\-a-z0-9{_LATIN}]*+\.(?:[\-a-z0-9{_LATIN}]++\.)*(?:\L<tlds>)(?![0-9a-zA-Z@+\-])"
_NOT_BEFORE: Final = r"(?<![A-Za-z0-9@＠$#＃])"
# Bounded labels keep the search linear on hostile text.
_URL: Final = (
    rf"{_NOT_BEFORE}https?://(?:t\.co/[a-z0-9]++{_QUERY}|{_DOMAIN}{_TAIL})"
    rf"|{_NOT_BEFORE}(?<![\-_./])(?P<bare>{_DOMAIN})(?P<tail>{_TAIL})"
)
_LONGEST_URL: Final = 4096


@cache
def _patterns() -> tuple[regex.Pattern[str], regex.Pattern[str]]:
    names = {"onion"}
    for tld in TLDS:
        names.add(tld.lower())
        with suppress(UnicodeError):
            names.add(tld.lower().encode("ascii").decode("idna"))
    tlds = sorted(names)
    return regex.compile(_URL, regex.IGNORECASE, tlds=tlds), regex.compile(_ASCII_DOMAIN, regex.IGNORECASE, tlds=tlds)


def url_spans(text: str) -> list[tuple[int, int]]:
    """Where X sees links in an NFC text, with or without a scheme: (start, end) in code points, in order."""
    if "." not in text:
        return []
    links, ascii_domain = _patterns()
    spans: list[tuple[int, int]] = []
    for link in links.finditer(text):
        if link.end() - link.start() > _LONGEST_URL:
            continue
        if link["bare"] is None:
            spans.append(link.span())
        elif found := [bare.span() for bare in ascii_domain.finditer(text, *link.span("bare"))]:
            # Without a scheme only the domains in Latin letters become links; port and path belong to the last.
            spans += found[:-1]
            spans.append((found[-1][0], link.end() if link["tail"] else found[-1][1]))
    return spans


def weighted_length(text: str) -> int:
    """The length X counts, in weighted characters."""
    text = normalize("NFC", text)
    spans = url_spans(text)
    rest = _cut_out(text, spans)
    total = len(spans) * _URL_WEIGHT
    if rest.isascii():
        return total + len(rest)
    rest, emoji = _EMOJI.subn("", rest)
    narrow = len(_NARROW.findall(rest))
    return total + emoji * _EMOJI_WEIGHT + narrow + (len(rest) - narrow) * _WIDE_WEIGHT


def _cut_out(text: str, spans: list[tuple[int, int]]) -> str:
    kept, at = [], 0
    for start, end in spans:
        kept.append(text[at:start])
        at = end
    kept.append(text[at:])
    return "".join(kept)


_SENTENCE_END: Final = regex.compile(
    r"(?<=[.!?…][\"'”’»)\]]*)\s+(?=[^\p{Ll}\s])|(?<=[。！？][」』”）]*)\s*(?=\S)|\s*\n\s*"
)
_ABBREVIATION: Final = regex.compile(
    r"(?<!\p{L})(?:\p{L}|Mr|Mrs|Ms|Dr|Prof|St|vs|etc|No|Fig|cf|al|Inc|Ltd|Co|(?:\p{L}\.)+\p{L})\.$",
    regex.IGNORECASE,
)


def split_thread(text: str, limit: int, platform: Platform | str = "x") -> list[str]:
    """Split `text` (taken to NFC) into posts of at most `limit` as the platform counts.

    Cuts between sentences; a sentence that is too long is cut between words, a word that is too long between graphemes.
    No word is lost or reordered; white space at the cuts goes. An empty text gives no posts.
    Raises ValueError for a limit below 23, the weight of a link.
    """
    if limit < _URL_WEIGHT:
        raise ValueError(f"A post of {limit} holds no link ({_URL_WEIGHT}): use a higher limit.")
    text = normalize("NFC", text).strip()
    where = _resolve(platform)
    return list(_pack(text, _sentences(text), lambda part: measure(where, part) <= limit, _cut_words))


_Fits = Callable[[str], bool]
_Span = tuple[int, int]
_Cut = Callable[[str, _Fits], Iterator[str]]


def _pack(text: str, spans: Iterable[_Span], fits: _Fits, finer: _Cut) -> Iterator[str]:
    """Fill posts with neighbouring spans; one that fits nowhere is cut `finer`, and its last piece is filled up."""
    start = end = 0
    for left, right in spans:
        if end > start and fits(text[start:right]):
            end = right
            continue
        if end > start:
            yield text[start:end]
        start, end = left, right
        if not fits(text[left:right]):
            pieces = list(finer(text[left:right], fits))
            yield from pieces[:-1]
            start = right - len(pieces[-1])
    if end > start:
        yield text[start:end]


def _sentences(text: str) -> Iterator[_Span]:
    start = 0
    for gap in _SENTENCE_END.finditer(text):
        if "\n" not in gap.group() and _ABBREVIATION.search(text, start, gap.start()):
            continue
        if gap.start() > start:
            yield start, gap.start()
        start = gap.end()
    if start < len(text):
        yield start, len(text)


def _cut_words(sentence: str, fits: _Fits) -> Iterator[str]:
    return _pack(sentence, (word.span() for word in regex.finditer(r"\S+", sentence)), fits, _cut_graphemes)


def _cut_graphemes(word: str, fits: _Fits) -> Iterator[str]:
    return _pack(word, (grapheme.span() for grapheme in regex.finditer(r"\X", word)), fits, _cut_code_points)


def _cut_code_points(grapheme: str, fits: _Fits) -> Iterator[str]:
    return _pack(grapheme, ((at, at + 1) for at in range(len(grapheme))), fits, lambda point, _: iter((point,)))
