"""A blog post in Markdown: title, lead, a summary, the sections that matter most, a closing question."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final

from shared.platforms import Platform

from .. import markdown
from ..analysis import Analysis, leans
from ..article import Passage, Section
from ..plan import Plan, hooks, points
from ..sentences import join, shorten, words
from ..templates import templates

_SHORTER: Final = 0.75
_LONGEST_TITLE: Final = 200
# Sentences a source has before a summary saves reading.
_NEEDS_SUMMARY: Final = 8
# A source without headings gets one about this often.
_WORDS_A_SECTION: Final = 220


@dataclass(frozen=True, slots=True)
class _Piece:
    """A passage with the section it stands in and what it is worth."""

    section: int
    place: int
    passage: Passage
    worth: float

    @property
    def words(self) -> int:
        return sum(words(s.text) for s in self.passage.sentences) + len(self.passage.code.split())


def compose(analysis: Analysis, plan: Plan, platform: Platform) -> str:
    """As many whole passages as the platform's words allow, in the source's order, under its own headings."""
    fewest, most = platform.min_words or 0, platform.max_words or 2000
    room = most
    while True:
        post = _post(analysis, plan, _chosen(analysis, plan, fewest, room))
        excess = words(post) - most
        # Headings and summary count too, and which there are depends on what was chosen.
        if excess <= 0 or room <= 1:
            return post
        room = max(1, room - excess)


def _post(analysis: Analysis, plan: Plan, body: list[_Piece]) -> str:
    article, texts = analysis.article, templates(analysis.article.language)
    title = shorten(article.title, lambda text: len(text) <= _LONGEST_TITLE)
    (first, passages), *rest = _sections(analysis, body)
    lead = [] if first.heading else passages[:1]
    summary = _summary(analysis, plan) if len(article.sentences) > _NEEDS_SUMMARY else []
    parts = [f"# {markdown.escape(title)}", _opening(analysis, plan), *map(_render, _divided(lead, plan))]
    if summary and texts.summary:
        parts += [f"## {plan.turn(texts.summary)}", "\n".join(f"- {line}" for line in summary)]
    for section, kept in ((first, passages[len(lead) :]), *rest):
        if section.heading:
            parts.append(f"{'#' * section.level} {markdown.escape(section.heading)}")
        parts += _listed(_divided(kept, plan))
    closes = plan.manner.closes or "question" in plan.wishes
    if article.language != "und" and closes and "no_question" not in plan.wishes:
        parts.append(plan.turn(texts.closings_of(plan.tone)))
    return "\n\n".join(filter(None, parts))


def _opening(analysis: Analysis, plan: Plan) -> str:
    """A sentence set before everything when the feedback found the opening weak."""
    return "> " + analysis.candidates[hooks(plan)[0]].markdown if "hook" in plan.wishes else ""


def _summary(analysis: Analysis, plan: Plan) -> list[str]:
    rows = points(plan, analysis, 3 + ("longer" in plan.wishes) + plan.variant % 2, ())
    return [analysis.candidates[row].markdown for row in rows]


def _pieces(analysis: Analysis, plan: Plan, complained: Callable[[str], bool]) -> list[_Piece]:
    return [
        _Piece(number, place, rest, _worth(analysis, rest, place))
        for number, section in enumerate(analysis.article.sections)
        for place, passage in enumerate(section.passages)
        for rest in (_without(_beginning(passage, plan, analysis.article.language), complained),)
    ]


def _chosen(analysis: Analysis, plan: Plan, fewest: int, most: int) -> list[_Piece]:
    pieces = _pieces(analysis, plan, plan.quotes if plan.most_words is None else plan.avoids_reading)
    if sum(piece.words for piece in pieces) < fewest:
        # Too little would be left: only the sentences that were named go.
        pieces = _pieces(analysis, plan, plan.quotes)
    total = sum(piece.words for piece in pieces)
    room = min(most, int(total * _SHORTER)) if "shorter" in plan.wishes else most
    kept: list[_Piece] = []
    for piece in sorted(pieces, key=lambda p: -p.worth):
        if piece.words <= room:
            kept.append(piece)
            room -= piece.words
    if not kept:
        kept = [_cut(max(pieces, key=lambda p: p.worth), most)]
    return sorted(kept, key=lambda p: (p.section, p.place))


def _beginning(passage: Passage, plan: Plan, language: str) -> Passage:
    """The passage from its first sentence on that was not named and stands without the one before; else all of it."""
    first = passage.sentences[:1]
    if passage.kind != "paragraph" or not first or not plan.quotes(first[0].text):
        return passage
    good = (
        at for at, s in enumerate(passage.sentences) if at and not plan.quotes(s.text) and not leans(s.text, language)
    )
    return replace(passage, sentences=passage.sentences[next(good, 0) :])


def _without(passage: Passage, complained: Callable[[str], bool]) -> Passage:
    """The passage less what the feedback complained about; its first sentence stays, the others lean on it."""
    return replace(
        passage, sentences=passage.sentences[:1] + tuple(s for s in passage.sentences[1:] if not complained(s.text))
    )


def _worth(analysis: Analysis, passage: Passage, place: int) -> float:
    weights = [float(analysis.weight[s.index]) for s in passage.sentences]
    return (sum(weights) / len(weights) if weights else 0.3) + (0.4 if place == 0 else 0.0)


def _cut(piece: _Piece, most: int) -> _Piece:
    kept, room = [], most
    for s in piece.passage.sentences:
        if words(s.text) > room:
            break
        kept.append(s)
        room -= words(s.text)
    if not kept and piece.passage.sentences:
        first = piece.passage.sentences[0]
        text = shorten(first.text, lambda t: len(t.split()) <= most and len(t) <= most * 12)
        kept = [replace(first, text=text, markdown=markdown.escape(text))]
    code = " ".join(piece.passage.code.split()[:most]) if piece.passage.code else ""
    return replace(piece, passage=replace(piece.passage, sentences=tuple(kept), code=code))


def _sections(analysis: Analysis, body: list[_Piece]) -> Iterator[tuple[Section, list[Passage]]]:
    sections = analysis.article.sections
    if any(section.heading for section in sections):
        for number, pieces in groupby(body, key=lambda piece: piece.section):
            yield sections[number], [piece.passage for piece in pieces]
        return
    chapter: list[_Piece] = []
    unused = list(analysis.phrases)
    first = True
    for piece in body:
        chapter.append(piece)
        if sum(p.words for p in chapter) >= _WORDS_A_SECTION:
            yield _named(chapter, unused, first)
            chapter, first = [], False
    if chapter:
        yield _named(chapter, unused, first)


def _named(chapter: list[_Piece], unused: list[str], first: bool) -> tuple[Section, list[Passage]]:
    """A chapter under a keyphrase that stands in it; the first one opens the post and needs none."""
    passages = [piece.passage for piece in chapter]
    text = " ".join(s.text for passage in passages for s in passage.sentences)
    phrase = "" if first else next((p for p in sorted(unused, key=lambda p: -len(p.split())) if p in text), "")
    if phrase:
        unused.remove(phrase)
    return Section(phrase[:1].upper() + phrase[1:], 2, tuple(passages)), passages


def _divided(passages: list[Passage], plan: Plan) -> list[Passage]:
    """The passages with paragraphs no longer than the author's own."""
    longest, size = plan.manner.longest_paragraph, plan.manner.paragraph
    if longest is None:
        return passages
    return [
        replace(passage, sentences=passage.sentences[at : at + size]) if long else passage
        for passage in passages
        for long in (passage.kind == "paragraph" and len(passage.sentences) > longest,)
        for at in (range(0, len(passage.sentences), size) if long else (0,))
    ]


def _listed(passages: list[Passage]) -> Iterator[str]:
    for kind, group in groupby(passages, key=lambda passage: passage.kind):
        if kind in ("bullet", "numbered"):
            yield "\n".join(
                ("- " if kind == "bullet" else f"{number}. ") + join(s.markdown for s in passage.sentences)
                for number, passage in enumerate(group, start=1)
            )
        else:
            yield from map(_render, group)


def _render(passage: Passage) -> str:
    if passage.kind == "code":
        fence = "~~~~" if "```" in passage.code else "```"
        return f"{fence}\n{passage.code}\n{fence}"
    text = join(s.markdown for s in passage.sentences)
    return f"> {text}" if passage.kind == "quote" else f"- {text}" if passage.kind == "bullet" else text
