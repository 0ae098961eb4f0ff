"""What webhooks tell of: every event of a user's things, by the name that users know it by.

A new event of these services is told by itself, under a name made of its stream and its own.
"""

from __future__ import annotations

import re

from contracts.envelope import Event
from contracts.registry import of

SERVICES = ("workflow", "generation", "evaluation", "publishing", "media")
TEST = "webhook.test"

# Names that do not follow from stream and event.
_NAMES = {
    "ExecutionPlanned": "execution.started",
    "StepStarted": "execution.step_started",
    "StepCompleted": "execution.step_completed",
    "StepFailed": "execution.step_failed",
    "StepValidated": "execution.step_validated",
    "StepCorrected": "execution.correction_applied",
    "ArtifactProduced": "execution.artifact_produced",
    "ProcessingRunStarted": "processing_run.started",
    "ProcessingRunProgressed": "processing_run.progressed",
    "ProcessingRunFinished": "processing_run.finished",
    "ProcessingRunRemoved": "processing_run.removed",
    "PlatformPostImported": "platform_post.imported",
    "PlatformPostRemoved": "platform_post.removed",
    "CaptionPostRequested": "caption.post_requested",
    "TextExtracted": "file.text_extracted",
    "ExtractionFailed": "file.extraction_failed",
    "TakedownRequested": "post.takedown_requested",
}
# Bookkeeping, or said by another event already.
_NOT_TOLD = {
    "CheckpointsCleaned",
    "DraftReceived",
    "SourceErased",
    "TokensUsed",
    "TokenUsageErased",
    "ModelConsulted",
    "CaptionSettingsChanged",
    "CaptionSettingsErased",
    "ConnectionTokenRenewed",
    "ConnectionUsed",
    "PlatformPostKept",
    "PlatformPostDropped",
    "PostProcessed",
    "WebhookAdded",
    "WebhookChanged",
    "WebhookSecretRotated",
    "WebhookEnabled",
    "WebhookRemoved",
}
# What no client can use: who holds a task.
WITHOUT = {"lease_id"}

_WORD = re.compile(r"[A-Z][a-z0-9]*")


def name_of(event: type[Event]) -> str:
    """What a webhook calls the event: `workflow.completed`."""
    if known := _NAMES.get(event.__name__):
        return known
    words = [word.lower() for word in _WORD.findall(event.__name__)]
    thing = event.stream.split("_")
    size = len(thing) if words[: len(thing)] == thing and len(words) > len(thing) else 1
    return f"{'_'.join(words[:size])}.{'_'.join(words[size:])}"


TOLD: dict[type[Event], str] = {
    event: name_of(event)
    for service in SERVICES
    for event in of(service)
    if event.__name__ not in _NOT_TOLD and "user_id" in event.model_fields
}
TYPES: dict[str, str] = {
    TEST: "You asked for it, to see whether deliveries arrive.",
    **{name: (event.__doc__ or "").strip() for event, name in sorted(TOLD.items(), key=lambda entry: entry[1])},
}


def patterns_of(event_type: str) -> list[str]:
    """The entries of a filter that let a type pass."""
    return [event_type, f"{event_type.partition('.')[0]}.*", "*"]


def matches_something(pattern: str) -> bool:
    """Whether an entry of a filter lets any type pass."""
    return any(pattern in patterns_of(event_type) for event_type in TYPES)
