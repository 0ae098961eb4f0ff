"""What the offline engine's drafts cost."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from services.generation.engines.embedding import SentenceEncoder
from services.generation.engines.offline import OfflineEngine
from services.generation.engines.port import Request, Source
from tests.bench.figure import Figure
from tests.bench.ground import Ground

_SAMPLES: Final = Path(__file__).parents[1] / "samples"
_WORDS: Final = 2000
_FIVE: Final = ("linkedin", "x", "blog", "instagram", "email")
_ROUNDS: Final = 9


def drafts(_: Ground) -> Iterator[Figure]:
    """Five drafts of an article that the engine sees for the first time: median CPU of the process, in ms."""
    encoder = SentenceEncoder()
    encoder.encode(["The model loads once in the life of a process."])
    article = Source("", _article())
    first, again = [], []
    for _round in range(_ROUNDS):
        engine = OfflineEngine(encoder=encoder)
        first.append(_cost(engine, article))
        again.append(_cost(engine, article))
    what = f"offline drafts for five platforms of an article of {_WORDS:,} words"
    yield Figure(f"{what}, CPU", "ms", statistics.median(first), "lower", 300)
    yield Figure(f"{what} read before, CPU", "ms", statistics.median(again), "lower")


def _article() -> str:
    """Two articles and the beginning of the first once more, under another name for the bakery."""
    texts = [(_SAMPLES / name).read_text("utf-8") for name in ("article.md", "second.md", "article.md")]
    texts[2] = texts[2].replace("bakery", "mill").replace("bread", "flour")
    whole = "\n\n".join(texts).split(" ")
    return " ".join(whole[:_WORDS])


def _cost(engine: OfflineEngine, source: Source) -> float:
    began = time.process_time()
    for platform in _FIVE:
        engine.compose(Request(platform, source))
    return (time.process_time() - began) * 1000
