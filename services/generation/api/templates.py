"""Templates over HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Query, Request, Response

from contracts.events.generation import TemplateType
from services.generation.domain.placeholders import placeholders, replaced, unknown, variables
from services.generation.domain.template import NO_TEMPLATE, ChangeTemplate, CreateTemplate, DeleteTemplate
from services.generation.queries import templates as queries
from services.generation.schemas.templates import NewTemplate, Preview, PreviewIn, Template, TemplateChange
from shared.decider import Conflict, NotFound
from shared.http.idempotency import Idempotency
from shared.http.pagination import Page, PageQuery
from shared.http.user import CurrentUser
from shared.kit import kit_of

router = APIRouter(prefix="/api/v1/templates", tags=["templates"])


@router.post("", status_code=201)
async def create_template(body: NewTemplate, request: Request, user: CurrentUser, idempotency: Idempotency) -> Template:
    """Keep a prompt to write by. Its placeholders are checked; a second template of the same name gets 409."""
    template_id = idempotency.id()
    with _one_of_a_name(body.name):
        command = CreateTemplate(template_id, user.user_id, body.name, body.type, body.prompt)
        await idempotency.handle(command, actor=user.user_id)
    return await _template(request, user.user_id, template_id)


@router.get("")
async def list_templates(
    request: Request,
    user: CurrentUser,
    page: PageQuery,
    type: Annotated[TemplateType | None, Query(description="Only templates for this.")] = None,
    is_custom: Annotated[bool | None, Query(description="Only your own, or only the platform's.")] = None,
) -> Page[Template]:
    """Your templates and the platform's, newest first."""
    async with kit_of(request).database.reading(user.user_id) as connection:
        rows = await queries.templates(connection, user.user_id, page, type, is_custom)
    return page.page(rows, _view)


@router.get("/{template_id}")
async def read_template(template_id: UUID, request: Request, user: CurrentUser) -> Template:
    """One template."""
    return await _template(request, user.user_id, template_id)


@router.patch("/{template_id}")
async def change_template(template_id: UUID, body: TemplateChange, request: Request, user: CurrentUser) -> Template:
    """Change a template's name, type or prompt. Outputs that were asked for before keep the prompt they had."""
    command = ChangeTemplate(template_id, user.user_id, body.name, body.type, body.prompt)
    with _one_of_a_name(body.name or ""):
        await kit_of(request).handle(command, actor=user.user_id)
    return await _template(request, user.user_id, template_id)


@router.delete("/{template_id}", status_code=204)
async def delete_template(template_id: UUID, request: Request, user: CurrentUser) -> Response:
    """Delete a template. What was written by it stays."""
    await kit_of(request).handle(DeleteTemplate(template_id, user.user_id), actor=user.user_id)
    return Response(status_code=204)


@router.post("/{template_id}/preview")
async def preview(template_id: UUID, body: PreviewIn, request: Request, user: CurrentUser) -> Preview:
    """The prompt filled with these values, as far as they go. Nothing is kept."""
    prompt = (await _template(request, user.user_id, template_id)).prompt
    missing = [name for name in placeholders(prompt) if name not in body.variables]
    astray = list(unknown(prompt, body.variables))
    return Preview(prompt=replaced(prompt, body.variables), missing=missing, unknown=astray)


@contextmanager
def _one_of_a_name(name: str) -> Iterator[None]:
    try:
        yield
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != "uq_templates_user_id_name":
            raise
        raise Conflict(f"You have a template called {name!r} already; choose another name.") from error


async def _template(request: Request, user_id: UUID, template_id: UUID) -> Template:
    async with kit_of(request).database.reading(user_id) as connection:
        row = await queries.template(connection, template_id)
    if row is None:
        raise NotFound(NO_TEMPLATE)
    return _view(row)


def _view(row: Mapping[str, Any]) -> Template:
    names = {"placeholders": list(placeholders(row["prompt"])), "variables": list(variables(row["prompt"]))}
    return Template.model_validate(dict(row) | names)
