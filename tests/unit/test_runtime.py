"""A server process settles once it has started: what is there by then is not walked for garbage any more."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator

import pytest
import uvicorn

from shared.http.app import create_app
from shared.runtime import SettledServer
from tests.waiting import eventually


@pytest.fixture
def collector() -> Iterator[None]:
    """The collector as it was, afterwards."""
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


@pytest.mark.usefixtures("collector")
async def test_what_is_there_at_the_start_is_left_out_of_the_search_for_garbage() -> None:
    assert gc.get_freeze_count() == 0
    app = create_app(title="t", service="t", routers=())
    server = SettledServer(uvicorn.Config(app, port=0, log_config=None))
    serving = asyncio.create_task(server.serve())
    try:
        await eventually(lambda: server.started)
        assert gc.get_freeze_count() > 10_000
        assert gc.get_threshold()[0] > 700
        assert gc.isenabled()
    finally:
        server.should_exit = True
        await serving
