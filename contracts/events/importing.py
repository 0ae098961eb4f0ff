"""Files of posts that are too long to be imported while their sender waits."""

from __future__ import annotations

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from contracts.events.workflow import WorkflowServiceEvent


class ImportEvent(WorkflowServiceEvent):
    stream: ClassVar[str] = "import"
    import_id: UUID
    user_id: UUID


class ImportRequested(ImportEvent):
    """A file of posts was taken in; its lines are imported in parts, one after the other."""

    lines: int
    parts: int


class RefusedLine(BaseModel):
    """A line that became no post, and why."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    line: int
    error: str


class ImportPartDone(ImportEvent):
    """So many lines of a part are posts now; the others were refused."""

    part: int
    imported: int
    refused: tuple[RefusedLine, ...] = ()


class ImportCompleted(ImportEvent):
    """Every line of the file was imported or refused."""

    imported: int
    refused: int


class ImportRemoved(ImportEvent):
    """What is known of an import is gone; the posts stay, unless their owner is gone, too."""

    reason: Literal["expired", "user_erased"]
