"""Other services' events, as their feeds tell them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from typing import Protocol

import aiohttp
import orjson
from multidict import CIMultiDict
from yarl import URL

from contracts.envelope import Mark, Wire, parse
from shared.http.client import ServiceClient
from shared.http.deadline import Deadline
from shared.http.problem import Problem
from shared.rebuild.refusal import Refused

_DATA = b',"data":'
_HEADERS = b'{"headers":'


class Feed(Protocol):
    """Events of a source after a mark in its commit order, of these types only."""

    def __call__(self, source: str, after: Mark, types: Collection[str]) -> AsyncIterator[Wire]: ...


def over(client: ServiceClient) -> Feed:
    """The feeds that the services serve. Raises Refused when one does not answer as it should."""

    async def feed(source: str, after: Mark, types: Collection[str]) -> AsyncIterator[Wire]:
        query = [("transaction_id", str(after.transaction_id)), ("position", str(after.position))]
        query += [("types", name) for name in sorted(types)]
        path = str(URL("/internal/feed").with_query(query))
        try:
            async with client.stream(source, "GET", path, headers=CIMultiDict(), deadline=Deadline.never()) as answer:
                if answer.status != 200:
                    raise Refused(
                        f"The feed of {source} answered {answer.status}: let it run, with the same "
                        "PRESSWORK_INTERNAL_TOKEN as here."
                    )
                rest = b""
                async for chunk in answer.content.iter_any():
                    *lines, rest = (rest + chunk).split(b"\n")
                    for line in lines:
                        yield wire(line)
        except aiohttp.ClientError as error:
            raise Refused(f"The feed of {source} broke off ({type(error).__name__}); try again.") from error
        except Problem as problem:
            raise Refused(f"The events of {source} are needed: {problem.detail}") from problem

    return feed


def wire(line: bytes) -> Wire:
    """One line of a feed. The data is cut out as it stands: inside a JSON text a quote is escaped, so the first
    occurrence of the member's name is the member."""
    place = line.index(_DATA)
    attributes = orjson.loads(line[len(_HEADERS) : place])
    return parse([(name, value.encode()) for name, value in attributes.items()], line[place + len(_DATA) : -1])
