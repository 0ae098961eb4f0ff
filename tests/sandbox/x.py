"""X's API v2: create, delete and read posts and their metrics, who am I."""

from __future__ import annotations

import html
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from starlette.datastructures import UploadFile

from shared.platforms import measure
from tests.sandbox.state import Account, Sandbox, SandboxPost, account_of, met, met_afterwards, token_of

_LIMIT = 280


def routes(sandbox: Sandbox) -> APIRouter:
    """The endpoints, over one sandbox."""
    router = APIRouter()

    @router.post("/2/tweets")
    async def create(request: Request) -> Response:
        account = _who(sandbox, request)
        if not isinstance(account, Account):
            return account
        if token_of(request) == "sandbox-readonly":
            return _problem(403, "Forbidden", "You are not permitted to perform this action.")
        fault = sandbox.next_fault("x")
        if (early := await met(fault, request)) is not None:
            return early
        allowed, remaining, reset = sandbox.x_creates.take(account.number)
        limits = {
            "x-rate-limit-limit": str(sandbox.x_creates.limit),
            "x-rate-limit-remaining": str(remaining),
            "x-rate-limit-reset": str(reset),
        }
        if not allowed:
            return _problem(429, "Too Many Requests", "Too Many Requests", limits)
        body = await _object(request)
        answer = _judge(sandbox, account, body)
        if isinstance(answer, Response):
            answer.headers.update(limits)
            return answer
        post = sandbox.accept(
            "x",
            account,
            answer,
            lambda i: f"/x/{account.name}/status/{i}",
            in_reply_to=_parent(body),
            images=[(identity, sandbox.alt_texts.get(identity)) for identity in _media(body)],
        )
        if (late := await met_afterwards(fault, request)) is not None:
            return late
        data = {"id": post.id, "text": html.escape(post.text, quote=False), "edit_history_tweet_ids": [post.id]}
        return JSONResponse({"data": data}, 201, limits)

    @router.get("/2/tweets")
    async def lookup(request: Request) -> Response:
        account = _who(sandbox, request)
        if not isinstance(account, Account):
            return account
        allowed, remaining, reset = sandbox.x_reads.take(account.number)
        limits = {
            "x-rate-limit-limit": str(sandbox.x_reads.limit),
            "x-rate-limit-remaining": str(remaining),
            "x-rate-limit-reset": str(reset),
        }
        if not allowed:
            return _problem(429, "Too Many Requests", "Too Many Requests", limits)
        ids = list(filter(None, request.query_params.get("ids", "").split(",")))
        if not 1 <= len(ids) <= 100:
            return _invalid(f"The number of values in the `ids` query parameter list [{len(ids)}] is not 1 to 100")
        fields = request.query_params.get("tweet.fields", "").split(",")
        posts = {post.id: post for post in sandbox.of("x")}
        body: dict[str, Any] = {}
        if found := [_tweet(posts[each], fields) for each in ids if each in posts]:
            body["data"] = found
            if "public_metrics" in fields:
                for tweet in found:
                    tweet["public_metrics"] = _metrics(sandbox, tweet["id"])
        if gone := [each for each in ids if each not in posts]:
            body["errors"] = [_not_found(each) for each in gone]
        return JSONResponse(body, 200, limits)

    @router.delete("/2/tweets/{tweet_id}")
    async def delete(tweet_id: str, request: Request) -> Response:
        account = _who(sandbox, request)
        if not isinstance(account, Account):
            return account
        mine = [p for p in sandbox.of("x", account.number) if p.id == tweet_id]
        for post in mine:
            sandbox.posts.remove(post)
        return JSONResponse({"data": {"deleted": bool(mine)}})

    @router.post("/2/media/upload")
    async def upload(request: Request) -> Response:
        account = _who(sandbox, request)
        if not isinstance(account, Account):
            return account
        if token_of(request) == "sandbox-readonly":
            return _problem(403, "Forbidden", "You are not permitted to perform this action.")
        form = await request.form()
        file, category = form.get("media"), form.get("media_category")
        if not isinstance(file, UploadFile) or category not in ("tweet_image", "tweet_gif"):
            return _invalid("The `media` and `media_category` fields are required")
        identity = sandbox.new_id()
        sandbox.images[identity] = await file.read()
        return JSONResponse({"data": {"id": identity, "media_key": f"3_{identity}", "expires_after_secs": 86400}})

    @router.post("/2/media/metadata")
    async def describe(request: Request) -> Response:
        account = _who(sandbox, request)
        if not isinstance(account, Account):
            return account
        body = await _object(request) or {}
        identity = str(body.get("id"))
        alt_text = str(((body.get("metadata") or {}).get("alt_text") or {}).get("text", ""))
        if identity not in sandbox.images or not 0 < len(alt_text) <= 1000:
            return _invalid("The media id is unknown, or its alt_text has not 1 to 1000 characters")
        sandbox.alt_texts[identity] = alt_text
        return JSONResponse({"data": {"id": identity, "associated_metadata": {"alt_text": {"text": alt_text}}}})

    @router.get("/2/users/me")
    async def me(request: Request) -> Response:
        account = _who(sandbox, request)
        if not isinstance(account, Account):
            return account
        return JSONResponse({"data": {"id": account.number, "name": account.name, "username": account.name}})

    @router.get("/2/users/{user_id}/tweets")
    async def timeline(user_id: str, request: Request) -> Response:
        account = _who(sandbox, request)
        if not isinstance(account, Account):
            return account
        query = request.query_params
        size = query.get("max_results", "10")
        if not size.isdecimal() or not 5 <= int(size) <= 100:
            return _invalid(f"The `max_results` query parameter value [{size}] is not between 5 and 100")
        since = query.get("start_time", "")
        posts = [p for p in reversed(sandbox.of("x", user_id)) if p.created_at >= since]
        at = int(query.get("pagination_token", "0"))
        page = posts[at : at + int(size)]
        meta: dict[str, Any] = {"result_count": len(page)}
        if at + int(size) < len(posts):
            meta["next_token"] = str(at + int(size))
        if not page:
            return JSONResponse({"meta": meta})
        fields = query.get("tweet.fields", "").split(",")
        return JSONResponse({"data": [_tweet(post, fields) for post in page], "meta": meta})

    return router


