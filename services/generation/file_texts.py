"""The texts of files, as media read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.generation.engines.article import READ_AT_MOST
from shared.http.client import ServiceClient, Upstream
from shared.http.deadline import Deadline, DeadlineExceeded
from shared.reactions import GiveUp, RetryLater

_FETCH_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class FileText:
    """Cut where engines stop reading. `language` is empty when it could not be told."""

    title: str
    text: str
    language: str


async def fetch(client: ServiceClient, user_id: UUID, file_id: UUID, *, gone: str) -> FileText:
    """What a user's file says. Raises RetryLater when it cannot be had now, GiveUp (with `gone`) when it never will."""
    try:
        answer = await client.request(
            "media",
            "GET",
            f"/internal/files/{file_id}/text",
            params={"user_id": str(user_id)},
            deadline=Deadline.after(_FETCH_SECONDS),
        )
    except (Upstream, DeadlineExceeded) as error:
        # A text outlives an outage, however long.
        raise RetryLater(2.0, error.detail, counts=False) from error
    body: Mapping[str, Any] = answer.json() if answer.status in (200, 409) else {}
    match answer.status:
        case 200:
            # Neither events nor rows can hold U+0000.
            text = body["text"][:READ_AT_MOST].replace("\x00", "")
            return FileText(body["title"] or "", text, known(body["language"]))
        case 404:
            raise GiveUp(gone)
        case 409 if body.get("current") == "failed":
            raise GiveUp(body["detail"])
        case 409 if body.get("current") == "pending":
            # Listening to a file takes minutes, and comes to an end by itself.
            raise RetryLater(2.0, body["detail"], counts=False)
    reason = f"The text of the file could not be read: media answered {answer.status}."
    raise RetryLater(2.0, reason, counts=answer.status < 500)


def known(language: str | None) -> str:
    """The code of a language, empty for one that could not be told, so that the engine looks for itself."""
    return "" if language in (None, "und") else language
