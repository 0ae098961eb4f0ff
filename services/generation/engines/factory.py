"""Which engine writes, chosen by name."""

from __future__ import annotations

from typing import Literal

from .instant import InstantEngine
from .offline import OfflineEngine
from .port import Engine
from .spending import Prices


def build(
    name: Literal["offline", "instant", "model"] | str = "offline",
    *,
    base_url: str | None = None,
    api_key: str | None = None,
    model: str | None = None,
    timeout: float = 60.0,
    remembered: int = 64,
    threads: int = 1,
    prices: Prices = Prices(),
) -> Engine:
    """The engine called `name`; "model" falls back to the offline engine and needs `model` and `base_url`.

    `timeout` is in seconds for one whole draft. Raises ValueError for an unknown name or a missing setting.
    """
    match name:
        case "offline":
            return OfflineEngine(remembered=remembered, threads=threads)
        case "instant":
            return InstantEngine()
        case "model":
            if not model or not base_url:
                raise ValueError("The model engine needs a model name and a base URL.")
            from .model import ModelEngine

            fallback = OfflineEngine(remembered=remembered, threads=threads)
            return ModelEngine(
                base_url=base_url, api_key=api_key, model=model, timeout=timeout, fallback=fallback, prices=prices
            )
        case _:
            raise ValueError(f'No engine is called "{name}": use offline, instant or model.')
