"""The image: it copies enough to run, installs what the code imports, and its probe tells the truth."""

import ast
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
CONTAINERS = REPOSITORY / "deploy" / "containers"
DOCKERFILE = (CONTAINERS / "Dockerfile").read_text()
ROOMS = {"contracts", "shared", "services", "migrations", "deploy"}
# A namespace of several distributions, and what is only ever there together with its owner.
COMES_WITH = {"openai": "pydantic-ai-slim", "anthropic": "pydantic-ai-slim", "pydantic_core": "pydantic"}


def copied() -> list[str]:
    """Paths of the repository that the Dockerfile copies."""
    lines = re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
    return [source for line in lines for source in line.split()[:-1]]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def imported(file: Path) -> Iterator[str]:
    """Top-level names of the modules a file imports."""
    for node in ast.walk(ast.parse(file.read_text())):
        match node:
            case ast.Import(names=names):
                yield from (name.name.partition(".")[0] for name in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module.partition(".")[0]


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds what the image's holds, and nothing else."""
    folder = tmp_path_factory.mktemp("app")
    for source in copied():
        if (REPOSITORY / source).is_dir():
            shutil.copytree(REPOSITORY / source, folder / source, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            (folder / source).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / source, folder / source)
    return folder


def run(application: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        [sys.executable, *command], cwd=application, env=clean | environment, capture_output=True, text=True
    )


@pytest.mark.parametrize("service", sorted(path.parent.name for path in REPOSITORY.glob("services/*/__main__.py")))
def test_what_is_copied_is_enough_for_a_service(application: Path, service: str):
    done = run(application, "-c", f"import services.{service}.app as app; print(app.__file__)")

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(application))


def test_what_is_copied_is_enough_for_the_migrations(application: Path):
    done = run(application, "-m", "deploy.migrate", PRESSWORK_POSTGRES_URL="")

    assert done.returncode == 2, done.stderr
    assert "PRESSWORK_POSTGRES_URL" in done.stderr


def test_what_is_copied_passes_the_ignore_file():
    allowed = {
        line[1:] for line in (CONTAINERS / "Dockerfile.dockerignore").read_text().splitlines() if line.startswith("!")
    }
    assert set(copied()) == allowed


def test_no_tests_and_no_tools_are_copied():
    assert not [source for source in copied() if source.startswith(("tests", "deploy/embedded", "."))]


def test_it_runs_as_an_unprivileged_user_and_stops_by_sigterm():
    assert re.search(r"^USER 10001:10001$", DOCKERFILE, re.MULTILINE)
    assert re.search(r"^STOPSIGNAL SIGTERM$", DOCKERFILE, re.MULTILINE)
    assert "--require-hashes" in DOCKERFILE


def test_it_installs_what_the_code_imports():
    locks = (REPOSITORY / name for name in ("requirements.in", "requirements-speech.in"))
    lines = [line for lock in locks for line in lock.read_text().splitlines()]
    named = {normal(re.split(r"[\[<>=~!; ]", line)[0]) for line in lines if line and not line.startswith("#")}
    providers = packages_distributions()
    sources = [REPOSITORY / source for source in copied()]
    files = [file for source in sources for file in [source, *source.rglob("*.py")] if file.suffix == ".py"]
    missing = {
        module: str(file.relative_to(REPOSITORY))
        for file in files
        for module in imported(file)
        if module not in sys.stdlib_module_names | ROOMS
        and not named & {normal(name) for name in providers.get(module, [module])}
        and COMES_WITH.get(module) not in named
    }
    assert missing == {}


class Answers(BaseHTTPRequestHandler):
    """Alive, but not ready."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/livez" else 503)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


@pytest.fixture
def port() -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def probe(path: str, port: int) -> int:
    command = [sys.executable, "-I", "-S", str(CONTAINERS / "probe.py"), path]
    environment = {"PRESSWORK_PORT": str(port), "http_proxy": "http://127.0.0.1:9"}
    return subprocess.run(command, env=environment).returncode


def test_the_probe_passes_what_answers_with_200(port: int):
    assert probe("/livez", port) == 0


def test_the_probe_fails_what_is_not_ready(port: int):
    assert probe("/readyz", port) == 1


def test_the_probe_fails_when_nobody_listens(port: int):
    closed = HTTPServer(("127.0.0.1", 0), Answers)
    free = closed.server_port
    closed.server_close()
    assert probe("/livez", free) == 1
