"""Does it keep to one voice, to the tone that was asked for, and to the way its author writes."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator
from typing import Any, Final

import regex

from shared.style import gaps, measured
from shared.style.marks import CONTRACTION as _CONTRACTION
from shared.style.marks import EMOJI as _EMOJI
from shared.style.marks import FIRST as _FIRST
from shared.style.marks import PLURAL as _PLURAL
from shared.style.marks import POLITE as _POLITE

from ..draft import Draft, quote
from ..rating import Finding, Rating, quoting, rating, up_to
from .likeness import UNCONTRACTED, unlike

_SHOUTED: Final = regex.compile(r"\b\p{Lu}{4,}\b")
_CHAT: Final = re.compile(r"\b(?:u|ur|gonna|wanna|gotta|lol|omg|btw|tbh|imo|idk|thx|pls|lemme|ya|kinda|sorta)\b", re.I)
CASUAL: Final = frozenset({"casual", "friendly", "humorous", "playful", "enthusiastic"})


def rate(draft: Draft) -> Rating:
    """Measures: tone, exclamation_marks, shouted_words, emoji, sentence_length_variation (deviation by mean).

    With samples also: samples (how many), unlike_samples (measure → what the draft has, what the samples have).
    """
    lengths = [len(s.split()) for s in draft.sentences]
    mean = statistics.fmean(lengths) if lengths else 0.0
    variation = statistics.pstdev(lengths) / mean if len(lengths) > 1 and mean else 0.0
    shouted = _SHOUTED.findall(draft.prose)
    differences = gaps(measured(draft.content, draft.language), draft.samples) if draft.samples else ()
    measures: dict[str, Any] = {
        "tone": draft.tone,
        "exclamation_marks": draft.prose.count("!"),
        "shouted_words": len(shouted),
        "emoji": len(_EMOJI.findall(draft.read)),
        "sentence_length_variation": round(variation, 2),
    }
    if draft.samples is not None:
        measures["samples"] = draft.samples.texts
        measures["unlike_samples"] = {gap.measure: [gap.draft, gap.samples] for gap in differences}
    casual = draft.tone in CASUAL
    findings = [*_loud(draft, shouted, casual), *_voice(draft), *_rhythm(draft, lengths, mean, variation, casual)]
    findings += [unlike(draft, gap) for gap in differences]
    return rating(findings, measures)


def _loud(draft: Draft, shouted: list[str], casual: bool) -> Iterator[Finding]:
    if shouted:
        share = len(shouted) / max(12, len(draft.words))
        points = up_to(70, 8 * min(len(shouted), 3) + 150 * share)
        # One or two may be acronyms; nobody writes a sentence of them.
        if len(shouted) > 2 or share > 0.1:
            loudest = max(draft.sentences, key=lambda s: len(_SHOUTED.findall(s)), default="")
            yield quoting(points, "do not shout in capitals: {}", draft, loudest)
    usual = draft.samples.exclamations * len(draft.sentences) if draft.samples else 0
    allowed = max(3 if casual else 1, usual)
    if (marks := draft.prose.count("!")) > allowed:
        loudest = max(draft.sentences, key=lambda s: s.count("!"), default="")
        points = up_to(35, 9 * (marks - allowed))
        yield quoting(points, f"use fewer exclamation marks, as in {{}}, it has {marks}", draft, loudest)
    emoji, allowed = len(_EMOJI.findall(draft.read)), 6 if casual else 2
    if draft.samples is not None and draft.samples.emoji >= 0.5:
        allowed = max(allowed, round(draft.samples.emoji * len(draft.words) / 100) + 3)
    if emoji > allowed:
        line = draft.line_with(_EMOJI.search)
        advice = f"use fewer emoji for a {draft.tone} tone, it has {emoji} from line {line} on"
        yield Finding(up_to(25, 5 * (emoji - allowed)), advice, line)
    if not casual and (chat := _CHAT.findall(draft.prose)) and draft.language == "en":
        advice = f"replace chat words such as {quote(chat[0])} in {{}}"
        yield quoting(up_to(36, 12 * len(chat)), advice, draft, draft.sentence(_CHAT.search))


def _voice(draft: Draft) -> Iterator[Finding]:
    if draft.language == "ko":
        statements = [s for s in draft.sentences if s.endswith((".", "!", "?", "요", "다"))]
        polite = sum(1 for s in statements if _POLITE.search(s))
        if statements and 0 < polite < len(statements):
            odd = next(s for s in statements if not _POLITE.search(s))
            points = up_to(25, 50 * min(polite, len(statements) - polite) / len(statements))
            yield quoting(points, "keep one speech level: {}", draft, odd)
        return
    first, plural = len(_FIRST.findall(draft.prose)), len(_PLURAL.findall(draft.prose))
    if min(first, plural) >= 2:
        rarer = draft.sentence((_FIRST if first < plural else _PLURAL).search)
        yield quoting(10, 'speak either as "I" or as "we", not as in {}', draft, rarer)


def _rhythm(draft: Draft, lengths: list[int], mean: float, variation: float, casual: bool) -> Iterator[Finding]:
    english = draft.language == "en"
    if len(lengths) >= 4 and variation < 0.2:
        line = draft.line_of(draft.opening)
        yield Finding(10, f"vary the length of the sentences from line {line} on, all are alike", line)
    longest = max(draft.sentences, key=lambda s: len(s.split()), default="")
    if len(lengths) >= 4 and variation > 0.85:
        yield quoting(8, "bring the lengths of the sentences nearer to each other, {} is the longest", draft, longest)
    if english and not casual and lengths and mean < 6:
        shortest = min(draft.sentences, key=lambda s: len(s.split()))
        yield quoting(14, "write whole sentences, {} is a fragment", draft, shortest)
    if english and casual and mean > 18:
        advice = f"use shorter sentences than {{}} for a {draft.tone} tone, they have {mean:.0f} words on average"
        yield quoting(15, advice, draft, longest)
    if english and casual and not _CONTRACTION.search(draft.prose):
        stiff = draft.sentence(UNCONTRACTED.search)
        yield quoting(8, "use contractions for a casual tone, also in {}", draft, stiff)
    if english and draft.tone == "formal" and (found := _CONTRACTION.search(draft.prose)):
        advice = f"write {quote(found[0])} out in {{}} for a formal tone"
        yield quoting(10, advice, draft, draft.sentence(_CONTRACTION.search))
