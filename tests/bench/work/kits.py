"""A service's kit, opened in this process."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet

from shared.kit import Kit, Service
from shared.telemetry.tracing import setup_tracing


def kit(service: Service, database_url: str, kafka_url: str = "127.0.0.1:9", **options: Any) -> Kit:
    """Not open yet."""
    settings = service.settings(
        database_url=database_url, kafka_url=kafka_url, field_keys=Fernet.generate_key().decode(), **options
    )
    return Kit(service, settings)


def traced(service: str) -> None:
    """Record every span, as the embedded platform does."""
    folder = Path(tempfile.mkdtemp(prefix="presswork-bench-traces-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    setup_tracing(service, traces_dir=folder, otlp_endpoint=None)
