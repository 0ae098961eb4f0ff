"""OpenAPI as the services really answer: every operation names the problems it may return."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI

from shared.http.problem import MEDIA_TYPE, ProblemDetails

_METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})
_WRITES = frozenset({"post", "put", "patch", "delete"})


class Application(FastAPI):
    """FastAPI's application with the problems of each operation in its document."""

    def openapi(self) -> dict[str, Any]:
        """The document, made when it is first asked for."""
        if self.openapi_schema is None:
            document = super().openapi()
            add_problems(document)
            self.openapi_schema = document
        return self.openapi_schema


def add_problems(document: dict[str, Any]) -> None:
    """Adds the Problem schema and, to each operation, the error answers that its shape makes possible."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = ProblemDetails.model_json_schema()
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for method, operation in operations(document):
        responses = operation.setdefault("responses", {})
        # FastAPI's own 422 describes a body that is never sent here.
        responses.pop("422", None)
        for status in sorted(_possible(method, operation)):
            responses.setdefault(str(status), problem_answer(status))


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each (method, operation) of a document."""
    for path in document.get("paths", {}).values():
        for method, operation in path.items():
            if method in _METHODS:
                yield method, operation


def problem_answer(status: int) -> dict[str, Any]:
    """The documented answer of an error status."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": HTTPStatus(status).phrase, "content": content}


def _possible(method: str, operation: dict[str, Any]) -> set[int]:
    parameters = operation.get("parameters", [])
    body = "requestBody" in operation
    # Any request may carry a deadline that cannot be read, or come when a part is down.
    statuses = {400, 500, 503, 504}
    if parameters or body:
        statuses |= {422}
    if body:
        statuses |= {413, 415}
    if operation.get("security"):
        statuses |= {401, 403}
    if any(parameter.get("in") == "path" for parameter in parameters) or method in _WRITES:
        statuses |= {404}
    if method in _WRITES:
        statuses |= {409}
    return statuses
