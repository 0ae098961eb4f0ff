"""Limits cost the same with many clients as with one, and count whom they mean."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from services.gateway import limits as limits_module
from services.gateway.clients import ClientAddresses, limited_as
from services.gateway.limits import Limits, SweptMemory
from services.gateway.settings import GatewaySettings
from tests.unit.serving import unused_port


async def test_a_limit_counts_down_and_then_refuses() -> None:
    limits = Limits({"login": "5/15 minutes"})
    allowances = [await limits.hit("login", "1.2.3.4") for _ in range(6)]
    assert [a.remaining for a in allowances] == [4, 3, 2, 1, 0, 0]
    assert [a.allowed for a in allowances] == [True] * 5 + [False]
    assert (await limits.hit("login", "1.2.3.5")).allowed
    refusal = allowances[-1].refusal()
    assert 1 <= int(refusal.headers["Retry-After"]) <= 900
    assert time.time() - 1 <= int(refusal.headers["X-RateLimit-Reset"]) <= time.time() + 901


async def test_of_several_limits_the_closest_counts_and_what_it_refuses_counts_for_none() -> None:
    limits = Limits({"trial": "3/hour; 5/day"})
    allowances = [await limits.hit("trial", "1.2.3.4") for _ in range(6)]
    assert [(a.allowed, a.limit, a.remaining) for a in allowances] == [
        (True, 3, 2), (True, 3, 1), (True, 3, 0), (False, 3, 0), (False, 3, 0), (False, 3, 0)
    ]  # fmt: skip
    day = limits._rules["trial"][1]
    assert (await limits._own.get_window_stats(day, "trial", "1.2.3.4")).remaining == 2


async def test_of_concurrent_requests_no_more_than_the_limit_pass() -> None:
    limits = Limits({"user": "50/hour"})
    allowances = await asyncio.gather(*(limits.hit("user", "ada") for _ in range(200)))
    assert sum(allowance.allowed for allowance in allowances) == 50


async def test_what_is_over_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = SweptMemory()
    for n in range(100):
        await memory.incr(f"short {n}", -1)
    await memory.incr("long", 3600)
    monkeypatch.setattr(limits_module, "_SWEEP_SECONDS", 0.0)
    await memory.incr("long", 3600)
    assert dict(memory.storage) == {"long": 2}
    assert set(memory.expirations) == {"long"}


async def test_without_its_shared_store_a_process_counts_for_itself() -> None:
    limits = Limits({"user": "2/hour"}, f"redis://127.0.0.1:{unused_port()}")
    assert [(await limits.hit("user", "ada")).allowed for _ in range(3)] == [True, True, False]


def test_a_limit_that_cannot_be_read_stops_the_start() -> None:
    with pytest.raises(ValueError, match="limit_login"):
        GatewaySettings(limit_login="a few")


def scope(peer: str, *forwarded: str) -> dict[str, Any]:
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    return {"client": (peer, 1), "headers": headers}


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "address"),
    [
        ("", "10.0.0.1", ("6.6.6.6",), "10.0.0.1"),
        ("10.0.0.0/8", "10.0.0.1", ("6.6.6.6, 7.7.7.7",), "7.7.7.7"),
        ("10.0.0.0/8", "10.0.0.1", ("6.6.6.6", "7.7.7.7, 10.0.0.9"), "7.7.7.7"),
        ("10.0.0.0/8", "5.5.5.5", ("6.6.6.6",), "5.5.5.5"),
        ("10.0.0.0/8", "10.0.0.1", ("6.6.6.6, nonsense",), "10.0.0.1"),
        ("10.0.0.0/8", "10.0.0.1", (), "10.0.0.1"),
        ("10.0.0.0/8, ::1/128", "::1", ("::ffff:6.6.6.6",), "6.6.6.6"),
    ],
)
def test_a_forwarded_address_is_believed_as_far_as_trusted_proxies_wrote_it(
    trusted: str, peer: str, forwarded: tuple[str, ...], address: str
) -> None:
    assert ClientAddresses(trusted).of(scope(peer, *forwarded)) == address


def test_an_ipv6_client_is_counted_by_its_network() -> None:
    assert limited_as("2001:db8:1:2:3::1") == limited_as("2001:db8:1:2:ffff::9") == "2001:db8:1:2::/64"
    assert limited_as("1.2.3.4") == "1.2.3.4"
