"""The texts of files, asked for over HTTP: what will come is waited for, what never will is given up, and why."""

from __future__ import annotations

import pytest
from fastapi import FastAPI, Response

from services.generation.engines.article import READ_AT_MOST
from services.generation.file_texts import FileText, fetch
from shared.http.client import ServiceClient
from shared.ids import new_id
from shared.reactions import GiveUp, RetryLater
from tests.unit.serving import serve, unused_port

GONE = "The file is gone: upload it again."


async def asked(status: int, body: str) -> FileText:
    """What becomes of media's answer."""
    media = FastAPI()

    @media.get("/internal/files/{file_id}/text")
    async def text(file_id: str) -> Response:
        return Response(body, status, media_type="application/json")

    async with serve(media) as url, ServiceClient({"media": url}, "inside") as client:
        return await fetch(client, new_id(), new_id(), gone=GONE)


async def test_a_text_comes_as_far_as_engines_read_without_what_cannot_be_stored() -> None:
    long = "a" * READ_AT_MOST
    found = await asked(200, f'{{"title": "Bread", "text": "b\\u0000{long}", "language": "und"}}')
    assert (found.title, found.language, found.text) == ("Bread", "", "b" + long[2:])


@pytest.mark.parametrize(
    ("status", "body", "counts"),
    [
        (409, '{"current": "pending", "detail": "The file is still being read."}', False),
        (503, '{"detail": "Storage is away."}', False),
        (429, "{}", True),
    ],
)
async def test_what_may_come_yet_is_waited_for(status: int, body: str, counts: bool) -> None:
    with pytest.raises(RetryLater) as later:
        await asked(status, body)
    assert later.value.counts is counts


async def test_an_outage_of_media_is_outlived() -> None:
    url = f"http://127.0.0.1:{unused_port()}"
    async with ServiceClient({"media": url}, "inside") as client:
        with pytest.raises(RetryLater) as later:
            await fetch(client, new_id(), new_id(), gone=GONE)
    assert later.value.counts is False


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [(404, "{}", GONE), (409, '{"current": "failed", "detail": "It holds no text."}', "It holds no text.")],
)
async def test_what_never_will_come_is_given_up(status: int, body: str, reason: str) -> None:
    with pytest.raises(GiveUp, match=reason):
        await asked(status, body)
