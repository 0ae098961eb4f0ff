"""The way in: each routed request is checked, counted, and then composed here or passed on."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway import limits, routing
from services.gateway.clients import ClientAddresses, limited_as
from services.gateway.limits import Limits
from services.gateway.proxy import Proxy
from services.gateway.routing import Route
from shared.http.problem import Problem
from shared.http.user import verified
from shared.roles import TRIAL
from shared.security.tokens import Claims, Verifier


class Door:
    """ASGI middleware: requests of the route table are handled here, all others go on to the gateway's own pages."""

    def __init__(
        self, app: ASGIApp, *, verifier: Verifier, limits: Limits, proxy: Proxy, addresses: ClientAddresses
    ) -> None:
        self._app = app
        self._verifier = verifier
        self._limits = limits
        self._proxy = proxy
        self._addresses = addresses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path, method = scope["path"], scope["method"]
        routing.refuse_ambiguous(scope["raw_path"])
        route = routing.route_of(path)
        if route is None:
            await self._app(scope, receive, send)
            return
        scope["route"] = route
        routing.refuse_method(route, method)
        address = self._addresses.of(scope)
        claims, headers = await self._admit(scope, route, address)
        announcing = _announcing(send, headers)
        if method == "GET" and routing.COMPOSED.fullmatch(path):
            await self._app(scope, receive, announcing)
        else:
            await self._proxy(scope, receive, announcing, service=route.service, address=address, claims=claims)

    async def _admit(self, scope: Scope, route: Route, address: str) -> tuple[Claims | None, dict[str, str]]:
        """Who comes in, and what is left of their limit. Raises 401, 403 and 429 Problems."""
        method, path = scope["method"], scope["path"]
        if routing.is_public(route, method, path):
            if rule := limits.rule_for(method, path):
                return None, await self._count(rule, limited_as(address))
            # Published pages and keys are for everyone, and cheap.
            if route.public:
                return None, {}
            return None, await self._count("anonymous", limited_as(address))
        try:
            claims = await verified(self._verifier, Headers(scope=scope).get("authorization"))
        except Problem as refusal:
            # Guessing tokens is counted too.
            refusal.headers.update(await self._count("anonymous", limited_as(address)))
            raise
        if claims.role == TRIAL:
            routing.refuse_trial(route, method)
        who = str(claims.user_id)
        counted = await self._count("user", who)
        if rule := limits.rule_of_user(method, path):
            counted = await self._count(rule, who)  # the closer limit is the one to tell
        if claims.role == TRIAL and (rule := limits.rule_of_trial(method, path)):
            await self._count(rule, who)  # from wherever it asks
            counted = await self._count(rule, limited_as(address))
        return claims, counted

    async def _count(self, rule: str, who: str) -> dict[str, str]:
        allowance = await self._limits.hit(rule, who)
        if not allowance.allowed:
            raise allowance.refusal()
        return allowance.headers()


def _announcing(send: Send, headers: dict[str, str]) -> Send:
    if not headers:
        return send
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def announce(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *encoded]
        await send(message)

    return announce
