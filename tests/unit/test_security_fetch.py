"""Safe fetching, tried against real servers on loopback: what is refused, and that nothing was connected to before."""

import asyncio
import gzip
import socket
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_network

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from shared.security.addresses import is_public
from shared.security.fetch import FetchFailed, TooLarge, UnsafeUrl, fetch

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
# The whole of 127.0.0.0/8 is loopback: one address plays the public internet, another the private network.
OUTSIDE, INSIDE = "127.0.0.1", "127.0.0.2"
OPEN = [ip_network(f"{OUTSIDE}/32")]


class Server:
    """A running server, and the paths it was asked for."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.port = 0
        self.asked: list[str] = []

    def url(self, path: str = "/", host: str | None = None) -> str:
        return f"http://{host or self.address}:{self.port}{path}"


@asynccontextmanager
async def serving(handler: Handler, address: str = OUTSIDE) -> AsyncIterator[Server]:
    server = Server(address)

    async def counted(request: web.Request) -> web.StreamResponse:
        server.asked.append(request.path)
        return await handler(request)

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", counted)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, address, 0)
        await site.start()
        server.port = runner.addresses[0][1]
        yield server
    finally:
        await runner.cleanup()


class FakeResolver(AbstractResolver):
    """Answers each question with the next list of addresses, then with the last one for ever."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        addresses = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        return [
            {
                "hostname": host,
                "host": address,
                "port": port,
                "family": socket.AF_INET6 if ":" in address else socket.AF_INET,
                "proto": 0,
                "flags": 0,
            }
            for address in addresses
        ]

    async def close(self) -> None:
        pass


async def hello(_request: web.Request) -> web.Response:
    return web.Response(text="<p>Grüße</p>", content_type="text/html", charset="iso-8859-1")


async def test_an_article_is_fetched() -> None:
    async with serving(hello) as server:
        fetched = await fetch(server.url("/a?b=1#part"), allowed_networks=OPEN, ports=[server.port])
    assert fetched.status == 200
    assert fetched.url == server.url("/a?b=1")
    assert (fetched.content_type, fetched.charset) == ("text/html", "iso-8859-1")
    assert fetched.body.decode("iso-8859-1") == "<p>Grüße</p>"


async def test_development_may_lift_every_limit() -> None:
    async with serving(hello, INSIDE) as server:
        assert (await fetch(server.url(), allow_private=True)).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0",
        "0.0.0.0",
        "127.0.0.1.",
        "①②⑦.⓪.⓪.①",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[fe80::1]",
        "[fe80::1%25lo]",
        "[fd00::1]",
        "10.0.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.100.100.200",
    ],
)
async def test_no_spelling_of_a_private_address_is_reached(host: str) -> None:
    async with serving(hello) as server:
        # Whatever spelling the machine does not know as an address may also fail as an unknown name.
        with pytest.raises((UnsafeUrl, FetchFailed)) as refused:
            await fetch(server.url("/", host), ports=[server.port], timeout=5)
        assert server.asked == []
    assert host in {"0x7f000001", "0177.0.0.1", "127.0.0.1."} or refused.type is UnsafeUrl


@pytest.mark.parametrize(
    ("url", "advice"),
    [
        ("", "Only http"),
        ("example.org/article", "Only http"),
        ("file:///etc/passwd", "Only http"),
        ("gopher://example.org/", "Only http"),
        ("javascript:alert(1)", "Only http"),
        ("http://", "URL|host"),
        ("http:///path", "URL|host"),
        ("https://user:secret@example.org/", "user name"),
        ("https://user@example.org/", "user name"),
        ("http://example.org:22/", "Port 22"),
        ("http://example.org:99999/", "URL"),
        ("http://[::1/", "URL"),
        ("http://exa mple.org/", "URL|name"),
        ("http://\r\nHost: x/", "URL|name"),
    ],
)
async def test_an_unusable_url_is_refused_with_advice(url: str, advice: str) -> None:
    with pytest.raises(UnsafeUrl, match=advice):
        await fetch(url)


