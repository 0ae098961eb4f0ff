"""Health: alive means the process answers, ready means that what it needs answers too."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter

from shared.http.errors import unavailable

Check = Callable[[], Awaitable[object]]


def health_router(checks: Mapping[str, Check], *, seconds: float = 2.0) -> APIRouter:
    """`/livez` and `/readyz`. A check is ready when it returns within `seconds`, and missing when it raises."""
    router = APIRouter()

    @router.get("/livez", include_in_schema=False)
    async def alive() -> dict[str, str]:
        return {"status": "alive"}

    @router.get("/readyz", include_in_schema=False)
    async def ready() -> dict[str, str]:
        results = await asyncio.gather(*(_passes(check, seconds) for check in checks.values()))
        missing = [name for name, passed in zip(checks, results, strict=True) if not passed]
        if missing:
            raise unavailable(f"Not ready yet: wait for {', '.join(missing)}.", missing=missing)
        return {"status": "ready"}

    return router


async def _passes(check: Check, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await check()
    except Exception:  # not ready, for whatever reason
        return False
    return True
