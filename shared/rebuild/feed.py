"""Other services' events, as their feeds tell them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Collection
from contextlib import aclosing
from typing import Protocol

import aiohttp
import orjson
from multidict import CIMultiDict
from yarl import URL

from contracts.envelope import Mark, Wire, parse
from shared.http.client import ServiceClient
from shared.http.deadline import Deadline
from shared.http.problem import Problem
from shared.rebuild.refusal import Interrupted

TRIES, PAUSE = 4, 0.2  # breaks without an event between them; seconds before the next one is asked

_DATA = b',"data":'
_HEADERS = b'{"headers":'


class Feed(Protocol):
    """Events of a source after a mark in its commit order, of these types only."""

    def __call__(self, source: str, after: Mark, types: Collection[str]) -> AsyncIterator[Wire]: ...


def over(client: ServiceClient) -> Feed:
    """The feeds that the services serve; one that breaks off is taken up where it stopped.

    Raises Interrupted when one does not answer as it should.
    """

    async def feed(source: str, after: Mark, types: Collection[str]) -> AsyncIterator[Wire]:
        mark, broken = after, 0
        while True:
            try:
                async with aclosing(_lines(client, source, mark, types)) as lines:
                    async for line in lines:
                        told = wire(line)
                        mark, broken = told.mark, 0
                        yield told
                return
            except aiohttp.ClientError as error:
                broken += 1
                if broken == TRIES:
                    raise Interrupted(f"The feed of {source} broke off ({type(error).__name__}); try again.") from error
                await asyncio.sleep(PAUSE * broken)  # and on from the last event that came
            except Problem as problem:
                raise Interrupted(f"The events of {source} are needed: {problem.detail}") from problem

    return feed


async def _lines(
    client: ServiceClient, source: str, after: Mark, types: Collection[str]
) -> AsyncGenerator[bytes, None]:
    query = [("transaction_id", str(after.transaction_id)), ("position", str(after.position))]
    query += [("types", name) for name in sorted(types)]
    path = str(URL("/internal/feed").with_query(query))
    async with client.stream(source, "GET", path, headers=CIMultiDict(), deadline=Deadline.never()) as answer:
        if answer.status != 200:
            raise Interrupted(
                f"The feed of {source} answered {answer.status}: let it run, with the same "
                "PRESSWORK_INTERNAL_TOKEN as here."
            )
        rest = b""
        async for chunk in answer.content.iter_any():
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                yield line


def wire(line: bytes) -> Wire:
    """One line of a feed. The data is cut out as it stands: inside a JSON text a quote is escaped, so the first
    occurrence of the member's name is the member."""
    place = line.index(_DATA)
    attributes = orjson.loads(line[len(_HEADERS) : place])
    return parse([(name, value.encode()) for name, value in attributes.items()], line[place + len(_DATA) : -1])
