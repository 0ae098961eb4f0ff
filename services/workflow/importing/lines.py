"""A line of a file as the command that imports it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contracts.events.workflow import Source
from services.workflow.api.decisions import check_length, publication_of
from services.workflow.domain.commands import ImportPost
from services.workflow.schemas import PlatformName, PublishIn, Text
from shared.decider import DomainError, Invalid
from shared.ids import derive


class _Post(BaseModel):
    model_config = ConfigDict(extra="forbid")

    platform: PlatformName
    content: Annotated[Text, Field(max_length=60_000)]
    title: Annotated[Text, Field(max_length=300)] = ""
    scheduled_for: datetime | None = None
    time_zone: Annotated[Text, Field(max_length=64)] | None = None
    connection_id: UUID | None = None


def examined(
    rows: Iterable[tuple[int, Mapping[str, Any]]], user_id: UUID, now: datetime
) -> tuple[dict[int, ImportPost], dict[int, str]]:
    """Of numbered lines, what imports the good ones, and why the others are refused."""
    commands: dict[int, ImportPost] = {}
    refused: dict[int, str] = {}
    for number, row in rows:
        try:
            commands[number] = _command(row, user_id, now)
        except (ValidationError, DomainError) as error:
            refused[number] = said(error)
    return commands, refused


def _command(row: Mapping[str, Any], user_id: UUID, now: datetime) -> ImportPost:
    """Raises ValidationError and DomainError. Ids follow from the line, so that it is imported once."""
    post = _Post.model_validate(row)
    content = post.content.strip()
    if not content:
        raise Invalid("The content is empty; send the text of the post.")
    check_length(post.platform, content)
    when = None if post.scheduled_for is None else post.scheduled_for.isoformat()
    line = derive("import", user_id, post.platform, post.title, content, when, post.time_zone, post.connection_id)
    publication = None
    if post.scheduled_for is not None:
        how = PublishIn(
            scheduled_for=post.scheduled_for, time_zone=post.time_zone, connection_id=post.connection_id
        )  # fmt: skip
        publication = publication_of(post.platform, how, derive(line, "job"), now)
    elif post.time_zone is not None:
        raise Invalid("`time_zone` says nothing without `scheduled_for`; send both or neither.")
    sha256 = hashlib.sha256(content.encode()).hexdigest()
    source = Source(
        title=post.title or content.splitlines()[0][:200], text=content, sha256=sha256, characters=len(content)
    )
    return ImportPost(line, user_id, post.platform, source, content, derive(line, "draft"), publication)


def said(error: ValidationError | DomainError) -> str:
    """The sentence of a refusal."""
    if isinstance(error, DomainError):
        return error.message
    return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors(include_input=False))
