"""The blog as readers get it: the static site in the data folder, read-only and open to everyone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from shared.decider import NotFound
from shared.kit import kit_of

router = APIRouter(tags=["blog"])

# The site is flat, so a path with a folder in it, or a hidden file, is nothing of ours.
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]*\.(?:html|xml|md)")
_TYPES: Final = {
    "html": "text/html; charset=utf-8",
    "xml": "application/atom+xml; charset=utf-8",
    "md": "text/markdown; charset=utf-8",
}
_PAGE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The page.", "content": {"text/html": {"schema": {"type": "string"}}}},
    304: {"description": "The page is still what the `If-None-Match` header names."},
}


@router.head("/blog", include_in_schema=False)
@router.get("/blog", response_class=Response, responses=_PAGE)
async def index(request: Request) -> Response:
    """The blog's first page: the newest articles."""
    return await _file("index.html", request)


@router.head("/blog/{path:path}", include_in_schema=False)
@router.get("/blog/{path:path}", response_class=Response, responses=_PAGE)
async def page(path: str, request: Request) -> Response:
    """One page, an article's Markdown, or the Atom feed (`feed.xml`)."""
    return await _file(path or "index.html", request)


async def _file(name: str, request: Request) -> Response:
    kit = kit_of(request)
    missing = NotFound("The blog has no such page; start at /blog, which lists what was published.")
    if not _NAME.fullmatch(name):
        raise missing
    folder = Path(kit.settings.data_dir) / "blog"
    try:
        answer = await StaticFiles(directory=folder, check_dir=False).get_response(name, request.scope)
    except HTTPException as error:
        if error.status_code != 404:
            raise
        raise missing from None
    answer.headers["Cache-Control"] = "no-cache"  # kept, but asked for each time: articles may be corrected
    answer.headers["X-Content-Type-Options"] = "nosniff"
    if answer.status_code == 200:
        answer.headers["Content-Type"] = _TYPES[name.rpartition(".")[2]]
    return answer
