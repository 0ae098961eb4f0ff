"""The merged OpenAPI document is true: requests made from it never break the platform."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import Platform
from tests.e2e.user import nobody, user

# Nothing here depends on the broker.
pytestmark = pytest.mark.parametrize("platform", ["tansu"], indirect=True, scope="session")

SERVICES = ("auth", "projects", "workflows", "drafts", "evaluations", "jobs", "connections", "files", "resources")


async def test_one_document_describes_every_service(platform: Platform) -> None:
    async with nobody(platform.gateway) as visitor:
        document = await visitor.get("/openapi.json")
        assert document["openapi"].startswith("3.1")
        paths = list(document["paths"])
        for name in SERVICES:
            assert any(path.startswith(f"/api/v1/{name}") for path in paths), name
        assert not any(path.startswith("/internal") for path in paths)
        page = await visitor.request("GET", "/docs")
        assert page.status == 200
        assert b"cdn" not in page.body.lower()


async def test_requests_made_from_the_document_never_end_in_a_5xx(platform: Platform, tmp_path: Path) -> None:
    async with user(platform.gateway) as writer:
        process = await asyncio.create_subprocess_exec(
            str(Path(sys.executable).with_name("st")),
            "run",
            f"{platform.gateway}/openapi.json",
            "--checks=not_a_server_error",
            "--phases=examples,coverage,fuzzing",
            "--max-examples=6",
            "--max-time=60",
            "--workers=1",
            "--seed=1",
            "--suppress-health-check=all",
            "--exclude-path=/api/v1/workflows/{workflow_id}/events",  # a stream without an end
            "--exclude-path=/api/v1/outputs/{output_id}/events",
            "--exclude-path-regex=logout|/sessions|/from-url",  # would end our own session, or wait for the network
            "--header",
            f"Authorization: Bearer {writer.token}",
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await asyncio.wait_for(process.communicate(), 150)
        assert process.returncode == 0, output.decode()
