"""`python -m deploy.kafka [--port N] [--data-dir D]`: one Apache Kafka node until Ctrl-C."""

import argparse
import signal
import sys
import threading
from pathlib import Path

from deploy.embedded.broker import BrokerFailed
from deploy.kafka.runner import ApacheKafka


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.kafka", description=__doc__)
    parser.add_argument("--port", type=int, help="loopback port (default: a free one)")
    parser.add_argument("--data-dir", type=Path, default=Path(".data/kafka"))
    chosen = parser.parse_args()

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    kafka = ApacheKafka(chosen.data_dir, port=chosen.port)
    try:
        kafka.start()
        print(f"Apache Kafka answers on {kafka.url} (pid {kafka.pid}); Ctrl-C stops it", flush=True)
        while not stop.wait(1.0):
            if said := kafka.tend():
                print(said, flush=True)
    except BrokerFailed as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        kafka.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
