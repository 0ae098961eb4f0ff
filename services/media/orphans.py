"""Bytes without a row and rows without bytes: the storage's list beside the tables, in a temporary table."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson

from services.media.domain.file import DiscardFile, File
from services.media.domain.image import DeleteImage, Image
from services.media.domain.media_file import DropMediaFile, MediaFile
from services.media.settings import MediaSettings
from services.media.storage import Storage, StorageUnavailable, build
from shared.database import Connection
from shared.http.deadline import Deadline
from shared.http.problem import Problem
from shared.kit import Kit
from shared.retention import Found, Removed, Stopped

FEW: Final = 10  # so many may always be orphans
_PAGE: Final = 500

# Places as services/media/paths.py makes them; what else lies there is somebody else's.
_OURS = re.compile(r"[0-9a-f-]{36}/(?:[0-9a-f-]{36}|none|images|media)/([0-9a-f-]{36})(?:\.[a-z.]+)?")

_PRESENT = "CREATE TEMPORARY TABLE present (key text NOT NULL, id uuid NOT NULL, modified timestamptz NOT NULL)"
_READY = "CREATE INDEX ON present (key); ANALYZE present"
_UNNAMED = """
SELECT key, id, modified FROM present
WHERE modified < $1
  AND NOT EXISTS (SELECT FROM files WHERE path = key)
  AND NOT EXISTS (SELECT FROM files WHERE text_path = key)
  AND NOT EXISTS (SELECT FROM images WHERE local_path = key)
  AND NOT EXISTS (SELECT FROM media_files WHERE path = key)
ORDER BY modified, key
"""
_LOST = """
SELECT 'file' AS what, id, created_at AS at, true AS over FROM files
WHERE created_at < $1 AND NOT EXISTS (SELECT FROM present WHERE key = path)
UNION ALL
SELECT 'image', id, created_at, status IN ('posted', 'rejected') FROM images
WHERE sha256 IS NOT NULL AND created_at < $1 AND NOT EXISTS (SELECT FROM present WHERE key = local_path)
UNION ALL
SELECT 'media_file', id, created_at, true FROM media_files
WHERE created_at < $1 AND NOT EXISTS (SELECT FROM present WHERE key = path)
ORDER BY at, id
"""
_ROWS = """
SELECT (SELECT count(*) FROM files) + (SELECT count(*) FROM images WHERE sha256 IS NOT NULL)
     + (SELECT count(*) FROM media_files)
