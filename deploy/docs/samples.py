"""Realistic, stable data for each event: one article on its way to three platforms."""

from __future__ import annotations

import json
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from contracts.committed import Json, schema_of
from contracts.envelope import Event, Mark, Meta, Wire, topic
from contracts.registry import EVENTS

AT = "2026-03-02T09:30:00.120000Z"
LATER = "2026-03-05T08:00:00Z"
TEXT = (
    "A compost heap steams because bacteria eat it. In three days the middle reaches sixty degrees, "
    "hot enough to kill most weed seeds. Turn it once a week, and the heat comes back."
)
POST = "A compost heap steams because bacteria eat it. Turn it once a week, and the heat comes back. #compost #garden"
SHA256 = sha256(TEXT.encode()).hexdigest()


def _id(number: int) -> str:
    return f"019cac3e-7a10-7c3e-9f00-{number:012d}"


VALUES: dict[str, Any] = {
    "execution_id": _id(31),
    "import_id": _id(71),
    "lines": 1200,
    "parts": 12,
    "part": 3,
    "imported": 99,
    "refused": 1,
    "run_id": _id(32),
    "execution_log_id": _id(35),
    "artifact_id": _id(33),
    "reviewer_id": _id(34),
    "comment_id": _id(61),
    "link_id": _id(62),
    "approval_link_id": _id(62),
    "resolved_by": _id(1),
    "batch_id": "garden-2026-03",
    "notes": "Names what steams.",
    "action": "Ask for the missing sections again, one by one",
    "artifact_type": "summary",
    "confidence": 0.8,
    "adjusted_parameters": {"sections": ["Results"]},
    "errors": ["The section `Results` is missing."],
    "input_file_url": f"/api/v1/files/{_id(10)}",
    "input_value": "compost.pdf",
    "retry_stats": {"rate_limited": 2},
    "reviewed_at": LATER,
    "root_cause": "The output stops in the middle of the document",
    "step_name": "Extract content",
    "step_output": {"sections": 4},
    "strategy": "incomplete",
    "validation_score": 0.9,
    "warnings": [],
    "data": {"summary": "Heaps steam because bacteria eat them."},
    "file_url": None,
    "file_size_bytes": 1204,
    "user_id": _id(1),
    "verification_id": _id(24),
    "session_id": _id(2),
    "project_id": _id(3),
    "workflow_id": _id(4),
    "draft_id": _id(5),
    "based_on_id": _id(6),
    "evaluation_id": _id(7),
    "job_id": _id(8),
    "connection_id": _id(9),
    "file_id": _id(10),
    "resource_id": _id(11),
    "output_id": _id(12),
    "template_id": _id(13),
    "task_id": _id(14),
    "caption_task_id": _id(14),
    "caption_settings_id": _id(15),
    "token_usage_id": _id(16),
    "token_budget_id": _id(25),
    "consultation_id": _id(26),
    "day": "2026-03-02",
    "used_tokens": 80_412,
    "limit_tokens": 100_000,
    "image_id": _id(17),
    "caption_id": _id(17),
    "caption_evaluation_id": _id(18),
    "post_id": _id(19),
    "summary_id": _id(19),
    "source_id": _id(20),
    "media_file_id": _id(21),
    "imported_post_id": _id(19),
    "kept_post_id": _id(19),
    "image_caption_id": _id(17),
    "slot_id": _id(41),
    "weekdays": [1, 3, 5],
    "local_time": "09:00",
    "webhook_id": _id(36),
    "events": ["draft.*", "workflow.completed"],
    "previous_until": LATER,
    "requested_by": _id(23),
    "author": "ada",
    "created_ts": AT,
    "error_message": None,
    "file_size": 48_211,
    "file_type": "image/jpeg",
    "ghost_post_id": "65f0c1d2e3a4b5c6d7e8f901",
    "ghost_slug": "my-compost-heap-stays-cold-1abcde",
    "ghost_url": "https://blog.example/my-compost-heap-stays-cold-1abcde/",
    "media_type": "image/jpeg",
    "original_url": "https://i.redd.it/heap.jpg",
    "reddit_post_id": "1abcde",
    "service_name": "media",
    "subreddit": "composting",
    "attempt": 1,
    "body": POST,
    "caption": "A compost heap with steam above it, on a cold morning.",
    "completed_at": LATER,
    "content_hash": SHA256,
    "created_at": AT,
    "current_step": "Describing image 3 of 12",
    "characters": len(TEXT),
    "content": POST,
    "criteria_scores": {"clarity": 86, "engagement": 74, "grammar": 97, "platform_fit": 90, "tone": 81},
    "criteria_weights": {
        "clarity": 0.2,
        "engagement": 0.25,
        "grammar": 0.15,
        "platform_appropriateness": 0.25,
        "style_consistency": 0.15,
    },
    "description": "What happens in a compost heap, for people with a garden.",
    "engine": "offline",
    "error_class": "rate_limited",
    "expires_at": "2026-03-09T09:30:00Z",
    "feedback": "Open with the sixty degrees; the first line says too little.",
    "hashtags": ["compost", "garden"],
    "instance_url": "https://api.x.com",
    "iteration": 1,
    "judge": "offline",
    "language": "en",
    "measures": {"characters": len(POST), "similarity_to_source": 0.93},
    "metadata": {"weight": 1},
    "mime_type": "text/markdown",
    "name": "Ada Byron",
    "outcomes": {"linkedin": "published", "x": "published", "blog": "rejected"},
    "path": f"files/{SHA256}.md",
    "platform": "x",
    "platform_post_id": "1950000000000000001",
    "platform_type": "x",
    "platforms": ["linkedin", "x", "blog"],
    "prompt": "Write a post about {topic} for people with a garden.",
    "prompt_used": "Describe the image in one or two sentences.",
    "published_at": LATER,
    "reason": "The platform asks to wait until 09:45; the post goes out then.",
    "request": {"tone_of_voice": "professional", "topic": "compost"},
    "requested_at": AT,
    "response": {"status": 201},
    "scheduled_for": LATER,
    "score": 84,
    "settings": {"premium": False},
    "sha256": SHA256,
    "size_bytes": len(TEXT),
    "service": "generation",
    "source": "ai",
    "stage": "publication",
    "started_at": AT,
    "summary_ko": "퇴비 더미는 세균이 먹이를 먹으면서 뜨거워진다.",
    "text": TEXT,
    "text_path": f"files/{SHA256}.extracted.md",
    "time_zone": "Europe/Berlin",
    "title": "Why compost heaps steam",
    "tone": "professional",
    "type": "style_sample",
    "url": "https://x.com/ada/status/1950000000000000001",
    "usage": {"model_calls": 0},
    "username": "ada",
}

