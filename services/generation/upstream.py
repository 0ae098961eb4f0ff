"""What other services know of what an output is to be made of, asked in the name of the user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from shared.decider import Invalid
from shared.http.client import ServiceClient
from shared.http.deadline import Deadline

MOST_FILES: Final = 20
_SECONDS: Final = 10.0


class Materials:
    """A project and its files, and a place for long texts."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def check_project(self, project_id: UUID, authorization: str) -> None:
        """Raises workflow's own 404 Problem when the project is not the user's."""
        await self._get("workflow", f"/api/v1/projects/{project_id}", authorization)

    async def readable_files(self, project_id: UUID, authorization: str) -> tuple[UUID, ...]:
        """The project's files that have a text or may still get one, oldest first. Raises Invalid when none has."""
        params = {"project_id": str(project_id), "limit": "100"}
        page = await self._get("media", "/api/v1/files", authorization, params)
        files = [UUID(file["id"]) for file in page["items"] if file["text_status"] != "failed"][::-1]
        if not files:
            raise Invalid(
                "The project has no file with a text; upload one to it with `project_id`, or send `text` or `file_ids`."
            )
        if len(files) > MOST_FILES or page["next_cursor"] is not None:
            raise Invalid(f"The project has more than {MOST_FILES} files; name those to use in `file_ids`.")
        return tuple(files)

    async def check_files(self, file_ids: Sequence[UUID], authorization: str) -> None:
        """Raises media's own 404 Problem for a file that is not the user's, Invalid for one that cannot be read."""
        for file_id in file_ids:
            file = await self._get("media", f"/api/v1/files/{file_id}", authorization)
            if file["text_status"] == "failed":
                raise Invalid(f"{file['name']} could not be read: {file['error']}")

    async def keep_text(self, user_id: UUID, title: str, text: str) -> UUID:
        """A long text as a file of the user's."""
        body = {"user_id": user_id, "title": title, "text": text}
        deadline = Deadline.after(2 * _SECONDS)
        kept = (await self._client.request("media", "POST", "/internal/texts", json=body, deadline=deadline)).good()
        return UUID(kept["file_id"])

    async def _get(
        self, service: str, path: str, authorization: str, params: Mapping[str, str] | None = None
    ) -> Mapping[str, Any]:
        headers, deadline = {"Authorization": authorization}, Deadline.after(_SECONDS)
        answer = await self._client.request(service, "GET", path, params=params, headers=headers, deadline=deadline)
        found: Mapping[str, Any] = answer.good()
        return found