def _who(sandbox: Sandbox, request: Request) -> Account | JSONResponse:
    token = token_of(request)
    if token is None or token == "sandbox-expired" or not sandbox.log_ins.takes(token):
        return _problem(401, "Unauthorized", "Unauthorized")
    return account_of(token)


def _judge(sandbox: Sandbox, account: Account, body: dict[str, Any] | None) -> str | JSONResponse:
    """The text to post, or the documented refusal."""
    if body is None or not isinstance(text := body.get("text"), str) or not text.strip():
        return _invalid("The `text` field is required and must not be empty")
    if unknown := set(body) - {"text", "reply", "media", "made_with_ai", "quote_tweet_id", "reply_settings", "poll"}:
        return _invalid(f"[{min(unknown)}] is not a valid property of the request body")
    if len(_media(body)) > 4 or any(identity not in sandbox.images for identity in _media(body)):
        return _invalid("Your media IDs are invalid.")
    if measure("x", text) > _LIMIT:
        return _problem(
            403, "Forbidden", "Your Tweet text is too long. For more on how Twitter determines Tweet length see docs."
        )
    parent = _parent(body)
    if parent is not None and all(p.id != parent for p in sandbox.of("x")):
        return _problem(403, "Forbidden", "You attempted to reply to a Tweet that is deleted or not visible to you.")
    if any(p.text.strip() == text.strip() for p in sandbox.of("x", account.number)):
        return _problem(403, "Forbidden", "You are not allowed to create a Tweet with duplicate content.")
    return text


def _media(body: dict[str, Any] | None) -> list[str]:
    return list(((body or {}).get("media") or {}).get("media_ids", []))


def _parent(body: dict[str, Any] | None) -> str | None:
    reply = (body or {}).get("reply")
    return str(reply["in_reply_to_tweet_id"]) if isinstance(reply, dict) and "in_reply_to_tweet_id" in reply else None


def _tweet(post: SandboxPost, fields: list[str]) -> dict[str, Any]:
    tweet: dict[str, Any] = {
        "id": post.id,
        "text": html.escape(post.text, quote=False),
        "edit_history_tweet_ids": [post.id],
    }
    if "created_at" in fields:
        tweet["created_at"] = post.created_at
    if "referenced_tweets" in fields and post.in_reply_to:
        tweet["referenced_tweets"] = [{"type": "replied_to", "id": post.in_reply_to}]
    return tweet


def _metrics(sandbox: Sandbox, post_id: str) -> dict[str, int]:
    doing = sandbox.doing(post_id)
    return {
        "retweet_count": doing.shares,
        "reply_count": doing.comments,
        "like_count": doing.likes,
        "quote_count": doing.quotes,
        "bookmark_count": 0,
        "impression_count": doing.views,
    }


def _not_found(post_id: str) -> dict[str, str]:
    return {
        "value": post_id,
        "detail": f"Could not find tweet with ids: [{post_id}].",
        "title": "Not Found Error",
        "resource_type": "tweet",
        "parameter": "ids",
        "resource_id": post_id,
        "type": "https://api.twitter.com/2/problems/resource-not-found",
    }


async def _object(request: Request) -> dict[str, Any] | None:
    try:
        body = await request.json()
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _problem(status: int, title: str, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"title": title, "type": "about:blank", "status": status, "detail": detail}, status, headers)


def _invalid(message: str) -> JSONResponse:
    return JSONResponse(
        {
            "errors": [{"message": message}],
            "title": "Invalid Request",
            "detail": "One or more parameters to your request was invalid.",
            "type": "https://api.twitter.com/2/problems/invalid-request",
        },
        400,
    )
