"""Everything of one account as a zip: a folder for each service, a file for each of its tables, and the stored bytes.

It goes out as it is made. All services are asked before it begins; should one fail after that, the answer breaks off,
and what has arrived is no zip file, so nobody takes a part for the whole.
"""

from __future__ import annotations

import asyncio
import time
import zipfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import aiohttp
import orjson
from fastapi import APIRouter, Request
from multidict import CIMultiDict
from starlette.responses import StreamingResponse

from services.gateway.composition import Services
from shared.http.client import ServiceClient, Upstream
from shared.http.deadline import Deadline, RequestDeadline
from shared.http.user import CurrentUser

router = APIRouter(tags=["export"])

CONTENTS = "media"  # the service that keeps bytes
_HEAD_SECONDS = 60.0
_CHUNK = 65_536
_README = """\
Everything that Presswork keeps of the account {user_id}, as of {at}.

<service>/<table>.jsonl   rows of a table, one JSON object a line, in UTF-8
media/contents/           files and images as they were stored
manifest.json             how many rows and bytes each of these holds

Passwords, tokens and keys are left out: nothing here opens anything.
Files listed in the manifest as "gone" were removed while this archive was made.
"""


@router.get(
    "/api/v1/export/account.zip",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/zip": {}}, "description": "The archive."}},
)
async def export_account(
    request: Request, user: CurrentUser, services: Services, deadline: RequestDeadline
) -> StreamingResponse:
    """All that is kept of your account: the rows of every service as JSON Lines, and your files. 503 names a service
    that is down; an answer that breaks off is no zip file, so ask again."""
    names = services.services
    kept = await asyncio.gather(
        *(_asked(services, name, f"/internal/archive/{user.user_id}", deadline) for name in names)
    )
    contents = await _asked(services, CONTENTS, f"/internal/contents/{user.user_id}", deadline)
    tables = {name: found["tables"] for name, found in zip(names, kept, strict=True)}
    name = f"presswork-{datetime.now(UTC):%Y%m%d}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    pieces = Archive(services, user.user_id).pieces(tables, contents)
    return StreamingResponse(pieces, media_type="application/zip", headers=headers)


async def _asked(services: ServiceClient, service: str, path: str, deadline: Deadline) -> Any:
    """What a service answers. Raises Upstream when it does not, however it fails."""
    answer = await services.request(service, "GET", path, deadline=deadline)
    if answer.status != 200:
        raise Upstream(service)
    return answer.json()


class Archive:
    """One archive under way: what is written leaves at once, and only its directory is kept in mind."""

    def __init__(self, services: ServiceClient, user_id: UUID) -> None:
        self._services = services
        self._user_id = user_id
        self._sink = _Sink()
        self._zip = zipfile.ZipFile(self._sink, "w")
        self._at = datetime.now(UTC)

    async def pieces(self, tables: dict[str, list[str]], contents: dict[str, Any]) -> AsyncIterator[bytes]:
        """The bytes of the zip file; `contents` is the first page of them. Raises Upstream when a service fails."""
        manifest: dict[str, Any] = {"user_id": str(self._user_id), "exported_at": self._at.isoformat()}
        manifest |= {"rows": {}, "contents": [], "gone": []}
        yield self._whole("README.txt", _README.format(user_id=self._user_id, at=f"{self._at:%Y-%m-%d %H:%M} UTC"))
        for service, names in tables.items():
            manifest["rows"][service] = {}
            for name in names:
                rows = 0
                path = f"/internal/archive/{self._user_id}/{name}"
                async for count, piece in self._copied(service, path, f"{service}/{name}.jsonl", zipfile.ZIP_DEFLATED):
                    rows += count
                    yield piece
                manifest["rows"][service][name] = rows
        async for each in self._contents(contents):
            name = f"{CONTENTS}/contents/{each['name']}"
            try:
                # Most kinds are compressed already.
                async for _, piece in self._copied(CONTENTS, each["path"], name, zipfile.ZIP_STORED):
                    yield piece
            except _Gone:
                manifest["gone"].append(name)
            else:
                manifest["contents"].append({"name": name, "bytes": each["bytes"], "sha256": each["sha256"]})
        yield self._whole("manifest.json", orjson.dumps(manifest, option=orjson.OPT_INDENT_2).decode() + "\n")
        self._zip.close()
        yield self._sink.take()

    async def _contents(self, page: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        while True:
            for each in page["items"]:
                yield each
            if page["following"] is None:
                return
            page = await _asked(self._services, CONTENTS, page["following"], Deadline.after(_HEAD_SECONDS))

    async def _copied(self, service: str, path: str, name: str, how: int) -> AsyncIterator[tuple[int, bytes]]:
        """A member of the archive as a service answers it: lines begun and bytes written, piece by piece."""
        headers: CIMultiDict[str] = CIMultiDict()
        deadline = Deadline.after(_HEAD_SECONDS)
        async with self._services.stream(service, "GET", path, headers=headers, deadline=deadline) as answer:
            if answer.status == 404:
                raise _Gone
            if answer.status != 200:
                raise Upstream(service)
            with self._zip.open(self._member(name, how), "w", force_zip64=True) as member:
                try:
                    async for chunk in answer.content.iter_chunked(_CHUNK):
                        member.write(chunk)
                        yield chunk.count(b"\n"), self._sink.take()
                except aiohttp.ClientError as error:
                    raise Upstream(service) from error
        yield 0, self._sink.take()

    def _whole(self, name: str, text: str) -> bytes:
        self._zip.writestr(self._member(name, zipfile.ZIP_DEFLATED), text)
        return self._sink.take()

    def _member(self, name: str, how: int) -> zipfile.ZipInfo:
        member = zipfile.ZipInfo(name, time.gmtime(self._at.timestamp())[:6])
        member.compress_type = how
        member.external_attr = 0o600 << 16
        return member


class _Gone(Exception):
    """It was there when the archive was begun."""


class _Sink:
    """Where `zipfile` writes: a file without a place to go back to, emptied as it fills."""

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, data: bytes) -> int:
        self._written += data
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Nothing is held open."""

    def take(self) -> bytes:
        taken = bytes(self._written)
        self._written.clear()
        return taken
