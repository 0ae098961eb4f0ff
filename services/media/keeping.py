"""Keeping a file: its bytes first, then the event that says so. A crash between leaves bytes that nobody refers to."""

from __future__ import annotations

import hashlib
from uuid import UUID

from services.media.domain.file import File, RecordText, StoreFile
from services.media.extraction.document import one_line
from services.media.extraction.sniffing import MARKDOWN
from services.media.intake import Received
from services.media.paths import bytes_path
from shared.http.idempotency import IdempotentRequest
from shared.ids import derive
from shared.kit import Kit


async def keep(
    kit: Kit, idempotency: IdempotentRequest, user_id: UUID, project_id: UUID | None, received: Received
) -> UUID:
    """Stores a file and returns its id. Raises StorageUnavailable, and Conflict for a key whose file was deleted."""
    file_id = idempotency.id("file")
    path = bytes_path(user_id, project_id, file_id, received.kind)
    # A repeat must not bring back the bytes of a file that was deleted meanwhile.
    if not idempotency.replayed:
        await kit.tools.storage.put(path, received.data, received.mime_type)
    command = StoreFile(
        file_id=file_id,
        user_id=user_id,
        project_id=project_id,
        path=path,
        name=received.name,
        mime_type=received.mime_type,
        size_bytes=len(received.data),
        sha256=received.sha256,
    )
    await idempotency.handle(command, actor=user_id)
    return file_id


async def keep_text(kit: Kit, user_id: UUID, title: str, text: str) -> tuple[UUID, str]:
    """Stores a text as a file whose text is known already; its id and SHA-256 (hexadecimal).

    The same text of the same user is the same file, and a new one once that was deleted. Raises StorageUnavailable.
    """
    data, title = text.encode(), one_line(title)
    sha256 = sha256_of(data)
    generation = 0
    while True:
        file_id = derive("text", user_id, sha256, generation)
        file = await state_of(kit, file_id)
        if file.status == "stored":
            return file_id, sha256
        if file.status == "absent":
            break
        generation += 1
    path = bytes_path(user_id, None, file_id, MARKDOWN)
    await kit.tools.storage.put(path, data, MARKDOWN)
    name = f"{title[:200] or 'text'}.md"
    store = StoreFile(file_id, user_id, None, path, name, f"{MARKDOWN}; charset=utf-8", len(data), sha256)
    # The language stays untold: finding it takes a model that this process does not hold.
    record = RecordText(file_id, title, "", len(text), path, sha256)
    await kit.handle(store, actor=user_id, also=[record])
    return file_id, sha256


def sha256_of(data: bytes) -> str:
    """The SHA-256 in hexadecimal, 64 characters."""
    return hashlib.sha256(data).hexdigest()


async def state_of(kit: Kit, file_id: UUID) -> File:
    """The file as its events tell now."""
    await kit.store.load([file_id])
    known = kit.store.cached(file_id)
    return known.state if known else File()
