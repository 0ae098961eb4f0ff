"""python -m services.gateway"""

from __future__ import annotations

from services.gateway.app import build
from services.gateway.settings import GatewaySettings
from shared.runtime import observe, serve


def main() -> None:
    settings = GatewaySettings()
    observe("gateway", settings)
    serve(build(settings), settings)


if __name__ == "__main__":
    main()
