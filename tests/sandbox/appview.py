"""An app view of the AT Protocol: what it has counted of posts that stand on personal data servers.

A personal data server asks it on behalf of its user, with a token that the server signs for this very question.
"""

from __future__ import annotations

import jwt
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from tests.sandbox.state import Sandbox

DID = "did:web:appview.test"
GET_POSTS = "app.bsky.feed.getPosts"


def routes(sandbox: Sandbox) -> APIRouter:
    """The endpoint, over one sandbox. It knows the posts whose figures were set."""
    router = APIRouter()

    @router.get(f"/xrpc/{GET_POSTS}")
    async def get_posts(request: Request) -> Response:
        if (refusal := _refused(request)) is not None:
            return refusal
        uris = request.query_params.getlist("uris")
        if not 1 <= len(uris) <= 25:
            return _error(400, "InvalidRequest", "Error: uris must not have more than 25 elements")
        return JSONResponse({"posts": [_post(sandbox, uri) for uri in uris if uri in sandbox.figures]})

    return router


def _refused(request: Request) -> Response | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    try:
        claims = jwt.decode(token, options={"verify_signature": False, "verify_aud": True}, audience=DID)
    except jwt.InvalidTokenError as error:
        return _error(401, "AuthenticationRequired", str(error))
    if scheme != "Bearer" or claims.get("lxm") != GET_POSTS or not str(claims.get("iss", "")).startswith("did:"):
        return _error(401, "BadJwtLexiconMethod", "bad jwt lexicon method")
    return None


def _post(sandbox: Sandbox, uri: str) -> dict[str, object]:
    doing = sandbox.doing(uri)
    did = uri.split("/")[2]
    return {
        "uri": uri,
        "cid": "bafyreib2rxk3rybk3aobmv5cjuql3bm2twh4jo5uxgf5kpqcsgz7soitae",
        "author": {"did": did, "handle": "handle.invalid"},
        "record": {"$type": "app.bsky.feed.post", "text": "", "createdAt": "2026-03-05T08:00:00.000Z"},
        "replyCount": doing.comments,
        "repostCount": doing.shares,
        "likeCount": doing.likes,
        "quoteCount": doing.quotes,
        "indexedAt": "2026-03-05T08:00:00.000Z",
    }


def _error(status: int, error: str, message: str) -> JSONResponse:
    return JSONResponse({"error": error, "message": message}, status)
