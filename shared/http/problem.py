"""The one error shape: problem details (RFC 9457) as `application/problem+json`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from opentelemetry import trace
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response
from starlette.types import Scope

MEDIA_TYPE = "application/problem+json"
_TYPE_PREFIX = "urn:presswork:problem:"


class Problem(Exception):
    """A refusal on its way to the client.

    `kind` is the stable slug at the end of `type`, `detail` a sentence that says what to do next, `extra` more members.
    """

    def __init__(
        self, status: int, kind: str, title: str, detail: str, *, headers: Mapping[str, str] | None = None, **extra: Any
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.title = title
        self.detail = detail
        self.headers = dict(headers or {})
        self.extra = extra

    def members(self, scope: Scope) -> dict[str, Any]:
        """The problem's members, as those of an answer to the request of `scope`."""
        members: dict[str, Any] = {
            **self.extra,
            "type": _TYPE_PREFIX + self.kind,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": scope.get("path", ""),
        }
        if found := trace_id(scope):
            members["trace_id"] = found
        return members

    def details(self, scope: Scope) -> ProblemDetails:
        """The same as a part of another answer."""
        return ProblemDetails(**self.members(scope))

    def response(self, scope: Scope) -> Response:
        """The problem as an answer to the request of `scope`."""
        body = orjson.dumps(self.members(scope), default=str)
        return Response(body, self.status, headers=self.headers, media_type=MEDIA_TYPE)


class ProblemDetails(BaseModel):
    """Why a request was refused and what to do next (RFC 9457)."""

    model_config = ConfigDict(title="Problem", extra="allow")

    type: str = Field(description="Stable name of the kind of problem.", examples=["urn:presswork:problem:not-found"])
    title: str = Field(description="The kind of problem in a few words.")
    status: int = Field(description="The HTTP status code.", ge=400, le=599)
    detail: str = Field(description="One sentence that says what to do next.")
    instance: str = Field(description="The path that was asked for.")
    trace_id: str | None = Field(None, description="Names this request in traces and logs.")


def received(status: int, members: Mapping[str, Any]) -> Problem:
    """A refusal that another service answered with, to be passed on: all but where and in which trace it was."""
    known = {"type", "title", "status", "detail", "instance", "trace_id", "kind", "headers"}
    kind = str(members.get("type", "")).removeprefix(_TYPE_PREFIX) or "refused"
    extra = {name: value for name, value in members.items() if name not in known}
    return Problem(status, kind, str(members.get("title", "Refused")), str(members.get("detail", "")), **extra)


def trace_id(scope: Scope) -> str | None:
    """The trace this request belongs to (32 hex digits): the current span's, else the `traceparent` header's."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        return trace.format_trace_id(context.trace_id)
    for name, value in scope.get("headers", ()):
        if name == b"traceparent":
            parts = value.decode("latin-1").split("-")
            return parts[1] if len(parts) == 4 and len(parts[1]) == 32 else None
    return None
