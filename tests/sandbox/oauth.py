"""Log-ins at X and LinkedIn: codes good once, PKCE where X asks for it, tokens that end, rotate and can be revoked.

Whoever opens the log-in agrees at once, as the account named by `as` (the sandbox's own addition; "somebody" else).
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote, urlencode

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from pydantic import BaseModel, Field

CLIENT_ID, CLIENT_SECRET = "presswork-app", "presswork:secret"
Platform = Literal["x", "linkedin"]
_LIFETIMES = {"x": 7200, "linkedin": 5_184_000}


class Lever(BaseModel):
    """What log-ins are like from here on, and whose tokens end now."""

    lifetime: float | None = Field(None, gt=0, description="Seconds that new tokens last.")
    revoke: str | None = Field(None, description="The account that lets nobody in any more.")
    end: str | None = Field(None, description="The access token that is over before its time.")
    away: bool | None = Field(None, description="Whether the token endpoints answer 503.")


@dataclass(slots=True)
class Code:
    """What the user agreed to."""

    platform: str
    account: str
    redirect_uri: str
    challenge: str


@dataclass(slots=True)
class LogIns:
    """Codes and tokens that are good."""

    codes: dict[str, Code] = field(default_factory=dict)
    access: dict[str, float] = field(default_factory=dict)  # until when, in seconds since 1970
    refresh: dict[str, str] = field(default_factory=dict)  # whose
    lifetime: float | None = None
    away: bool = False
    renewals: int = 0

    def takes(self, token: str) -> bool:
        """Whether an access token is good. Tokens without `~` were not issued here, and always are."""
        return "~" not in token or self.access.get(token, 0) > time.time()

    def pull(self, lever: Lever) -> None:
        if lever.lifetime is not None:
            self.lifetime = lever.lifetime
        if lever.away is not None:
            self.away = lever.away
        if lever.end is not None:
            del self.access[lever.end]
        if lever.revoke is not None:
            self.access = {token: ends for token, ends in self.access.items() if _whose(token) != lever.revoke}
            self.refresh = {token: whose for token, whose in self.refresh.items() if whose != lever.revoke}

    def issue(self, platform: str, account: str) -> dict[str, Any]:
        """An access token, and at X a refresh token, which replaces the ones before."""
        lasts = self.lifetime or _LIFETIMES[platform]
        access = f"sandbox-{account}~{secrets.token_hex(8)}"
        self.access[access] = time.time() + lasts
        answer: dict[str, Any] = {"token_type": "bearer", "expires_in": lasts, "access_token": access}
        if platform == "x":
            answer["refresh_token"] = secrets.token_hex(16)
            self.refresh[answer["refresh_token"]] = account
        return answer


def routes(log_ins: LogIns) -> APIRouter:
    """The endpoints over these log-ins."""
    router = APIRouter()

    def agree(platform: Platform, request: Request) -> Response:
        query = request.query_params
        wrong = query.get("response_type") != "code" or query.get("client_id") != CLIENT_ID
        pkce = platform == "x"
        if wrong or "state" not in query or (pkce and query.get("code_challenge_method") != "S256"):
            return JSONResponse({"error": "invalid_request"}, 400)
        back = query["redirect_uri"]
        if query.get("as") == "nobody":
            refusal = {"error": "access_denied", "state": query["state"]}
            return RedirectResponse(f"{back}?{urlencode(refusal)}", 302)
        code = secrets.token_hex(16)
        log_ins.codes[code] = Code(platform, query.get("as", "somebody"), back, query.get("code_challenge", ""))
        return RedirectResponse(f"{back}?{urlencode({'code': code, 'state': query['state']})}", 302)

    async def token(platform: Platform, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        if log_ins.away:
            return JSONResponse({"error": "temporarily_unavailable"}, 503)
        if _app(request, form) != (CLIENT_ID, CLIENT_SECRET):
            return JSONResponse({"error": "invalid_client"}, 401)
        if form.get("grant_type") == "refresh_token":
            account = log_ins.refresh.pop(form.get("refresh_token", ""), None)
            if account is None:
                said = "Value passed for the token was invalid."
                return JSONResponse({"error": "invalid_request", "error_description": said}, 400)
            log_ins.renewals += 1
            return JSONResponse(log_ins.issue(platform, account))
        code = log_ins.codes.pop(form.get("code", ""), None)
        if code is None or code.platform != platform or code.redirect_uri != form.get("redirect_uri"):
            said = "Value passed for the authorization code was invalid."
            return JSONResponse({"error": "invalid_request", "error_description": said}, 400)
        if platform == "x" and _challenge(form.get("code_verifier", "")) != code.challenge:
            said = "Value passed for code verifier did not match code challenge."
            return JSONResponse({"error": "invalid_request", "error_description": said}, 400)
        return JSONResponse(log_ins.issue(platform, code.account))

    @router.get("/i/oauth2/authorize")
    async def at_x(request: Request) -> Response:
        return agree("x", request)

    @router.get("/oauth/v2/authorization")
    async def at_linkedin(request: Request) -> Response:
        return agree("linkedin", request)

    @router.post("/2/oauth2/token")
    async def of_x(request: Request) -> Response:
        return await token("x", request)

    @router.post("/oauth/v2/accessToken")
    async def of_linkedin(request: Request) -> Response:
        return await token("linkedin", request)

    @router.post("/sandbox/oauth")
    async def pull(lever: Lever) -> dict[str, int]:
        log_ins.pull(lever)
        return {"renewals": log_ins.renewals}

    return router


def _app(request: Request, form: dict[str, str]) -> tuple[str, str]:
    scheme, _, pair = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        client_id, _, secret = base64.b64decode(pair).decode().partition(":")
        return unquote(client_id), unquote(secret)
    return form.get("client_id", ""), form.get("client_secret", "")


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _whose(token: str) -> str:
    return token.removeprefix("sandbox-").partition("~")[0]
