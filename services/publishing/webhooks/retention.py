"""How long the log of deliveries goes back."""

from __future__ import annotations

from shared.retention import Rule
from shared.retention.rows import OldRows

RULES = (
    Rule(
        "webhook_deliveries",
        "deliveries to webhooks that are over",
        "retention_webhook_deliveries_days",
        OldRows("webhook_deliveries", "created_at", "status <> 'pending'"),
    ),
)
