"""What executions logged goes by its age, all logs together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from contracts.envelope import Event
from contracts.events.workflow import ExecutionLogsRemoved
from shared.decider import Decider
from shared.ids import derive

LOGS: Final = derive("execution_logs")  # the one stream


@dataclass(frozen=True, slots=True)
class Logs:
    """From when on they are kept."""

    before: datetime | None = None


@dataclass(frozen=True, slots=True)
class RemoveLogs:
    """What was logged before is to go."""

    before: datetime
    execution_log_id: UUID = LOGS


def decide(command: RemoveLogs, logs: Logs) -> Sequence[Event]:
    if logs.before is not None and command.before <= logs.before:
        return []
    return [ExecutionLogsRemoved(execution_log_id=command.execution_log_id, before=command.before)]


def evolve(logs: Logs, event: Event) -> Logs:
    return Logs(event.before) if isinstance(event, ExecutionLogsRemoved) else logs


decider: Decider[Logs] = Decider(
    stream="execution_log",
    initial=Logs(),
    decide=decide,
    evolve=evolve,
    commands=(RemoveLogs,),
    stream_id=lambda command: command.execution_log_id,
)
