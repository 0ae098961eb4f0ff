"""Webhooks over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request, Response

from services.publishing.domain.webhook import NO_WEBHOOK, AddWebhook, ChangeWebhook, RemoveWebhook, RotateSecret
from services.publishing.webhooks import queries
from services.publishing.webhooks.catalogue import TEST, TYPES
from services.publishing.webhooks.schemas import (
    Delivery,
    DeliveryStatus,
    DeliveryWithBody,
    EventType,
    NewWebhook,
    Replay,
    Replayed,
    Webhook,
    WebhookChange,
    WebhookWithSecret,
)
from services.publishing.webhooks.sending import Sender, new_secret
from shared.decider import Conflict, NotFound
from shared.http.idempotency import Idempotency
from shared.http.pagination import Page, PageQuery
from shared.http.user import CurrentUser
from shared.ids import new_id
from shared.kit import Kit, kit_of
from shared.security.tokens import Claims

router = APIRouter(prefix="/api/v1/webhooks", tags=["webhooks"])

_MOST_REPLAYED = 10_000
_NO_DELIVERY = "There is no such delivery; list the webhook's deliveries to see which there are."


def _sender(request: Request) -> Sender:
    sender: Sender = kit_of(request).tools.webhooks
    return sender


def _sealed(kit: Kit, secret: str) -> str:
    return kit.store.cipher.encrypt(secret.encode()).decode()


@router.get("/event-types")
async def list_event_types(user: CurrentUser) -> list[EventType]:
    """Everything that a webhook may be told of."""
    return [EventType(type=name, description=description) for name, description in TYPES.items()]


@router.post("", status_code=201)
async def add_webhook(
    body: NewWebhook, request: Request, response: Response, user: CurrentUser, idempotency: Idempotency
) -> WebhookWithSecret:
    """Have an address told what happens from now on. The secret that signs is shown in this answer only."""
    kit = kit_of(request)
    url = _sender(request).check(body.url)
    webhook_id = idempotency.id()
    command = AddWebhook(
        webhook_id, user.user_id, url, tuple(body.events), body.description, _sealed(kit, new_secret())
    )  # fmt: skip
    await idempotency.handle(command, actor=user.user_id)
    response.headers["Location"] = f"{router.prefix}/{webhook_id}"
    return await _with_secret(kit, user, webhook_id)


@router.get("")
async def list_webhooks(request: Request, user: CurrentUser, page: PageQuery) -> Page[Webhook]:
    """Your webhooks, newest first."""
    async with kit_of(request).database.reading(user.user_id) as connection:
        rows = await queries.webhooks(connection, user.user_id, page)
    return page.page(rows, lambda row: Webhook(**row))


@router.get("/{webhook_id}")
async def read_webhook(webhook_id: UUID, request: Request, user: CurrentUser) -> Webhook:
    """One webhook; why it is disabled, if it is."""
    return Webhook(**await _webhook(kit_of(request), user, webhook_id))


@router.patch("/{webhook_id}")
async def change_webhook(webhook_id: UUID, body: WebhookChange, request: Request, user: CurrentUser) -> Webhook:
    """Another address, filter or description; stop deliveries or begin them again."""
    kit = kit_of(request)
    url = None if body.url is None else _sender(request).check(body.url)
    events = None if body.events is None else tuple(body.events)
    command = ChangeWebhook(webhook_id, user.user_id, url, events, body.description, body.is_active)
    await kit.handle(command, actor=user.user_id)
    return Webhook(**await _webhook(kit, user, webhook_id))


@router.delete("/{webhook_id}", status_code=204)
async def remove_webhook(webhook_id: UUID, request: Request, user: CurrentUser) -> Response:
    """Tell the address nothing more, and forget its deliveries."""
    await kit_of(request).handle(RemoveWebhook(webhook_id, user.user_id), actor=user.user_id)
    return Response(status_code=204)


@router.post("/{webhook_id}/rotate-secret")
async def rotate_secret(webhook_id: UUID, request: Request, user: CurrentUser) -> WebhookWithSecret:
    """Sign with another secret. For a day the one before signs as well, so that you can change over."""
    kit = kit_of(request)
    until = datetime.now(UTC) + timedelta(hours=kit.tools.settings.webhook_secret_overlap_hours)
    command = RotateSecret(webhook_id, user.user_id, _sealed(kit, new_secret()), until)
    await kit.handle(command, actor=user.user_id)
    return await _with_secret(kit, user, webhook_id)


@router.post("/{webhook_id}/test", status_code=202)
async def test_webhook(webhook_id: UUID, request: Request, user: CurrentUser) -> DeliveryWithBody:
    """Send an event `webhook.test` now, whatever the filter says. The delivery's log tells how it went."""
    kit = kit_of(request)
    await _active(kit, user, webhook_id)
    delivery_id, now = new_id(), datetime.now(UTC)
    timestamp = now.isoformat().replace("+00:00", "Z")
    message = {"type": TEST, "timestamp": timestamp, "data": {"webhook_id": webhook_id, "user_id": user.user_id}}
    body = orjson.dumps(message).decode()
    await queries.put_test(kit.database, delivery_id, webhook_id, user.user_id, TEST, body)
    kit.workers.wake()
    return await _delivery(kit, user, webhook_id, delivery_id)


