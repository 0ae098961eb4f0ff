"""Which service answers which path: the route table, as data."""

from __future__ import annotations

import re
from dataclasses import dataclass

from shared.http.problem import Problem


@dataclass(frozen=True, slots=True)
class Route:
    """Paths at and below `prefix` belong to `service`. `methods` narrows what may pass; `public` needs no token.

    With `part`, only the paths at and below a part of that name of one of the things that `prefix` lists.
    `trial` names the methods that are open to somebody without an account, too.
    """

    prefix: str
    service: str
    methods: frozenset[str] | None = None
    public: bool = False
    uploads: bool = False
    part: str = ""
    trial: frozenset[str] = frozenset()

    @property
    def path(self) -> str:
        """What metrics and spans call it."""
        return f"{self.prefix}/{{id}}/{self.part}/{{path}}" if self.part else f"{self.prefix}/{{path}}"

    def covers(self, path: str) -> bool:
        """Whether the decoded path is one of these."""
        if not path.startswith(self.prefix) or path[len(self.prefix) : len(self.prefix) + 1] not in ("", "/"):
            return False
        return not self.part or path[len(self.prefix) :].split("/")[2:3] == [self.part]


_READ = frozenset({"GET", "HEAD"})
_ANY = _READ | {"POST", "PUT", "PATCH", "DELETE"}

ROUTES: tuple[Route, ...] = (
    Route("/api/v1/auth", "auth", trial=_ANY),
    Route("/api/v1/trial", "auth", methods=frozenset({"POST"}), public=True),
    Route("/api/v1/users", "auth"),
    Route("/api/v1/projects", "generation", part="generate", trial=_ANY),
    Route("/api/v1/projects", "workflow", trial=_ANY),
    Route("/api/v1/workflows", "workflow"),
    Route("/api/v1/review-queue", "workflow"),
    Route("/api/v1/reviews", "workflow"),
    Route("/api/v1/platforms", "workflow"),
    Route("/api/v1/approvals", "workflow", public=True),
    Route("/approve", "workflow", methods=frozenset({"GET", "POST"}), public=True),
    Route("/api/v1/executions", "workflow", uploads=True),
    Route("/api/v1/processing-runs", "workflow"),
    Route("/api/v1/captions", "workflow"),
    Route("/api/v1/drafts", "generation"),
    Route("/api/v1/outputs", "generation", trial=_ANY),
    Route("/api/v1/templates", "generation", trial=_READ),
    Route("/api/v1/caption-tasks", "generation"),
    Route("/api/v1/caption-settings", "generation"),
    Route("/api/v1/token-usage", "generation"),
    Route("/api/v1/style-profile", "generation"),
    Route("/api/v1/tones", "generation", trial=_READ),
    Route("/api/v1/evaluations", "evaluation"),
    Route("/api/v1/caption-evaluations", "evaluation"),
    Route("/api/v1/jobs", "publishing"),
    Route("/api/v1/connections", "publishing"),
    Route("/api/v1/slots", "publishing"),
    Route("/api/v1/calendar", "publishing"),
    Route("/api/v1/platform-posts", "publishing"),
    Route("/api/v1/posts", "publishing"),
    Route("/api/v1/webhooks", "publishing"),
    Route("/api/v1/export", "publishing", trial=_READ),
    Route("/api/v1/import", "workflow", uploads=True),
    Route("/api/v1/files", "media", uploads=True, trial=_ANY),
    Route("/api/v1/resources", "media", uploads=True),
    Route("/api/v1/images", "media", uploads=True),
    Route("/api/v1/media-files", "media"),
    Route("/blog", "publishing", methods=_READ, public=True),
    Route("/.well-known/jwks.json", "auth", methods=_READ, public=True),
)

SIGN_UP = ("POST", "/api/v1/auth/signup")
LOG_IN = ("POST", "/api/v1/auth/login")
REFRESH = ("POST", "/api/v1/auth/refresh")
CONFIRM = ("POST", "/api/v1/auth/verification/confirm")
TRY = ("POST", "/api/v1/trial")
PUBLIC = frozenset({SIGN_UP, LOG_IN, REFRESH, CONFIRM, TRY})

_ID = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
COMPOSED = re.compile(rf"/api/v1/(?:workflows/{_ID}(?:/history)?|projects/{_ID}|export/account\.zip)")

# Two spellings of one path must not be told apart here and taken for the same behind.
_AMBIGUOUS = re.compile(rb"//|\\|%2f|%5c|%00|%2e|/\.\.?(?:/|$)", re.IGNORECASE)


def route_of(path: str) -> Route | None:
    """The route of a decoded path, None when no service answers it."""
    for route in ROUTES:
        if route.covers(path):
            return route
    return None


def is_public(route: Route, method: str, path: str) -> bool:
    """Whether a request needs no token."""
    return route.public or (method, path) in PUBLIC


def refuse_ambiguous(raw_path: bytes) -> None:
    """Raises a 400 Problem for dot segments, doubled or encoded slashes."""
    if _AMBIGUOUS.search(raw_path):
        detail = "Write the path plainly, without dot segments and without doubled or encoded slashes."
        raise Problem(400, "ambiguous-path", "Ambiguous path", detail)


def refuse_method(route: Route, method: str) -> None:
    """Raises a 405 Problem when the route does not take the method."""
    if route.methods is not None and method not in route.methods:
        allowed = ", ".join(sorted(route.methods))
        headers = {"Allow": allowed}
        raise Problem(405, "method-not-allowed", "Method not allowed", f"Use {allowed} here.", headers=headers)


def refuse_trial(route: Route, method: str) -> None:
    """Raises a 403 Problem for what takes an account."""
    if method not in route.trial:
        detail = (
            "A trial uploads files and writes outputs of them; for anything else sign up with the trial's access "
            "token (POST /api/v1/auth/signup), and what you made is yours."
        )
        raise Problem(403, "trial-only", "Not in a trial", detail)
