"""PostgreSQL and Apache Kafka in containers, for those who ask for them: `PRESSWORK_TEST_CONTAINERS=1 make test`."""

from __future__ import annotations

import os

from testcontainers.kafka import KafkaContainer
from testcontainers.postgres import PostgresContainer

POSTGRES_IMAGE = "postgres:18"
KAFKA_IMAGE = "confluentinc/cp-kafka:7.9.0"  # the image that testcontainers' Kafka module knows how to start


class Containers:
    """Both servers, announced to everything that takes given ones."""

    def __init__(self) -> None:
        self._postgres = PostgresContainer(POSTGRES_IMAGE, driver=None)
        self._kafka = KafkaContainer(KAFKA_IMAGE).with_kraft()

    def start(self) -> None:
        """Start both. Raises docker's errors when no Docker engine answers."""
        self._postgres.start()
        self._kafka.start()
        os.environ["PRESSWORK_POSTGRES_URL"] = self._postgres.get_connection_url()
        os.environ["PRESSWORK_KAFKA_URL"] = self._kafka.get_bootstrap_server()

    def stop(self) -> None:
        self._kafka.stop()
        self._postgres.stop()
