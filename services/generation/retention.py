"""How long generation keeps what is over: old outputs are archived, and those that got stuck fail.

Drafts are kept for good, whatever becomes of their workflow.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from services.generation.domain.output import ArchiveOutput, FailOutput
from shared.retention import Rule
from shared.retention.commands import ByCommand

_STUCK_REASON: Final = "Writing it began and came to no end within the time that is given; try it again."

_COMPLETED = """
SELECT id, user_id, created_at AS at FROM outputs
WHERE status = 'completed' AND created_at < $1 AND updated_at < $1 ORDER BY created_at, id LIMIT $2
"""
_EDITED = "SELECT count(*) FROM outputs WHERE status = 'completed' AND created_at < $1 AND updated_at >= $1"

_IN_HAND = """
EXISTS (SELECT FROM tasks WHERE kind = 'write_output' AND payload ->> 'output_id' = outputs.id::text
        AND leased_until > now())
"""
# Of one moment with its attempt: one that was begun anew meanwhile is another.
_STUCK = f"""
SELECT id, updated_at AS at,
       (SELECT (data ->> 'attempt')::integer FROM events WHERE stream_id = outputs.id AND type = 'OutputStarted'
        ORDER BY version DESC LIMIT 1) AS attempt
FROM outputs WHERE status = 'processing' AND updated_at < $1 AND NOT {_IN_HAND} ORDER BY updated_at, id LIMIT $2
"""
_WRITING = f"SELECT count(*) FROM outputs WHERE status = 'processing' AND updated_at < $1 AND {_IN_HAND}"


def _archive(row: Mapping[str, Any], cutoff: datetime) -> ArchiveOutput:
    return ArchiveOutput(row["id"], row["user_id"])


def _fail(row: Mapping[str, Any], cutoff: datetime) -> FailOutput:
    return FailOutput(row["id"], row["attempt"], _STUCK_REASON)


RULES = (
    Rule(
        "stuck_outputs",
        "outputs in hand for so long fail",
        "retention_stuck_outputs_hours",
        ByCommand(_STUCK, _fail, _WRITING, "in use: a worker has them in hand"),
    ),
    Rule(
        "completed_outputs",
        "completed outputs go to the archive",
        "retention_completed_outputs_days",
        ByCommand(_COMPLETED, _archive, _EDITED, "in use: they were edited since"),
    ),
)
