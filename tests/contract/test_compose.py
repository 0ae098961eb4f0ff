"""The compose file: whole, pinned, closed to the outside, and saying nothing that no one listens to."""

import importlib
import inspect
import re
import runpy
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from deploy.embedded.settings import StackSettings
from deploy.migrate import SERVICES as WITH_SCHEMA
from shared.settings import ServiceSettings

REPOSITORY = Path(__file__).resolve().parents[2]
CONTAINERS = REPOSITORY / "deploy" / "containers"
COMPOSE: dict[str, Any] = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())
PARTS: dict[str, dict[str, Any]] = COMPOSE["services"]
SERVICES = sorted(path.parent.name for path in REPOSITORY.glob("services/*/__main__.py"))
OURS = [*SERVICES, "migrate"]
ENDING = {"migrate", "wal-archive"}
UNPROBED = {"collector"}  # its image holds one binary and nothing that could ask it


def settings_of(service: str) -> type[ServiceSettings]:
    """The settings class of a service."""
    module = importlib.import_module(f"services.{service}.settings")
    (found,) = (
        kind
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, ServiceSettings) and kind.__module__ == module.__name__
    )
    return found


def understood(service: str) -> set[str]:
    """The PRESSWORK_ variables that a service reads."""
    return {f"PRESSWORK_{name.upper()}" for name in settings_of(service).model_fields}


def given(part: str) -> set[str]:
    """The PRESSWORK_ variables that the compose file gives a container."""
    return {name for name in PARTS[part].get("environment", {}) if name.startswith("PRESSWORK_")}


def strings(value: Any) -> Iterator[str]:
    """Every string in a document."""
    match value:
        case str():
            yield value
        case dict():
            for inner in value.values():
                yield from strings(inner)
        case list():
            for inner in value:
                yield from strings(inner)


def new_env() -> dict[str, Any]:
    """The script's names; it is a script, so that it runs before anything is installed."""
    return runpy.run_path(str(CONTAINERS / "new_env.py"))


def test_every_service_of_the_house_is_there():
    assert {"auth", "workflow", "generation", "evaluation", "publishing", "media", "gateway"} <= set(SERVICES)
    assert set(SERVICES) <= set(PARTS)
    for service in SERVICES:
        assert PARTS[service]["environment"]["SERVICE"] == service


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_told_only_what_it_understands(service: str):
    assert given(service) <= understood(service)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_learns_where_the_others_are(service: str):
    environment = PARTS[service]["environment"]
    for other in WITH_SCHEMA:
        assert environment[f"PRESSWORK_{other.upper()}_URL"] == f"http://{other}:8000"
    assert {"PRESSWORK_INTERNAL_TOKEN", "PRESSWORK_FIELD_KEYS", "PRESSWORK_KAFKA_URL"} <= given(service)
    assert ("PRESSWORK_DATABASE_URL" in given(service)) == (service in WITH_SCHEMA)


def test_the_migrations_are_told_the_password_of_every_role_and_nothing_else():
    administrator = {f"PRESSWORK_{name.upper()}" for name in StackSettings.model_fields} & {"PRESSWORK_POSTGRES_URL"}
    passwords = {f"PRESSWORK_{service.upper()}_DATABASE_PASSWORD" for service in WITH_SCHEMA}
    assert given("migrate") == administrator | passwords
    for service in WITH_SCHEMA:
        dsn = PARTS[service]["environment"]["PRESSWORK_DATABASE_URL"]
        assert f"presswork_{service}:${{PRESSWORK_{service.upper()}_DATABASE_PASSWORD}}@" in dsn


@pytest.mark.parametrize("part", SERVICES)
def test_a_service_waits_for_what_it_needs(part: str):
    needs = {name: how["condition"] for name, how in PARTS[part]["depends_on"].items()}
    if part == "gateway":
        assert needs == dict.fromkeys(sorted(WITH_SCHEMA), "service_healthy")
    else:
        assert needs == {"migrate": "service_completed_successfully", "kafka": "service_healthy"}


@pytest.mark.parametrize("part", sorted(set(PARTS) - UNPROBED - ENDING))
def test_a_container_that_stays_is_probed(part: str):
    probe = PARTS[part]["healthcheck"]
    assert probe["test"][0] == "CMD"
    assert {"interval", "timeout", "retries", "start_period"} <= set(probe)
    if part in SERVICES:
        assert probe["test"][-1] == "/readyz"


def test_nothing_is_published_beyond_this_machine():
    published = {part: PARTS[part].get("ports", []) for part in PARTS}
    for ports in published.values():
        for port in ports:
            assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port)
    assert published["gateway"] == ["127.0.0.1:8080:8000"]
    assert not {part for part in PARTS if {"network_mode", "privileged", "pid", "ipc"} & set(PARTS[part])}


