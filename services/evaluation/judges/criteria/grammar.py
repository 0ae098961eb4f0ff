"""Is it correct: what Harper finds in English; other languages are not checked, and the measures say so."""

from __future__ import annotations

import re
import threading
from collections import Counter
from functools import cache
from typing import Any, Final

from ..draft import Draft, quote
from ..rating import Finding, Rating, rating, up_to

# Neither good nor bad: what cannot be checked must not decide.
NEUTRAL: Final = 80
# Taste and house style, not correctness.
_TASTE: Final = frozenset({"Capitalization", "Style", "Enhancement", "Readability", "Regionalism", "Formatting"})
_POINTS: Final = 12.0
_FEWEST_WORDS: Final = 60
# A rare word is as often right as wrong.
_UNSURE: Final = 0.5
# Capitals within a sentence, and what looks like code.
_NAME: Final = re.compile(r"(?<=[\w,;:] )[A-Z]\w{2,}|\b\w*[_\d]\w*\b")
_COMPOUND: Final = re.compile(r"\b\w*[a-z][A-Z]\w*\b")
_MANY_NAMES: Final = 8
# A linter refuses a second call while one runs.
_lock: Final = threading.Lock()


def rate(draft: Draft) -> Rating:
    """Measures: grammar_faults (kind → times), weighted_faults_per_100_words."""
    if draft.language != "en":
        return Rating((), {"grammar": f"not checked: no checker for {draft.language}, a neutral {NEUTRAL}"}, NEUTRAL)
    faults = _faults(draft.prose)
    weight = sum(_UNSURE if kind == "Spelling" else 1.0 for kind, _, _ in faults)
    density = 100 * weight / max(_FEWEST_WORDS, len(draft.words))
    measures = {
        "grammar_faults": dict(Counter(kind for kind, _, _ in faults)),
        "weighted_faults_per_100_words": round(density, 2),
    }
    if not faults:
        return rating([], measures)
    _, text, place = faults[0]
    more = f" and {len(faults) - 1} more" if len(faults) > 1 else ""
    return rating([Finding(up_to(90, _POINTS * density), f"correct “{text}” in {quote(place)}{more}")], measures)


def _faults(text: str) -> list[tuple[str, str, str]]:
    """(kind, the words, the line around them) for each fault."""
    linter = _linter()
    compounds = set(_COMPOUND.findall(text))
    names = sorted({*_NAME.findall(text), *compounds})
    telling = bool(compounds) or len(names) > _MANY_NAMES
    with _lock:
        # Guessing at "CamelCase" takes a second, at a name milliseconds; telling them first costs the cache.
        if telling:
            linter.import_words(names)
        lints = linter.lint(text, language="plaintext")
        if telling:
            linter.clear_words()
    found = []
    for lint in lints:
        # An unknown word with a capital is most often a name.
        name = lint.lint_kind in ("Spelling", "Typo") and not lint.problem_text.islower()
        if lint.lint_kind in _TASTE or name:
            continue
        start = text.rfind("\n", 0, lint.span.start) + 1
        end = text.find("\n", lint.span.end)
        sentence = _sentence(text[start : end if end >= 0 else None], lint.span.start - start)
        found.append((lint.lint_kind, lint.problem_text.strip(), sentence))
    return found


def _sentence(line: str, at: int) -> str:
    start = max(line.rfind(mark, 0, at) + 2 for mark in (". ", "! ", "? "))
    ends = [e for mark in (". ", "! ", "? ") if (e := line.find(mark, at)) >= 0]
    return line[start if start > 1 else 0 : min(ends) + 1 if ends else None].strip()


@cache
def _linter() -> Any:
    from harper import Dialect, Linter

    # The dialect that knows British and American spellings: both are right.
    return Linter(Dialect.CANADIAN)
