"""Every exception becomes a problem in this one place."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from typing import Any

import asyncpg
from fastapi.exceptions import RequestValidationError
from fastapi.params import Form
from fastapi.routing import APIRoute
from opentelemetry import trace
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.database import UNAVAILABLE
from shared.decider import Conflict, DomainError, Forbidden, Invalid, NotFound
from shared.http.body_limit import BodyTooLarge
from shared.http.problem import Problem, trace_id
from shared.http.storable import unstorable_text
from shared.security.tokens import KeysUnavailable

_log = logging.getLogger(__name__)

_DOMAIN: tuple[tuple[type[DomainError], int, str], ...] = (
    (NotFound, 404, "Not found"),
    (Conflict, 409, "Conflict"),
    (Invalid, 422, "Invalid"),
    (Forbidden, 403, "Forbidden"),
    (DomainError, 422, "Invalid"),
)

_PLAIN: dict[int, tuple[str, str, str]] = {
    400: (
        "malformed-request",
        "Malformed request",
        "The request could not be read; check its syntax and send it again.",
    ),
    401: ("unauthenticated", "Not logged in", "Log in and send the access token as `Authorization: Bearer <token>`."),
    403: ("forbidden", "Forbidden", "You may not do this; ask an administrator for the right to."),
    404: ("not-found", "Not found", "Nothing is here; check the address, and that it belongs to you."),
    405: ("method-not-allowed", "Method not allowed", "Use one of the methods that the `Allow` header names."),
    413: ("body-too-large", "Body too large", "Send a smaller body."),
    415: ("unsupported-media-type", "Unsupported media type", "Send the body in a media type this address accepts."),
    429: ("rate-limited", "Too many requests", "Wait as long as the `Retry-After` header says, then try again."),
    503: ("unavailable", "Temporarily unavailable", "Try again in a moment."),
    504: ("deadline-exceeded", "Too slow", "The answer took too long; try again, or allow more time."),
}

# PostgreSQL refuses U+0000 and lone surrogates in text and jsonb with these codes.
_UNSTORABLE_TEXT = {"22021", "22P05"}


def to_problem(error: BaseException, scope: Scope) -> Problem:
    """What the client is told about `error`; anything unexpected is a bare 500."""
    match error:
        case Problem():
            return error
        case DomainError():
            return _from_domain(error)
        case RequestValidationError():
            return _from_validation(error, scope)
        case BodyTooLarge():
            return error.problem
        case HTTPException():
            return _from_http(error)
        case asyncpg.PostgresError() if error.sqlstate in _UNSTORABLE_TEXT:
            return unstorable_text()
        case KeysUnavailable():
            return unavailable(str(error))
    if isinstance(error, UNAVAILABLE):
        return unavailable("The service cannot reach its database now; try again in a moment.")
    return Problem(
        500, "internal-error", "Unexpected error", "This is our fault; try again, and report the trace_id if it stays."
    )


def unavailable(detail: str, *, retry_after: int = 1, **extra: Any) -> Problem:
    """503: the same request succeeds later, after `retry_after` seconds at the earliest."""
    headers = {"Retry-After": str(retry_after)}
    return Problem(503, "unavailable", "Temporarily unavailable", detail, headers=headers, **extra)


def _from_domain(error: DomainError) -> Problem:
    status, title = next((status, title) for cls, status, title in _DOMAIN if isinstance(error, cls))
    kind = re.sub(r"(?<!^)(?=[A-Z])", "-", type(error).__name__).lower()
    extra = {name: value for name, value in error.extra.items() if name not in _RESERVED}
    return Problem(status, kind, title, error.message, **extra)


_RESERVED = {"status", "kind", "title", "detail", "headers"}


def _from_http(error: HTTPException) -> Problem:
    kind, title, detail = _PLAIN.get(error.status_code, (f"http-{error.status_code}", "Refused", ""))
    return Problem(error.status_code, kind, title, detail or str(error.detail), headers=error.headers)


def _from_validation(error: RequestValidationError, scope: Scope) -> Problem:
    found = error.errors()
    if any(item["type"] == "json_invalid" for item in found):
        detail = f"The body is not valid JSON (at character {found[0]['loc'][-1]}); correct it and send it again."
        return Problem(400, "invalid-json", "Invalid JSON", detail)
    if any(item["loc"][:1] == ("body",) for item in found) and (accepted := _refused_media_type(scope)):
        detail = f"Send the body as `Content-Type: {accepted}`."
        return Problem(415, "unsupported-media-type", "Unsupported media type", detail)
    errors = [{"pointer": _pointer(item["loc"]), "detail": str(item["msg"])} for item in found]
    detail = "Correct what `errors` names and send the request again."
    return Problem(422, "invalid-request", "Invalid request", detail, errors=errors)


def _refused_media_type(scope: Scope) -> str | None:
    """The media type the route takes, when the request's is another."""
    route = scope.get("route")
    if not isinstance(route, APIRoute) or route.body_field is None:
        return None
    sent = Request(scope).headers.get("content-type", "").partition(";")[0].strip().lower()
    accepted = getattr(route.body_field.field_info, "media_type", "application/json")
    if isinstance(route.body_field.field_info, Form):
        return None if sent in {"multipart/form-data", "application/x-www-form-urlencoded"} else accepted
    json_like = sent == "application/json" or (sent.startswith("application/") and sent.endswith("+json"))
    has_body = _has_body(scope)
    return accepted if has_body and not json_like else None


def _has_body(scope: Scope) -> bool:
    headers = dict(scope["headers"])
    return headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers


def _pointer(location: Sequence[Any]) -> str:
    """`#/a/0` (RFC 6901) inside the body, `query/limit` and the like elsewhere."""
    where, *path = map(str, location)
    escaped = [part.replace("~", "~0").replace("/", "~1") for part in path]
    return "#" + "".join("/" + part for part in escaped) if where == "body" else "/".join([where, *path])


async def answer_with_problem(request: Request, error: Exception) -> Response:
    """Exception handler for what FastAPI would otherwise answer in its own shape."""
    return to_problem(error, request.scope).response(request.scope)


class Problems:
    """ASGI middleware: what nobody handled becomes a problem, and the unexpected is logged with its trace."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception as error:  # every one becomes an answer here
            problem = to_problem(error, scope)
            if problem.status == 500:
                trace.get_current_span().record_exception(error)
                _log.exception(
                    "request failed",
                    extra={"method": scope["method"], "path": scope["path"], "trace_id": trace_id(scope)},
                )
            if started:
                # Half an answer is out: only a broken connection tells the client so.
                raise
            await problem.response(scope)(scope, receive, send)
