"""A house for each test, on each broker or on the one that starts fastest."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.embedded.broker import EmbeddedBroker
from deploy.embedded.given import GivenPostgres
from deploy.embedded.postgres import EmbeddedPostgres
from deploy.kafka.runner import ApacheKafka
from tests.kit.house import House, house


@pytest.fixture
async def anywhere(
    postgres: EmbeddedPostgres | GivenPostgres, broker: EmbeddedBroker | ApacheKafka, tmp_path: Path
) -> AsyncIterator[House]:
    """A house on each broker in turn, its topics in three partitions."""
    # Apache Kafka takes no session below six seconds.
    session = EmbeddedBroker.SESSION_MS if isinstance(broker, EmbeddedBroker) else 6_000
    environment = {"PRESSWORK_KAFKA_PARTITIONS": "3", "PRESSWORK_KAFKA_SESSION_MS": str(session)}
    async with house(postgres, broker.url, tmp_path, **environment) as found:
        yield found


@pytest.fixture
async def here(
    postgres: EmbeddedPostgres | GivenPostgres, tansu: EmbeddedBroker, tmp_path: Path
) -> AsyncIterator[House]:
    """A house on the embedded broker, its topics in two partitions."""
    quickly = {"PRESSWORK_KAFKA_PARTITIONS": "2", "PRESSWORK_KAFKA_SESSION_MS": "3000"}
    async with house(postgres, tansu.url, tmp_path, **quickly) as found:
        yield found
