"""The engine that needs no network: drafts composed of the source's own sentences, never of invented ones."""

from __future__ import annotations

import asyncio
import re
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final

from shared.platforms import Platform, measure
from shared.threads import unnumbered

from .analysis import Analysis, analyse
from .composition import composer
from .composition.email import preheader
from .composition.tags import tags
from .embedding import MODEL, SentenceEncoder
from .feedback import Wish
from .forms import form
from .keyphrases import hashtags
from .plan import plan
from .port import Request, Source, Written
from .sentences import shorten, squeeze
from .templates import every_text, templates

_TRIES: Final = 5
_APART: Final = 20  # variants: beyond those that later iterations begin with
# Wishes that other texts of a template, or other hashtags, fulfil.
_OF_FORM: Final[frozenset[Wish]] = frozenset({"question", "no_question", "more_hashtags", "fewer_hashtags"})
_TAGS: Final = re.compile(r"(?:#[^\s#]+\s*)+")


class OfflineEngine:
    """Composes drafts extractively, in threads of its own. The same request always gives the same draft.

    `remembered` sources keep their analysis (about 0.3 MB each), so that its other posts cost a few
    milliseconds.
    """

    name: Final = "offline"

    def __init__(self, *, remembered: int = 64, threads: int = 1, encoder: SentenceEncoder | None = None) -> None:
        self._encoder = encoder or SentenceEncoder(threads)
        self._pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="offline-engine")
        self._remembered = remembered
        self._analyses: OrderedDict[Source, Analysis] = OrderedDict()
        self._lock = threading.Lock()

    async def write(self, request: Request) -> Written:
        """A draft that differs from `request.previous`.

        Raises NothingToWrite for an empty source, KeyError for an unknown platform.
        """
        return await asyncio.get_running_loop().run_in_executor(self._pool, self.compose, request)

    async def warm_up(self) -> None:
        """Load the model before the first request."""
        sentence = Source("Warm up", "The first request should not wait for the model to load.", "en")
        await self.write(Request("x", sentence))

    def compose(self, request: Request) -> Written:
        """The same as `write`, in the calling thread."""
        platform = form(request)
        analysis = self._analysis(request.source)
        previous = squeeze(request.previous or "")
        first = max(0, request.iteration - 1)
        other = None
        for variant in range(first, first + _TRIES * _APART, _APART):
            made = plan(request, analysis, self._encoder, variant)
            content = composer(platform)(analysis, made, platform)
            if squeeze(content) == previous:
                continue
            if made.wishes & _OF_FORM or _said(content) != _said(request.previous or ""):
                break
            # Only the words around the source's are others: better than nothing.
            other = other or content
        else:
            content = other or _otherwise(content, previous, analysis, platform)
        shown = tags(analysis, made, platform)
        marks = tuple(tag for tag in shown if tag in content) or hashtags(analysis.phrases, platform.hashtags[1])
        if platform.max_length is not None:
            marks = tuple(tag for tag in marks if tag in content)
        usage = {"sentences": len(analysis.article.sentences), "language": analysis.article.language}
        model = MODEL if analysis.article.language == "en" else None
        beside = preheader(analysis, made, content) if platform.name == "email" else ""
        return Written(analysis.article.title, content, self.name, model, marks, usage, preheader=beside)

    def _analysis(self, source: Source) -> Analysis:
        key = replace(source, url=None)
        # Three platforms ask for the same source at once: the first analyses, the others wait and share.
        with self._lock:
            found = self._analyses.get(key)
            if found is None:
                found = self._analyses[key] = analyse(source, self._encoder)
            self._analyses.move_to_end(key)
            while len(self._analyses) > self._remembered:
                self._analyses.popitem(last=False)
            return found


def _said(content: str) -> list[str]:
    """The lines of a draft that are neither texts of a template nor hashtags."""
    lines = (squeeze(line) for line in content.splitlines())
    return [line for line in lines if line and line not in every_text() and not _TAGS.fullmatch(line)]


def _with(closing: str, fits: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda text: fits(f"{text}\n\n{closing}")


def _otherwise(content: str, previous: str, analysis: Analysis, platform: Platform) -> str:
    """A source too small for a second wording: close it with another text, or leave one out."""
    own = templates(analysis.article.language)
    texts = (*own.questions, *own.closings, *templates("und").closings)
    limit, content = platform.max_length, unnumbered(content)

    def fits(text: str) -> bool:
        return limit is None or measure(platform, text) <= limit

    for closing in texts:
        closed = f"{shorten(content, _with(closing, fits))}\n\n{closing}"
        if squeeze(closed) not in (previous, closing) and fits(closed):
            return closed
    return content
