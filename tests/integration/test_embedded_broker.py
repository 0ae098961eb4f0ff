"""The brokers that need no container.

What was produced is consumed, a killed one comes back on its port, an emptied one is empty.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.embedded.broker import BrokerFailed, EmbeddedBroker
from deploy.embedded.ports import free_port
from deploy.kafka.runner import ApacheKafka

Broker = EmbeddedBroker | ApacheKafka


@pytest.fixture
def tansu(tmp_path: Path) -> Iterator[EmbeddedBroker]:
    broker = EmbeddedBroker(log=tmp_path / "broker.log")
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def kafka(tmp_path: Path) -> Iterator[ApacheKafka]:
    if (why := ApacheKafka.available()) is not None:
        pytest.skip(why)
    broker = ApacheKafka(tmp_path / "kafka")
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture(params=["tansu", "kafka"])
def broker(request: pytest.FixtureRequest) -> Broker:
    found: Broker = request.getfixturevalue(request.param)
    return found


async def make_topic(url: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=url)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    finally:
        await admin.close()


async def produce(url: str, topic: str, *messages: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=url) as producer:
        for message in messages:
            await producer.send_and_wait(topic, message, partition=0)


async def kept(url: str, topic: str) -> list[bytes]:
    """Everything the topic holds."""
    partition = TopicPartition(topic, 0)
    async with AIOKafkaConsumer(bootstrap_servers=url, auto_offset_reset="earliest") as consumer:
        consumer.assign([partition])
        end = (await consumer.end_offsets([partition]))[partition]
        found = []
        while len(found) < end:
            found.append(bytes((await consumer.getone()).value))
        return found


async def test_what_was_produced_is_consumed(broker: Broker) -> None:
    await make_topic(broker.url, "story")
    await produce(broker.url, "story", b"one", b"two")
    assert await kept(broker.url, "story") == [b"one", b"two"]


async def test_a_killed_broker_comes_back_on_its_port(broker: Broker) -> None:
    url, pid = broker.url, broker.pid
    await make_topic(url, "before")
    await produce(url, "before", b"one")
    broker.kill()
    assert not broker.running
    assert "started again" in (broker.tend() or "")
    assert (broker.url, broker.running) == (url, True)
    assert broker.pid != pid
    await make_topic(url, "after")
    await produce(url, "after", b"two")
    assert await kept(url, "after") == [b"two"]


async def test_a_broker_restarted_empty_holds_nothing(broker: Broker) -> None:
    await make_topic(broker.url, "story")
    await produce(broker.url, "story", b"one")
    broker.restart(empty=True)
    await make_topic(broker.url, "story")
    assert await kept(broker.url, "story") == []


async def test_apache_kafka_keeps_its_messages_over_a_restart(kafka: ApacheKafka) -> None:
    await make_topic(kafka.url, "story")
    await produce(kafka.url, "story", b"one")
    kafka.restart()
    assert await kept(kafka.url, "story") == [b"one"]


async def test_a_broker_past_its_memory_limit_is_restarted_empty(tmp_path: Path) -> None:
    broker = EmbeddedBroker(log=tmp_path / "broker.log")
    broker.start()
    try:
        await make_topic(broker.url, "story")
        await produce(broker.url, "story", b"small")
        broker.memory_limit_mb = broker.memory_mb + 20
        assert broker.tend() is None
        await produce(broker.url, "story", *(os.urandom(200_000) for _ in range(150)))
        assert "started again, empty" in (broker.tend() or "")
        assert broker.memory_mb < broker.memory_limit_mb
        await make_topic(broker.url, "story")
        assert await kept(broker.url, "story") == []
    finally:
        broker.stop()


def test_a_taken_port_is_refused_though_its_broker_answers(tmp_path: Path, tansu: EmbeddedBroker) -> None:
    second = EmbeddedBroker(tansu.port, log=tmp_path / "second.log")
    with pytest.raises(BrokerFailed, match="in use"):
        second.start(timeout=10)
    assert not second.running
    assert tansu.running


def test_chosen_ports_are_not_those_the_kernel_gives_to_clients() -> None:
    low, high = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    assert not any(low <= free_port() <= high for _ in range(20))
