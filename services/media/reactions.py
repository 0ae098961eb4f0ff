"""What follows when a file is stored or goes: reading its text, and clearing the storage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from contracts.events.media import FileDeleted, FileStored, TextExtracted
from contracts.events.workflow import ProjectDeleted
from services.media import queries
from services.media.domain.file import Command, DiscardFile, RecordFailure, RecordText
from services.media.extraction import ExtractionError, extract_async
from services.media.extraction.sniffing import IMAGES, SPEECH
from services.media.keeping import sha256_of, state_of
from services.media.paths import text_path
from services.media.storage import NoSuchObject
from shared.ids import derive
from shared.kit import Kit
from shared.reactions import GiveUp, LeasedTask, Strike, Task, gave_up, on, twice, work

# Longer than any request or lease that may still be writing: what it left behind is swept away then.
SWEEP_AFTER = timedelta(minutes=10)
_AT_ONCE = 200  # files of a deleted project that go in one transaction


def extraction_of(file_id: UUID) -> UUID:
    """The id of the task that reads a file; there is one for each file."""
    return derive("extract", file_id)


@on(FileStored)
def read_the_file(event: FileStored) -> Task:
    payload = {"file_id": event.file_id, "path": event.path, "mime_type": event.mime_type, "name": event.name}
    # Listening takes minutes: documents need not wait for it.
    kind = "transcribe" if event.mime_type in SPEECH else "extract"
    return Task(extraction_of(event.file_id), kind, payload)


@on(TextExtracted)
def need_not_be_read(event: TextExtracted) -> Strike:
    """The text came with the file, or was read just now."""
    return Strike(extraction_of(event.file_id))


@work("extract", lease=150, attempts=3, concurrency=2)
async def extract_text(task: LeasedTask, kit: Kit) -> list[RecordText]:
    """Reads the text in a process of its own and keeps it beside the bytes."""
    if task.payload["mime_type"] in IMAGES:
        raise GiveUp("This is an image: publish it with a post as `media`. It holds no text to write from.")
    return await _read(task.payload, kit, kit.tools.settings.extract_seconds)


@work("transcribe", lease=900, attempts=2, concurrency=1)
async def listen(task: LeasedTask, kit: Kit) -> list[RecordText]:
    """The same for what is said in a file."""
    return await _read(task.payload, kit, kit.tools.settings.speech_seconds)


async def _read(payload: Mapping[str, Any], kit: Kit, seconds: float) -> list[RecordText]:
    tools = kit.tools
    path = str(payload["path"])
    try:
        data = await tools.storage.get(path)
        extracted = await extract_async(
            data, payload["mime_type"], payload["name"], timeout=seconds, hearing=tools.settings.hearing
        )
    except NoSuchObject as error:
        raise GiveUp("The file is not in storage any more; upload it again.") from error
    except ExtractionError as error:
        raise GiveUp(str(error)) from error
    text = extracted.text.encode()
    place = text_path(path)
    await tools.storage.put(place, text, "text/markdown; charset=utf-8")
    return [
        RecordText(
            file_id=UUID(payload["file_id"]),
            title=extracted.title,
            language=extracted.language,
            characters=len(extracted.text),
            text_path=place,
            sha256=sha256_of(text),
        )
    ]


@gave_up("extract")
def say_why_not(task: LeasedTask, reason: str) -> list[RecordFailure]:
    return [RecordFailure(UUID(task.payload["file_id"]), reason)]


@gave_up("transcribe")
def say_why_nothing_was_heard(task: LeasedTask, reason: str) -> list[RecordFailure]:
    return [RecordFailure(UUID(task.payload["file_id"]), reason)]


@on(FileDeleted)
def clear_the_storage(event: FileDeleted) -> list[Task | Strike]:
    """Now, and once more when nobody can be writing any longer."""
    removing = twice(event, "remove", {"file_id": event.file_id}, SWEEP_AFTER)
    return [Strike(extraction_of(event.file_id)), *removing]


@work("remove", lease=60, attempts=20, concurrency=4)
async def remove_objects(task: LeasedTask, kit: Kit) -> Sequence[Command]:
    """Removes the bytes and the text; what is gone already is no error."""
    file = await state_of(kit, UUID(task.payload["file_id"]))
    for path in {file.path, file.text_path or file.path, text_path(file.path)}:
        await kit.tools.storage.delete(path)
    return []


@on(ProjectDeleted)
def empty_the_project(event: ProjectDeleted) -> list[Task]:
    """Now, and once more when no upload to the project can still be under way."""
    payload = {"project_id": event.project_id, "user_id": event.user_id}
    return twice(event, "empty_project", payload, SWEEP_AFTER)


@work("empty_project", lease=60, attempts=20, concurrency=2)
async def discard_files(task: LeasedTask, kit: Kit) -> list[DiscardFile | Task]:
    """The project's files go, some at a time."""
    project_id, user_id = UUID(task.payload["project_id"]), UUID(task.payload["user_id"])
    async with kit.database.reading(user_id) as connection:
        found = await queries.files_of_project(connection, user_id, project_id, _AT_ONCE)
    outcome: list[DiscardFile | Task] = [DiscardFile(file_id) for file_id in found]
    if len(found) == _AT_ONCE:
        outcome.append(Task(derive(task.id, "rest"), task.kind, task.payload))
    return outcome
