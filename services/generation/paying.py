"""What a worker records of a model that it asked."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final
from uuid import UUID

from services.generation.domain.token_usage import RecordTokens
from services.generation.engines.port import Written
from shared.ids import derive
from shared.reactions import LeasedTask

_SMALLEST: Final = Decimal("0.000001")  # what the table holds


def paid(task: LeasedTask, written: Written, user_id: UUID | None) -> Sequence[RecordTokens]:
    """One record for this attempt at the task, none when no model was asked."""
    spent = written.spent
    if spent is None:
        return []
    return [
        RecordTokens(
            token_usage_id=derive("token_usage", task.id, task.attempts),
            service="generation",
            model=spent.model,
            input_tokens=spent.input_tokens,
            output_tokens=spent.output_tokens,
            cost_usd=None if spent.cost_usd is None else str(spent.cost_usd.quantize(_SMALLEST)),
            user_id=user_id,
        )
    ]
