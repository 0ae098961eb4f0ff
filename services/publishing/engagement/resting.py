"""Accounts whose platform answers no more questions for a while: nobody asks for them before."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID


class Resting:
    """Known to one process; others learn it by asking once."""

    def __init__(self) -> None:
        self._until: dict[UUID, datetime] = {}

    def rest(self, connection_id: UUID, until: datetime, now: datetime) -> None:
        """No questions for this account until then."""
        self._until = {each: ends for each, ends in self._until.items() if ends > now}
        self._until[connection_id] = until

    def seconds(self, connection_id: UUID, now: datetime) -> float:
        """How long the account still rests; 0 when it does not."""
        until = self._until.get(connection_id)
        return 0.0 if until is None else max(0.0, (until - now).total_seconds())
