"""Which engine writes, chosen by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from shared.llm import Budget, Endpoint

from .instant import InstantEngine
from .offline import OfflineEngine
from .port import Engine


def build(
    name: Literal["offline", "instant", "model"] | str = "offline",
    *,
    endpoints: Sequence[Endpoint] = (),
    timeout: float = 60.0,
    answer_tokens: int = 8192,
    budget: Budget | None = None,
    remembered: int = 64,
    threads: int = 1,
) -> Engine:
    """The engine called `name`; "model" needs `endpoints` and falls back to the offline engine.

    `timeout` is in seconds for one whole draft. Raises ValueError for an unknown name or a missing setting.
    """
    match name:
        case "offline":
            return OfflineEngine(remembered=remembered, threads=threads)
        case "instant":
            return InstantEngine()
        case "model":
            if not endpoints:
                raise ValueError("The model engine needs an endpoint: a model's name and its address.")
            from .model import ModelEngine

            fallback = OfflineEngine(remembered=remembered, threads=threads)
            return ModelEngine(
                endpoints, fallback=fallback, timeout=timeout, answer_tokens=answer_tokens, budget=budget
            )
        case _:
            raise ValueError(f'No engine is called "{name}": use offline, instant or model.')
