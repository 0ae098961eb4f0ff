"""What is generated from the contracts is committed, current and true."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from contracts.committed import DIALECT, read_samples, read_schemas, rendered, schema_of
from contracts.registry import EVENTS, decode, of, services, topics
from deploy.docs.__main__ import ROOT, broken_promises, main, stale
from deploy.docs.attributes import SAYS, described
from deploy.docs.hearers import Hearing, UnreadableMark, hearings
from deploy.docs.samples import sample, wire

SCHEMAS, SAMPLES = read_schemas(), read_samples()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The project's contracts, documents and services, free to be spoilt."""
    for folder in ("contracts", "services", "docs", "deploy/schema"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def rewrite(path: Path, **changes: Any) -> None:
    path.write_text(rendered(json.loads(path.read_text("utf-8")) | changes), "utf-8")


def test_every_version_of_every_event_has_a_schema_and_a_sample() -> None:
    versions = {(name, version) for name, event in EVENTS.items() for version in range(1, event.schema_version + 1)}
    assert set(SCHEMAS) == versions
    assert set(SAMPLES) == versions


@pytest.mark.parametrize("key", sorted(SCHEMAS), ids=lambda key: f"{key[0]}.v{key[1]}")
def test_a_sample_fits_its_schema_and_is_still_read(key: tuple[str, int]) -> None:
    name, version = key
    assert SCHEMAS[key]["$schema"] == DIALECT
    validator = jsonschema_rs.Draft202012Validator(SCHEMAS[key], validate_formats=True)
    assert [error.message for error in validator.iter_errors(SAMPLES[key])] == []
    event = decode(replace(wire(name), schema_version=version, data=json.dumps(SAMPLES[key]).encode()))
    assert type(event) is EVENTS[name]


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_the_committed_schema_is_that_of_the_model(name: str) -> None:
    event = EVENTS[name]
    assert SCHEMAS[name, event.schema_version] == schema_of(event)


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_the_sample_maker_makes_what_the_schema_takes(name: str) -> None:
    assert jsonschema_rs.Draft202012Validator(schema_of(EVENTS[name])).is_valid(sample(EVENTS[name]))


def test_the_documents_are_current() -> None:
    assert stale() == []
    assert main(["--check"]) == 0


@pytest.mark.parametrize(
    "file", ["contracts/asyncapi.json", "docs/events.md", "contracts/schemas/DraftCreated.v1.json"]
)
def test_a_stale_file_is_named_and_written_again(copy: Path, file: str, capsys: pytest.CaptureFixture[str]) -> None:
    current = (copy / file).read_text("utf-8")
    (copy / file).write_text(current.replace("A text exists", "A word exists"), "utf-8")
    assert main(["--check"], copy) == 1
    assert f"{file} is stale: run `make docs`." in capsys.readouterr().err
    assert main([], copy) == 0
    assert (copy / file).read_text("utf-8") == current
    assert main(["--check"], copy) == 0


def test_a_missing_sample_is_written_and_a_present_one_is_kept(copy: Path) -> None:
    missing, present = (copy / f"contracts/samples/{name}.v1.json" for name in ("DraftErased", "DraftFailed"))
    missing.unlink()
    rewrite(present, reason="Another reason.")
    kept = present.read_text("utf-8")
    assert main(["--check"], copy) == 1
    assert main([], copy) == 0
    assert json.loads(missing.read_text("utf-8")) == SAMPLES["DraftErased", 1]
    assert present.read_text("utf-8") == kept


def test_a_change_that_breaks_readers_is_refused_and_nothing_is_written(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = copy / "contracts/schemas/DraftCreated.v1.json"
    committed = SCHEMAS["DraftCreated", 1]
    rewrite(path, properties=committed["properties"] | {"mood": {"type": "string", "default": ""}})
    before = path.read_text("utf-8")
    for arguments in (["--check"], []):
        assert main(arguments, copy) == 1
        told = capsys.readouterr().err
        assert "DraftCreated version 1: mood was removed; raise its schema_version to 2 and add an upcaster." in told
        assert path.read_text("utf-8") == before


def test_an_event_that_vanished_and_a_version_that_sank_are_refused(copy: Path) -> None:
    schemas = copy / "contracts/schemas"
    shutil.copy(schemas / "DraftFailed.v1.json", schemas / "DraftVanished.v1.json")
    shutil.copy(schemas / "DraftFailed.v1.json", schemas / "DraftFailed.v2.json")
    assert broken_promises(copy) == [
        "DraftFailed has a version 2, newer than its model: never lower a schema_version.",
        "DraftVanished has version 1 and no model: stored events of it could not be read.",
    ]


def test_asyncapi_names_every_topic_event_and_header_and_every_reference_leads_somewhere() -> None:
    document = json.loads((ROOT / "contracts/asyncapi.json").read_text("utf-8"))
    assert document["asyncapi"] == "3.0.0"
    assert [channel["address"] for channel in document["channels"].values()] == topics()
    assert set(document["components"]["messages"]) == set(EVENTS)
    assert set(document["components"]["schemas"]["Headers"]["properties"]) == set(SAYS)
    for reference in references(document):
        place = document
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]


def references(node: Any) -> list[str]:
    if isinstance(node, list):
        return [found for item in node for found in references(item)]
    if isinstance(node, dict):
        own = [node["$ref"]] if "$ref" in node else []
        return own + [found for item in node.values() for found in references(item)]
    return []


@pytest.mark.parametrize("name", sorted(name for name, event in EVENTS.items() if event.private_fields))
def test_asyncapi_knows_no_private_field(name: str) -> None:
    document = json.loads((ROOT / "contracts/asyncapi.json").read_text("utf-8"))
    assert EVENTS[name].private_fields.isdisjoint(document["components"]["schemas"][name]["properties"])


def test_the_catalogue_tells_every_event_and_marks_what_is_private() -> None:
    page = (ROOT / "docs/events.md").read_text("utf-8")
    for service in services():
        assert f"## {service}\n" in page
        for event in of(service):
            assert f"### {event.__name__}\n\n{' '.join((event.__doc__ or '').split())}" in page
    assert "| `hashed_password` | text or null, **private** | |" in page
    assert all(f"| `{name}` |" in page for name, _, _ in described())


REACTIONS = """
import shared.reactions as kit
from contracts.events import publishing
from contracts.events.generation import DraftCreated as Made, DraftFailed
from shared.reactions import on
from elsewhere import on as other

@on(Made)
def judge(event): ...

@kit.on(publishing.JobPublished | DraftFailed)
def count(event): ...

@other(print)
def unrelated(event): ...
"""
PROJECTIONS = """
from contracts.events.generation import DraftCreated
from shared.projection import projects

def show(event): ...
projects(DraftCreated)(show)
"""


def room(tmp_path: Path, **files: str) -> Path:
    """A folder of services with one service, `critic`."""
    for name, text in files.items():
        path = tmp_path / "services/critic" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "services"


def test_who_hears_what_is_read_from_the_source(tmp_path: Path) -> None:
    assert hearings(room(tmp_path, reactions=REACTIONS, projections=PROJECTIONS)) == [
        Hearing("DraftCreated", "critic", "reacts"),
        Hearing("DraftCreated", "critic", "shows"),
        Hearing("DraftFailed", "critic", "reacts"),
        Hearing("JobPublished", "critic", "reacts"),
    ]


@pytest.mark.parametrize("mark", ["on(*SOME)", "on(Made)", "on(events.Made)", "on('DraftCreated')"])
def test_a_mark_that_cannot_be_read_is_no_silence(tmp_path: Path, mark: str) -> None:
    source = f"from shared.reactions import on\n\n@{mark}\ndef act(event): ...\n"
    with pytest.raises(UnreadableMark, match=r"reactions\.py:3: .* is no event imported from contracts\.events"):
        hearings(room(tmp_path, reactions=source))


def test_a_new_hearer_makes_the_documents_stale(copy: Path) -> None:
    room(copy, reactions=REACTIONS)
    assert set(stale(copy)) == {Path("contracts/asyncapi.json"), Path("docs/events.md")}
    assert main([], copy) == 0
    assert "**critic** (reacts)" in (copy / "docs/events.md").read_text("utf-8")
    operations = json.loads((copy / "contracts/asyncapi.json").read_text("utf-8"))["operations"]
    heard = [message["$ref"].rpartition("/")[2] for message in operations["critic.hears.generation"]["messages"]]
    assert heard == ["DraftCreated", "DraftFailed"]
    assert operations["critic.hears.publishing"]["action"] == "receive"
