"""A file: bytes that were stored, the text read from them, and its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal
from uuid import UUID

from contracts.envelope import Event
from contracts.events.media import ExtractionFailed, FileDeleted, FileStored, TextExtracted
from shared.decider import Conflict, Decider, NotFound


@dataclass(frozen=True, slots=True)
class File:
    """`path` and `text_path` are kept after the deletion: they name what has to go from storage."""

    status: Literal["absent", "stored", "deleted"] = "absent"
    user_id: UUID | None = None
    sha256: str = ""
    text: Literal["pending", "extracted", "failed"] = "pending"
    path: str = ""
    text_path: str | None = None


@dataclass(frozen=True, slots=True)
class StoreFile:
    """The bytes are in storage under `path`. `sha256` is theirs, in hexadecimal."""

    file_id: UUID
    user_id: UUID
    project_id: UUID | None
    path: str
    name: str
    mime_type: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class RecordText:
    """The text is in storage under `text_path`. `sha256` is that of the text in UTF-8."""

    file_id: UUID
    title: str
    language: str
    characters: int
    text_path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class RecordFailure:
    """No text can be read from the file; the reason says what to do."""

    file_id: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class DeleteFile:
    file_id: UUID
    user_id: UUID


@dataclass(frozen=True, slots=True)
class DiscardFile:
    """The file goes with what it belonged to; a file that is gone already is no error."""

    file_id: UUID


Command = StoreFile | RecordText | RecordFailure | DeleteFile | DiscardFile


def decide(command: Command, file: File) -> Sequence[Event]:
    """The events that follow. Raises Conflict for an id in use, NotFound for a file that is not the user's."""
    match command:
        case StoreFile():
            return _store(command, file)
        case RecordText() | RecordFailure():
            return _record(command, file)
        case DeleteFile(file_id=file_id, user_id=user_id):
            if file.user_id != user_id:
                raise NotFound("There is no such file; list your files to see which there are.")
            return _delete(file_id, file)
        case DiscardFile(file_id=file_id):
            return _delete(file_id, file)


def _store(command: StoreFile, file: File) -> Sequence[Event]:
    if file.status == "deleted":
        raise Conflict("The file was deleted; upload it again under a new Idempotency-Key.", current="deleted")
    if file.status == "stored":
        if (file.user_id, file.sha256) != (command.user_id, command.sha256):
            raise Conflict("This id names another file; upload it under a new Idempotency-Key.", current="stored")
        return []
    return [
        FileStored(
            file_id=command.file_id,
            user_id=command.user_id,
            project_id=command.project_id,
            path=command.path,
            name=command.name,
            mime_type=command.mime_type,
            size_bytes=command.size_bytes,
            sha256=command.sha256,
        )
    ]


def _record(command: RecordText | RecordFailure, file: File) -> Sequence[Event]:
    """The outcome of reading counts once, and not for a file that is gone meanwhile."""
    if file.status != "stored" or file.user_id is None or file.text != "pending":
        return []
    if isinstance(command, RecordFailure):
        return [ExtractionFailed(file_id=command.file_id, user_id=file.user_id, reason=command.reason)]
    return [
        TextExtracted(
            file_id=command.file_id,
            user_id=file.user_id,
            title=command.title,
            language=command.language,
            characters=command.characters,
            text_path=command.text_path,
            sha256=command.sha256,
        )
    ]


def _delete(file_id: UUID, file: File) -> Sequence[Event]:
    if file.status != "stored" or file.user_id is None:
        return []
    return [FileDeleted(file_id=file_id, user_id=file.user_id)]


def evolve(file: File, event: Event) -> File:
    """The file after the event."""
    match event:
        case FileStored():
            return File("stored", event.user_id, event.sha256, path=event.path)
        case TextExtracted():
            return replace(file, text="extracted", text_path=event.text_path)
        case ExtractionFailed():
            return replace(file, text="failed")
        case FileDeleted():
            return replace(file, status="deleted")
        case _:
            return file


decider: Decider[File] = Decider(
    stream="file",
    initial=File(),
    decide=decide,
    evolve=evolve,
    commands=(StoreFile, RecordText, RecordFailure, DeleteFile, DiscardFile),
    stream_id=lambda command: command.file_id,
    creating=(StoreFile,),
)
