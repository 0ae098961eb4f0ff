"""A project: a folder for related work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from contracts.envelope import Event
from contracts.events.workflow import ProjectCreated, ProjectDeleted, ProjectUpdated
from shared.decider import Decider, NotFound


@dataclass(frozen=True, slots=True)
class Project:
    user_id: UUID | None = None
    title: str = ""
    description: str | None = None
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class CreateProject:
    project_id: UUID
    user_id: UUID
    title: str
    description: str | None = None


@dataclass(frozen=True, slots=True)
class UpdateProject:
    project_id: UUID
    user_id: UUID
    title: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class DeleteProject:
    project_id: UUID
    user_id: UUID


Command = CreateProject | UpdateProject | DeleteProject


def decide(command: Command, project: Project) -> Sequence[Event]:
    if isinstance(command, CreateProject):
        if project.user_id is not None:
            return []
        return [
            ProjectCreated(
                project_id=command.project_id,
                user_id=command.user_id,
                title=command.title,
                description=command.description,
            )
        ]
    if project.user_id != command.user_id or (project.deleted and not isinstance(command, DeleteProject)):
        raise NotFound("There is no such project; list your projects to see which there are.")
    match command:
        case UpdateProject(title=title, description=description):
            new_title = project.title if title is None else title
            new_description = project.description if description is None else description
            if (new_title, new_description) == (project.title, project.description):
                return []
            return [
                ProjectUpdated(
                    project_id=command.project_id,
                    user_id=command.user_id,
                    title=new_title,
                    description=new_description,
                )
            ]
        case DeleteProject():
            if project.deleted:
                return []
            return [ProjectDeleted(project_id=command.project_id, user_id=command.user_id)]


def evolve(project: Project, event: Event) -> Project:
    match event:
        case ProjectCreated():
            return Project(event.user_id, event.title, event.description)
        case ProjectUpdated():
            return replace(project, title=event.title, description=event.description)
        case ProjectDeleted():
            return replace(project, deleted=True)
        case _:
            return project


decider: Decider[Project] = Decider(
    stream="project",
    initial=Project(),
    decide=decide,
    evolve=evolve,
    commands=(CreateProject, UpdateProject, DeleteProject),
    stream_id=lambda command: command.project_id,
    creating=(CreateProject,),
)
