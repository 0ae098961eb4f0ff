"""Getting the content a workflow starts from: given inline, uploaded before, or found at a URL."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import aiohttp
from multidict import CIMultiDict

from contracts.events.workflow import Source
from services.workflow.settings import WorkflowSettings
from shared.decider import Invalid
from shared.http.client import Response, ServiceClient
from shared.http.deadline import Deadline
from shared.http.problem import Problem


class Sources:
    """Asks media for files, in the name of the user who asks us."""

    def __init__(self, client: ServiceClient, settings: WorkflowSettings) -> None:
        self._client = client
        self._settings = settings

    def travels(self, text: str | None) -> bool:
        """Whether a source is a text short enough to need nobody's help."""
        return text is not None and len(text) <= self._settings.inline_characters

    async def inline(self, user_id: UUID, title: str, text: str) -> Source:
        """A text that came with the request; a long one is handed to media and travels by reference."""
        body = text.strip()
        if not body:
            raise Invalid("The source is empty; send some text to make posts from.")
        if len(body) <= self._settings.inline_characters:
            return _inline(title, body, "")
        answer = await self._client.request(
            "media",
            "POST",
            "/internal/texts",
            json={"user_id": user_id, "title": title, "text": body},
            deadline=Deadline.after(20),
        )
        kept = answer.good()
        return Source(title=title, file_id=UUID(kept["file_id"]), sha256=kept["sha256"], characters=kept["characters"])

    async def from_url(self, url: str, authorization: str) -> Source:
        """The main text of a page or document on the web."""
        answer = await self._client.request(
            "media",
            "POST",
            "/api/v1/files/from-url",
            json={"url": url},
            headers={"Authorization": authorization},
            deadline=Deadline.after(self._settings.extraction_seconds),
        )
        return await self.from_file(UUID(answer.good()["id"]), authorization, url)

    async def file(self, file_id: UUID, authorization: str) -> Mapping[str, Any]:
        """What media knows of a file of the user's. Raises media's own problem when it is not theirs."""
        headers = {"Authorization": authorization}
        path = f"/api/v1/files/{file_id}"
        answer = await self._client.request("media", "GET", path, headers=headers, deadline=Deadline.after(10))
        file: Mapping[str, Any] = answer.good()
        return file

    async def upload(self, content: bytes, name: str, mime_type: str, authorization: str) -> Mapping[str, Any]:
        """Keep a file in media, as the user's. Raises media's own problem when it does not take it."""
        form = aiohttp.MultipartWriter("form-data")
        part = form.append(content, {"Content-Type": mime_type})
        part.set_content_disposition("form-data", name="file", filename=name)
        headers = CIMultiDict({"Authorization": authorization, "Content-Type": form.content_type})
        deadline = Deadline.after(60)
        async with self._client.stream(
            "media", "POST", "/api/v1/files", headers=headers, body=await form.as_bytes(), deadline=deadline
        ) as answer:
            file: Mapping[str, Any] = Response(answer.status, answer.headers, await answer.read()).good()
            return file

    async def from_file(self, file_id: UUID, authorization: str, url: str | None = None) -> Source:
        """The text of a file the user uploaded; waits for its extraction. Raises Invalid when it cannot be read."""
        wait = int(self._settings.extraction_seconds)
        answer = await self._client.request(
            "media",
            "GET",
            f"/api/v1/files/{file_id}",
            params={"wait": str(wait)},
            headers={"Authorization": authorization},
            deadline=Deadline.after(wait + 5),
        )
        file = answer.good()
        if file["text_status"] == "failed":
            raise Invalid(f"{file['name']} could not be read: {file['error']}")
        if file["text_status"] != "extracted":
            raise Problem(
                503, "text-not-ready", "Text not ready", "The file is still being read; try again in a moment.",
                headers={"Retry-After": "5"},
            )  # fmt: skip
        answer = await self._client.request(
            "media",
            "GET",
            f"/api/v1/files/{file_id}/text",
            headers={"Authorization": authorization},
            deadline=Deadline.after(10),
        )
        text = answer.good()
        body = text["text"].strip()
        if not body:
            raise Invalid(f"{file['name']} holds no text; choose another source.")
        if len(body) <= self._settings.inline_characters:
            source = _inline(text["title"] or file["name"], body, text["language"])
            return source.model_copy(update={"file_id": file_id, "url": url})
        return Source(
            title=text["title"] or file["name"],
            file_id=file_id,
            sha256=_sha256(body),
            characters=len(body),
            language=text["language"],
            url=url,
        )


def _inline(title: str, text: str, language: str) -> Source:
    return Source(
        title=title.strip() or _first_line(text),
        text=text,
        sha256=_sha256(text),
        characters=len(text),
        language=language,
    )


def _first_line(text: str) -> str:
    """A title for a text that has none: its first line, without the Markdown mark of a heading."""
    return text.splitlines()[0].lstrip("#").strip()[:200]


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
