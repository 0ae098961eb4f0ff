"""Which judge decides, chosen by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from .instant import InstantJudge
from .offline import OfflineJudge
from .port import WEIGHTS, Judge


def build(
    name: Literal["offline", "instant", "model"] | str = "offline",
    *,
    base_url: str | None = None,
    api_key: str | None = None,
    model: str | None = None,
    timeout: float = 30.0,
    weights: Mapping[str, float] = WEIGHTS,
) -> Judge:
    """The judge called `name`; "model" falls back to the offline judge and needs `model` and `base_url`.

    `timeout` is in seconds for one whole verdict. Raises ValueError for an unknown name or settings that do not fit.
    """
    match name:
        case "offline":
            return OfflineJudge(weights)
        case "instant":
            return InstantJudge()
        case "model":
            if not model or not base_url:
                raise ValueError("The model judge needs a model name and a base URL.")
            from .model import ModelJudge

            fallback = OfflineJudge(weights)
            return ModelJudge(
                base_url=base_url, api_key=api_key, model=model, timeout=timeout, fallback=fallback, weights=weights
            )
        case _:
            raise ValueError(f'No judge is called "{name}": use offline, instant or model.')
