"""One OpenAPI 3.1 document out of all services' documents."""

from __future__ import annotations

import asyncio
import copy
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from services.gateway import routing
from shared.http.client import ServiceClient
from shared.http.deadline import Deadline
from shared.http.openapi import operations, problem_answer
from shared.http.problem import Problem

Document = dict[str, Any]
_FETCH_SECONDS = 5.0
_REFERENCE = "#/components/schemas/"
_COMPOSED = frozenset({"/api/v1/workflows/{workflow_id}", "/api/v1/projects/{project_id}"})
_DESCRIPTION = "One piece of content in; reviewed, published posts out. Errors are problem details (RFC 9457)."


class OpenApi:
    """The merged document, asked for at most every `keep` seconds; a service that was down is asked again at once."""

    def __init__(self, client: ServiceClient, own: Document, keep: float) -> None:
        """`own` is the gateway's own document, whose operations replace the services'."""
        self._client = client
        self._own = own
        self._keep = keep
        self._merged: Document | None = None
        self._merged_at = 0.0
        self._merging = asyncio.Lock()

    async def document(self) -> Document:
        """The document, with `x-unavailable` naming services that did not answer."""
        async with self._merging:
            fresh = self._merged is not None and time.monotonic() - self._merged_at < self._keep
            if self._merged is None or not fresh or "x-unavailable" in self._merged:
                self._merged = await self._ask()
                self._merged_at = time.monotonic()
            return self._merged

    async def _ask(self) -> Document:
        names = self._client.services
        answers = dict(zip(names, await asyncio.gather(*map(self._of, names)), strict=True))
        documents = {name: document for name, document in answers.items() if document is not None}
        merged = merge(documents, self._own)
        if missing := [name for name in names if name not in documents]:
            merged["x-unavailable"] = missing
        return merged

    async def _of(self, service: str) -> Document | None:
        deadline = Deadline.after(_FETCH_SECONDS)
        try:
            answer = await self._client.request(service, "GET", "/openapi.json", deadline=deadline)
            document = answer.json() if answer.status == 200 else None
        except (Problem, ValueError):
            return None
        return document if isinstance(document, dict) else None


def merge(documents: Mapping[str, Document], own: Document) -> Document:
    """One document of the routed paths of `documents` (by service) and of the gateway's `own`.

    Schemas of one name and different meaning are told apart by their service's name, whatever the order of arrival.
    """
    parts = {name: _routed(copy.deepcopy(document), name) for name, document in sorted(documents.items())}
    parts["gateway"] = copy.deepcopy(own)
    for name, renames in _renames(parts).items():
        parts[name] = _rename(parts[name], renames)
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    for name, part in parts.items():
        schemas.update(part.get("components", {}).get("schemas", {}))
        for path, operations_of in part.get("paths", {}).items():
            _overlay(paths, path, operations_of, composed=name == "gateway")
    document: Document = {
        "openapi": "3.1.0",
        "info": {"title": "Presswork", "version": "1", "description": _DESCRIPTION},
        "servers": [{"url": "/"}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }
    _secure(document)
    _name_operations(document)
    return document


def _routed(document: Document, service: str) -> Document:
    """Without the paths that the gateway does not pass to this service, and the schemas that only those used."""
    paths = document.get("paths", {})
    kept = {path: item for path, item in paths.items() if (r := routing.route_of(path)) and r.service == service}
    schemas = document.get("components", {}).get("schemas", {})
    used: set[str] = set()
    wanted = list(_references(kept))
    while wanted:
        name = wanted.pop()
        if name not in used and name in schemas:
            used.add(name)
            wanted += _references(schemas[name])
    return {"paths": kept, "components": {"schemas": {name: schemas[name] for name in schemas if name in used}}}


def _renames(parts: Mapping[str, Document]) -> dict[str, dict[str, str]]:
    """For each service, the schemas that need another name because another service means something else by it."""
    renames: dict[str, dict[str, str]] = {name: {} for name in parts}
    while True:
        meanings: dict[str, dict[str, Any]] = defaultdict(dict)
        for name, part in parts.items():
            for schema, meaning in part.get("components", {}).get("schemas", {}).items():
                if schema not in renames[name]:
                    meanings[schema][name] = _rename(meaning, renames[name])
        clashes = {s: by for s, by in meanings.items() if any(m != next(iter(by.values())) for m in by.values())}
        if not clashes:
            return renames
        # Renaming one schema can make those that refer to it differ: look again.
        for schema, services in clashes.items():
            for name in services:
                renames[name][schema] = f"{name.capitalize()}{schema}"


def _rename(node: Any, renames: Mapping[str, str]) -> Any:
    """A copy of `node` with schemas and references renamed."""
    if isinstance(node, list):
        return [_rename(item, renames) for item in node]
    if not isinstance(node, dict):
        return node
    copied: dict[str, Any] = {}
    for key, value in node.items():
        if key == "$ref" and isinstance(value, str) and value.startswith(_REFERENCE):
            name = value.removeprefix(_REFERENCE)
            copied[key] = _REFERENCE + renames.get(name, name)
        elif key == "schemas" and isinstance(value, dict):
            copied[key] = {renames.get(name, name): _rename(schema, renames) for name, schema in value.items()}
        else:
            copied[key] = _rename(value, renames)
    return copied


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _references(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref" and isinstance(value, str) and value.startswith(_REFERENCE):
                yield value.removeprefix(_REFERENCE)
            else:
                yield from _references(value)


def _overlay(paths: dict[str, Any], path: str, item: dict[str, Any], *, composed: bool) -> None:
    known = next((other for other in paths if _shape(other) == _shape(path)), None)
    if known is None:
        paths[path] = item
        return
    for method, operation in item.items():
        if composed and method in paths[known] and path in _COMPOSED:
            operation = _composed(paths[known][method], operation)
        paths[known][method] = operation


def _shape(path: str) -> tuple[str, ...]:
    """A path without the names of its parameters."""
    return tuple("{}" if part.startswith("{") else part for part in path.split("/"))


def _composed(whole: Document, parts: Document) -> Document:
    """The service's operation, answered with the composed parts beside its own members."""
    operation = copy.deepcopy(whole)
    for key in ("summary", "description", "operationId"):
        operation[key] = parts.get(key, operation.get(key))
    content = operation["responses"]["200"]["content"]["application/json"]
    added = parts["responses"]["200"]["content"]["application/json"]["schema"]
    content["schema"] = {"allOf": [content["schema"], added]}
    return operation


def _secure(document: Document) -> None:
    for path, item in document["paths"].items():
        route = routing.route_of(path)
        for method, operation in item.items():
            if method not in {"get", "put", "post", "delete", "patch", "head", "options"} or route is None:
                continue
            public = routing.is_public(route, method.upper(), path)
            operation["security"] = [] if public else [{"bearer": []}]
            for status in (400, 429, 503, 504) if public else (400, 401, 429, 503, 504):
                operation.setdefault("responses", {}).setdefault(str(status), problem_answer(status))


def _name_operations(document: Document) -> None:
    """Operation ids must be unique; services do not know each other's."""
    seen: dict[str, int] = defaultdict(int)
    for _, operation in operations(document):
        name = operation.get("operationId")
        if name is None:
            continue
        seen[name] += 1
        if seen[name] > 1:
            operation["operationId"] = f"{name}_{seen[name]}"
