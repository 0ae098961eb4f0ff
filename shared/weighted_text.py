"""Text as X weighs it, after its published configuration (twitter-text `config/v3.json`).

After NFC a code point weighs 1 inside a few ranges and 2 outside, a link 23 however long it is, an emoji sequence
2. Where a link is odd (without a scheme, between foreign letters or signs), the count errs towards more.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import Final
from unicodedata import normalize

import regex
from linkify_it.tlds import TLDS

URL_WEIGHT: Final = 23
_EMOJI_WEIGHT: Final = 2
_WIDE_WEIGHT: Final = 2

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
# Prose without a dot inside a word has no link, and most prose is such.
_DOT_IN_WORD: Final = regex.compile(r"\.\w")


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
    if not _DOT_IN_WORD.search(text):
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
    total = len(spans) * URL_WEIGHT
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
