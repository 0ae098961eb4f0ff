"""Which sentences say most of a text, and which of them say different things."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt

from .embedding import Vectors

Scores = npt.NDArray[np.float32]


def centrality(vectors: Vectors) -> Scores:
    """How near each sentence is to all the others, scaled to 0..1."""
    return scaled((vectors @ vectors.mean(axis=0)).astype(np.float32))


def scaled(values: Scores) -> Scores:
    """The values moved and stretched to 0..1; all ones when they are equal."""
    low, high = float(values.min()), float(values.max())
    return ((values - low) / (high - low)).astype(np.float32) if high - low > 1e-9 else np.ones_like(values)


def diverse(
    vectors: Vectors, relevance: Scores, count: int, *, taken: Collection[int] = (), trade: float = 0.65
) -> list[int]:
    """Rows chosen by maximal marginal relevance: `trade` for relevance, the rest against likeness to those chosen.

    Returns at most `count` row numbers, best first; never a row of `taken` or one with relevance below 0.
    """
    chosen: list[int] = []
    against = list(taken)
    free = [row for row in range(len(relevance)) if row not in set(against) and relevance[row] >= 0]
    while free and len(chosen) < count:
        likeness: Sequence[float] | npt.NDArray[np.float32] = (
            (vectors[free] @ vectors[against].T).max(axis=1) if against else [0.0] * len(free)
        )
        marginal = [trade * float(relevance[row]) - (1 - trade) * float(likeness[i]) for i, row in enumerate(free)]
        best = free.pop(int(np.argmax(marginal)))
        chosen.append(best)
        against.append(best)
    return chosen
