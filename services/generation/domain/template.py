"""A template: a prompt with {placeholders}, a user's own or the platform's for everybody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from contracts.envelope import Event
from contracts.events.generation import TemplateChanged, TemplateCreated, TemplateDeleted, TemplateType
from services.generation.domain.placeholders import placeholders
from shared.decider import Conflict, Decider, Forbidden, NotFound

NOBODY: Final = UUID(int=0)  # whose the platform's own templates are

NO_TEMPLATE: Final = "There is no such template; list your templates to see which there are."
_NOT_YOURS: Final = "This template belongs to the platform; make one of your own with the same prompt and change that."
_GONE: Final = "This template was deleted; make a new one."


@dataclass(frozen=True, slots=True)
class Template:
    user_id: UUID | None = None
    name: str = ""
    type: TemplateType = "blog"
    prompt: str = ""
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class CreateTemplate:
    template_id: UUID
    user_id: UUID
    name: str
    type: TemplateType
    prompt: str


@dataclass(frozen=True, slots=True)
class ChangeTemplate:
    """What is None stays as it is."""

    template_id: UUID
    user_id: UUID
    name: str | None = None
    type: TemplateType | None = None
    prompt: str | None = None


@dataclass(frozen=True, slots=True)
class DeleteTemplate:
    template_id: UUID
    user_id: UUID


@dataclass(frozen=True, slots=True)
class OfferTemplate:
    """One of the platform's own, as this release has it."""

    template_id: UUID
    name: str
    type: TemplateType
    prompt: str


Command = CreateTemplate | ChangeTemplate | DeleteTemplate | OfferTemplate


def decide(command: Command, template: Template) -> Sequence[Event]:
    match command:
        case CreateTemplate():
            return _create(command, template)
        case OfferTemplate():
            return _offer(command, template)
        case ChangeTemplate():
            return _change(command, template)
        case DeleteTemplate():
            _check_owner(command.user_id, template)
            if template.deleted:
                return []
            return [TemplateDeleted(template_id=command.template_id, user_id=command.user_id)]


def _create(command: CreateTemplate, template: Template) -> Sequence[Event]:
    placeholders(command.prompt)
    if template.deleted:
        raise Conflict(_GONE, current="deleted")
    if template.user_id is not None:
        return []
    return [
        TemplateCreated(
            template_id=command.template_id,
            user_id=command.user_id,
            name=command.name,
            type=command.type,
            prompt=command.prompt,
        )
    ]


def _offer(command: OfferTemplate, template: Template) -> Sequence[Event]:
    placeholders(command.prompt)
    offered = {"name": command.name, "type": command.type, "prompt": command.prompt}
    if template.user_id is None:
        return [TemplateCreated(template_id=command.template_id, user_id=NOBODY, is_custom=False, **offered)]
    if (template.name, template.type, template.prompt) == (command.name, command.type, command.prompt):
        return []
    return [TemplateChanged(template_id=command.template_id, user_id=NOBODY, **offered)]


def _change(command: ChangeTemplate, template: Template) -> Sequence[Event]:
    _check_owner(command.user_id, template)
    if template.deleted:
        raise NotFound(NO_TEMPLATE)
    changed = replace(
        template,
        name=template.name if command.name is None else command.name,
        type=template.type if command.type is None else command.type,
        prompt=template.prompt if command.prompt is None else command.prompt,
    )
    placeholders(changed.prompt)
    if changed == template:
        return []
    return [
        TemplateChanged(
            template_id=command.template_id,
            user_id=command.user_id,
            name=changed.name,
            type=changed.type,
            prompt=changed.prompt,
        )
    ]


def _check_owner(user_id: UUID, template: Template) -> None:
    if template.user_id == NOBODY:
        raise Forbidden(_NOT_YOURS)
    if template.user_id != user_id:
        raise NotFound(NO_TEMPLATE)


def evolve(template: Template, event: Event) -> Template:
    match event:
        case TemplateCreated():
            return Template(event.user_id, event.name, event.type, event.prompt)
        case TemplateChanged():
            return replace(template, name=event.name, type=event.type, prompt=event.prompt)
        case TemplateDeleted():
            return replace(template, deleted=True)
        case _:
            return template


decider: Decider[Template] = Decider(
    stream="template",
    initial=Template(),
    decide=decide,
    evolve=evolve,
    commands=(CreateTemplate, ChangeTemplate, DeleteTemplate, OfferTemplate),
    stream_id=lambda command: command.template_id,
    creating=(CreateTemplate,),
)
