"""The committed schemas and samples: one file per event and version, what every reader may rely on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from contracts.envelope import Event

HERE = Path(__file__).parent
SCHEMAS = HERE / "schemas"
SAMPLES = HERE / "samples"
DIALECT = "https://json-schema.org/draft/2020-12/schema"

Json = dict[str, Any]


def schema_of(event: type[Event]) -> Json:
    """The JSON Schema 2020-12 of the event as it travels, private fields left out."""
    identity = f"urn:presswork:event:{event.__name__}:v{event.schema_version}"
    return {"$schema": DIALECT, "$id": identity, **event.model_json_schema()}


def file_name(event_type: str, version: int) -> str:
    """`DraftCreated.v1.json`."""
    return f"{event_type}.v{version}.json"


def read_schemas(folder: Path = SCHEMAS) -> dict[tuple[str, int], Json]:
    """Every committed schema by event type and version."""
    return _read(folder)


def read_samples(folder: Path = SAMPLES) -> dict[tuple[str, int], Json]:
    """Every committed sample, the data alone, by event type and version."""
    return _read(folder)


def rendered(document: Json) -> str:
    """How a committed JSON document is written, so that equal ones are equal byte for byte."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _read(folder: Path) -> dict[tuple[str, int], Json]:
    found: dict[tuple[str, int], Json] = {}
    for path in sorted(folder.glob("*.v*.json")):
        event_type, _, version = path.name.removesuffix(".json").rpartition(".v")
        found[event_type, int(version)] = json.loads(path.read_text("utf-8"))
    return found
