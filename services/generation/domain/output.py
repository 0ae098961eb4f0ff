"""An output: one text made of a project's files or of a given text, for a blog, a social network or an e-mail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from contracts.envelope import MAX_EVENT_BYTES, Event
from contracts.events.generation import (
    OutputArchived,
    OutputCompleted,
    OutputDeleted,
    OutputEdited,
    OutputFailed,
    OutputKind,
    OutputProgressed,
    OutputRequested,
    OutputRetried,
    OutputStarted,
)
from shared.decider import Conflict, Decider, NotFound

NO_OUTPUT: Final = "There is no such output; list your outputs to see which there are."
_TOO_BIG: Final = "The text is longer than {most} KB; ask for a shorter one with `target_length`."
_WORDS_A_MINUTE: Final = 250

Status = Literal["absent", "queued", "processing", "completed", "failed", "deleted"]


@dataclass(frozen=True, slots=True)
class Output:
    """`attempt` counts from 1; `files` and `text` are what it is made of."""

    user_id: UUID | None = None
    project_id: UUID | None = None
    requested_at: datetime | None = None
    kind: OutputKind = "blog"
    platform: str = ""
    request: Mapping[str, Any] = field(default_factory=dict)
    text: str | None = None
    file_ids: tuple[UUID, ...] = ()
    prompt: str | None = None
    status: Status = "absent"
    archived: bool = False
    attempt: int = 1
    files_read: int = 0  # in this attempt
    body: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RequestOutput:
    """Ask for a text. `prompt` is a template, filled; `request` is what the user asked, as they see it."""

    output_id: UUID
    project_id: UUID
    user_id: UUID
    kind: OutputKind
    platform: str
    now: datetime
    request: Mapping[str, Any] = field(default_factory=dict)
    text: str | None = None
    file_ids: tuple[UUID, ...] = ()
    prompt: str | None = None


@dataclass(frozen=True, slots=True)
class CopyOutput:
    """Make another output of the same text. `request`, `body` and `metadata` are those of the original."""

    output_id: UUID
    project_id: UUID
    user_id: UUID
    kind: OutputKind
    platform: str
    now: datetime
    copied_from: UUID
    body: str
    request: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RetryOutput:
    output_id: UUID
    user_id: UUID


@dataclass(frozen=True, slots=True)
class StartOutput:
    output_id: UUID
    attempt: int


@dataclass(frozen=True, slots=True)
class ProgressOutput:
    """So many of its files are read."""

    output_id: UUID
    attempt: int
    files_read: int


@dataclass(frozen=True, slots=True)
class CompleteOutput:
    """Keep the text; `metadata` says how it was made."""

    output_id: UUID
    attempt: int
    body: str
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FailOutput:
    """Nobody could write it; `reason` says what to do."""

    output_id: UUID
    attempt: int
    reason: str


@dataclass(frozen=True, slots=True)
class EditOutput:
    output_id: UUID
    user_id: UUID
    body: str


@dataclass(frozen=True, slots=True)
class ArchiveOutput:
    output_id: UUID
    user_id: UUID


@dataclass(frozen=True, slots=True)
class DeleteOutput:
    output_id: UUID
    user_id: UUID


Command = (
    RequestOutput
    | CopyOutput
    | RetryOutput
    | StartOutput
    | ProgressOutput
    | CompleteOutput
    | FailOutput
    | EditOutput
    | ArchiveOutput
    | DeleteOutput
)


def measured(body: str) -> dict[str, Any]:
    """Words, and minutes that reading takes."""
    words = len(body.split())
    return {"word_count": words, "reading_time": max(1, round(words / _WORDS_A_MINUTE))}


def decide(command: Command, output: Output) -> Sequence[Event]:
    match command:
        case RequestOutput():
            return _request(command, output)
        case CopyOutput():
            return _copy(command, output)
        case StartOutput():
            if output.status != "queued" or output.attempt != command.attempt:
                return []
            return [OutputStarted(**_who(command.output_id, output), attempt=command.attempt)]
        case ProgressOutput():
            return _progress(command, output)
        case CompleteOutput() | FailOutput():
            if output.status not in ("queued", "processing") or output.attempt != command.attempt:
                return []
            return [_outcome(command, output)]
        case RetryOutput() | EditOutput() | ArchiveOutput() | DeleteOutput():
            return _by_owner(command, output)


def _by_owner(command: RetryOutput | EditOutput | ArchiveOutput | DeleteOutput, output: Output) -> Sequence[Event]:
    if output.user_id != command.user_id or output.user_id is None:
        raise NotFound(NO_OUTPUT)
    who = _who(command.output_id, output)
    if isinstance(command, DeleteOutput):
        return [] if output.status == "deleted" else [OutputDeleted(**who)]
    if output.status == "deleted":
        raise NotFound(NO_OUTPUT)
    if isinstance(command, ArchiveOutput):
        return _archive(output, who)
    if output.archived:
        raise Conflict("The output is archived and stays as it is; ask for a new one.", current="archived")
    match command:
        case RetryOutput():
            if output.status != "failed":
                detail = f"Only a failed output can be tried again; this one is {output.status}."
                raise Conflict(detail, current=output.status)
            return [OutputRetried(**who, attempt=output.attempt + 1)]
        case EditOutput(body=body):
            if output.status != "completed":
                detail = f"Only a completed output can be edited; this one is {output.status}."
                raise Conflict(detail, current=output.status)
            if body == output.body:
                return []
            return [OutputEdited(**who, body=body, metadata={**output.metadata, **measured(body), "edited": True})]


def _archive(output: Output, who: Mapping[str, Any]) -> Sequence[Event]:
    if output.archived:
        return []
    if output.status not in ("completed", "failed"):
        detail = f"Only what is completed or failed can be archived; this output is {output.status}."
        raise Conflict(detail, current=output.status)
    return [
        OutputArchived(
            **who,
            kind=output.kind,
            status=output.status,
            request=dict(output.request),
            body=output.body,
            metadata=dict(output.metadata),
        )
    ]


def _request(command: RequestOutput, output: Output) -> Sequence[Event]:
    if output.status != "absent":
        return []
    return [
        OutputRequested(
            output_id=command.output_id,
            project_id=command.project_id,
            user_id=command.user_id,
            requested_at=command.now,
            kind=command.kind,
            platform=command.platform,
            request=dict(command.request),
            text=command.text,
            file_ids=command.file_ids,
            prompt=command.prompt,
        )
    ]


def _copy(command: CopyOutput, output: Output) -> Sequence[Event]:
    if output.status != "absent":
        return []
    requested = OutputRequested(
        output_id=command.output_id,
        project_id=command.project_id,
        user_id=command.user_id,
        requested_at=command.now,
        kind=command.kind,
        platform=command.platform,
        request=dict(command.request),
        copied_from=command.copied_from,
    )
    metadata = {**command.metadata, "copied_from": str(command.copied_from)}
    who = _who(command.output_id, evolve(output, requested))
    return [requested, OutputCompleted(**who, body=command.body, metadata=metadata)]


def _progress(command: ProgressOutput, output: Output) -> Sequence[Event]:
    """Files that are read again, as after a wait for one of them, are told of once."""
    if output.status != "processing" or output.attempt != command.attempt or command.files_read <= output.files_read:
        return []
    who, files = _who(command.output_id, output), len(output.file_ids)
    return [OutputProgressed(**who, attempt=command.attempt, files_read=command.files_read, files=files)]


def _outcome(command: CompleteOutput | FailOutput, output: Output) -> Event:
    who = _who(command.output_id, output)
    if isinstance(command, FailOutput):
        return _failed(who, command.reason)
    metadata = {**measured(command.body), **command.metadata}
    completed = OutputCompleted(**who, body=command.body, metadata=metadata)
    # Archiving says text, request and metadata once more in one event.
    most = MAX_EVENT_BYTES // 2
    if len(completed.public_json()) > most:
        return _failed(who, _TOO_BIG.format(most=most // 1024))
    return completed


def _failed(who: Mapping[str, Any], reason: str) -> OutputFailed:
    return OutputFailed(**who, reason=reason, metadata={"error": reason})


def _who(output_id: UUID, output: Output) -> dict[str, Any]:
    return {
        "output_id": output_id,
        "project_id": output.project_id,
        "user_id": output.user_id,
        "requested_at": output.requested_at,
    }


def evolve(output: Output, event: Event) -> Output:
    match event:
        case OutputRequested():
            return Output(
                user_id=event.user_id,
                project_id=event.project_id,
                requested_at=event.requested_at,
                kind=event.kind,
                platform=event.platform,
                request=event.request,
                text=event.text,
                file_ids=event.file_ids,
                prompt=event.prompt,
                status="queued",
            )
        case OutputRetried():
            return replace(output, status="queued", attempt=event.attempt, files_read=0, metadata={})
        case OutputStarted():
            return replace(output, status="processing")
        case OutputProgressed():
            return replace(output, files_read=event.files_read)
        case OutputCompleted():
            return replace(output, status="completed", body=event.body, metadata=event.metadata)
        case OutputFailed():
            return replace(output, status="failed", metadata=event.metadata)
        case OutputEdited():
            return replace(output, body=event.body, metadata=event.metadata)
        case OutputArchived():
            return replace(output, archived=True)
        case OutputDeleted():
            # Who had it and what it said is needed no more.
            return Output(user_id=output.user_id, status="deleted")
        case _:
            return output


decider: Decider[Output] = Decider(
    stream="output",
    initial=Output(),
    decide=decide,
    evolve=evolve,
    commands=(
        RequestOutput,
        CopyOutput,
        RetryOutput,
        StartOutput,
        ProgressOutput,
        CompleteOutput,
        FailOutput,
        EditOutput,
        ArchiveOutput,
        DeleteOutput,
    ),
    stream_id=lambda command: command.output_id,
    creating=(RequestOutput, CopyOutput),
)
