"""Is it correct: what Harper finds in English; other languages are not checked, and the measures say so."""

from __future__ import annotations

import re
import threading
from collections import Counter
from functools import cache, lru_cache
from itertools import islice
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
# Harper runs some 900 rules over each word: of a longer draft it reads sentences spread over it.
_READ_WORDS: Final = 150
# Longer ones are compounds and terms, which dictionaries lack as often as not.
_LOOKED_UP: Final = re.compile(r"(?<![\w'’-])[a-z]{3,12}(?![\w'’-])")
_SPELLING: Final = "SpellCheck"
_MOST_UNKNOWN: Final = 4
# A linter refuses a second call while one runs.
_lock: Final = threading.Lock()


def rate(draft: Draft) -> Rating:
    """Measures: words_checked, grammar_faults (kind → times), weighted_faults_per_100_words (of those checked)."""
    if draft.language != "en":
        return Rating((), {"grammar": f"not checked: no checker for {draft.language}, a neutral {NEUTRAL}"}, NEUTRAL)
    text = draft.sample(_READ_WORDS)
    checked = len(text.split())
    faults = [*_faults(text), *_misspelt(text)]
    weight = sum(_UNSURE if kind == "Spelling" else 1.0 for kind, _, _ in faults)
    density = 100 * weight / max(_FEWEST_WORDS, checked)
    measures = {
        "words_checked": checked,
        "grammar_faults": dict(Counter(kind for kind, _, _ in faults)),
        "weighted_faults_per_100_words": round(density, 2),
    }
    if not faults:
        return rating([], measures)
    _, wrong, place = faults[0]
    more = f" and {len(faults) - 1} more" if len(faults) > 1 else ""
    advice = f"correct “{wrong}” in {quote(place)}{more}"
    return rating([Finding(up_to(90, _POINTS * density), advice, draft.line_of(place))], measures)


def _faults(text: str) -> list[tuple[str, str, str]]:
    """(kind, the words, the sentence around them) for each fault but unknown words."""
    with _lock:
        lints = _linter().lint(text, language="plaintext")
    found = []
    for lint in lints:
        # A word with a capital is most often a name.
        name = lint.lint_kind in ("Spelling", "Typo") and not lint.problem_text.islower()
        if lint.lint_kind not in _TASTE and not name:
            found.append((lint.lint_kind, lint.problem_text.strip(), _around(text, lint.span.start, lint.span.end)))
    return found


def _misspelt(text: str) -> list[tuple[str, str, str]]:
    """The same for unknown words, until there are enough of them."""
    places: dict[str, int] = {}
    for match in _LOOKED_UP.finditer(text):
        places.setdefault(match[0], match.start())
    unknown = islice((word for word in places if not _known(word)), _MOST_UNKNOWN)
    return [("Spelling", word, _around(text, places[word], places[word] + len(word))) for word in unknown]


@lru_cache(maxsize=50_000)
def _known(word: str) -> bool:
    """Whether it stands in Harper's dictionary, in whichever dialect: asked like this it guesses at no other word."""
    with _lock:
        return bool(_linter().is_likely_english(word))


def _around(text: str, start: int, end: int) -> str:
    line = text.rfind("\n", 0, start) + 1
    until = text.find("\n", end)
    return _sentence(text[line : until if until >= 0 else None], start - line)


def _sentence(line: str, at: int) -> str:
    start = max(line.rfind(mark, 0, at) + 2 for mark in (". ", "! ", "? "))
    ends = [e for mark in (". ", "! ", "? ") if (e := line.find(mark, at)) >= 0]
    return line[start if start > 1 else 0 : min(ends) + 1 if ends else None].strip()


@cache
def _linter() -> Any:
    from harper import Dialect, Linter

    # The dialect that knows British and American spellings: both are right.
    linter = Linter(Dialect.CANADIAN)
    rules = linter.get_default_lint_config()
    linter.set_lint_config({rule: on and rule != _SPELLING for rule, on in rules.items()})
    return linter
