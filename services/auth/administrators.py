"""`python -m services.auth.administrators EMAIL`: give an account the role of an administrator.

Wants PRESSWORK_AUTH_DATABASE_URL and PRESSWORK_FIELD_KEYS; `make admin` gives both. Other administrators are made by
the first (`PATCH /api/v1/users/{id}`).
"""

from __future__ import annotations

import argparse
import sys
import unicodedata

import asyncpg
import uvloop
from rich.console import Console
from rich.markup import escape

from services.auth import queries
from services.auth.app import service
from services.auth.domain.user import ChangeRole
from services.auth.settings import AuthSettings
from shared.database import UNAVAILABLE
from shared.kit import Kit
from shared.operating import OperatorSettings

console = Console(highlight=False, soft_wrap=True)
problems = Console(stderr=True, highlight=False, soft_wrap=True)


async def promote(settings: AuthSettings, email: str) -> str | None:
    """The name of the account with this address, which is an administrator now; None when there is no such account."""
    kit = Kit(service, settings)
    await kit.database.open()
    try:
        async with kit.database.reading(None) as connection:
            found = await queries.by_email(connection, unicodedata.normalize("NFC", email.strip()))
        if found is None:
            return None
        await kit.handle(ChangeRole(found["id"], "admin"), actor=None)
        return str(found["username"])
    finally:
        await kit.database.close()


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m services.auth.administrators", description=__doc__)
    parser.add_argument("email", help="of an account that has signed up")
    email: str = parser.parse_args().email
    dsn = OperatorSettings().databases().get("auth")
    if not dsn:
        problems.print("Set PRESSWORK_AUTH_DATABASE_URL and PRESSWORK_FIELD_KEYS; `make admin EMAIL=...` does.")
        return 2
    try:
        username = uvloop.run(promote(AuthSettings(database_url=dsn), email))
    except (*UNAVAILABLE, asyncpg.PostgresError, ValueError) as error:
        problems.print(f"[bold red]Nothing was changed:[/] {escape(str(error) or type(error).__name__)}")
        return 1
    if username is None:
        problems.print(f"No active account has the address {escape(email)}; sign up first, then try again.")
        return 1
    console.print(f"[bold green]{escape(username)}[/] is an administrator; new access tokens say so.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
