"""Stored bytes of one user, for the archive of an account."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from services.media import queries
from services.media.api.reading import storing
from services.media.extraction.sniffing import IMAGES
from shared.decider import NotFound
from shared.http.internal import InternalOnly
from shared.kit import kit_of

router = APIRouter(prefix="/internal/contents", dependencies=[InternalOnly], include_in_schema=False)

_PAGE = 500
# What some systems do not take in the name of a file.
_UNFIT = re.compile(r'[<>:"|?*]')


class Content(BaseModel):
    """Something whose bytes are kept: what to call it, and where to ask for it."""

    name: str
    path: str
    bytes: int | None
    sha256: str | None


class Contents(BaseModel):
    """Some of them, and where the next ones are."""

    items: list[Content]
    following: str | None


@router.get("/{user_id}")
async def list_contents(user_id: UUID, request: Request, after: str = "", after_id: UUID | None = None) -> Contents:
    """What is kept of the user, some at a time: files, images of posts, files of collected posts."""
    place = (after, after_id or UUID(int=0))
    async with kit_of(request).database.reading(user_id) as connection:
        rows = await queries.contents(connection, user_id, *place, _PAGE)
    here = f"/internal/contents/{user_id}"
    items = [
        Content(
            name=f"{row['kind']}/{row['id']}{ending_of(row)}",
            path=f"{here}/{row['kind']}/{row['id']}",
            bytes=row["size_bytes"],
            sha256=row["sha256"],
        )
        for row in rows
    ]
    more = len(rows) == _PAGE
    following = f"{here}?after={rows[-1]['kind']}&after_id={rows[-1]['id']}" if more else None
    return Contents(items=items, following=following)


@router.get("/{user_id}/{kind}/{content_id}")
async def read_content(user_id: UUID, kind: str, content_id: UUID, request: Request) -> Response:
    """The bytes. Raises NotFound when they are gone."""
    kit = kit_of(request)
    async with kit.database.reading(user_id) as connection:
        path = await queries.path_of(connection, user_id, kind, content_id)
    if path is None:
        raise NotFound("There is no such content; it was removed meanwhile.")
    async with storing():
        return Response(await kit.tools.storage.get(path), media_type="application/octet-stream")


def ending_of(row: Any) -> str:
    """What follows the id: the name of a file without what could lead elsewhere, the kind of an image."""
    if row["kind"] == "files":
        return f"-{_UNFIT.sub('_', row['name'])}"
    if row["kind"] == "images":
        return f".{IMAGES[row['mime_type']]}" if row["mime_type"] in IMAGES else ""
    return PurePosixPath(row["path"]).suffix
