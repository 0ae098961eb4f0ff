"""Fetching a URL that a user gave, without letting it reach into a private network (SSRF) or fill the memory.

Names are resolved once, every address is checked, and the connection goes to the very addresses that were checked; a
last check stands where the socket is made, so nothing that looks like a name or a number slips past. Redirects are
followed here, each checked like the first URL.
"""

import asyncio
import socket
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from shared.security.addresses import Network, is_public

USER_AGENT = "Presswork/0.1"
ACCEPT = "text/html, application/xhtml+xml, text/markdown, text/plain, application/pdf, */*;q=0.5"
USUAL_PORTS = (80, 443)
REDIRECTS = frozenset({301, 302, 303, 307, 308})


class UnsafeUrl(ValueError):
    """The URL may not be fetched; the message says why and what to do. HTTP 422."""


class FetchFailed(Exception):
    """Nothing usable came back; `status` is what the server answered, None when it did not. HTTP 422 or 502."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class TooLarge(FetchFailed):
    """The body, unpacked, is larger than allowed. HTTP 422."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A successful answer: the last URL after redirects, status (2xx), media type, charset if one is named, body."""

    url: str
    status: int
    content_type: str
    charset: str | None
    body: bytes


async def fetch(
    url: str,
    *,
    max_bytes: int = 5_000_000,
    timeout: float = 15.0,
    max_redirects: int = 3,
    allow_private: bool = False,
    allowed_networks: Collection[Network] = (),
    ports: Collection[int] = USUAL_PORTS,
    resolver: AbstractResolver | None = None,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> Fetched:
    """GET `url` over http or https within `timeout` seconds in all, or send it `body` by another method.

    `headers` go to wherever it redirects, so allow no redirects when one is secret.
    `max_bytes` bounds the unpacked body. `allowed_networks` are private networks that may be reached all the same;
    `allow_private` lifts every limit on addresses and ports, for development only.
    Raises UnsafeUrl, FetchFailed, TooLarge.
    """
    guard = _Guard(allow_private, allowed_networks, ports)
    connector = _connector(guard, resolver)
    try:
        async with (
            asyncio.timeout(timeout),
            aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                # The whole is bounded above; the session's own five minutes would only hide that.
                timeout=aiohttp.ClientTimeout(total=None),
                headers={"User-Agent": USER_AGENT, "Accept": ACCEPT, "Accept-Encoding": "gzip, deflate"},
                trust_env=False,
            ) as session,
        ):
            return await _follow(session, guard, guard.parse(url), max_bytes, max_redirects, (method, headers, body))
    except TimeoutError as error:
        raise FetchFailed(f"The address did not answer in full within {timeout:g} seconds. Try again later.") from error
    except aiohttp.InvalidURL as error:
        raise UnsafeUrl("The address is not a usable URL. Give one such as https://example.org/article.") from error
    except aiohttp.ClientConnectorDNSError as error:
        raise FetchFailed(f"The host name {error.host} is not known. Check the address for typing errors.") from error
    except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError) as error:
        raise FetchFailed("The address has no valid TLS certificate. Use one that has, or upload the file.") from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        if isinstance(error, UnsafeUrl):
            raise
        raise FetchFailed(
            "The address cannot be read: the connection failed or broke off. Check it and try again."
        ) from error


def checked(url: str, *, allow_private: bool = False) -> str:
    """The URL as it may be called, by scheme and port. Raises UnsafeUrl; addresses are checked when connecting."""
    return str(_Guard(allow_private, (), USUAL_PORTS).parse(url))


def checked_connector(*, allow_private: bool = False) -> aiohttp.TCPConnector:
    """Connections, one a request, to checked addresses only: connecting elsewhere raises UnsafeUrl."""
    return _connector(_Guard(allow_private, (), USUAL_PORTS), None)


def _connector(guard: "_Guard", resolver: AbstractResolver | None) -> aiohttp.TCPConnector:
    return aiohttp.TCPConnector(
        resolver=_CheckedResolver(resolver or ThreadedResolver(), guard),
        use_dns_cache=False,
        socket_factory=guard.open_socket,
        force_close=True,
    )


