"""Where a draft differs from its author's samples, shown at the sentence or line that differs most."""

from __future__ import annotations

import re
from typing import Final

from shared.style import Gap
from shared.style.marks import BULLET, CONTRACTION, EMOJI, POLITE

from ..draft import Draft
from ..rating import Finding, quoting

UNCONTRACTED: Final = re.compile(
    r"\b(?:(?:do|does|did|is|are|was|can|will|would) ?not|(?:it|that|we|you|they) (?:is|are|will))\b", re.I
)
_LARGEST: Final = 25.0  # points


def unlike(draft: Draft, gap: Gap) -> Finding:
    """The gap as a finding."""
    points, more = _LARGEST * gap.size, gap.draft > gap.samples
    match gap.measure:
        case "sentence_words":
            lengths = [len(sentence.split()) for sentence in draft.sentences]
            most = max(lengths, default=0) if more else min(lengths, default=0)
            shown = draft.sentence(lambda sentence: len(sentence.split()) == most)
        case "contractions":
            shown = draft.sentence((CONTRACTION if more else UNCONTRACTED).search)
        case "exclamations":
            shown = draft.sentence(lambda sentence: "!" in sentence)
        case "polite":
            shown = draft.sentence(lambda sentence: bool(POLITE.search(sentence)) == more)
        case _:
            line = _line(draft, gap.measure)
            return Finding(points, f"{gap.advice} (line {line})", line)
    return quoting(points, f"{gap.advice}, unlike {{}}", draft, shown)


def _line(draft: Draft, measure: str) -> int:
    match measure:
        case "emoji":
            return draft.line_with(EMOJI.search)
        case "lists":
            return draft.line_with(BULLET.match)
        case "hashtags" | "closing_questions":
            return draft.last_line
        case "paragraph_sentences":
            return draft.line_of(max(draft.paragraphs, key=len, default=""))
        case _:
            return draft.line_of(draft.opening)
