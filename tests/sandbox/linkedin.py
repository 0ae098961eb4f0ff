"""LinkedIn's versioned REST API: posts, their figures and images, and the OpenID user info."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import regex
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from tests.sandbox.little_text import decoded
from tests.sandbox.state import Account, Sandbox, account_of, met, met_afterwards, token_of

MAY_READ = "partner"  # how accounts are named whose app was granted r_member_social
_LIMIT = 3000
_OLDEST_VERSION = "202512"
_DISTRIBUTIONS = {"MAIN_FEED", "NONE"}
_VISIBILITIES = {"PUBLIC", "CONNECTIONS", "LOGGED_IN"}
_REQUIRED = ("author", "commentary", "visibility", "distribution", "lifecycleState")


def routes(sandbox: Sandbox) -> APIRouter:
    """The endpoints, over one sandbox."""
    router = APIRouter()

    @router.get("/v2/userinfo")
    async def userinfo(request: Request) -> Response:
        account = _who(sandbox, request)
        if not isinstance(account, Account):
            return account
        return JSONResponse({"sub": account.number, "name": account.name, "locale": "en_US"})

    @router.post("/rest/posts")
    async def create(request: Request) -> Response:
        account = _caller(sandbox, request)
        if not isinstance(account, Account):
            return account
        if token_of(request) == "sandbox-readonly":
            return _error(403, "ACCESS_DENIED", "Not enough permissions to access: posts.CREATE.20261001")
        fault = sandbox.next_fault("linkedin")
        if (early := await met(fault, request)) is not None:
            return early
        if not sandbox.linkedin_creates.take(account.number)[0]:
            return _error(
                429, "TOO_MANY_REQUESTS", "Resource level throttle MEMBER limit for calls to this resource is reached."
            )
        body = await _object(request)
        answer = _judge(sandbox, account, body)
        if isinstance(answer, Response):
            return answer
        urn = f"urn:li:share:{sandbox.new_id()}"
        sandbox.accept(
            "linkedin", account, answer, lambda i: f"/linkedin/feed/update/{i}", id=urn, images=_images(body)
        )
        if (late := await met_afterwards(fault, request)) is not None:
            return late
        return Response(status_code=201, headers={"x-restli-id": urn, "x-linkedin-id": urn})

    @router.get("/rest/posts/{urn}")
    async def read(urn: str, request: Request) -> Response:
        account = _caller(sandbox, request)
        if not isinstance(account, Account):
            return account
        return _error(403, "ACCESS_DENIED", "Not enough permissions to access: posts.GET")

    @router.delete("/rest/posts/{urn}")
    async def delete(urn: str, request: Request) -> Response:
        account = _caller(sandbox, request)
        if not isinstance(account, Account):
            return account
        for post in [p for p in sandbox.of("linkedin", account.number) if p.id == urn]:
            sandbox.posts.remove(post)
        return Response(status_code=204)

    @router.get("/rest/socialMetadata/{urn}")
    async def doing(urn: str, request: Request) -> Response:
        account = _caller(sandbox, request)
        if not isinstance(account, Account):
            return account
        # The sandbox's own rule for what LinkedIn decides app by app.
        if not account.name.startswith(MAY_READ):
            return _error(403, "ACCESS_DENIED", "Not enough permissions to access: socialMetadata.GET")
        if all(post.id != urn for post in sandbox.of("linkedin")):
            return _error(404, "NOT_FOUND", f"No social metadata of {urn}")
        figures = sandbox.doing(urn)
        reactions = {"LIKE": figures.likes - figures.likes // 3, "PRAISE": figures.likes // 3}
        return JSONResponse(
            {
                "reactionSummaries": {
                    kind: {"reactionType": kind, "count": count} for kind, count in reactions.items() if count
                },
                "commentsState": "OPEN",
                "commentSummary": {"count": figures.comments, "topLevelCount": figures.comments},
                "entity": urn,
            }
        )

    @router.post("/rest/images")
    async def initialize_upload(request: Request, action: str = "") -> Response:
        account = _caller(sandbox, request)
        if not isinstance(account, Account):
            return account
        body = await _object(request) or {}
        owner = (body.get("initializeUploadRequest") or {}).get("owner")
        if action != "initializeUpload" or owner != _person(account):
            return _error(400, "INVALID_REQUEST", "initializeUploadRequest.owner must be the caller's URN")
        identity = sandbox.new_id()
        sandbox.images[identity] = None
        expires = int(datetime.now(UTC).timestamp() * 1000) + 86_400_000
        value = {
            "uploadUrlExpiresAt": expires,
            "uploadUrl": f"{sandbox.base_url}/linkedin/upload/{identity}",
            "image": f"urn:li:image:{identity}",
        }
        return JSONResponse({"value": value})

    @router.put("/linkedin/upload/{identity}")
    async def upload(identity: str, request: Request) -> Response:
        if _who(sandbox, request) is None or identity not in sandbox.images:
            return _error(404, "NOT_FOUND", "No such upload")
        sandbox.images[identity] = await request.body()
        return Response(status_code=201)

    return router


def _who(sandbox: Sandbox, request: Request) -> Account | JSONResponse:
    token = token_of(request)
    if token == "sandbox-expired":
        message = "The token used in the request has expired"
        return _error(401, "EXPIRED_ACCESS_TOKEN", message, serviceErrorCode=65602)
    if token is None or not sandbox.log_ins.takes(token):
        return _error(401, "INVALID_ACCESS_TOKEN", "Invalid access token", serviceErrorCode=65600)
    return account_of(token)


def _caller(sandbox: Sandbox, request: Request) -> Account | JSONResponse:
    """The caller of a versioned endpoint, or the refusal for its token, its version or its protocol."""
    account = _who(sandbox, request)
    if not isinstance(account, Account):
        return account
    version = request.headers.get("linkedin-version", "")
    if not version:
        return _error(
            400,
            "VERSION_MISSING",
            "A version must be present. Please specify a version by adding the LinkedIn-Version header.",
        )
    if not regex.fullmatch(r"\d{4}(0[1-9]|1[0-2])", version) or not (
        _OLDEST_VERSION <= version <= max(f"{datetime.now(UTC):%Y%m}", "202611")
    ):
        return _error(426, "NONEXISTENT_VERSION", f"Requested version {version} is not active")
    if request.headers.get("x-restli-protocol-version") != "2.0.0":
        return _error(400, "ILLEGAL_ARGUMENT", "X-Restli-Protocol-Version: 2.0.0 is required")
    return account


def _judge(sandbox: Sandbox, account: Account, body: dict[str, Any] | None) -> str | JSONResponse:
    """The text to post, or the documented refusal."""
    if body is None:
        return _error(400, "INVALID_REQUEST", "The body is not a JSON object")
    if missing := [name for name in _REQUIRED if name not in body]:
        return _error(422, "MISSING_FIELD", f"ERROR :: /{missing[0]} :: field is required but not found")
    if body["author"] != _person(account):
        return _error(403, "ACCESS_DENIED", "The author is not the owner of the token")
    distribution = body["distribution"]
    feed = distribution.get("feedDistribution") if isinstance(distribution, dict) else None
    if feed not in _DISTRIBUTIONS or body["visibility"] not in _VISIBILITIES or body["lifecycleState"] != "PUBLISHED":
        return _error(422, "INVALID_VALUE", "ERROR :: unknown visibility, distribution or lifecycleState")
    try:
        text = decoded(str(body["commentary"]))
    except ValueError as error:
        return _error(400, "INVALID_LITTLE_TEXT", f"ERROR :: /commentary :: {error}")
    if not text.strip():
        return _error(422, "EMPTY_POST", "ERROR :: /commentary :: the post has no content")
    if len(text) > _LIMIT:
        message = f"ERROR :: /commentary :: text length ({len(text)} characters) exceeds the maximum allowed ({_LIMIT})"
        return _error(422, "FIELD_LENGTH_TOO_LONG", message)
    for urn, alt_text in _images(body):
        if not sandbox.images.get(urn.removeprefix("urn:li:image:")):
            return _error(422, "INVALID_IMAGE", f"ERROR :: /content :: {urn} was not uploaded")
        if not 0 < len(alt_text) <= 4086:
            return _error(422, "INVALID_ALT_TEXT", "ERROR :: /content :: altText has not 1 to 4086 characters")
    same = next((p for p in sandbox.of("linkedin", account.number) if p.text == text), None)
    if same is not None:
        return _error(422, "DUPLICATE_POST", f"Content is a duplicate of {same.id}")
    return text


def _images(body: dict[str, Any] | None) -> list[tuple[str, str]]:
    """(URN, alternative text) of each image of a post."""
    content = (body or {}).get("content") or {}
    found = [content["media"]] if "media" in content else (content.get("multiImage") or {}).get("images", [])
    return [(str(image.get("id")), str(image.get("altText", ""))) for image in found]


def _person(account: Account) -> str:
    return f"urn:li:person:{account.number}"


async def _object(request: Request) -> dict[str, Any] | None:
    try:
        body = await request.json()
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _error(status: int, code: str, message: str, **more: Any) -> JSONResponse:
    return JSONResponse({"status": status, "code": code, "message": message, **more}, status)
