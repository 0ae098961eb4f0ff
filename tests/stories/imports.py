"""The story of somebody's imports: some parts done, some lines refused, some imports over or forgotten."""

from __future__ import annotations

import random
from uuid import UUID

from contracts.events.importing import RefusedLine
from services.workflow.domain.post_import import FinishPart, RemoveImport, RequestImport
from shared.ids import new_id
from shared.kit import Kit


async def import_a_file(kit: Kit, user_id: UUID, chance: random.Random) -> None:
    """A file in up to three parts, which are done in any order, and perhaps not all."""
    import_id, parts = new_id(), chance.randint(1, 3)
    await kit.handle(RequestImport(import_id, user_id, 100 * parts, parts), actor=user_id)
    for part in chance.sample(range(1, parts + 1), chance.randint(0, parts)):
        refused = tuple(
            RefusedLine(line=100 * part - n, error="Zu lang 🌱 \\ 'quoted'") for n in range(chance.randint(0, 2))
        )
        await kit.handle(FinishPart(import_id, part, 100 - len(refused), refused), actor=user_id)
    if chance.random() < 0.3:
        await kit.handle(RemoveImport(import_id, chance.choice(["expired", "user_erased"])), actor=None)
