"""Which judge decides, chosen by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from shared.llm import Budget, Endpoint

from .instant import InstantJudge
from .offline import OfflineJudge
from .port import WEIGHTS, Judge


def build(
    name: Literal["offline", "instant", "model"] | str = "offline",
    *,
    endpoints: Sequence[Endpoint] = (),
    timeout: float = 30.0,
    answer_tokens: int = 8192,
    budget: Budget | None = None,
    weights: Mapping[str, float] = WEIGHTS,
) -> Judge:
    """The judge called `name`; "model" needs `endpoints` and falls back to the offline judge.

    `timeout` is in seconds for one whole verdict. Raises ValueError for an unknown name or settings that do not fit.
    """
    match name:
        case "offline":
            return OfflineJudge(weights)
        case "instant":
            return InstantJudge()
        case "model":
            if not endpoints:
                raise ValueError("The model judge needs an endpoint: a model's name and its address.")
            from .model import ModelJudge

            fallback = OfflineJudge(weights)
            return ModelJudge(
                endpoints,
                fallback=fallback,
                timeout=timeout,
                answer_tokens=answer_tokens,
                budget=budget,
                weights=weights,
            )
        case _:
            raise ValueError(f'No judge is called "{name}": use offline, instant or model.')