async def test_a_redirect_into_the_private_network_is_refused() -> None:
    async with serving(hello, INSIDE) as inside:

        async def lure(_request: web.Request) -> web.Response:
            raise web.HTTPFound(inside.url("/admin"))

        async with serving(lure) as outside:
            with pytest.raises(UnsafeUrl, match="private network"):
                await fetch(outside.url(), allowed_networks=OPEN, ports=[outside.port, inside.port])
        assert outside.asked == ["/"]
        assert inside.asked == []


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "http://user:pw@127.0.0.1/", "http://127.0.0.1:1/", "//[::1]/"]
)
async def test_every_redirect_is_checked_like_the_first_url(location: str) -> None:
    async def lure(_request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": location})

    async with serving(lure) as server:
        with pytest.raises(UnsafeUrl):
            await fetch(server.url(), allowed_networks=OPEN, ports=[server.port, 80])


async def test_relative_redirects_are_followed_up_to_the_limit() -> None:
    async def count_down(request: web.Request) -> web.Response:
        left = int(request.path.strip("/"))
        if left:
            return web.Response(status=307, headers={"Location": f"{left - 1}"})
        return web.Response(text="arrived")

    async with serving(count_down) as server:
        fetched = await fetch(server.url("/3"), allowed_networks=OPEN, ports=[server.port])
        assert (fetched.body, fetched.url) == (b"arrived", server.url("/0"))
        with pytest.raises(FetchFailed, match="more than 3 times"):
            await fetch(server.url("/4"), allowed_networks=OPEN, ports=[server.port])


async def test_rebinding_the_connection_goes_to_the_address_that_was_checked() -> None:
    async with serving(hello, OUTSIDE) as outside:
        resolver = FakeResolver([OUTSIDE], [INSIDE])
        url = outside.url("/", "rebind.example")
        await fetch(url, allowed_networks=OPEN, ports=[outside.port], resolver=resolver)
        assert resolver.asked == 1, "a second question could get another answer"


async def test_rebinding_between_redirects_is_noticed() -> None:
    async def again(_request: web.Request) -> web.Response:
        raise web.HTTPFound("/again")

    async with serving(again) as server:
        resolver = FakeResolver([OUTSIDE], [INSIDE])
        with pytest.raises(UnsafeUrl, match="private network"):
            await fetch(
                server.url("/", "rebind.example"), allowed_networks=OPEN, ports=[server.port], resolver=resolver
            )
        assert server.asked == ["/"]


@pytest.mark.parametrize("addresses", [[INSIDE], [OUTSIDE, INSIDE], ["93.184.215.14", "10.0.0.1"], ["::1"]])
async def test_one_private_address_among_those_of_a_name_is_enough(addresses: list[str]) -> None:
    async with serving(hello) as server:
        with pytest.raises(UnsafeUrl, match="private network"):
            await fetch(
                server.url("/", "mixed.example"),
                allowed_networks=OPEN,
                ports=[server.port],
                resolver=FakeResolver(addresses),
            )
        assert server.asked == []


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_decompression_bomb_is_stopped_early(encoding: str) -> None:
    unpacked = bytes(200_000_000)
    bomb = gzip.compress(unpacked, 9) if encoding == "gzip" else zlib.compress(unpacked, 9)
    del unpacked
    assert len(bomb) < 300_000

    async def explode(_request: web.Request) -> web.Response:
        return web.Response(body=bomb, headers={"Content-Encoding": encoding, "Content-Type": "text/html"})

    async with serving(explode) as server:
        with pytest.raises(TooLarge, match="shorter source"):
            await fetch(server.url(), allowed_networks=OPEN, ports=[server.port])


async def test_packed_content_within_the_limit_is_unpacked() -> None:
    async def packed(_request: web.Request) -> web.Response:
        return web.Response(body=gzip.compress(b"text " * 1000), headers={"Content-Encoding": "gzip"})

    async with serving(packed) as server:
        assert (await fetch(server.url(), allowed_networks=OPEN, ports=[server.port])).body == b"text " * 1000


async def test_an_endless_body_is_cut_off_at_the_limit() -> None:
    sent = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(bytes(65_536))
            sent += 65_536

    async with serving(endless) as server:
        with pytest.raises(TooLarge):
            await fetch(server.url(), allowed_networks=OPEN, ports=[server.port], max_bytes=1_000_000)
    assert sent < 20_000_000


async def test_a_body_announced_too_large_is_not_read() -> None:
    async def big(_request: web.Request) -> web.Response:
        return web.Response(body=bytes(1001))

    async with serving(big) as server:
        with pytest.raises(TooLarge, match="1,000 bytes"):
            await fetch(server.url(), allowed_networks=OPEN, ports=[server.port], max_bytes=1000)
        assert len((await fetch(server.url(), allowed_networks=OPEN, ports=[server.port], max_bytes=1001)).body) == 1001


async def test_a_server_that_drips_is_left_after_the_timeout() -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b".")
            await asyncio.sleep(0.05)

    async with serving(drip) as server:
        with pytest.raises(FetchFailed, match=r"0\.3 seconds"):
            await fetch(server.url(), allowed_networks=OPEN, ports=[server.port], timeout=0.3)


