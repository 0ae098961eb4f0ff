"""The sandbox as one ASGI app: the platforms' APIs, a page for every post, and the levers tests pull."""

from __future__ import annotations

from html import escape
from typing import Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, JSONResponse, Response

from tests.sandbox import appview, linkedin, oauth, x
from tests.sandbox.state import Fault, Figures, Sandbox


def create_app(base_url: str) -> FastAPI:
    """The app with its own memory. `base_url` is where it is reached, for the addresses it hands out."""
    sandbox = Sandbox(base_url)
    app = FastAPI(title="Sandbox of the platforms", openapi_url=None)
    app.state.sandbox = sandbox
    app.include_router(x.routes(sandbox))
    app.include_router(linkedin.routes(sandbox))
    app.include_router(appview.routes(sandbox))
    app.include_router(oauth.routes(sandbox.log_ins))

    @app.get("/x/{username}/status/{post_id}")
    async def x_page(username: str, post_id: str) -> Response:
        return _page(sandbox, "x", post_id)

    @app.get("/linkedin/feed/update/{urn}")
    async def linkedin_page(urn: str) -> Response:
        return _page(sandbox, "linkedin", urn)

    @app.post("/sandbox/faults", status_code=204)
    async def order_fault(fault: Fault) -> Response:
        sandbox.order(fault)
        return Response(status_code=204)

    @app.post("/sandbox/figures", status_code=204)
    async def set_figures(figures: Figures) -> Response:
        sandbox.figures[figures.post_id] = figures
        return Response(status_code=204)

    @app.get("/sandbox/posts")
    async def posts() -> dict[str, Any]:
        return {"posts": sandbox.listed()}

    @app.post("/sandbox/reset", status_code=204)
    async def reset() -> Response:
        sandbox.reset()
        return Response(status_code=204)

    @app.get("/sandbox/health")
    async def health() -> Response:
        return JSONResponse({"status": "ok"})

    return app


def _page(sandbox: Sandbox, platform: str, post_id: str) -> HTMLResponse:
    """A post, and under it the answers that make it a thread."""
    posts = {p.id: p for p in sandbox.of(platform)}
    if post_id not in posts:
        return HTMLResponse("<!doctype html><title>Not found</title><p>No such post.</p>", 404)
    answers = {p.in_reply_to: p for p in posts.values() if p.in_reply_to}
    shown, at = [], posts.get(post_id)
    while at is not None:
        shown.append(
            f'<article><p style="white-space:pre-wrap">{escape(at.text)}</p><time>{at.created_at}</time></article>'
        )
        at = answers.get(at.id)
    name = escape(posts[post_id].username)
    return HTMLResponse(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>@{name} on {platform} (sandbox)</title>'
        f"<h1>@{name}</h1>{''.join(shown)}</html>"
    )
