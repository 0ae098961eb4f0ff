"""How the data of an old version becomes that of the next: pure functions from dict to dict, one step each."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

Data = dict[str, Any]
Upcaster = Callable[[Data], Data]

UPCASTERS: dict[tuple[str, int], Upcaster] = {}


class MissingUpcaster(LookupError):
    """No function lifts this version of this event to the next."""


def upcast(event_type: str, *, from_version: int) -> Callable[[Upcaster], Upcaster]:
    """Marks what lifts `event_type` from `from_version` to the version after it. Raises ValueError for a second one."""

    def register(function: Upcaster) -> Upcaster:
        if (event_type, from_version) in UPCASTERS:
            raise ValueError(f"{event_type} version {from_version} has two upcasters; keep one.")
        UPCASTERS[event_type, from_version] = function
        return function

    return register


def lift(event_type: str, data: Data, *, from_version: int, to_version: int) -> Data:
    """The data as `to_version` knows it; the given dict stays untouched. Raises MissingUpcaster for a missing step."""
    for version in range(from_version, to_version):
        step = UPCASTERS.get((event_type, version))
        if step is None:
            raise MissingUpcaster(f"no upcaster lifts {event_type} from version {version} to {version + 1}")
        data = step(data)
    return data


@upcast("WorkflowStarted", from_version=1)
def describe_the_source(data: Data) -> Data:
    """Version 1 had the bare text, and `threshold` for what is `min_score` now."""
    kept = {name: value for name, value in data.items() if name not in {"source_text", "source_title", "threshold"}}
    text: str = data["source_text"]
    source = {
        "title": data.get("source_title") or "",
        "text": text,
        "sha256": sha256(text.encode()).hexdigest(),
        "characters": len(text),
        "language": "",  # version 1 did not look
        "url": None,
    }
    return kept | {"source": source, "min_score": data.get("threshold", 70)}
