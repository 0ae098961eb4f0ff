"""What a text is about in a few words, and the hashtags made of them."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from .templates import templates

# Enough for the statistics; the time it takes grows with the text.
_READ: Final = 9_000
_LONGEST_TAG: Final = 28
# Comparing two words takes time by the product of their lengths, and none of these becomes a phrase.
_ENDLESS: Final = re.compile(r"\S{61,}")
_HANGUL_WORD: Final = re.compile(r"[가-힣]{2,}|[A-Za-z][A-Za-z0-9]+")


def keyphrases(texts: Sequence[str], title: str, language: str) -> list[str]:
    """Up to 24 phrases of one or two words as they stand in the text, those of the title first, then by weight."""
    text = _ENDLESS.sub("", " ".join([title, *texts])[:_READ])
    phrases = _korean(text) if language == "ko" else _statistical(text, language)
    in_title = title.casefold()
    return sorted(phrases, key=lambda phrase: phrase.casefold() not in in_title)


def hashtags(phrases: Iterable[str], most: int) -> tuple[str, ...]:
    """Up to `most` hashtags such as "#CompostHeap", none a part or a plural of another."""
    tags: list[str] = []
    seen: list[str] = []
    for phrase in phrases:
        words = re.findall(r"[^\W_]+", phrase)
        tag = words[0] if len(words) == 1 else "".join(word[:1].upper() + word[1:] for word in words)
        key = tag.casefold().rstrip("s")
        if (
            len(tag) > _LONGEST_TAG
            or (len(tag) < 2 and tag.isascii())
            or tag.isdigit()
            or any(key in old or old in key for old in seen)
        ):
            continue
        seen.append(key)
        tags.append("#" + (tag[:1].upper() + tag[1:]))
        if len(tags) == most:
            break
    return tuple(tags)


def _statistical(text: str, language: str) -> list[str]:
    found = _extractor(language if language in _languages() else "en").extract_keywords(text)
    stop = templates(language).common_words
    phrases = [str(phrase) for phrase, _ in found if not stop.intersection(str(phrase).casefold().split())]
    lower = text.casefold()
    # Two words seen together once are chance, not a term.
    return [p for p in phrases if lower.count(p.casefold()) > 1] or [p for p in phrases if " " not in p]


@cache
def _languages() -> frozenset[str]:
    return frozenset(path.stem.removeprefix("stopwords_") for path in _lists().glob("stopwords_*.txt"))


def _lists() -> Path:
    import yake

    return Path(yake.__file__).parent / "core" / "StopwordsList"


@cache
def _extractor(language: str) -> Any:
    import yake

    raw = (_lists() / f"stopwords_{language}.txt").read_bytes()
    try:
        stop = set(raw.decode("utf-8").split())
    except UnicodeDecodeError:
        stop = set(raw.decode("iso-8859-1").split())
    return yake.KeywordExtractor(lan=language, n=2, top=24, dedup_func="levs", stopwords=stop)


def _korean(text: str) -> list[str]:
    """Nouns, told from verbs by the particles they are seen with; the most frequent first."""
    words = templates("ko")
    endings: defaultdict[str, set[str]] = defaultdict(set)
    count: Counter[str] = Counter()
    for word in _HANGUL_WORD.findall(text):
        if word in words.common_words or word.endswith(words.verb_endings):
            continue
        particle = next((p for p in words.particles if word.endswith(p) and len(word) > len(p)), "")
        stem = word.removesuffix(particle)
        if stem in words.common_words:
            continue
        endings[stem].add(particle)
        count[stem] += 1
    # One syllable may be cut from any word: it counts as a noun once several particles were seen after it.
    nouns = [stem for stem in count if len(stem) > 1 or len(endings[stem]) > 2]
    repeated = [stem for stem in nouns if count[stem] > 1] or nouns
    return sorted(repeated, key=lambda stem: (-count[stem] * len(endings[stem]), text.index(stem)))[:24]
