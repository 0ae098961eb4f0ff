"""Which address a request comes from, when anyone may write X-Forwarded-For."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.types import Scope

Network = IPv4Network | IPv6Network


class ClientAddresses:
    """Believes the header only as far as it was written by `trusted_proxies` (CIDR networks, comma separated)."""

    def __init__(self, trusted_proxies: str = "") -> None:
        """Raises ValueError when a network is none."""
        parts = (part.strip() for part in trusted_proxies.split(","))
        self._trusted: tuple[Network, ...] = tuple(ip_network(part) for part in parts if part)

    def of(self, scope: Scope) -> str:
        """The address of the client: the peer, or the last forwarded one that is not a trusted proxy."""
        client = scope.get("client")
        peer = client[0] if client else ""
        if not self._trusted or not self._trusts(peer):
            return peer
        for address in reversed(_forwarded(scope)):
            parsed = _parse(address)
            if parsed is None:
                return peer
            peer = str(parsed)
            if not self._trusts(peer):
                return peer
        return peer

    def _trusts(self, address: str) -> bool:
        parsed = _parse(address)
        return parsed is not None and any(parsed in network for network in self._trusted)


def limited_as(address: str) -> str:
    """What limits count an address as: an IPv6 client owns a whole /64."""
    parsed = _parse(address)
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed, 64), strict=False))
    return address


def _forwarded(scope: Scope) -> list[str]:
    values = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
    return [part.strip() for part in ",".join(values).split(",") if part.strip()]


def _parse(address: str) -> IPv4Address | IPv6Address | None:
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    return parsed.ipv4_mapped or parsed if isinstance(parsed, IPv6Address) else parsed
