"""Messages on their way to a topic: in as few batches as they fit, each answered once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.structs import RecordMetadata


@dataclass(frozen=True, slots=True)
class Kept:
    """Messages that the broker has: offsets of the first and the last."""

    partition: int
    first: int
    last: int


class Batches:
    """Collects messages of one topic by partition. Ask `kept()` once, when all were added."""

    def __init__(self, producer: AIOKafkaProducer, topic: str) -> None:
        self._producer = producer
        self._topic = topic
        self._open: dict[int, BatchBuilder] = {}
        self._sent: list[tuple[int, int, asyncio.Future[RecordMetadata]]] = []

    async def add(self, partition: int, key: bytes, value: bytes, headers: Sequence[tuple[str, bytes]]) -> None:
        """Add a message behind those of its partition; a batch that it would not fit in goes off."""
        batch = self._open.get(partition)
        if batch is None:
            batch = self._open[partition] = self._producer.create_batch()
        if batch.append(timestamp=None, key=key, value=value, headers=headers) is not None:
            return
        await self._send(partition)
        batch = self._open[partition] = self._producer.create_batch()
        batch.append(timestamp=None, key=key, value=value, headers=headers)  # the first one always fits

    async def kept(self) -> list[Kept]:
        """What the broker has acknowledged: all of it. Raises KafkaError when some batch was not."""
        for partition in [*self._open]:
            await self._send(partition)
        answers = await asyncio.gather(*(answer for _, _, answer in self._sent), return_exceptions=True)
        kept = []
        for (partition, count, _), answer in zip(self._sent, answers, strict=True):
            if isinstance(answer, BaseException):
                raise answer
            kept.append(Kept(partition, answer.offset, answer.offset + count - 1))
        return kept

    async def _send(self, partition: int) -> None:
        batch = self._open.pop(partition)
        batch.close()  # nobody else's messages belong into it
        answer = await self._producer.send_batch(batch, self._topic, partition=partition)
        self._sent.append((partition, batch.record_count(), answer))