PARTICULAR: dict[tuple[str, str], Any] = {
    ("CaptionEvaluated", "feedback"): "Nothing to change was found.",
    ("CaptionTaskCompleted", "results"): {"captions_generated": 12, "errors": 0},
    ("CaptionTaskFailed", "reason"): "The account refused the token; connect it again.",
    ("OutputFailed", "reason"): "The file of this output is gone: upload it again.",
    ("OutputRequested", "prompt"): "Write a post about compost for people with a garden.",
    ("OutputRequested", "platform"): "blog",
    ("ConnectionBroken", "name"): "Ada on X",
    ("ConnectionBroken", "reason"): "X does not accept your token. Connect X again, then retry.",
    ("EngagementMeasured", "likes"): 12,
    ("EngagementMeasured", "comments"): 3,
    ("EngagementMeasured", "shares"): 4,
    ("EngagementMeasured", "views"): 830,
    ("EngagementMeasured", "measured_at"): LATER,
    ("EngagementWithheld", "platform"): "linkedin",
    ("EngagementWithheld", "reason"): "LinkedIn has the post no more.",
    ("ConnectionRenamed", "name"): "Ada, mornings",
    ("CaptionPostFailed", "reason"): "The connection of the post is gone or not active; activate it.",
    ("ImageFailed", "reason"): "The image is no PNG, JPEG, GIF or WebP.",
    ("ImagePostFailed", "reason"): "The connection of the post is gone or not active; activate it.",
    ("ImportPartDone", "refused"): [{"line": 217, "error": "The content is empty; send the text of the post."}],
    ("MediaFileFailed", "reason"): "The address answered with status 404.",
    ("PlatformPostImported", "images"): [
        {
            "image_id": _id(17),
            "url": "https://mastodon.example/media/7.png",
            "image_post_id": "7",
            "attachment_index": 0,
            "media_type": "image/png",
            "original_caption": None,
            "created": AT,
        }
    ],
    ("PlatformPostImported", "platform_type"): "mastodon",
    ("PlatformPostImported", "instance_url"): "https://mastodon.example",
    ("PostCollected", "title"): "My compost heap stays cold",
    ("PostCollected", "url"): "https://www.reddit.com/r/composting/comments/1abcde/",
    ("PostCollected", "media"): [{"media_file_id": _id(21), "url": "https://i.redd.it/heap.jpg"}],
    ("PostPublicationFailed", "reason"): "Ghost does not accept the admin key.",
    ("PostRemovalFailed", "reason"): "Ghost answered 500.",
    ("PostUnpublishFailed", "reason"): "Ghost answered 500.",
    ("TakedownRequested", "reason"): "The author asks for it.",
    ("PostEnriched", "tags"): ["compost", "gardening", "soil"],
    ("PostSummarised", "tags"): ["compost", "gardening", "soil"],
    ("PostSummarised", "pain_points"): [
        {"description": "The heap stays cold.", "category": "method", "severity": "medium", "frequency": "often"}
    ],
    ("PostSummarised", "product_ideas"): [
        {
            "title": "A thermometer that calls",
            "description": "Says when to turn the heap.",
            "target_pain_point": "The heap stays cold.",
            "feasibility": "high",
            "market_potential": "medium",
        }
    ],
    ("TemplateChanged", "name"): "Garden notes",
    ("TemplateChanged", "type"): "blog",
    ("TemplateCreated", "name"): "Garden notes",
    ("ModelConsulted", "cost_usd"): "0.000105",
    ("ModelConsulted", "input_tokens"): 460,
    ("ModelConsulted", "model"): "gpt-4o-mini",
    ("ModelConsulted", "output_tokens"): 60,
    ("TokenBudgetExhausted", "used_tokens"): 101_954,
    ("TokensUsed", "cost_usd"): "0.000412",
    ("TokensUsed", "input_tokens"): 1200,
    ("TokensUsed", "model"): "gpt-4o-mini",
    ("TokensUsed", "output_tokens"): 310,
    ("WorkflowStarted", "source"): {
        "title": VALUES["title"],
        "text": TEXT,
        "file_id": None,
        "sha256": SHA256,
        "characters": len(TEXT),
        "language": "en",
        "url": "https://example.org/compost",
    },
    ("ArtifactProduced", "name"): "Summary of compost.pdf",
    ("ConnectionAdded", "name"): "Ada on X",
    ("DraftAccepted", "link_id"): None,
    ("DraftCommented", "author_id"): _id(34),
    ("DraftCommented", "body"): "The second sentence is the better beginning.",
    ("DraftCommented", "link_id"): None,
    ("DraftCreated", "based_on_id"): None,
    ("DraftRejected", "link_id"): None,
    ("DraftFailed", "reason"): "The source has no sentence to take; give one of at least 200 characters.",
    ("DraftRequested", "feedback"): None,
    ("DraftRequested", "based_on_id"): None,
    ("EvaluationFailed", "reason"): "No judge reads this language; decide without a score.",
    ("ExtractionFailed", "reason"): "The file is encrypted; upload it without a password.",
    ("FileStored", "name"): "compost.md",
    ("PlatformReadyForReview", "reason"): "good_enough",
    ("ExecutionFailed", "reason"): "Extract content: the section `Results` is missing.",
    ("ExecutionPlanned", "metadata"): {},
    ("ExecutionPlanned", "steps"): [
        {
            "id": 1,
            "name": "Extract document structure",
            "description": "Read the PDF and find its sections",
        },
        {"id": 2, "name": "Extract content", "description": "Take text, tables and figures out of each section"},
    ],
    ("ProcessingRunStarted", "instance_url"): "https://pixelfed.example",
    ("ProcessingRunStarted", "platform_type"): "pixelfed",
    ("StepFailed", "reason"): "The step took longer than 600 seconds.",
    ("SessionRevoked", "reason"): "logged_out",
    ("TrialStarted", "username"): "trial-019cac3e7a107c3e9f00000000000001",
    ("WebhookAdded", "description"): "The newsroom's board",
    ("WebhookChanged", "description"): "The newsroom's board",
    ("WebhookDisabled", "reason"): "failing",
    ("WebhookDisabled", "detail"): "A delivery failed 10 times and none got through meanwhile.",
}


