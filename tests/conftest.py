"""The real servers the tests stand on: one PostgreSQL and one of each broker a session.

Given ones are taken (PRESSWORK_POSTGRES_URL, PRESSWORK_KAFKA_URL), else containers when asked for
(PRESSWORK_TEST_CONTAINERS=1), else the embedded ones are started.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NoReturn

import pytest

from deploy.embedded.broker import EmbeddedBroker
from deploy.embedded.given import GivenPostgres
from deploy.embedded.postgres import EmbeddedPostgres
from deploy.kafka.runner import ApacheKafka


def pytest_configure(config: pytest.Config) -> None:
    if os.environ.get("PRESSWORK_TEST_CONTAINERS") == "1" and "PRESSWORK_POSTGRES_URL" not in os.environ:
        from tests.containers import Containers  # needs a Docker engine, so only where it is asked for

        containers = Containers()
        containers.start()
        config.add_cleanup(containers.stop)


def absent(reason: str) -> NoReturn:
    """Skip, saying why; on CI everything has to be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres | GivenPostgres]:
    """The server of PRESSWORK_POSTGRES_URL, else one of our own."""
    if given := os.environ.get("PRESSWORK_POSTGRES_URL"):
        yield GivenPostgres(given)
        return
    server = EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), settings={"shared_buffers": "64MB"})
    server.start()
    yield server
    server.destroy()


@pytest.fixture(scope="session")
def tansu(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedBroker]:
    server = EmbeddedBroker(log=tmp_path_factory.mktemp("tansu") / "broker.log")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def apache_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApacheKafka]:
    if (why := ApacheKafka.available()) is not None:
        absent(why)
    server = ApacheKafka(tmp_path_factory.mktemp("kafka"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session", params=["tansu", "apache_kafka"])
def broker(request: pytest.FixtureRequest) -> EmbeddedBroker | ApacheKafka:
    """Each broker in turn."""
    found: EmbeddedBroker | ApacheKafka = request.getfixturevalue(request.param)
    return found
