"""What this draft shall do, decided from the request, the feedback and what the previous draft already did right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from shared.style.marks import EMOJI
from shared.threads import numbered

from . import feedback as feedbacks
from .analysis import Analysis
from .embedding import SentenceEncoder, lexical
from .feedback import Revision, Wish
from .manner import Manner, manner
from .port import Request
from .preference import preferred
from .ranking import Scores, diverse, scaled
from .sentences import squeeze, words
from .templates import templates
from .tones import recognised

_SHORTER_BY: Final = 0.75
# Words a sentence of an article may have.
_READABLE: Final = 25
# Rounds in which other texts of the template suffice to tell drafts apart.
_ROUNDS: Final = 3
# With fewer sentences than this there is nothing to choose from.
_CHOICE: Final = 4
_OPENS: Final = 200  # characters


@dataclass(frozen=True, slots=True)
class Plan:
    """`variant` turns over hooks and template texts; `tone` is a preset's name.

    `relevance` and `hook` are the analysis's scores as the feedback bends them; below 0 means not to be used.
    `was_thread`: what the previous draft was; None where there is none.
    """

    variant: int
    tone: str
    manner: Manner
    wishes: frozenset[Wish]
    avoid: tuple[str, ...]
    relevance: Scores
    hook: Scores
    more_tags: int
    ask: bool
    most_words: int | None
    was_thread: bool | None = None

    def avoids(self, text: str) -> bool:
        """Whether the feedback complained about this sentence, or asked for shorter ones than it is."""
        if self.most_words is not None and words(text) > self.most_words:
            return True
        return self.quotes(text)

    def avoids_reading(self, text: str) -> bool:
        """The same for running text, where a sentence of ordinary length may stay."""
        return self.quotes(text) or (self.most_words is not None and words(text) > max(self.most_words, _READABLE))

    def quotes(self, text: str) -> bool:
        """Whether the feedback quotes this sentence."""
        return any(piece in text or text in piece for piece in self.avoid)

    @property
    def plain_mark(self) -> bool:
        """Whether the mark of the points is a tone's, which Markdown's own may stand in for."""
        return EMOJI.fullmatch(self.manner.mark) is None

    def turn(self, texts: tuple[str, ...]) -> str:
        """One of the texts, another for each variant; empty when there are none."""
        return texts[self.variant % len(texts)] if texts else ""


def plan(request: Request, analysis: Analysis, encoder: SentenceEncoder, variant: int) -> Plan:
    """The plan of one draft. The same request and variant give the same plan."""
    revision = feedbacks.read(request.feedback) if request.iteration > 1 else Revision()
    previous = squeeze(request.previous or "")
    wishes = revision.wishes
    named = bool(wishes or revision.avoid)
    tone = recognised(request.tone)
    liked, opens = preferred(analysis, tone, request.style)
    relevance = np.maximum(analysis.relevance + liked, 0)
    # What opens badly by itself stays out of question, what is only unlike the author does not.
    hook = np.where(analysis.hook < 0, analysis.hook, np.maximum(analysis.hook + liked + opens, 0))
    unbent = hook.copy()
    focus = revision.focus or str(request.options.get("topic") or "")
    if focus:
        pull = _likeness(focus, analysis, encoder)
        relevance, hook = (0.4 * relevance + pull).astype(np.float32), (0.5 * hook + pull).astype(np.float32)
    strength = relevance.copy()
    if named:
        # Change what was complained about and keep the rest.
        kept = np.array([sentence.text in previous for sentence in analysis.candidates], np.float32)
        relevance += 0.3 * kept
    if "hook" in wishes:
        hook += np.array([_catches(sentence.text) for sentence in analysis.candidates], np.float32)
    if request.iteration > 2:
        # Sentences longer than the last draft's longest would undo an earlier revision.
        longer = np.array([words(s.text) for s in analysis.candidates]) > _longest(analysis, previous)
        relevance[longer] = np.maximum(relevance[longer] - 0.4, 0)
        hook[longer] -= 0.4
    _turn_over(relevance, strength, analysis, previous, variant)
    if "numbers" in wishes:
        with_number = np.array([analysis.has_number(row) for row in range(len(hook))])
        relevance[with_number] += 0.5
        hook[with_number] += 0.3
    most_words = _most_words(analysis, previous) if "shorter_sentences" in wishes else None
    asked = any(text in previous for text in templates(analysis.article.language).every() if text.endswith("?"))
    built = manner(tone, request.style)
    result = Plan(
        variant=variant,
        tone=tone,
        manner=built,
        wishes=wishes,
        avoid=revision.avoid,
        relevance=relevance,
        hook=hook,
        more_tags=("more_hashtags" in wishes) - ("fewer_hashtags" in wishes),
        ask="question" in wishes or ((asked or built.asks) and "no_question" not in wishes),
        most_words=most_words,
        was_thread=None if request.previous is None else bool(numbered(request.previous)),
    )
    _bend(
        result,
        analysis,
        previous,
        unbent,
        keep_hook=named and "hook" not in wishes,
        leave_hook="hook" in wishes or not named,
    )
    return result


def hooks(plan: Plan) -> list[int]:
    """Rows to open with, best first; another order for each variant that changes the opening."""
    return [int(row) for row in np.argsort(-plan.hook, kind="stable") if plan.hook[row] >= 0] or [
        int(np.argmax(plan.hook))
    ]


def points(plan: Plan, analysis: Analysis, count: int, taken: Iterable[int]) -> list[int]:
    """Rows that say different things than those taken, in reading order."""
    return sorted(diverse(analysis.vectors, plan.relevance, count, taken=tuple(taken)))


def _turn_over(relevance: Scores, strength: Scores, analysis: Analysis, previous: str, variant: int) -> None:
    """Once the template's texts have been through, the strongest sentences give way, one more in each round."""
    rows = [row for row, s in enumerate(analysis.candidates) if relevance[row] >= 0 and not _opens(previous, s.text)]
    if variant < _ROUNDS or len(rows) < _CHOICE:
        return
    strongest = sorted(rows, key=lambda row: -float(strength[row]))
    relevance[strongest[: 1 + (variant - _ROUNDS) % (len(rows) // 2)]] = 0


def _opens(draft: str, text: str) -> bool:
    return draft[: len(text) + 8].find(text) >= 0


def _bend(plan: Plan, analysis: Analysis, previous: str, unbent: Scores, *, keep_hook: bool, leave_hook: bool) -> None:
    usable = 0
    for row, sentence in enumerate(analysis.candidates):
        if plan.avoids(sentence.text) or ("calm" in plan.wishes and analysis.shouts(row)):
            plan.relevance[row] = plan.hook[row] = -1
            continue
        usable += 1
        # The title line of a blog is no hook; what opened the last draft stays or goes as asked.
        opened = bool(previous) and previous.removeprefix(f"# {analysis.article.title}").lstrip("> ").startswith(
            sentence.text
        )
        if opened:
            plan.hook[row] += 10 * keep_hook - 10 * leave_hook
    if plan.variant > 1 and leave_hook:
        # One too long to open a post was no opening yet; the first draft opened before any wish was known.
        short = [row for row, s in enumerate(analysis.candidates) if len(s.text) <= _OPENS and plan.hook[row] > 0]
        opened_first = sorted(short, key=lambda row: -float(unbent[row]))[:1]
        order = sorted((row for row in short if row not in opened_first), key=lambda row: -float(plan.hook[row]))
        for row in (opened_first + order)[: min(plan.variant - 1, max(0, usable - 1))]:
            plan.hook[row] = 0


def _likeness(focus: str, analysis: Analysis, encoder: SentenceEncoder) -> Scores:
    if analysis.article.language == "en":
        return scaled((analysis.vectors @ encoder.encode([focus])[0]).astype(np.float32))
    both = lexical([*(s.text for s in analysis.candidates), focus])
    return scaled((both[:-1] @ both[-1]).astype(np.float32))


def _most_words(analysis: Analysis, previous: str) -> int:
    every = sorted(words(s.text) for s in analysis.candidates)
    # Never fewer words than a third of the sentences have: something must remain to choose from.
    floor = every[len(every) // 3]
    return max(floor, min(20, int(_longest(analysis, previous) * _SHORTER_BY)))


def _longest(analysis: Analysis, previous: str) -> int:
    return max((words(s.text) for s in analysis.candidates if s.text in previous), default=25)


def _catches(text: str) -> float:
    """What makes an opening: a figure, brevity, a question."""
    question = text.rstrip("\"'”’").endswith("?")
    return 0.4 * any(map(str.isdigit, text)) + 0.3 * (len(text) <= 90) + 0.2 * question
