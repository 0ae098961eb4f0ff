"""What a workflow begins with: a source, a filled template, or both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from contracts.events.workflow import Source, TemplateUse
from services.workflow.schemas import NewWorkflow, SourceIn
from services.workflow.tools import Tools

_LONGEST_TITLE: Final = 300


@dataclass(frozen=True, slots=True)
class Content:
    """`options` go to whoever writes."""

    source: Source
    template: TemplateUse | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


def stands_alone(body: NewWorkflow, tools: Tools) -> bool:
    """Whether nobody has to be asked for the content."""
    return body.template_input is None and body.source is not None and tools.sources.travels(body.source.text)


async def content_of(body: NewWorkflow, tools: Tools, user_id: UUID, authorization: str) -> Content:
    """The content, asked for in the name of the user. Raises Invalid, and the Problems of who was asked."""
    source = None if body.source is None else await _source(body.source, tools, user_id, authorization)
    if body.template_input is None:
        assert source is not None
        return Content(source)
    variables = body.template_input.variables
    given = {"tone_of_voice": body.tone, "kind": "post", "platform": ", ".join(body.platforms)}
    if source is not None and source.title:
        given |= {"title": source.title, "topic": source.title}
    use, filled = await tools.templates.filled(
        user_id, body.template_input.template_id, given, variables, as_source=source is None
    )
    if source is None:
        title = (variables.get("title") or variables.get("topic") or "")[:_LONGEST_TITLE]
        return Content(await tools.sources.inline(user_id, title, filled), use)
    topic = {"topic": variables["topic"]} if variables.get("topic") else {}
    return Content(source, use, {"brief": filled, **topic})


async def _source(given: SourceIn, tools: Tools, user_id: UUID, authorization: str) -> Source:
    if given.text is not None:
        source = await tools.sources.inline(user_id, given.title, given.text)
    elif given.url is not None:
        source = await tools.sources.from_url(given.url, authorization)
    else:
        assert given.file_id is not None
        source = await tools.sources.from_file(given.file_id, authorization)
    return source.model_copy(update={"title": given.title}) if given.title else source
