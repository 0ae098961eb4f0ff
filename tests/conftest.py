"""The real servers the tests stand on: one PostgreSQL and one of each broker a process that runs tests.

Given ones are taken (PRESSWORK_POSTGRES_URL, PRESSWORK_KAFKA_URL), else containers when asked for
(PRESSWORK_TEST_CONTAINERS=1), else the embedded ones are started.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from typing import NoReturn

import pytest
from hypothesis import settings

from deploy.embedded.broker import EmbeddedBroker
from deploy.embedded.given import GivenPostgres
from deploy.embedded.postgres import EmbeddedPostgres
from deploy.kafka.runner import ApacheKafka
from tests import together
from tests.databases import IN_A_HURRY, folder_of_the_run

# Property tests are judged by what they find, not by how fast a busy machine is.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


def pytest_configure(config: pytest.Config) -> None:
    folder_of_the_run()  # before there are other processes
    if os.environ.get("PRESSWORK_TEST_CONTAINERS") == "1" and "PRESSWORK_POSTGRES_URL" not in os.environ:
        from tests.containers import Containers  # needs a Docker engine, so only where it is asked for

        containers = Containers()
        containers.start()
        config.add_cleanup(containers.stop)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> together.Together:
    return together.Together(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        together.longest_first(items)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What a test printed travels between processes as UTF-8, which half a surrogate pair is not."""
    report = yield
    report.sections = [(name, said.encode(errors="backslashreplace").decode()) for name, said in report.sections]
    return report


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
    server = EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), settings=IN_A_HURRY)
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
