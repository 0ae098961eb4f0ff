"""python -m tests.sandbox --port N: the platforms on loopback."""

from __future__ import annotations

import argparse

import uvicorn

from tests.sandbox.app import create_app


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.sandbox", description="X and LinkedIn on this machine alone."
    )
    parser.add_argument("--port", type=int, default=8090, help="port on 127.0.0.1 (default: 8090)")
    port = parser.parse_args().port
    app = create_app(f"http://127.0.0.1:{port}")
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", timeout_graceful_shutdown=1)


if __name__ == "__main__":
    main()
