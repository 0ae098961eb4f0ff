"""How often one may ask: a sliding window per rule and per user or address."""

from __future__ import annotations

import logging
import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from limits import RateLimitItem, parse_many
from limits.aio.storage import MemoryStorage, Storage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import StorageError
from limits.storage import storage_from_string

from services.gateway import routing
from services.gateway.settings import GatewaySettings
from shared.http.problem import Problem

_log = logging.getLogger(__name__)
_SWEEP_SECONDS = 60.0
_WARN_SECONDS = 60.0
# A store that hangs may not hang every request.
_STORE_OPTIONS: dict[str, Any] = {"implementation": "redispy", "socket_timeout": 0.25, "socket_connect_timeout": 0.25}


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of a limit after this request; `resets_at` in seconds since 1970."""

    allowed: bool
    limit: int
    remaining: int
    resets_at: float

    def headers(self) -> dict[str, str]:
        """X-RateLimit-Limit, -Remaining and -Reset (seconds since 1970)."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(math.ceil(self.resets_at)),
        }

    def refusal(self) -> Problem:
        """The 429 that names when to come back."""
        seconds = max(1, math.ceil(self.resets_at - time.time()))
        detail = f"Wait {seconds} seconds, then try again."
        headers = {**self.headers(), "Retry-After": str(seconds)}
        return Problem(429, "rate-limited", "Too many requests", detail, headers=headers, limit=self.limit)


class Limits:
    """Counts requests. While a shared store cannot be reached, each process counts for itself."""

    def __init__(self, rules: Mapping[str, str], storage: str = "memory://") -> None:
        """`rules` by name, as `5/15 minutes` or, where several hold, `3/hour; 5/day`.

        Raises ValueError for a rule or storage that cannot be read.
        """
        self._rules: dict[str, list[RateLimitItem]] = {name: parse_many(rule) for name, rule in rules.items()}
        self._own = SlidingWindowCounterRateLimiter(SweptMemory())
        self._warned_at = -math.inf
        self._shared: SlidingWindowCounterRateLimiter | None = None
        if storage != "memory://":
            store = storage_from_string(f"async+{storage}", wrap_exceptions=True, **_STORE_OPTIONS)
            assert isinstance(store, Storage)
            self._shared = SlidingWindowCounterRateLimiter(store)

    @classmethod
    def of(cls, settings: GatewaySettings) -> Limits:
        """The rules of the settings."""
        rules = {
            "login": settings.limit_login,
            "signup": settings.limit_signup,
            "refresh": settings.limit_refresh,
            "user": settings.limit_user,
            "executions": settings.limit_executions,
            "archive": settings.limit_archive,
            "approval": settings.limit_approval,
            "trial": settings.limit_trial,
            "trial_outputs": settings.limit_trial_outputs,
            "anonymous": settings.limit_anonymous,
        }
        return cls(rules, settings.limits_storage)

    async def hit(self, rule: str, who: str) -> Allowance:
        """Counts one request of `who` under `rule`."""
        if self._shared is not None:
            try:
                return await self._count(self._shared, rule, who)
            except StorageError:
                self._warn()
        return await self._count(self._own, rule, who)

    def _warn(self) -> None:
        if time.monotonic() - self._warned_at > _WARN_SECONDS:
            self._warned_at = time.monotonic()
            _log.warning("the shared store of limits cannot be reached; counting in this process")

    async def _count(self, limiter: SlidingWindowCounterRateLimiter, rule: str, who: str) -> Allowance:
        """Where several limits hold, the closest one is told; a request that one of them refuses counts for none."""
        items = self._rules[rule]
        for item in items if len(items) > 1 else ():
            if not await limiter.test(item, rule, who):
                stats = await limiter.get_window_stats(item, rule, who)
                return Allowance(False, item.amount, 0, stats.reset_time)
        found = []
        for item in items:
            allowed = await limiter.hit(item, rule, who)
            stats = await limiter.get_window_stats(item, rule, who)
            found.append(Allowance(allowed, item.amount, stats.remaining if allowed else 0, stats.reset_time))
        return min(found, key=lambda allowance: (allowance.allowed, allowance.remaining))


def rule_for(method: str, path: str) -> str | None:
    """The rule of an address that has one of its own; it is counted per client address."""
    if path.startswith(_LINKS):
        return "approval"
    return _OWN_RULES.get((method, path))


def rule_of_user(method: str, path: str) -> str | None:
    """The rule of an address that is counted per user, beside all their requests."""
    return _USER_RULES.get((method, path))


def rule_of_trial(method: str, path: str) -> str | None:
    """The rule of what a trial has written, counted per trial and per client address: trials are had for nothing."""
    return "trial_outputs" if method == "POST" and _OF_TRIAL.fullmatch(path) else None


# The token in the address is all that opens these.
_LINKS = ("/approve/", "/api/v1/approvals/")
_USER_RULES = {("POST", "/api/v1/executions"): "executions", ("GET", "/api/v1/export/account.zip"): "archive"}
_OWN_RULES = {
    routing.LOG_IN: "login",
    routing.SIGN_UP: "signup",
    routing.REFRESH: "refresh",
    routing.TRY: "trial",
}
_OF_TRIAL = re.compile(r"/api/v1/(?:projects/[^/]+/generate/[^/]+|outputs/[^/]+/retry)/?")


class SweptMemory(MemoryStorage):
    """The library's memory storage walks all keys after every hit; this one once a minute, so that a hit costs the same
    with a million clients as with one.
    """

    def __init__(self) -> None:
        super().__init__()
        self._swept_at = time.monotonic()

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """As the library's. Nothing is awaited in between, so no lock is needed."""
        self._sweep()
        now = time.time()
        if self.expirations.get(key, 0) <= now:
            self.storage[key] = 0
            self.expirations[key] = now + expiry
        self.storage[key] += amount
        return self.storage[key]

    async def decr(self, key: str, amount: int = 1) -> int:
        """As the library's: never below 0."""
        self.storage[key] = max(self.storage[key] - amount, 0)
        return self.storage[key]

    def _sweep(self) -> None:
        if time.monotonic() - self._swept_at < _SWEEP_SECONDS:
            return
        self._swept_at = time.monotonic()
        now = time.time()
        for key in [key for key, expires in self.expirations.items() if expires <= now]:
            del self.expirations[key]
            self.storage.pop(key, None)