"""
_DISCARD: Final[Mapping[str, Any]] = {"file": DiscardFile, "image": DeleteImage, "media_file": DropMediaFile}


class OrphanedBytes:
    """Bytes of which neither a row nor an event says that they are kept."""

    async def find(self, kit: Kit, cutoff: datetime) -> Found:
        async with _listed(kit) as connection:
            found = await self._orphans(kit, connection, cutoff)
        return Found(len(found), found[0]["modified"] if found else None)

    async def remove(self, kit: Kit, cutoff: datetime, most: int) -> Removed:
        storage = _storage(kit)
        async with _listed(kit) as connection:
            found = (await self._orphans(kit, connection, cutoff))[:most]
        for row in found:
            try:
                await storage.delete(row["key"])
            except StorageUnavailable as error:
                raise Stopped(str(error)) from error
        return Removed(len(found))

    async def _orphans(self, kit: Kit, connection: Connection, cutoff: datetime) -> Sequence[Any]:
        found: list[Any] = await connection.fetch(_UNNAMED, cutoff)
        everything = await connection.fetchval("SELECT count(*) FROM present")
        if _too_many(kit, len(found), everything):
            raise Stopped(
                f"{len(found):,} of {everything:,} objects in storage are named by no row; nothing was removed. See "
                "that the database and the storage belong together, and rebuild media's tables."
            )
        if kept := await _kept(kit, found):
            raise Stopped(
                f"{len(kept):,} objects that no row names are kept, as events say; nothing was removed. Rebuild "
                "media's tables first: make rebuild SERVICE=media."
            )
        return found


class LostBytes:
    """Rows whose bytes are gone. What a workflow or an execution under way was given stays, and images not done."""

    async def find(self, kit: Kit, cutoff: datetime) -> Found:
        rows, note = await self._lost(kit, cutoff)
        return Found(len(rows), rows[0]["at"] if rows else None, note)

    async def remove(self, kit: Kit, cutoff: datetime, most: int) -> Removed:
        rows, note = await self._lost(kit, cutoff)
        for row in rows[:most]:
            await kit.handle(_DISCARD[row["what"]](row["id"]), actor=None)
        return Removed(len(rows[:most]), note)

    async def _lost(self, kit: Kit, cutoff: datetime) -> tuple[list[Any], str]:
        async with _listed(kit) as connection:
            rows = await connection.fetch(_LOST, cutoff)
            everything = await connection.fetchval(_ROWS)
            empty = not await connection.fetchval("SELECT EXISTS (SELECT FROM present)")
        if _too_many(kit, len(rows), everything) or (rows and empty):
            raise Stopped(
                f"The bytes of {len(rows):,} of {everything:,} rows are not in storage; nothing was removed. See that "
                "the storage is the right one and can be reached."
            )
        files = [row["id"] for row in rows if row["what"] == "file"]
        used = await _in_use(kit, files)
        going = [row for row in rows if row["over"] and row["id"] not in used]
        kept = len(rows) - len(going)
        return going, f"{kept} in use: their bytes are gone, too" if kept else ""


class Leftovers:
    """Temporary files of the storage itself."""

    async def find(self, kit: Kit, cutoff: datetime) -> Found:
        try:
            found = await _storage(kit).leftovers(cutoff)
        except StorageUnavailable as error:
            raise Stopped(str(error)) from error
        return Found(len(found), min(found, default=None))

    async def remove(self, kit: Kit, cutoff: datetime, most: int) -> Removed:
        return Removed(await _storage(kit).clear_leftovers(cutoff, most))


def _settings(kit: Kit) -> MediaSettings:
    assert isinstance(kit.settings, MediaSettings)
    return kit.settings


def _storage(kit: Kit) -> Storage:
    settings = _settings(kit)
    return build(settings.storage, access_key=settings.s3_access_key, secret_key=settings.s3_secret_key)


def _too_many(kit: Kit, orphans: int, everything: int) -> bool:
    return orphans > FEW and orphans > everything * _settings(kit).retention_orphans_share


@asynccontextmanager
async def _listed(kit: Kit) -> AsyncIterator[Connection]:
    """A connection whose table `present` holds what is in storage and has a place of ours. Raises Stopped."""
    connection = await kit.database.connect()
    try:
        await connection.execute(_PRESENT)
        try:
            async for page in _storage(kit).pages():
                records = [
                    (each.key, UUID(ours[1]), each.modified) for each in page if (ours := _OURS.fullmatch(each.key))
                ]
                await connection.copy_records_to_table("present", records=records)
        except StorageUnavailable as error:
            raise Stopped(str(error)) from error
        await connection.execute(_READY)
        yield connection
    finally:
        await connection.close(timeout=2)


async def _kept(kit: Kit, found: Sequence[Any]) -> list[str]:
    """Those of these places where bytes are kept, as the events say."""
    kept: list[str] = []
    for start in range(0, len(found), _PAGE):
        page = found[start : start + _PAGE]
        await kit.store.load([row["id"] for row in page])
        for row in page:
            known = kit.store.cached(row["id"])
            if known is not None and row["key"] in _places(known.state):
                kept.append(row["key"])
    return kept


def _places(state: Any) -> set[str | None]:
    """Where the bytes lie of what is there."""
    match state:
        case File(status="stored"):
            return {state.path, state.text_path}
        case MediaFile(status="stored") | Image(there=True):
            return {state.path}
        case _:
            return set()


async def _in_use(kit: Kit, file_ids: Iterable[UUID]) -> set[UUID]:
    """Which files something under way was given, as workflow says. Raises Stopped when it cannot be asked."""
    wanted = list(file_ids)
    used: set[UUID] = set()
    for start in range(0, len(wanted), _PAGE):
        body = {"file_ids": wanted[start : start + _PAGE]}
        try:
            if kit.client is None:
                raise Stopped("Which files are in use was not asked, for no other service is known here.")
            answer = await kit.client.request(
                "workflow", "POST", "/internal/files/in-use", json=body, deadline=Deadline.after(10)
            )
        except Problem as problem:
            raise Stopped(f"Which files are in use could not be asked: {problem.detail}") from problem
        if answer.status != 200:
            raise Stopped(f"Which files are in use could not be asked: workflow answered {answer.status}.")
        used |= {UUID(each) for each in orjson.loads(answer.body)["file_ids"]}
    return used