def sample(event: type[Event]) -> Json:
    """Data the event's current version may carry. Raises LookupError when a text field has no value to show here."""
    properties: Json = schema_of(event).get("properties", {})
    data = {name: _value(event.__name__, name, schema) for name, schema in properties.items()}
    found: Json = json.loads(event.model_validate(data).public_json())
    return found


def wire(event_type: str, *, bare: bool = False) -> Wire:
    """A message with the event's sample; `bare` leaves out what an envelope may leave out."""
    event = EVENTS[event_type]
    meta = Meta(
        event_id=UUID(_id(100)),
        stream_type=event.stream,
        stream_id=UUID(VALUES[f"{event.stream}_id"]),
        version=1,
        recorded_at=datetime.fromisoformat(AT),
        correlation_id=UUID(_id(200)),
        causation_id=None if bare else UUID(_id(99)),
        actor=None if bare else UUID(VALUES["user_id"]),
        traceparent=None if bare else "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    )
    data = json.dumps(sample(event), ensure_ascii=False).encode()
    source = topic(event.owner).rpartition(".")[2]
    return Wire(meta, event_type, event.schema_version, source, Mark(812, 4711), 1, data, 12, Mark(811, 4708))


def _value(event_type: str, name: str, schema: Json) -> Any:
    if (event_type, name) in PARTICULAR:
        return PARTICULAR[event_type, name]
    if "enum" in schema:
        return schema["enum"][0]
    if name in VALUES:
        return VALUES[name]
    if "default" in schema:
        return schema["default"]
    if schema.get("type") == "integer":
        return schema.get("minimum", 1)
    if schema.get("type") == "boolean":
        return True
    if schema.get("format") == "date-time":
        return AT
    raise LookupError(f"{event_type}.{name} has no sample value: give one in deploy/docs/samples.py.")
