"""Does it draw the reader in: an opening that hooks, a question or call to action, figures, the reader addressed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from ..draft import Draft
from ..rating import Finding, Rating, quoting, rating, up_to

_NUMBER: Final = re.compile(r"\d")
_READER: Final = re.compile(r"\b(?:you|your|yours)\b|여러분|당신", re.I)
_CALL: Final = re.compile(
    r"\b(?:share|comments?|tell us|let us know|try|join|read more|sign up|subscribe|reply|follow)\b"
    r"|댓글|공유|알려 ?주세요|나눠 ?주세요|해 ?보세요",
    re.I,
)
_LONG_OPENING: Final = 90


def rate(draft: Draft) -> Rating:
    """Measures: opening_length, opening_hooks, questions, call_to_action, figures (in sentences), reader_addressed."""
    opening, sentences = draft.opening, draft.sentences
    last = " ".join(draft.paragraphs[-2:])
    hooks = _hooks(opening)
    measures = {
        "opening_length": len(opening),
        "opening_hooks": hooks,
        "questions": sum(1 for s in sentences if s.rstrip("\"'”’").endswith("?")),
        "call_to_action": bool(_CALL.search(last)),
        "figures": sum(1 for s in sentences if _NUMBER.search(s)),
        "reader_addressed": bool(_READER.search(draft.prose)),
    }
    return rating(_findings(draft, hooks, measures), measures)


def _hooks(opening: str) -> list[str]:
    kinds = {
        "question": opening.rstrip("\"'”’").endswith("?"),
        "figure": bool(_NUMBER.search(opening)),
        "reader": bool(_READER.search(opening)),
        "brevity": 0 < len(opening) <= _LONG_OPENING,
    }
    return [kind for kind, present in kinds.items() if present]


def _findings(draft: Draft, hooks: list[str], measures: dict[str, object]) -> Iterator[Finding]:
    opening, end = draft.opening, draft.last_line
    if not hooks:
        points = 14 + up_to(10, (len(opening) - _LONG_OPENING) * 0.12)
        yield quoting(points, "the opening {} is no hook, take a shorter one or one with a figure", draft, opening)
    # A blog closes with a question in its last paragraphs, a post anywhere.
    if not measures["questions"] and not measures["call_to_action"]:
        yield Finding(24, f"end with a question or a call to action after line {end}", end)
    figures = [bool(_NUMBER.search(s)) for s in draft.sentences]
    bare = draft.line_of(_without_figures(draft.sentences, figures))
    if not any(figures):
        yield Finding(14, f"add concrete numbers from the source, the best of them in line {bare}", bare)
    elif len(figures) >= 5 and sum(figures) / len(figures) < 0.15:
        yield Finding(5, f"bring in more of the source's numbers, from line {bare} on there are none for long", bare)
    if not measures["reader_addressed"]:
        yield Finding(10, f"speak to the reader, in line {end} at the latest", end)
    if len(draft.words) < 12:
        points = up_to(30, 3 * (12 - len(draft.words)))
        yield Finding(points, f"say something a reader can take away after line {end}, it is too short", end)


def _without_figures(sentences: Sequence[str], figures: Sequence[bool]) -> str:
    """The sentence with which the longest stretch without a figure begins."""
    began, longest = 0, (0, 0)
    for place, has_one in enumerate([*figures, True]):
        if has_one:
            longest = max(longest, (place - began, -began))
            began = place + 1
    return sentences[-longest[1]] if sentences else ""
