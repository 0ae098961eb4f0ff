"""What is recorded of the models that were asked, here and by the judges."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from contracts.events.evaluation import ModelConsulted
from services.generation.domain.token_usage import RecordTokens
from services.generation.engines.port import Written
from shared.ids import derive
from shared.reactions import LeasedTask, on


def paid(task: LeasedTask, written: Written, user_id: UUID | None) -> Sequence[RecordTokens]:
    """One record for each model that this attempt at the task asked."""
    return [
        RecordTokens(
            token_usage_id=derive("token_usage", task.id, task.attempts, number),
            service="generation",
            model=spent.model,
            input_tokens=spent.input_tokens,
            output_tokens=spent.output_tokens,
            cost_usd=spent.cost,
            user_id=user_id,
        )
        for number, spent in enumerate(written.spent)
    ]


@on(ModelConsulted)
def record_the_judges(event: ModelConsulted) -> RecordTokens:
    return RecordTokens(
        token_usage_id=derive("token_usage", event.consultation_id),
        service="evaluation",
        model=event.model,
        input_tokens=event.input_tokens,
        output_tokens=event.output_tokens,
        cost_usd=event.cost_usd,
        user_id=event.user_id,
    )
