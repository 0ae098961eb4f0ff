"""OAuth 2 as X and LinkedIn speak it: the address where a user agrees, and tokens for codes and refresh tokens.

Source: RFC 6749 (4.1, 6), RFC 7636 (PKCE, S256), docs.x.com/fundamentals/authentication/oauth-2-0,
learn.microsoft.com/linkedin/shared/authentication.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote, urlencode

import aiohttp
import orjson

from services.publishing.accounts import NAMES

_LARGEST_ANSWER: Final = 1 << 18
_APP_REFUSED: Final = frozenset({"invalid_client", "unauthorized_client"})


@dataclass(frozen=True, slots=True)
class App:
    """Presswork as a platform knows it. Without a secret it is a public client."""

    client_id: str
    client_secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Provider:
    """Where a platform's users agree, where tokens come from, and what is asked for."""

    authorize_url: str
    token_url: str
    scopes: tuple[str, ...]
    pkce: bool
    app: App | None  # None: the operator has registered none
    basic: bool = False  # the app shows itself by HTTP Basic, not in the form


@dataclass(frozen=True, slots=True)
class Tokens:
    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_at: datetime | None


class Refused(Exception):
    """The platform does not give a token for this code or refresh token; the reason is fit for the user."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Unavailable(Exception):
    """No token for now: the platform does not answer, or does not know the app. It may be asked again later."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class OAuth:
    """All platforms that let apps in. `timeout` in seconds for one request."""

    def __init__(self, providers: Mapping[str, Provider], redirect_url: str, timeout: float) -> None:
        self._providers = providers
        self._redirect_url = redirect_url
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._session: aiohttp.ClientSession | None = None

    def offers(self, platform: str) -> bool:
        """Whether accounts of the platform can be connected by logging in there."""
        return platform in self._providers and self._providers[platform].app is not None

    def address(self, platform: str, state: str, verifier: str) -> str:
        """Where the user agrees. `state` comes back with the code, `verifier` is shown when it is exchanged."""
        provider, app = self._provider(platform)
        query = {
            "response_type": "code",
            "client_id": app.client_id,
            "redirect_uri": self._redirect_url,
            "scope": " ".join(provider.scopes),
            "state": state,
        }
        if provider.pkce:
            digest = hashlib.sha256(verifier.encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            query |= {"code_challenge": challenge, "code_challenge_method": "S256"}
        return f"{provider.authorize_url}?{urlencode(query, quote_via=quote)}"

    async def exchange(self, platform: str, code: str, verifier: str) -> Tokens:
        """The tokens for a code, which is good once. Raises Refused or Unavailable."""
        provider, app = self._provider(platform)
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self._redirect_url}
        if provider.pkce:
            form["code_verifier"] = verifier
        return await self._tokens(platform, provider, app, form)

    async def renew(self, platform: str, refresh_token: str, own: App | None = None) -> Tokens:
        """New tokens for a refresh token, which the platform may take once only. `own` is the user's own app.

        Raises Refused (the user has to log in again) or Unavailable.
        """
        if platform not in self._providers:
            raise Refused(f"{NAMES.get(platform, platform)} renews no tokens. Connect the account again.")
        provider = self._providers[platform]
        app = own or provider.app
        if app is None:
            raise Unavailable(f"No app is registered at {NAMES[platform]}, so its tokens cannot be renewed.")
        return await self._tokens(
            platform, provider, app, {"grant_type": "refresh_token", "refresh_token": refresh_token}
        )

    async def close(self) -> None:
        """Close the HTTP session."""
        if self._session is not None:
            await self._session.close()

    def _provider(self, platform: str) -> tuple[Provider, App]:
        provider = self._providers[platform]
        assert provider.app is not None
        return provider, provider.app

    async def _tokens(self, platform: str, provider: Provider, app: App, form: dict[str, str]) -> Tokens:
        headers = {"Accept": "application/json"}
        if provider.basic and app.client_secret is not None:
            pair = f"{quote(app.client_id, safe='')}:{quote(app.client_secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form = form | {"client_id": app.client_id}
            if app.client_secret is not None:
                form["client_secret"] = app.client_secret
        name = NAMES[platform]
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout, cookie_jar=aiohttp.DummyCookieJar())
        try:
            async with self._session.post(
                provider.token_url, data=form, headers=headers, allow_redirects=False
            ) as answer:
                raw, status = await answer.content.read(_LARGEST_ANSWER), answer.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unavailable(f"{name} did not answer ({type(error).__name__}); try again in a minute.") from error
        return _read(name, status, raw, form.get("refresh_token"))


def _read(name: str, status: int, raw: bytes, refresh_token: str | None) -> Tokens:
    try:
        found: Any = orjson.loads(raw)
    except orjson.JSONDecodeError:
        found = None
    body: dict[str, Any] = found if isinstance(found, dict) else {}
    code = str(body.get("error", ""))
    if status >= 500 or status == 429:
        raise Unavailable(f"{name} answered {status}; try again in a minute.")
    if code in _APP_REFUSED:
        raise Unavailable(f"{name} does not know Presswork's app: {code}. Its operator has to check the app's keys.")
    if status != 200 or code or not isinstance(body.get("access_token"), str):
        said = str(body.get("error_description") or code or f"status {status}")[:200]
        raise Refused(f"{name} gives no token: {said} Connect the account again.")
    seconds = body.get("expires_in")
    lasts = timedelta(seconds=seconds) if isinstance(seconds, int | float) and 0 < seconds < 10**9 else None
    renewed = body.get("refresh_token")
    return Tokens(
        access_token=body["access_token"],
        refresh_token=renewed if isinstance(renewed, str) and renewed else refresh_token,
        expires_at=None if lasts is None else datetime.now(UTC) + lasts,
    )
