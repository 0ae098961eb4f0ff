"""Fetching what lies at an address that a user gives."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from services.media.intake import Received, receive
from services.media.settings import MediaSettings
from shared.http.problem import Problem
from shared.security.fetch import FetchFailed, UnsafeUrl, fetch


async def fetch_page(settings: MediaSettings, url: str) -> Received:
    """A page or document on the web. Raises Problem: 422 for what is not or cannot be fetched, 413, 415."""
    try:
        found = await fetch(
            url,
            max_bytes=settings.limits.most,
            timeout=settings.fetch_seconds,
            allow_private=settings.fetch_allow_private,
        )
    except UnsafeUrl as error:
        raise Problem(422, "unsafe-url", "URL is not fetched", str(error)) from error
    except FetchFailed as error:
        raise Problem(
            422, "url-not-readable", "URL cannot be read", str(error), upstream_status=error.status
        ) from error
    parts = urlsplit(found.url)
    name = unquote(parts.path.rstrip("/").rpartition("/")[2]) or parts.hostname
    declared = f"{found.content_type}; charset={found.charset}" if found.charset else found.content_type
    return await receive(found.body, name, declared, limits=settings.limits)