@router.get("/{webhook_id}/deliveries")
async def list_deliveries(
    webhook_id: UUID,
    request: Request,
    user: CurrentUser,
    page: PageQuery,
    status: Annotated[DeliveryStatus | None, Query(description="Only deliveries in this state.")] = None,
    type: Annotated[str | None, Query(max_length=60, description="Only events of this type.")] = None,
) -> Page[Delivery]:
    """What was sent and is to be sent, newest first, with every attempt."""
    kit = kit_of(request)
    await _webhook(kit, user, webhook_id)
    async with kit.database.reading(user.user_id) as connection:
        rows = await queries.deliveries(connection, webhook_id, page, status, type)
    return page.page(rows, lambda row: Delivery(**row))


@router.get("/{webhook_id}/deliveries/{delivery_id}")
async def read_delivery(webhook_id: UUID, delivery_id: UUID, request: Request, user: CurrentUser) -> DeliveryWithBody:
    """One delivery with its body."""
    return await _delivery(kit_of(request), user, webhook_id, delivery_id)


@router.post("/{webhook_id}/deliveries/{delivery_id}/replay", status_code=202)
async def replay_delivery(webhook_id: UUID, delivery_id: UUID, request: Request, user: CurrentUser) -> DeliveryWithBody:
    """Send it once more, under the same `webhook-id`; one that waits for its next attempt goes now."""
    kit = kit_of(request)
    await _active(kit, user, webhook_id)
    await _delivery(kit, user, webhook_id, delivery_id)
    await queries.again(kit.database, webhook_id, ["pending", "delivered", "failed"], delivery_id=delivery_id)
    kit.workers.wake()
    return await _delivery(kit, user, webhook_id, delivery_id)


@router.post("/{webhook_id}/replay", status_code=202)
async def replay_webhook(webhook_id: UUID, body: Replay, request: Request, user: CurrentUser) -> Replayed:
    """Send again what failed since a time (or also what was delivered), as after an outage of the receiver."""
    kit = kit_of(request)
    await _active(kit, user, webhook_id)
    count = await queries.again(
        kit.database, webhook_id, list(body.statuses), since=body.since, most=_MOST_REPLAYED
    )  # fmt: skip
    kit.workers.wake()
    return Replayed(replayed=count)


async def _webhook(kit: Kit, user: Claims, webhook_id: UUID) -> Any:
    async with kit.database.reading(user.user_id) as connection:
        row = await queries.webhook(connection, webhook_id, user.user_id)
    if row is None:
        raise NotFound(NO_WEBHOOK)
    return row


async def _active(kit: Kit, user: Claims, webhook_id: UUID) -> None:
    if not (await _webhook(kit, user, webhook_id))["is_active"]:
        raise Conflict("The webhook is disabled; enable it first by PATCH with is_active true.", current="disabled")


async def _with_secret(kit: Kit, user: Claims, webhook_id: UUID) -> WebhookWithSecret:
    row = await _webhook(kit, user, webhook_id)
    async with kit.database.reading(user.user_id) as connection:
        sealed = await queries.secret(connection, webhook_id, user.user_id)
    if sealed is None:
        raise NotFound(NO_WEBHOOK)
    return WebhookWithSecret(**row, secret=kit.store.cipher.decrypt(sealed.encode()).decode())


async def _delivery(kit: Kit, user: Claims, webhook_id: UUID, delivery_id: UUID) -> DeliveryWithBody:
    await _webhook(kit, user, webhook_id)
    async with kit.database.reading(user.user_id) as connection:
        row = await queries.delivery(connection, delivery_id, webhook_id)
    if row is None:
        raise NotFound(_NO_DELIVERY)
    return DeliveryWithBody(**{**dict(row), "body": orjson.loads(row["body"])})
