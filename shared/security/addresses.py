"""Which network addresses are public, so that a URL given by a user never reaches into a private network.

Sources: the IANA special-purpose address registries (as in `ipaddress.is_global`), RFC 6052 (NAT64), RFC 3056 (6to4).
"""

from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Network = IPv4Network | IPv6Network

_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
# What `is_global` lets through on some Python versions, or is public by number and private by use.
_NEVER: tuple[Network, ...] = (
    IPv4Network("168.63.129.16/32"),  # Azure's host services, the same address in every virtual network
    IPv4Network("192.88.99.0/24"),  # 6to4 relays, withdrawn
    IPv6Network("2002::/16"),  # 6to4: carries any IPv4 address, private ones too
    IPv6Network("3fff::/20"),  # documentation
)


def is_public(address: str, allowed: Collection[Network] = ()) -> bool:
    """Whether an IPv4 or IPv6 address is globally reachable unicast, or lies in one of the `allowed` networks.

    Addresses that carry an IPv4 address (IPv4-mapped, NAT64) are judged by what they carry.
    Raises ValueError when the text is no address.
    """
    ip = _carried(ip_address(address))
    if any(ip in network for network in allowed):
        return True
    if not ip.is_global or ip.is_multicast or any(ip in network for network in _NEVER):
        return False
    return ip in _GLOBAL_UNICAST if isinstance(ip, IPv6Address) else True


def _carried(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped:
            return ip.ipv4_mapped
        if ip in _NAT64:
            return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip
