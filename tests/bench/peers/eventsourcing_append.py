"""The `eventsourcing` library with its PostgreSQL recorder: the same 20 events a workflow, no rows beside them."""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import unquote, urlsplit
from uuid import UUID, uuid4

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

TEXT = "Yeast eats sugar and breathes out gas. " * 10
PLATFORMS = ("linkedin", "x", "blog")


class Workflow(Aggregate):
    @event("Started")
    def __init__(self, user_id: UUID, text: str, platforms: list[str]) -> None:
        self.user_id, self.text = user_id, text
        self.status: dict[str, str] = {}
        self.completed = False

    @event("Moved")
    def move(self, platform: str, status: str, draft_id: UUID, iteration: int, reason: str) -> None:
        self.status[platform] = status

    @event("Completed")
    def complete(self, outcomes: dict[str, str]) -> None:
        self.completed = True


STEPS = ((("generating",), False), (("evaluating",), False), (("awaiting_review",), False),
         (("accepted", "publishing"), False), (("published",), True))  # fmt: skip


def story(app: Application, at_once: int) -> int:
    """So many workflows, each step of all of them in one call of save, which is one transaction."""
    found = [Workflow(uuid4(), TEXT, list(PLATFORMS)) for _ in range(at_once)]
    saved = 0
    for statuses, last in STEPS:
        for workflow in found:
            for platform in PLATFORMS:
                for status in statuses:
                    workflow.move(platform, status, uuid4(), 1, "good_enough")
            if last:
                workflow.complete(dict.fromkeys(PLATFORMS, "published"))
        saved += len(app.save(*found))
    return saved


def rate(app: Application, at_once: int, threads: int, seconds: float) -> float:
    began = time.perf_counter()

    def lane() -> int:
        done = 0
        while time.perf_counter() < began + seconds:
            done += story(app, at_once)
        return done

    with ThreadPoolExecutor(threads) as pool:
        done = sum(future.result() for future in [pool.submit(lane) for _ in range(threads)])
    return done / (time.perf_counter() - began)


def main(database_url: str, seconds: float, at_once: int) -> None:
    parts = urlsplit(database_url)
    app = Application(
        env={
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "POSTGRES_DBNAME": parts.path.strip("/"),
            "POSTGRES_HOST": str(parts.hostname),
            "POSTGRES_PORT": str(parts.port),
            "POSTGRES_USER": str(parts.username),
            "POSTGRES_PASSWORD": unquote(parts.password or ""),
        }
    )
    found = {
        "batched": max(rate(app, at_once, threads, seconds) for threads in (1, 2)),
        "single": rate(app, 1, 1, seconds),
    }
    app.close()
    print(json.dumps(found))


main(**json.loads(sys.argv[1]))
