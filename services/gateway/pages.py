"""The gateway's own pages: the merged OpenAPI document and its reader, which works without the internet."""

from __future__ import annotations

from pathlib import Path

import fastapi_offline
from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.staticfiles import StaticFiles
from starlette.responses import HTMLResponse, Response

from services.gateway.openapi import OpenApi
from shared.http.responses import RowsResponse

_ASSETS = Path(fastapi_offline.__file__).parent / "static"
_ASSETS_PATH = "/docs/assets"

router = APIRouter(include_in_schema=False)


@router.get("/openapi.json")
async def document(request: Request) -> Response:
    """The merged document."""
    merged: OpenApi = request.app.state.openapi
    return RowsResponse(await merged.document())


@router.get("/docs")
async def reader() -> HTMLResponse:
    """Swagger UI on the merged document."""
    return get_swagger_ui_html(
        openapi_url="/openapi.json",
        title="Presswork API",
        swagger_js_url=f"{_ASSETS_PATH}/swagger-ui-bundle.js",
        swagger_css_url=f"{_ASSETS_PATH}/swagger-ui.css",
        swagger_favicon_url=f"{_ASSETS_PATH}/favicon.png",
        swagger_ui_parameters={"persistAuthorization": True, "displayRequestDuration": True},
    )


def serve_assets(app: FastAPI) -> None:
    """The reader's scripts and styles, from the package that ships them."""
    app.mount(_ASSETS_PATH, StaticFiles(directory=_ASSETS), name="docs-assets")
