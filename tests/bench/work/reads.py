"""One row read by its id over HTTP, again and again."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import aiohttp

from tests.bench.figure import latency
from tests.bench.work import main
from tests.bench.work.visitor import Visitor


async def measure(url: str, seconds: float, users: int = 16, gateway: str = "") -> dict[str, Any]:
    """p50 and p99 in ms of one reader, requests a second of `users`. With `gateway` a template is made there first and
    its address follows `url`; and `composed` says the same of a project, which three services answer, `id` which."""
    if not gateway:
        return await _read(url, {}, seconds, users)
    async with Visitor.at(gateway) as visitor:
        template = await visitor.post(
            "/api/v1/templates", {"name": "Notes", "type": "blog", "prompt": "About {topic}."}
        )
        project = await visitor.post("/api/v1/projects", {"title": "Bread", "description": "Everything about it"})
        headers = {"Authorization": visitor.authorization}
        found = await _read(f"{url}/api/v1/templates/{template['id']}", headers, seconds, users)
        composed = await _read(f"{url}/api/v1/projects/{project['id']}", headers, seconds, users)
        return found | {"id": project["id"], "composed": composed}


async def _read(url: str, headers: dict[str, str], seconds: float, users: int) -> dict[str, Any]:
    async with aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(limit=0)) as session:

        async def reader(until: float) -> list[float]:
            times = []
            while (began := time.perf_counter()) < until:
                async with session.get(url) as answer:
                    assert answer.status == 200, answer.status
                    await answer.read()
                times.append(time.perf_counter() - began)
            return times

        await reader(time.perf_counter() + 0.5)
        alone = await reader(time.perf_counter() + seconds)
        began = time.perf_counter()
        together = await asyncio.gather(*(reader(began + seconds) for _ in range(users)))
        took = time.perf_counter() - began
    return latency(alone) | {"rate": sum(map(len, together)) / took}


if __name__ == "__main__":
    main(measure)
