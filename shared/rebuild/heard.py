"""How far the service had heard others at one moment: what of their events its live rows contain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from contracts.envelope import START, Mark
from shared.bus.broker import partition_of
from shared.bus.marks import low_water
from shared.database import Connection

# One statement, so marks and parked events are of the same moment.
_SNAPSHOT = """
SELECT source, partitions, partition, transaction_id, position FROM heard
UNION ALL
SELECT source, 0, 0, transaction_id, position FROM parked_events
"""


@dataclass(frozen=True, slots=True)
class Heard:
    """Marks by source as [partitions, partition, transaction, position], and which events are parked."""

    places: Mapping[str, list[tuple[int, int, int, int]]] = field(default_factory=dict)
    parked: frozenset[tuple[str, Mark]] = frozenset()

    @classmethod
    async def now(cls, connection: Connection) -> Heard:
        places: dict[str, list[tuple[int, int, int, int]]] = {}
        parked = set()
        for source, partitions, partition, transaction_id, position in await connection.fetch(_SNAPSHOT):
            if partitions:
                places.setdefault(source, []).append((partitions, partition, transaction_id, position))
            else:
                parked.add((source, Mark(transaction_id, position)))
        return cls(places, frozenset(parked))

    def surely(self, source: str) -> Mark:
        """Everything up to here was heard."""
        return low_water(self.places.get(source, []))

    def nothing_beyond(self, source: str) -> Mark:
        """Nothing after this was heard."""
        return max((Mark(*place[2:]) for place in self.places.get(source, [])), default=START)

    def of(self, source: str, stream_id: UUID) -> Mark:
        """How far this stream was heard; rows of an earlier number of partitions still count."""
        return max(
            (
                Mark(transaction_id, position)
                for partitions, partition, transaction_id, position in self.places.get(source, [])
                if partition_of(stream_id, partitions) == partition
            ),
            default=START,
        )

    def told(self) -> dict[str, Any]:
        """As JSON."""
        return {"places": self.places, "parked": sorted([source, *mark] for source, mark in self.parked)}

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Heard:
        """What `told` says."""
        places = {source: [(p[0], p[1], p[2], p[3]) for p in found] for source, found in told["places"].items()}
        return cls(places, frozenset((source, Mark(*mark)) for source, *mark in told["parked"]))


NOTHING = Heard()
