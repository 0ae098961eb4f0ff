"""Outputs on their way: what is asked for is put on the to-do list, written, and kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from contracts.events.generation import OutputRequested, OutputRetried
from services.generation.domain.output import CompleteOutput, FailOutput, Output, ProgressOutput, StartOutput
from services.generation.domain.token_usage import RecordTokens
from services.generation.engines.article import READ_AT_MOST
from services.generation.engines.port import NothingToWrite, Request, Source, Written
from services.generation.file_texts import fetch
from services.generation.paying import paid
from services.generation.styles import style_of
from services.generation.tools import Tools
from shared.ids import derive
from shared.kit import Kit
from shared.reactions import GiveUp, LeasedTask, Task, gave_up, on, work

DEFAULT_TONE = "professional"
_NO_FILE = "A file of this output is gone: upload it again and ask for a new output."


class Order(BaseModel):
    """The output that is wanted; what of is known to its stream."""

    output_id: UUID
    attempt: int

    def task(self) -> Task:
        return Task(derive(self.output_id, "write_output", self.attempt), "write_output", self.model_dump())


@on(OutputRequested)
def have_it_written(event: OutputRequested) -> Task | None:
    if event.copied_from is not None:
        return None
    return Order(output_id=event.output_id, attempt=1).task()


@on(OutputRetried)
def have_it_written_again(event: OutputRetried) -> Task:
    return Order(output_id=event.output_id, attempt=event.attempt).task()


@work("write_output", lease=120, attempts=4, concurrency=4)
async def write_output(task: LeasedTask, kit: Kit) -> list[CompleteOutput | RecordTokens]:
    """Say that it is begun, read what it is made of, have the engine write it, keep the text."""
    order = Order.model_validate(task.payload)
    output: Output = await kit.handle(StartOutput(order.output_id, order.attempt), actor=task.actor)
    if output.status != "processing" or output.attempt != order.attempt:
        return []  # deleted meanwhile, or finished by another worker
    tools: Tools = kit.tools
    source = await _source(kit, order, output)
    try:
        written = await tools.engine.write(await _request(kit, output, source))
    except NothingToWrite as nothing:
        raise GiveUp(str(nothing)) from nothing
    # A model may answer U+0000, which neither events nor rows can hold.
    body = written.content.replace("\x00", "")
    completed = CompleteOutput(order.output_id, order.attempt, body, _metadata(output, source, written))
    return [completed, *paid(task, written, output.user_id)]


@gave_up("write_output")
def say_that_nobody_could(task: LeasedTask, reason: str) -> Sequence[FailOutput]:
    order = Order.model_validate(task.payload)
    return [FailOutput(order.output_id, order.attempt, f"{reason.rstrip('.')}.")]


async def _source(kit: Kit, order: Order, output: Output) -> Source:
    """The given text, or the texts of the files one after the other, each under its title."""
    title = str(output.request.get("title") or "")
    if output.text is not None:
        return Source(title, output.text)
    assert kit.client is not None
    assert output.user_id is not None
    texts = []
    for file_id in output.file_ids:
        texts.append(await fetch(kit.client, output.user_id, file_id, gone=_NO_FILE))
        if len(output.file_ids) > 1:
            await kit.handle(ProgressOutput(order.output_id, order.attempt, len(texts)), actor=output.user_id)
    languages = {text.language for text in texts}
    language = languages.pop() if len(languages) == 1 else ""
    if len(texts) == 1:
        return Source(title or texts[0].title, texts[0].text, language)
    whole = "\n\n".join(f"## {text.title}\n\n{text.text}" if text.title else text.text for text in texts)
    return Source(title or next((text.title for text in texts if text.title), ""), whole[:READ_AT_MOST], language)


async def _request(kit: Kit, output: Output, source: Source) -> Request:
    asked, tools = output.request, kit.tools
    assert output.user_id is not None
    style = await style_of(kit, output.user_id, output.platform, source) if tools.minds_style else None
    options = {"topic": asked.get("topic"), "words": asked.get("target_length"), "brief": output.prompt}
    return Request(
        platform=output.platform,
        source=source,
        tone=asked.get("tone_of_voice") or DEFAULT_TONE,
        options={name: value for name, value in options.items() if value is not None},
        style=style,
        user_id=output.user_id,
    )


def _metadata(output: Output, source: Source, written: Written) -> dict[str, Any]:
    found = {
        "title": written.title.replace("\x00", ""),
        "preheader": written.preheader.replace("\x00", ""),
        "keywords": [tag.lstrip("#") for tag in written.hashtags],
        "platform": output.platform,
        "language": written.usage.get("language") or source.language,
        "engine": written.engine,
        "model": written.model,
        "usage": written.usage,
        "prompt": output.prompt,
        "file_ids": [str(file_id) for file_id in output.file_ids],
        "generated_at": datetime.now(UTC).isoformat(),
    }
    return {name: value for name, value in found.items() if value not in (None, "", [])}
