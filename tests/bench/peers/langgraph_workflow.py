"""LangGraph with its PostgreSQL checkpointer: the same steps in one process, without HTTP.

Three platforms at once are written for and judged; the graph stops for a review; one answer accepts and publishes all.
As much as it can do: a compiled graph and a connection for each of `savers`, because a saver does one thing at a time.
"""

import asyncio
import json
import operator
import sys
import time
from contextlib import AsyncExitStack
from typing import Annotated, TypedDict
from uuid import uuid4

from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, Send, interrupt

TEXT = "Yeast eats sugar and breathes out gas. " * 10
PLATFORMS = ("linkedin", "x", "blog")


class State(TypedDict):
    text: str
    drafts: Annotated[list[dict], operator.add]
    verdicts: Annotated[list[dict], operator.add]
    posts: Annotated[list[dict], operator.add]
    status: str


class Post(TypedDict):
    platform: str
    text: str
    content: str


async def start(state: State) -> dict:
    return {"status": "running"}


def per_platform(state: State) -> list[Send]:
    return [Send("generate", {"platform": name, "text": state["text"]}) for name in PLATFORMS]


async def generate(post: Post) -> Command:
    draft = {"platform": post["platform"], "id": str(uuid4()), "content": post["text"][:200]}
    return Command(update={"drafts": [draft]}, goto=Send("evaluate", {**post, "content": draft["content"]}))


async def evaluate(post: Post) -> dict:
    return {"verdicts": [{"platform": post["platform"], "score": 90}]}


async def review(state: State) -> Command:
    accepted = interrupt({"drafts": state["drafts"]})
    return Command(goto=[Send("publish", {"platform": name, "text": "", "content": ""}) for name in accepted])


async def publish(post: Post) -> dict:
    return {"posts": [{"platform": post["platform"], "url": f"https://example.org/{post['platform']}"}]}


async def complete(state: State) -> dict:
    return {"status": "completed"}


def graph(saver: AsyncPostgresSaver):
    built = StateGraph(State)
    for node in (start, generate, evaluate, review, publish, complete):
        built.add_node(node.__name__, node)
    built.add_edge(START, "start")
    built.add_conditional_edges("start", per_platform, ["generate"])
    built.add_edge("evaluate", "review")
    built.add_edge("publish", "complete")
    built.add_edge("complete", END)
    return built.compile(checkpointer=saver)


async def draft(compiled) -> tuple[dict, float]:
    """Until it awaits review: its configuration and the seconds that took."""
    config = {"configurable": {"thread_id": str(uuid4())}}
    began = time.perf_counter()
    found = await compiled.ainvoke({"text": TEXT, "drafts": [], "verdicts": [], "posts": [], "status": ""}, config)
    took = time.perf_counter() - began
    assert found["__interrupt__"], found
    assert len(found["verdicts"]) == 3, found
    return config, took


async def whole(compiled) -> None:
    config, _ = await draft(compiled)
    found = await compiled.ainvoke(Command(resume=list(PLATFORMS)), config)
    assert found["status"] == "completed", found
    assert len(found["posts"]) == 3, found


async def rate(graphs: list, at_once: int, seconds: float) -> float:
    done, began = 0, time.perf_counter()

    async def lane(compiled) -> None:
        nonlocal done
        while time.perf_counter() < began + seconds:
            await whole(compiled)
            done += 1

    await asyncio.gather(*(lane(graphs[number % len(graphs)]) for number in range(at_once)))
    return done / (time.perf_counter() - began)


async def main(database_url: str, seconds: float, sweep: list[int], savers: int = 4, count: int = 200) -> None:
    async with AsyncExitStack() as stack:
        graphs = []
        for number in range(savers):
            saver = await stack.enter_async_context(AsyncPostgresSaver.from_conn_string(database_url))
            if number == 0:
                await saver.setup()
            graphs.append(graph(saver))
        for compiled in graphs:
            await whole(compiled)
        times = sorted([(await draft(graphs[0]))[1] for _ in range(count)])
        rates = {str(at_once): await rate(graphs, at_once, seconds) for at_once in sweep}
        print(
            json.dumps(
                {
                    "rates": rates,
                    "draft": {"p50": times[count // 2] * 1000, "p99": times[int(count * 0.99)] * 1000},
                }
            )
        )


asyncio.run(main(**json.loads(sys.argv[1])))
