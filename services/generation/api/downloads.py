"""Outputs to take away, as files."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any, Final
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from slugify import slugify

from services.generation.domain.output import NO_OUTPUT
from services.generation.downloads import MEDIA_TYPES, Format, Text, rendered
from services.generation.queries import outputs as queries
from shared.decider import Conflict, NotFound
from shared.http.openapi import problem_answer
from shared.http.user import CurrentUser
from shared.kit import kit_of

router = APIRouter(prefix="/api/v1/outputs", tags=["outputs"])

_LONGEST_NAME: Final = 80
_FILE: Final = {
    "content": {kind.partition(";")[0]: {"schema": {"type": "string"}} for kind in MEDIA_TYPES.values()},
    "description": "The file, named after the text's title.",
}


@router.get("/{output_id}/download", response_class=Response, responses={200: _FILE, 409: problem_answer(409)})
async def download(
    output_id: UUID,
    request: Request,
    user: CurrentUser,
    format: Annotated[Format, Query(description="Markdown, a web page, or a Word document.")] = "md",
) -> Response:
    """The text as a file. 409 while there is none (`current`: its state)."""
    async with kit_of(request).database.reading(user.user_id) as connection:
        row = await queries.output(connection, output_id)
    if row is None:
        raise NotFound(NO_OUTPUT)
    if row["body"] is None:
        detail = f"There is no text to download: this output is {row['status']}."
        raise Conflict(f"{detail} Wait until it is completed, or retry one that failed.", current=row["status"])
    text = _text(row)
    data = await asyncio.to_thread(rendered, text, format)
    name = f"{slugify(text.title, allow_unicode=True, max_length=_LONGEST_NAME) or row['kind']}.{format}"
    return Response(
        data,
        headers={
            "Content-Type": MEDIA_TYPES[format],
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
            # A stranger's page must not run here.
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox; default-src 'none'",
        },
    )


def _text(row: Mapping[str, Any]) -> Text:
    metadata = row["metadata"]
    return Text(
        title=str(metadata.get("title") or ""),
        body=row["body"],
        # Networks show a post as it stands; blogs and newsletters are Markdown.
        marked=row["kind"] != "social",
        language=str(metadata.get("language") or ""),
        changed_at=row["updated_at"],
    )
