"""What every service keeps for a while only: its bookkeeping and its finished spans. Parked events never go by age."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from shared.retention.rows import OldRows
from shared.retention.rule import Found, Removed, Rule

if TYPE_CHECKING:
    from shared.kit import Kit


class SpanFiles:
    """The service's own files of spans; one that is written to is younger than any cutoff."""

    async def find(self, kit: Kit, cutoff: datetime) -> Found:
        found = await asyncio.to_thread(_old_files, kit, cutoff)
        return Found(len(found), min(found.values(), default=None))

    async def remove(self, kit: Kit, cutoff: datetime, most: int) -> Removed:
        found = sorted(await asyncio.to_thread(_old_files, kit, cutoff))[:most]
        for path in found:
            await asyncio.to_thread(path.unlink, missing_ok=True)
        return Removed(len(found))


def _old_files(kit: Kit, cutoff: datetime) -> dict[Path, datetime]:
    folder = kit.settings.traces_dir
    if folder is None:
        return {}
    files = {path: datetime.fromtimestamp(path.stat().st_mtime, UTC) for path in folder.glob(f"{_file(kit)}*")}
    return {path: modified for path, modified in files.items() if modified < cutoff}


def _file(kit: Kit) -> str:
    return f"{kit.service.name}.jsonl"


EVERYWHERE = (
    Rule(
        "idempotency_keys",
        "what was asked under which Idempotency-Key",
        "retention_idempotency_keys_days",
        OldRows("idempotency_keys", "created_at"),
    ),
    Rule(
        "gone_subscribers",
        "marks of subscribers that have not reported since",
        "retention_gone_subscribers_days",
        OldRows("subscribers", "reported_at"),
    ),
    Rule(
        "lost_tasks",
        "tasks of a kind that no worker does any more",
        "retention_lost_tasks_days",
        OldRows(
            "tasks",
            "due_at",
            "kind <> ALL ($2::text[]) AND coalesce(leased_until < now(), true)",
            lambda kit: sorted(kit.reactions.workers),
        ),
    ),
    Rule("spans", "files of finished spans", "retention_spans_days", SpanFiles()),
)
