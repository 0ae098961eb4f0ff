"""Mastodon and Ghost on loopback, as far as Presswork speaks to them, and a place where images lie.

Source: docs.joinmastodon.org (accounts, statuses, media), ghost.org/docs/admin-api (token authentication, posts).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import jwt
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse

TOKEN = "mastodon-token"
GHOST_SECRET = "00ff" * 16
GHOST_KEY = f"65f0c1d2:{GHOST_SECRET}"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + bytes(40)


@dataclass
class Elsewhere:
    """What stands there, and what is wrong with it."""

    statuses: dict[str, dict[str, Any]] = field(default_factory=dict)
    articles: dict[str, dict[str, Any]] = field(default_factory=dict)
    edits: int = 0  # of statuses
    ghost_is_away: bool = False

    def toot(self, status_id: str, text: str, *image_ids: str) -> None:
        """A post with images that nobody has described."""
        attachments = [{"id": image_id, "type": "image", "description": None} for image_id in image_ids]
        self.statuses[status_id] = {"id": status_id, "text": text, "language": "en", "media_attachments": attachments}

    def descriptions(self, status_id: str) -> list[str | None]:
        """Of the post's images, in their order."""
        return [each["description"] for each in self.statuses[status_id]["media_attachments"]]


def create_app(there: Elsewhere) -> FastAPI:
    """The application over what stands there."""
    app = FastAPI()

    def mine(request: Request) -> None:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            raise HTTPException(401)

    @app.get("/images/{name}")
    async def image(name: str) -> Response:
        if name == "missing.png":
            raise HTTPException(404)
        return Response(b"<html>no image</html>" if name == "page.png" else PNG, media_type="image/png")

    @app.post("/hooks", status_code=204)
    async def told() -> None:
        """A user's own address, which takes whatever it is told."""

    @app.get("/api/v1/accounts/verify_credentials")
    async def me(request: Request) -> dict[str, str]:
        mine(request)
        return {"id": "1", "acct": "ada"}

    @app.get("/api/v1/statuses/{status_id}")
    async def status(status_id: str, request: Request) -> dict[str, Any]:
        mine(request)
        if status_id not in there.statuses:
            raise HTTPException(404)
        return {"sensitive": False, **there.statuses[status_id]}

    @app.get("/api/v1/statuses/{status_id}/source")
    async def source(status_id: str, request: Request) -> dict[str, Any]:
        mine(request)
        return {"id": status_id, "text": there.statuses[status_id]["text"], "spoiler_text": ""}

    @app.put("/api/v1/statuses/{status_id}")
    async def edit(status_id: str, request: Request) -> dict[str, Any]:
        mine(request)
        body = await request.json()
        said = {each["id"]: each["description"] for each in body.get("media_attributes", [])}
        # As Mastodon does: what is not named is gone.
        there.statuses[status_id] |= {
            "text": body["status"],
            "media_attachments": [{"id": each, "description": said.get(each)} for each in body.get("media_ids", [])],
        }
        there.edits += 1
        return there.statuses[status_id]

    def administers(request: Request) -> None:
        if there.ghost_is_away:
            raise HTTPException(503)
        token = request.headers.get("authorization", "").removeprefix("Ghost ")
        try:
            jwt.decode(token, bytes.fromhex(GHOST_SECRET), algorithms=["HS256"], audience="/admin/")
        except jwt.InvalidTokenError as error:
            raise HTTPException(401) from error

    def answer(article: dict[str, Any]) -> Response:
        return Response(json.dumps({"posts": [article]}), media_type="application/json")

    def not_found() -> Response:
        return JSONResponse({"errors": [{"message": "Resource not found error, cannot read post."}]}, 404)

    @app.get("/ghost/api/admin/posts/slug/{slug}/")
    async def by_slug(slug: str, request: Request) -> Response:
        administers(request)
        found = [each for each in there.articles.values() if each["slug"] == slug]
        if not found:
            return not_found()
        return answer(found[0])

    @app.get("/ghost/api/admin/posts/{article_id}/")
    async def article(article_id: str, request: Request) -> Response:
        administers(request)
        if article_id not in there.articles:
            return not_found()
        return answer(there.articles[article_id])

    @app.post("/ghost/api/admin/posts/")
    async def create(request: Request) -> Response:
        administers(request)
        (said,) = (await request.json())["posts"]
        article_id = f"{len(there.articles) + 1:024x}"
        url = f"https://ghost.example/{said['slug']}/"
        there.articles[article_id] = {**said, "id": article_id, "url": url, "updated_at": "1"}
        return answer(there.articles[article_id])

    @app.put("/ghost/api/admin/posts/{article_id}/")
    async def change(article_id: str, request: Request) -> Response:
        administers(request)
        (said,) = (await request.json())["posts"]
        if said["updated_at"] != there.articles[article_id]["updated_at"]:
            raise HTTPException(409)
        there.articles[article_id] |= said | {"updated_at": str(int(said["updated_at"]) + 1)}
        return answer(there.articles[article_id])

    @app.delete("/ghost/api/admin/posts/{article_id}/")
    async def delete(article_id: str, request: Request) -> Response:
        administers(request)
        if there.articles.pop(article_id, None) is None:
            return not_found()
        return Response(status_code=204)

    return app
