"""Templates and outputs through the gateway, as a client has them."""

from __future__ import annotations

import asyncio
from io import BytesIO

import docx
import pytest

from tests.e2e.conftest import Platform
from tests.e2e.user import ARTICLE, user

# Nothing here depends on the broker.
pytestmark = pytest.mark.parametrize("platform", ["tansu"], indirect=True, scope="session")


async def test_a_filled_template_becomes_posts(platform: Platform) -> None:
    async with user(platform.gateway) as writer:
        prompt = "{product} is here. It {does}. Try it today."
        template = {"name": "Launch", "type": "linkedin", "prompt": prompt}
        made = await writer.request("POST", "/api/v1/templates", template)
        assert made.status == 201, made
        filled = {"product": "The quiet oven", "does": "bakes two loaves in forty minutes without a fan"}
        asked = {"mode": "template", "template_input": {"template_id": made.body["id"], "variables": filled}}
        started = await writer.request("POST", "/api/v1/workflows", {**asked, "platforms": ["linkedin"]})
        assert started.status == 201, started
        ready = await writer.until(started.body["id"], "awaiting_review")
        assert (ready["mode"], ready["template_input"]["template"]["variables"]) == ("template", filled)
        assert "two loaves in forty minutes" in ready["drafts"][0]["content"]


async def test_an_output_is_told_of_while_it_is_written_and_taken_away(platform: Platform) -> None:
    async with user(platform.gateway) as writer:
        project = await writer.request("POST", "/api/v1/projects", {"title": "Bread"})
        path = f"/api/v1/projects/{project.body['id']}/generate/blog"
        asked = await writer.request("POST", path, {"text": ARTICLE})
        assert asked.status == 202, asked
        told = []
        async with asyncio.timeout(40):
            async for _, event in writer.stream(asked.body["id"], of="outputs"):
                told.append(event["type"])
                if told[-1] in ("OutputCompleted", "OutputFailed"):
                    break
        assert told == ["OutputRequested", "OutputStarted", "OutputCompleted"]
        file = await writer.request("GET", f"/api/v1/outputs/{asked.body['id']}/download?format=docx")
        assert file.headers["Content-Disposition"] == "attachment; filename*=UTF-8''why-bread-rises.docx"
        assert docx.Document(BytesIO(file.body)).paragraphs[0].text == "Why bread rises"
