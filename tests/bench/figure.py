"""One measured figure, what was promised, and what it is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. `target` None: nothing was promised; `peer` "": nothing to compare with here."""

    what: str
    unit: str
    ours: float
    better: Literal["higher", "lower"] = "higher"
    target: float | None = None
    peer: str = ""
    theirs: float | None = None
    plan: str = ""  # how the database went about it

    @property
    def ratio(self) -> float | None:
        """Ours to the peer's, as measured; above 1 is good where higher is better."""
        return self.ours / self.theirs if self.theirs else None

    @property
    def reached(self) -> float | None:
        """Share of the target that is reached; 1 and above: kept."""
        if self.target is None or not self.ours:
            return None
        return self.ours / self.target if self.better == "higher" else self.target / self.ours


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` of the sorted values lie (nearest rank). Raises IndexError for no values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def latency(values: list[float]) -> dict[str, float]:
    """p50 and p99 in milliseconds of durations in seconds."""
    return {"p50": percentile(values, 0.5) * 1000, "p99": percentile(values, 0.99) * 1000}
