"""What a test asks of a running sandbox."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp


class SandboxClient:
    """The levers of the sandbox at `base_url`."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url

    async def accepted(self, platform: str | None = None) -> list[dict[str, Any]]:
        """Every post it took, oldest first: id, platform, username, text, in_reply_to, url."""
        posts = (await self._call("GET", "/sandbox/posts"))["posts"]
        return [post for post in posts if platform in (None, post["platform"])]

    async def fault(self, platform: str, kind: str, *, count: int = 1, seconds: float = 30) -> None:
        """The next `count` creations on `platform` go wrong (`tests.sandbox.state.FaultKind`)."""
        order = {"platform": platform, "kind": kind, "count": count, "seconds": seconds}
        await self._call("POST", "/sandbox/faults", order)

    async def doing(self, post_id: str, **figures: int) -> None:
        """A post has these likes, comments, shares, quotes and views from here on (`tests.sandbox.state.Figures`)."""
        await self._call("POST", "/sandbox/figures", {"post_id": post_id, **figures})

    async def reset(self) -> None:
        """Forget every post, fault and rate window."""
        await self._call("POST", "/sandbox/reset")

    async def log_ins(self, **lever: Any) -> int:
        """Change how log-ins go (`tests.sandbox.oauth.Lever`); how many tokens were renewed so far."""
        return int((await self._call("POST", "/sandbox/oauth", lever))["renewals"])

    async def agree(self, url: str, account: str) -> dict[str, str]:
        """Log in as this account at the address, and the query that the platform sends the browser back with."""
        async with aiohttp.request("GET", f"{url}&as={account}", allow_redirects=False) as answer:
            assert answer.status == 302, await answer.text()
            return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))

    async def _call(self, method: str, path: str, body: Any = None) -> Any:
        async with aiohttp.request(method, self.base_url + path, json=body) as response:
            response.raise_for_status()
            return await response.json() if response.status == 200 else None