@pytest.mark.parametrize("status", [204, 304, 403, 404, 500])
async def test_only_a_successful_answer_counts(status: int) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status)

    async with serving(answer) as server:
        if status == 204:
            assert (await fetch(server.url(), allowed_networks=OPEN, ports=[server.port])).body == b""
            return
        with pytest.raises(FetchFailed, match=str(status)) as failed:
            await fetch(server.url(), allowed_networks=OPEN, ports=[server.port])
    assert failed.value.status == status


async def test_a_broken_or_closed_connection_says_what_to_do() -> None:
    async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"this is not http\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(garbage, OUTSIDE, 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        with pytest.raises(FetchFailed, match="Check it and try again"):
            await fetch(f"http://{OUTSIDE}:{port}/", allowed_networks=OPEN, ports=[port])
    with pytest.raises(FetchFailed, match="Check it and try again"):
        await fetch(f"http://{OUTSIDE}:{port}/", allowed_networks=OPEN, ports=[port])


async def test_a_host_that_does_not_exist_says_so() -> None:
    class Unknown(FakeResolver):
        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
        ) -> list[ResolveResult]:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")

    with pytest.raises(FetchFailed, match=r"nowhere\.example is not known"):
        await fetch("http://nowhere.example/", resolver=Unknown([]))


async def test_no_cookie_and_no_credential_is_sent_on() -> None:
    seen: list[dict[str, str]] = []

    async def cookie(request: web.Request) -> web.Response:
        seen.append(dict(request.headers))
        if request.path == "/":
            return web.Response(status=302, headers={"Location": "/next", "Set-Cookie": "track=1"})
        return web.Response(text="ok")

    async with serving(cookie) as server:
        await fetch(server.url(), allowed_networks=OPEN, ports=[server.port])
    assert len(seen) == 2
    assert not any({"Cookie", "Authorization", "Referer"} & headers.keys() for headers in seen)


async def test_another_method_carries_its_body_and_a_secret_goes_to_nobody_else() -> None:
    seen: list[tuple[str, str, str | None, bytes]] = []

    async def redirect(request: web.Request) -> web.Response:
        seen.append((request.method, request.path, request.headers.get("Authorization"), await request.read()))
        if request.path == "/moved":
            return web.Response(status=307, headers={"Location": "/elsewhere"})
        return web.Response(text="ok")

    secret = {"Authorization": "Bearer secret"}
    async with serving(redirect) as server:
        reached = {"allowed_networks": OPEN, "ports": [server.port], "headers": secret, "max_redirects": 0}
        await fetch(server.url("/put"), method="PUT", body=b"{}", **reached)  # type: ignore[arg-type]
        with pytest.raises(FetchFailed, match="redirects"):
            await fetch(server.url("/moved"), **reached)  # type: ignore[arg-type]
    assert seen == [("PUT", "/put", "Bearer secret", b"{}"), ("GET", "/moved", "Bearer secret", b"")]


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "93.184.215.14", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"],
)
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "127.8.9.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.0.2.1",
        "192.168.0.1",
        "198.18.0.1",
        "224.0.0.1",
        "239.1.1.1",
        "240.0.0.1",
        "255.255.255.255",
        "168.63.129.16",
        "192.88.99.1",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:a00:1::",
        "3fff::1",
        "fc00::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "ff0e::1",
        "5f00::1",
    ],
)
def test_everything_else_is_not(address: str) -> None:
    assert not is_public(address)
