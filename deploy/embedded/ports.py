"""Free loopback ports that stay bindable.

A port of the kernel's ephemeral range may be taken, while its server is down, by the local end of somebody's outgoing
connection (a client that retries can even connect to itself); the server then cannot come back for a minute. Ports
outside that range do not have this trouble.
"""

import random
import socket
from pathlib import Path

_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
_LOWEST, _HIGHEST = 15_000, 65_000


def _ephemeral_range() -> range:
    try:
        low, high = map(int, _EPHEMERAL.read_text().split())
    except (OSError, ValueError):
        low, high = 32_768, 60_999
    return range(low, high + 1)


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """True if a server could listen on `port` now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def free_port(host: str = "127.0.0.1") -> int:
    """A free TCP port outside the ephemeral range. Raises OSError if a thousand tries find none."""
    ephemeral = _ephemeral_range()
    candidates = [p for p in range(_LOWEST, _HIGHEST) if p not in ephemeral] or list(range(_LOWEST, _HIGHEST))
    for port in random.sample(candidates, k=min(1000, len(candidates))):
        if is_free(port, host):
            return port
    raise OSError(f"no free TCP port on {host}")