def test_images_are_pinned():
    for part in PARTS.values():
        name, _, tag = part["image"].rpartition(":")
        assert name
        assert re.fullmatch(r"v?\d+(\.\d+)*", tag)


def test_the_broker_is_the_one_the_tests_run():
    pom = ElementTree.parse(REPOSITORY / "deploy" / "kafka" / "pom.xml")
    versions = [
        found.findtext("{*}version")
        for found in pom.iterfind(".//{*}dependency")
        if found.findtext("{*}artifactId") == "kafka_2.13"
    ]
    assert [PARTS["kafka"]["image"]] == [f"apache/kafka:{version}" for version in versions]


@pytest.mark.parametrize("part", OURS)
def test_our_containers_can_do_no_more_than_they_must(part: str):
    container = PARTS[part]
    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in container["security_opt"]
    assert {volume.split(":")[1] for volume in container.get("volumes", [])} <= {"/data"}


def test_everything_mounted_exists():
    named = set(COMPOSE["volumes"])
    for part in PARTS.values():
        for volume in part.get("volumes", []):
            source = volume.split(":")[0]
            assert source in named or (REPOSITORY / source).is_file()


def test_spans_reach_the_trace_backend():
    collector = yaml.safe_load((CONTAINERS / "collector.yaml").read_text())
    for pipeline in collector["service"]["pipelines"].values():
        for kind in ("receivers", "processors", "exporters"):
            assert set(pipeline[kind]) <= set(collector[kind])
    assert {target["endpoint"].split(":")[0] for target in collector["exporters"].values()} <= set(PARTS)
    port = collector["receivers"]["otlp"]["protocols"]["http"]["endpoint"].rpartition(":")[2]
    for service in SERVICES:
        assert PARTS[service]["environment"]["OTEL_EXPORTER_OTLP_ENDPOINT"] == f"http://collector:{port}"


def test_prometheus_asks_every_service():
    (job,) = yaml.safe_load((CONTAINERS / "prometheus.yaml").read_text())["scrape_configs"]
    (found,) = job["dns_sd_configs"]
    assert sorted(found["names"]) == SERVICES
    assert found["port"] == 8000


def test_the_secrets_script_writes_all_that_is_asked_for(tmp_path: Path):
    env, key = new_env()["make"](tmp_path)

    values = dict(line.split("=", 1) for line in env.read_text().splitlines())
    asked = {name for text in strings(COMPOSE) for name in re.findall(r"\$\{(\w+)(?:\}|:\?)", text)}
    assert set(values) == asked
    assert all(re.fullmatch(r"[\w=-]{32,}", value) for value in values.values())
    assert len(set(values.values())) == len(values)
    Fernet(values["PRESSWORK_FIELD_KEYS"])
    assert isinstance(load_pem_private_key(key.read_bytes(), None), Ed25519PrivateKey)
    assert COMPOSE["secrets"]["signing_key"]["file"] == f"./{key.relative_to(tmp_path)}"


def test_secrets_are_for_their_owner_only(tmp_path: Path):
    env, key = new_env()["make"](tmp_path)

    assert stat.S_IMODE(env.stat().st_mode) == 0o600
    assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700
    # The container's user reads it where it is mounted; nobody else passes its folder.
    assert stat.S_IMODE(key.stat().st_mode) == 0o444


@pytest.mark.parametrize("kept", [".env", "deploy/containers/secrets/signing_key.pem"])
def test_secrets_are_never_replaced(tmp_path: Path, kept: str):
    file = tmp_path / kept
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("in use")

    with pytest.raises(FileExistsError):
        new_env()["make"](tmp_path)

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [file]
    assert file.read_text() == "in use"


@pytest.mark.parametrize("secret", [".env", "deploy/containers/secrets/signing_key.pem"])
def test_git_ignores_secrets(secret: str):
    assert subprocess.run(["git", "check-ignore", "-q", secret], cwd=REPOSITORY).returncode == 0


def test_the_secrets_script_needs_python_alone(tmp_path: Path):
    script = tmp_path / "deploy" / "containers" / "new_env.py"
    script.parent.mkdir(parents=True)
    script.write_text((CONTAINERS / "new_env.py").read_text())

    first = subprocess.run([sys.executable, "-I", "-S", script], capture_output=True, text=True)
    second = subprocess.run([sys.executable, "-I", "-S", script], capture_output=True, text=True)

    assert (first.returncode, second.returncode) == (0, 1)
    assert "nothing was changed" in second.stdout
