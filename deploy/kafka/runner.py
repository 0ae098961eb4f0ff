"""Runs one Apache Kafka node (KRaft, broker and controller in one) from a folder of jars that Maven resolved."""

import base64
import fcntl
import os
import re
import shutil
import signal
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path

from deploy.embedded.broker import BrokerFailed, start_and_wait
from deploy.embedded.ports import free_port
from deploy.embedded.process import Child, Server

HERE = Path(__file__).parent
POM = HERE / "pom.xml"
LIBS = HERE / "target" / "libs"
_OLDEST_JAVA = 17

# The short session lets a killed node register again after two seconds instead of nine.
PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller_port}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={log_dir}
num.partitions=3
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=2
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
log.cleaner.dedupe.buffer.size=16777216
"""


def java() -> str | None:
    """The java to run, from JAVA_HOME or the path; None if there is none."""
    home = os.environ.get("JAVA_HOME")
    if home and (candidate := Path(home) / "bin" / "java").is_file():
        return str(candidate)
    return shutil.which("java")


class ApacheKafka(Server):
    """One Apache Kafka node below `data_dir` (made if missing), on loopback. The port stays the same over restarts.

    `restart()` keeps the messages unless asked for an empty broker. Methods block until the node answers or is gone.
    """

    # It answers a waiting fetch as soon as something comes.
    suits: Mapping[str, str] = {"PRESSWORK_KAFKA_FETCH_WAIT_MS": "250", "PRESSWORK_KAFKA_FETCH_BRIEF_MS": "250"}

    def __init__(self, data_dir: Path | str, *, port: int | None = None, heap_mb: int = 512) -> None:
        super().__init__()
        self.data_dir = Path(data_dir).absolute()
        self.host = "127.0.0.1"
        self.port = port or free_port(self.host)
        self.heap_mb = heap_mb

    @classmethod
    def available(cls) -> str | None:
        """None if it can run here, else a sentence that says why not."""
        executable = java()
        if executable is None:
            return f"no java found: Apache Kafka needs Java {_OLDEST_JAVA} or newer"
        told = subprocess.run([executable, "-version"], capture_output=True, text=True)
        found = re.search(r'version "(\d+)', told.stderr + told.stdout)
        if found is None or int(found[1]) < _OLDEST_JAVA:
            return f"the java found is too old: Apache Kafka needs Java {_OLDEST_JAVA} or newer"
        if not _resolved() and shutil.which("mvn") is None:
            return "no mvn found: Maven resolves Apache Kafka from deploy/kafka/pom.xml"
        return None

    @property
    def url(self) -> str:
        """host:port, as Kafka clients take it."""
        return f"{self.host}:{self.port}"

    def start(self, timeout: float = 90.0) -> None:
        """Resolve the jars and format the storage if that was not done yet, start the node, wait until it answers.

        Raises BrokerFailed with the reason if it cannot.
        """
        if self.running:
            return
        if (why := self.available()) is not None:
            raise BrokerFailed(why)
        resolve()
        self._format()
        self._child = Child(
            "kafka",
            self._java("kafka.Kafka", str(self._properties), heap_mb=self.heap_mb),
            log=self.data_dir / "kafka.log",
            cwd=self.data_dir,
            stop_signal=signal.SIGTERM,
        )
        start_and_wait(self._child, self.url, timeout)

    def stop(self, timeout: float = 20.0) -> None:
        """Controlled shutdown, by force after `timeout` seconds."""
        if self._child:
            self._child.stop(timeout)

    def restart(self, *, empty: bool = False) -> None:
        """Restart it on the same port; `empty` loses every message, topic and position, as a new disk would."""
        self.kill() if empty else self.stop()
        if empty:
            shutil.rmtree(self._log_dir, ignore_errors=True)
        self.start()

    def tend(self) -> str | None:
        """Start it again if it died; what was done, or None."""
        if self._child is None or self._child.running:
            return None
        code = self._child.exit_code
        self.start()
        return f"Apache Kafka ended (exit {code}) and was started again"

    @property
    def _properties(self) -> Path:
        return self.data_dir / "server.properties"

    @property
    def _log_dir(self) -> Path:
        return self.data_dir / "messages"

    def _format(self) -> None:
        self.data_dir.mkdir(parents=True, exist_ok=True)
        formatted = (self._log_dir / "meta.properties").exists()
        if formatted and self._child is not None:
            return
        # The controller's port may change between runs: a single voter that names itself does not mind.
        self._properties.write_text(
            PROPERTIES.format(
                host=self.host, port=self.port, controller_port=free_port(self.host), log_dir=self._log_dir
            )
        )
        if formatted:
            return
        # A fixed first letter: an id that begins with "-" would be taken for an option.
        cluster_id = "p" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")[1:]
        command = self._java(
            "kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(self._properties), heap_mb=128
        )
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise BrokerFailed(f"Kafka's storage could not be formatted:\n{done.stdout}{done.stderr}")

    def _java(self, main: str, *arguments: str, heap_mb: int) -> list[str]:
        executable = java()
        assert executable is not None
        return [
            executable,
            f"-Xmx{heap_mb}m",
            "-XX:+UseSerialGC",
            "-XX:+ExitOnOutOfMemoryError",
            "-Djava.awt.headless=true",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
            "-cp",
            f"{LIBS}/*",
            main,
            *arguments,
        ]


def _resolved() -> bool:
    stamp = LIBS / "pom.xml"
    return stamp.exists() and stamp.read_bytes() == POM.read_bytes()


def resolve() -> None:
    """Let Maven copy the jars to target/libs unless they are those of this pom already.

    Raises BrokerFailed if it cannot.
    """
    if _resolved():
        return
    LIBS.parent.mkdir(exist_ok=True)
    with LIBS.with_name("resolving").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # whoever else resolves them has done it for us
        if not _resolved():
            _resolve()


def _resolve() -> None:
    shutil.rmtree(LIBS, ignore_errors=True)
    done = subprocess.run(
        ["mvn", "-q", "-B", "-f", str(POM), "dependency:copy-dependencies"], capture_output=True, text=True
    )
    if done.returncode:
        raise BrokerFailed(f"Maven could not resolve Apache Kafka:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    shutil.copy(POM, LIBS / "pom.xml")
