"""Mail to users: through a mail server, or into a folder where none is set."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import aiosmtplib

from services.auth.settings import AuthSettings

_SECONDS = 30.0
# Lines as long as mail may have them, so that whoever reads the bare file finds the token in one piece.
_UNBROKEN = SMTP.clone(max_line_length=998)
_VERIFICATION = """\
Somebody, probably you, made an account named {username} with this address.

To show that the address is yours, {how}

It works until {until}. If it was not you, do nothing.
"""
_BROKEN = """\
Hello {username},

{platform} does not let Presswork in any more through your connection {name!r}:

    {reason}

Posts that go out through it wait meanwhile, and go out when it works again.
"""


class Mail(Protocol):
    """Where a message is handed in. Raises aiosmtplib.SMTPException or OSError when it cannot be now."""

    async def send(self, message: EmailMessage) -> None: ...


class MailServer:
    """A server that speaks SMTP, with TLS from the start (smtps) or as soon as it offers it (smtp)."""

    def __init__(self, url: str) -> None:
        """`smtp[s]://[user:password@]host[:port]`. Raises ValueError for another address."""
        parts = urlsplit(url)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise ValueError("PRESSWORK_SMTP_URL must look like smtp://user:password@mail.example.org:587.")
        self._host, self._port, self._tls = parts.hostname, parts.port, parts.scheme == "smtps"
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None

    async def send(self, message: EmailMessage) -> None:
        """Hand it over."""
        await aiosmtplib.send(
            message,
            hostname=self._host,
            port=self._port,
            username=self._user,
            password=self._password,
            use_tls=self._tls,
            timeout=_SECONDS,
        )


class MailFolder:
    """A folder that keeps each message as a file, for the owner of the machine to read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, message: EmailMessage) -> None:
        """Write it down."""
        await asyncio.to_thread(self._write, message)

    def _write(self, message: EmailMessage) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid4().hex[:8]}.eml"
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(message.as_bytes())


def mail(settings: AuthSettings) -> Mail:
    """The server of the settings, else the folder `mail` beside the other data. Raises ValueError."""
    return MailServer(settings.smtp_url) if settings.smtp_url else MailFolder(settings.data_dir / "mail")


def verification_mail(
    email: str, username: str, token: str, expires_at: datetime, settings: AuthSettings
) -> EmailMessage:
    """What asks the owner of an address to show that it is theirs."""
    if settings.verification_url:
        how = f"open\n\n    {settings.verification_url.replace('{token}', token)}"
    else:
        how = f"send this token to /api/v1/auth/verification/confirm:\n\n    {token}"
    text = _VERIFICATION.format(username=username, how=how, until=f"{expires_at:%Y-%m-%d %H:%M} UTC")
    return _message(email, "Is this your address?", text, settings)


def broken_connection_mail(
    email: str, username: str, platform: str, name: str, reason: str, settings: AuthSettings
) -> EmailMessage:
    """What tells users that an account has to be connected again."""
    text = _BROKEN.format(username=username, platform=platform, name=name, reason=reason)
    return _message(email, "A connection has to be mended", text, settings)


def _message(email: str, subject: str, text: str, settings: AuthSettings) -> EmailMessage:
    message = EmailMessage(policy=_UNBROKEN)
    message["From"] = settings.mail_from
    message["To"] = email
    message["Subject"] = subject
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = make_msgid(domain="presswork.invalid")
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    return message
