"""Mail reaches a server or a folder, and says what to do."""

from __future__ import annotations

import asyncio
import email
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.message import Message
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest
from aiosmtpd.handlers import Message as MessageHandler
from aiosmtpd.smtp import SMTP, AuthResult

from services.auth.mail import MailFolder, MailServer, mail, verification_mail
from services.auth.settings import AuthSettings

# The server says that a password without TLS is a risk, which on loopback it is not.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH")

UNTIL = datetime(2026, 3, 5, 8, tzinfo=UTC)
TOKEN = "T" * 86


def message(**options: Any) -> Any:
    return verification_mail("ada@example.org", "ada", TOKEN, UNTIL, AuthSettings(**options))


class Inbox(MessageHandler):
    """What the server took in."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[Message] = []

    def handle_message(self, message: Message) -> None:
        self.messages.append(message)


@pytest.fixture
async def inbox() -> AsyncIterator[tuple[Inbox, str]]:
    """A server on loopback that wants a name and a password; with its address."""
    handler = Inbox()

    def authenticated(*arguments: Any) -> AuthResult:
        login = arguments[-1]
        known = (login.login, login.password) == (b"presswork", b"p@ss:word")
        return AuthResult(success=known, handled=False)

    def talk() -> SMTP:
        return SMTP(handler, authenticator=authenticated, auth_required=True, auth_require_tls=False)

    server = await asyncio.get_running_loop().create_server(talk, "127.0.0.1", 0)
    yield handler, f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
    await server.wait_closed()


async def test_a_server_is_handed_the_message(inbox: tuple[Inbox, str]) -> None:
    handler, address = inbox
    await MailServer(f"smtp://presswork:p%40ss%3Aword@{address}").send(message())
    (found,) = handler.messages
    assert (found["To"], found["From"]) == ("ada@example.org", "Presswork <presswork@localhost>")
    assert TOKEN in found.get_payload()


async def test_a_server_that_refuses_is_an_error(inbox: tuple[Inbox, str]) -> None:
    handler, address = inbox
    with pytest.raises(aiosmtplib.SMTPAuthenticationError):
        await MailServer(f"smtp://presswork:wrong@{address}").send(message())
    assert handler.messages == []


@pytest.mark.parametrize("url", ["mail.example.org", "http://mail.example.org", "smtp://", "smtp:mail"])
def test_what_is_no_server_is_refused_with_what_to_write(url: str) -> None:
    with pytest.raises(ValueError, match="must look like smtp://"):
        mail(AuthSettings(smtp_url=url))


async def test_without_a_server_messages_are_files_for_the_owner_alone(tmp_path: Path) -> None:
    folder = mail(AuthSettings(data_dir=tmp_path))
    assert isinstance(folder, MailFolder)
    await folder.send(message())
    await folder.send(message())
    files = sorted((tmp_path / "mail").iterdir())
    assert len(files) == 2
    for file in files:
        assert file.stat().st_mode & 0o777 == 0o600
        assert email.message_from_bytes(file.read_bytes())["To"] == "ada@example.org"


def test_the_message_says_whom_it_is_for_what_to_do_and_until_when() -> None:
    text = message().get_content()
    assert "named ada" in text
    assert f"/api/v1/auth/verification/confirm:\n\n    {TOKEN}" in text
    assert "2026-03-05 08:00 UTC" in text
    linked = message(verification_url="https://example.org/verify?token={token}").get_content()
    assert f"https://example.org/verify?token={TOKEN}" in linked