async def _follow(
    session: aiohttp.ClientSession,
    guard: "_Guard",
    url: URL,
    max_bytes: int,
    max_redirects: int,
    request: tuple[str, Mapping[str, str] | None, bytes | None],
) -> Fetched:
    method, headers, body = request
    for _ in range(max_redirects + 1):
        async with session.request(method, url, headers=headers, data=body, allow_redirects=False) as response:
            location = response.headers.get("Location")
            if response.status not in REDIRECTS or location is None:
                return await _read(response, max_bytes)
        url = guard.parse(location, base=url)
    raise FetchFailed(f"The address redirects more than {max_redirects} times. Give the address it ends at.")


async def _read(response: aiohttp.ClientResponse, max_bytes: int) -> Fetched:
    if not 200 <= response.status < 300:
        raise FetchFailed(
            f"The address answered with status {response.status}. Check that it opens without logging in.",
            response.status,
        )
    if (response.content_length or 0) > max_bytes:
        raise _too_large(max_bytes, response.status)
    body = bytearray()
    # aiohttp unpacks in bounded steps, so a decompression bomb is stopped after at most one step too many.
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > max_bytes:
            raise _too_large(max_bytes, response.status)
    return Fetched(
        url=str(response.url),
        status=response.status,
        content_type=response.content_type if "Content-Type" in response.headers else "application/octet-stream",
        charset=response.charset,
        body=bytes(body),
    )


def _too_large(max_bytes: int, status: int) -> TooLarge:
    return TooLarge(f"What the address holds is larger than {max_bytes:,} bytes. Give a shorter source.", status)


class _Guard:
    """What may be fetched: decides about URLs, addresses and ports."""

    def __init__(self, allow_private: bool, allowed_networks: Collection[Network], ports: Collection[int]) -> None:
        self._allow_private = allow_private
        self._allowed_networks = allowed_networks
        self._ports = ports

    def parse(self, text: str, base: URL | None = None) -> URL:
        try:
            url = URL(text.strip())
            url = base.join(url) if base else url
            host, port = url.host, url.port
        except ValueError as error:
            raise UnsafeUrl("The address is not a usable URL. Give one such as https://example.org/article.") from error
        if any(character.isspace() or not character.isprintable() for character in host or ""):
            raise UnsafeUrl("The host in this URL is not a name. Give one such as https://example.org/article.")
        if url.scheme not in ("http", "https"):
            raise UnsafeUrl("Only http and https addresses are fetched. Give one such as https://example.org/article.")
        if not host or port is None:
            raise UnsafeUrl("The address names no host. Give one such as https://example.org/article.")
        if url.user is not None or url.password is not None:
            raise UnsafeUrl("The address carries a user name or password. Leave them out, or upload the file.")
        if not self._allow_private and port not in self._ports:
            usual = " and ".join(str(each) for each in sorted(self._ports))
            raise UnsafeUrl(f"Port {port} is not fetched from. Use an address on port {usual}, or upload the file.")
        return url.with_fragment(None)

    def check_address(self, address: str) -> None:
        # A scope ("%eth0") marks a link-local address, which is private whatever follows.
        if not self._allow_private and ("%" in address or not is_public(address, self._allowed_networks)):
            raise UnsafeUrl("The address points into a private network. Use a public address, or upload the file.")

    def open_socket(self, info: Any) -> socket.socket:
        family, kind, protocol, _, target = info
        self.check_address(target[0])
        return socket.socket(family=family, type=kind, proto=protocol)


class _CheckedResolver(AbstractResolver):
    """Hands on only checked addresses, so a second, different DNS answer is never asked for."""

    def __init__(self, inner: AbstractResolver, guard: _Guard) -> None:
        self._inner = inner
        self._guard = guard

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        for result in found:
            self._guard.check_address(result["host"])
        return found

    async def close(self) -> None:
        await self._inner.close()
