"""Read tables filled anew: equal to the live ones, while those serve, and never at the cost of an event or a row."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator

import pytest

from tests.rebuilding import assert_rebuild_equals_live, projecting
from tests.story import Ground, ground, tell


@pytest.fixture(scope="module")
async def told() -> AsyncIterator[Ground]:
    """A story told to every service, each of which heard it in an order of its own."""
    async with ground() as on:
        await tell(on, random.Random(1), workflows=40)
        yield on


@pytest.mark.parametrize("service", sorted(projecting()))
async def test_rebuilt_rows_equal_live_rows(told: Ground, service: str) -> None:
    done = await assert_rebuild_equals_live(told.kits[service], told.admin_dsn)
    assert done.events > 0
