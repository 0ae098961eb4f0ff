"""What the two services need to know."""

from __future__ import annotations

from pydantic import Field

from shared.settings import ServiceSettings
from tests.kit.events import LEDGER, TILL


class KitSettings(ServiceSettings):
    till_url: str = Field("http://127.0.0.1:1", description="Base address of the till.")
    ledger_url: str = Field("http://127.0.0.1:1", description="Base address of the ledger.")

    def urls(self) -> dict[str, str]:
        return {TILL: self.till_url, LEDGER: self.ledger_url}
