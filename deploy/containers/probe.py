"""`python probe.py /readyz`: exit 0 when the service in this container answers the path with 200."""

import os
import sys
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

SECONDS = 4.0


def answers(path: str, port: int) -> bool:
    """Whether GET `path` on loopback gives 200 within four seconds; no proxy is asked."""
    try:
        with build_opener(ProxyHandler({})).open(f"http://127.0.0.1:{port}{path}", timeout=SECONDS) as answer:
            return int(answer.status) == 200
    except (URLError, OSError):
        return False


if __name__ == "__main__":
    sys.exit(not answers(sys.argv[1], int(os.environ["PRESSWORK_PORT"])))
