"""What the offline engine knows of a source before it writes: sentences, vectors, weights, keyphrases."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Final

import numpy as np

from . import article as articles
from .article import Article, Sentence
from .embedding import SentenceEncoder, Vectors, lexical
from .keyphrases import keyphrases
from .port import Source
from .ranking import Scores, centrality, scaled
from .sentences import words
from .templates import templates

# More sentences than a post can hold; embedding them is what a draft costs.
_MOST_CANDIDATES: Final = 32
_NUMBER: Final = re.compile(r"\d")
_LETTER: Final = re.compile(r"[^\W\d_]")
_WORD: Final = re.compile(r"[^\W\d_]{2,}")
_SHOUTED: Final = re.compile(r"!|\b[A-Z]{4,}\b.*\b[A-Z]{4,}\b")


@dataclass(frozen=True, slots=True)
class Analysis:
    """`candidates`, `vectors`, `relevance` and `hook` are parallel; `weight` is per sentence of the article."""

    article: Article
    candidates: tuple[Sentence, ...]
    vectors: Vectors
    relevance: Scores
    hook: Scores
    weight: Scores
    phrases: tuple[str, ...]

    def has_number(self, row: int) -> bool:
        """Whether the sentence of this row names a figure."""
        return bool(_NUMBER.search(self.candidates[row].text))

    def shouts(self, row: int) -> bool:
        """Whether the sentence of this row exclaims or stands in capitals."""
        return bool(_SHOUTED.search(self.candidates[row].text))


def analyse(source: Source, encoder: SentenceEncoder) -> Analysis:
    """Read and weigh a source: about 0.2 s of CPU for 2,000 words. Raises NothingToWrite for an empty one."""
    article = articles.read(source)
    weight = _weights(article)
    candidates = _candidates(article, weight)
    texts = [sentence.text for sentence in candidates]
    # The model was trained on English; its vocabulary falls apart into letters elsewhere.
    vectors = encoder.encode(texts) if article.language == "en" else lexical(texts)
    relevance = scaled(centrality(vectors) + 0.25 * scaled(weight[[s.index for s in candidates]]))
    leaning = np.array([leans(text, article.language) for text in texts], np.float32)
    # Taken out of its place, a sentence that leans on the one before it says little.
    relevance = np.maximum(relevance - 0.45 * leaning, 0).astype(np.float32)
    hook = relevance + _hook_bonus(candidates, len(article.sentences)) - 0.5 * leaning
    phrases = keyphrases([s.text for s in article.sentences], article.title, article.language)
    return Analysis(article, candidates, vectors, relevance, hook.astype(np.float32), weight, tuple(phrases))


def leans(text: str, language: str) -> bool:
    """Whether a sentence opens with a word that points back, or in the middle of something."""
    first = text.lstrip("\"'“‘(").casefold()
    openers = templates(language).dependent_openers
    return text[:1].islower() or any(
        first.startswith(opener) and not first[len(opener) : len(opener) + 1].isalnum() for opener in openers
    )


def _weights(article: Article) -> Scores:
    """How much of the article's common vocabulary each sentence carries; the first of a section carries more."""
    count = Counter(word for s in article.sentences for word in _WORD.findall(s.text.casefold()) if len(word) > 3)
    weights = np.zeros(len(article.sentences), np.float32)
    for s in article.sentences:
        found = [word for word in _WORD.findall(s.text.casefold()) if len(word) > 3]
        weights[s.index] = sum(np.log1p(count[word]) for word in found) / (8 + len(found))
    for section in article.sections:
        for passage in section.passages[:1]:
            for s in passage.sentences[:1]:
                weights[s.index] += 0.3
    return weights


def _candidates(article: Article, weight: Scores) -> tuple[Sentence, ...]:
    def stands(s: Sentence) -> bool:
        enough = 10 <= len(s.text) <= 400 and (words(s.text) >= 4 or article.language != "en")
        return (
            enough
            and bool(_LETTER.search(s.text))
            and not s.text.endswith((":", ",", ";"))
            and "http" not in s.text[:8]
        )

    good = [s for s in article.sentences if stands(s)] or list(article.sentences)
    if len(good) > _MOST_CANDIDATES:
        best = sorted(good, key=lambda s: -float(weight[s.index]))[:_MOST_CANDIDATES]
        good = sorted(best, key=lambda s: s.index)
    return tuple(good)


def _hook_bonus(candidates: tuple[Sentence, ...], total: int) -> Scores:
    bonus = []
    for s in candidates:
        early = 0.35 * max(0.0, 1 - s.index / max(6, total * 0.3))
        length = 0.35 if 30 <= len(s.text) <= 130 else 0.1 if len(s.text) <= 200 else -0.2
        tension = (0.1 if _NUMBER.search(s.text) else 0) + (0.1 if s.text.rstrip("\"'”’").endswith("?") else 0)
        bonus.append(early + length + tension)
    return np.array(bonus, np.float32)
