"""Webhooks: added, changed, disabled, enabled, removed; what they tell of and how it is signed."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from contracts.envelope import Meta
from contracts.events.generation import TokensUsed
from contracts.events.publishing import ConnectionAdded, JobStarted
from contracts.events.webhooks import (
    WebhookAdded,
    WebhookChanged,
    WebhookDisabled,
    WebhookEnabled,
    WebhookRemoved,
    WebhookSecretRotated,
)
from contracts.events.workflow import StepCompleted, WorkflowCompleted
from services.publishing.domain import webhook
from services.publishing.domain.webhook import AddWebhook, ChangeWebhook, DisableWebhook, RemoveWebhook, RotateSecret
from services.publishing.webhooks.catalogue import TOLD, TYPES, matches_something
from services.publishing.webhooks.hearing import tell
from services.publishing.webhooks.sending import Sender, headers_of, new_secret
from shared.decider import Conflict, Invalid, NotFound
from tests.deciding import Deciding, deciding

USER, HOOK, OTHER, KEY = (UUID(int=number) for number in (1, 11, 12, 5))
AT = datetime(2026, 3, 5, 8, tzinfo=UTC)
URL = "https://hooks.example.org/in"
WHOSE: dict[str, Any] = {"webhook_id": HOOK, "user_id": USER}


def added(webhook_id: UUID = HOOK) -> WebhookAdded:
    return WebhookAdded(webhook_id=webhook_id, user_id=USER, events=("*",), url=URL, secret="sealed")


def one() -> Deciding:
    return deciding(webhook.decider).given(added())


def add(webhook_id: UUID = HOOK) -> AddWebhook:
    return AddWebhook(webhook_id, USER, URL, ("*",), "", "sealed")


def test_a_webhook_is_added_once_and_not_without_end() -> None:
    deciding(webhook.decider).when(add()).then(added())
    one().when(add()).then_nothing()
    many = deciding(webhook.decider).given(*(added(UUID(int=100 + number)) for number in range(webhook.MOST)))
    many.when(add()).then_refused(Conflict, "remove one")


def test_only_what_differs_is_a_change() -> None:
    one().when(ChangeWebhook(**WHOSE, url=URL, events=("*",), is_active=True)).then_nothing()
    one().when(ChangeWebhook(**WHOSE, events=("draft.*",))).then(WebhookChanged(**WHOSE, events=("draft.*",), url=URL))
    stopped = one().when(ChangeWebhook(**WHOSE, is_active=False)).then_types(WebhookDisabled)
    stopped.when(ChangeWebhook(**WHOSE, is_active=True)).then(WebhookEnabled(**WHOSE))
    one().when(ChangeWebhook(OTHER, USER, description="?")).then_refused(NotFound, "no such webhook")


def test_it_is_disabled_once_however_many_deliveries_say_so() -> None:
    gone = DisableWebhook(HOOK, USER, "gone", "It answered 410.")
    after = one().when(gone).then_types(WebhookDisabled)
    after.when(gone).then_nothing()
    deciding(webhook.decider).when(gone).then_nothing()
    after.when(ChangeWebhook(**WHOSE, is_active=True)).then(WebhookEnabled(**WHOSE))


def test_a_rotated_secret_keeps_the_one_before() -> None:
    one().when(RotateSecret(HOOK, USER, "new", AT)).then(
        WebhookSecretRotated(**WHOSE, previous_until=AT, secret="new", previous_secret="sealed")
    )


def test_what_is_removed_stays_removed() -> None:
    gone = one().when(RemoveWebhook(HOOK, USER)).then_types(WebhookRemoved)
    gone.when(RemoveWebhook(HOOK, USER)).then_nothing()
    gone.when(add()).then_nothing()
    gone.when(RotateSecret(HOOK, USER, "new", AT)).then_refused(NotFound)
    one().when(RemoveWebhook(OTHER, USER)).then_refused(NotFound)


def test_events_have_the_documented_names() -> None:
    names = set(TOLD.values())
    assert len(names) == len(TOLD), "two events of one name"
    documented = {"started", "completed", "failed", "step_completed", "correction_applied"}
    assert {f"execution.{name}" for name in documented} <= names
    assert {"workflow.completed", "draft.created", "draft.evaluated", "job.published", "file.stored"} <= names
    assert {"platform.ready_for_review", "output.failed", "image.captioned", "webhook.disabled"} <= names
    assert TokensUsed not in TOLD
    assert all(TYPES.values()), "an event type that nobody explains"


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("*", True),
        ("draft.*", True),
        ("draft.created", True),
        ("webhook.test", True),
        ("draft", False),
        ("dra*", False),
        ("*.created", False),
        ("drafts.*", False),
        ("", False),
    ],
)
def test_a_filter_names_what_there_is(pattern: str, matches: bool) -> None:
    assert matches_something(pattern) is matches


def _told(event: Any) -> dict[str, Any]:
    call = tell(event.at(Meta(KEY, event.stream, OTHER, 3, AT, KEY)))
    assert call is not None
    row = dict(call.row)
    return row | {"body": orjson.loads(row["body"])}


def test_an_event_is_told_with_type_time_and_data() -> None:
    told = _told(WorkflowCompleted(workflow_id=HOOK, user_id=USER, outcomes={"x": "published"}))
    assert told["body"] == {
        "type": "workflow.completed",
        "timestamp": "2026-03-05T08:00:00Z",
        "data": {
            "workflow_id": str(HOOK), "user_id": str(USER), "workflow_status": "running", "outcomes": {"x": "published"}
        },
    }  # fmt: skip
    assert (told["story"], told["event_id"]) == (HOOK, KEY)
    step = StepCompleted(execution_id=HOOK, user_id=USER, step=1, step_attempt=1, step_output="a", duration_ms=3)
    assert (_told(step)["type"], _told(step)["story"]) == ("execution.step_completed", HOOK)


def test_neither_private_fields_nor_leases_are_told() -> None:
    connection = ConnectionAdded(
        connection_id=HOOK, user_id=USER, name="a", platform_type="x", instance_url="https://x", access_token="hush"
    )
    assert "hush" not in str(_told(connection))
    assert "access_token" not in _told(connection)["body"]["data"]
    job: dict[str, Any] = {"job_id": HOOK, "workflow_id": OTHER, "user_id": USER, "platform": "x", "draft_id": KEY}
    data = _told(JobStarted(**job, attempt=1, lease_id=KEY))["body"]["data"]
    assert "lease_id" not in data
    assert data["attempt"] == 1


def test_a_webhook_does_not_hear_of_its_own_end() -> None:
    assert _told(WebhookDisabled(**WHOSE, reason="gone"))["not_to"] == HOOK


def test_a_delivery_is_verified_with_the_new_secret_and_with_the_old_and_with_no_other() -> None:
    old, new = new_secret(), new_secret()
    assert len(base64.b64decode(new.removeprefix("whsec_"))) == 32
    now = datetime.now(UTC)
    body = '{"type":"webhook.test"}'
    headers = headers_of([new, old], HOOK, now, body)
    for secret in (old, new):
        assert Verifier(secret).verify(body, headers) == {"type": "webhook.test"}
    for secret, sent in ((new_secret(), body), (new, body + " ")):
        with pytest.raises(WebhookVerificationError, match="No matching"):
            Verifier(secret).verify(sent, headers)
    late = headers_of([new], HOOK, now - timedelta(minutes=6), body)
    with pytest.raises(WebhookVerificationError, match="too old"):
        Verifier(new).verify(body, late)


@pytest.mark.parametrize(
    ("url", "saying"),
    [
        ("http://example.org/in", "over https"),
        ("ftp://example.org/in", "no usable URL"),
        ("example.org/in", "no usable URL"),
        ("https://", "no usable URL"),
        ("https://exa mple.org/", "no usable URL"),
        ("https://[::1", "no usable URL"),
        ("https://me:secret@example.org/", "user name or password"),
        ("https://example.org/#top", "fragment"),
        ("https://example.org:8443/in", "port 443"),
        ("https://localhost/in", "private network"),
        ("https://127.0.0.1/in", "private network"),
        ("https://169.254.169.254/latest/meta-data", "private network"),
        ("https://[::ffff:10.0.0.1]/in", "private network"),
    ],
)
def test_an_address_that_nothing_would_be_sent_to_is_refused(url: str, saying: str) -> None:
    with pytest.raises(Invalid, match=saying):
        Sender(5, 1).check(url)


def test_a_public_address_is_kept_as_it_is() -> None:
    assert Sender(5, 1).check(" https://hooks.example.org/in?key=1 ") == "https://hooks.example.org/in?key=1"


async def test_a_name_that_leads_into_a_private_network_is_not_called() -> None:
    attempt = await Sender(5, 1).send("https://localhost/in", [new_secret()], HOOK, datetime.now(UTC), "{}")
    assert attempt.status is None
    assert attempt.error is not None
    assert "private network" in attempt.error


def test_a_webhook_has_so_many_places() -> None:
    sender = Sender(5, 1)
    with sender.place(HOOK) as first, sender.place(HOOK) as second, sender.place(OTHER) as other:
        assert (first, second, other) == (True, False, True)
    with sender.place(HOOK) as again:
        assert again
