"""What an import in the background allows, and how a file is divided."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from contracts.events.importing import ImportCompleted, ImportPartDone, ImportRemoved, ImportRequested, RefusedLine
from services.workflow.domain import post_import
from services.workflow.domain.post_import import FinishPart, RemoveImport, RequestImport
from services.workflow.importing.working import LINES, parts, refuse_all
from shared.reactions import LeasedTask
from tests.deciding import deciding

IMPORT, USER = UUID(int=1), UUID(int=2)
COMMON = {"import_id": IMPORT, "user_id": USER}
BAD = (RefusedLine(line=7, error="The content is empty."),)

importing = deciding(post_import.decider)
requested = ImportRequested(**COMMON, lines=150, parts=2)
first = ImportPartDone(**COMMON, part=1, imported=99, refused=BAD)
second = ImportPartDone(**COMMON, part=2, imported=50)
completed = ImportCompleted(**COMMON, imported=149, refused=1)


def test_an_import_is_asked_for_once() -> None:
    command = RequestImport(IMPORT, USER, 150, 2)
    importing.when(command).then(requested)
    importing.given(requested).when(command).then_nothing()


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_it_is_over_when_every_part_is_whatever_their_order(order: tuple[int, int]) -> None:
    done = {1: first, 2: second}
    commands = {1: FinishPart(IMPORT, 1, 99, BAD), 2: FinishPart(IMPORT, 2, 50)}
    history = importing.given(requested)
    history.when(commands[order[0]]).then(done[order[0]])
    history.given(done[order[0]]).when(commands[order[1]]).then(done[order[1]], completed)


def test_a_part_is_counted_once() -> None:
    history = importing.given(requested, first)
    history.when(FinishPart(IMPORT, 1, 100)).then_nothing()
    history.given(second, completed).when(FinishPart(IMPORT, 2, 50)).then_nothing()


def test_a_part_of_what_is_gone_says_nothing() -> None:
    importing.when(FinishPart(IMPORT, 1, 99)).then_nothing()
    gone = importing.given(requested, ImportRemoved(**COMMON, reason="user_erased"))
    gone.when(FinishPart(IMPORT, 1, 99)).then_nothing()
    gone.when(RemoveImport(IMPORT, "user_erased")).then_nothing()


def test_one_under_way_goes_with_its_user_only() -> None:
    running = importing.given(requested, first)
    running.when(RemoveImport(IMPORT, "expired")).then_nothing()
    running.when(RemoveImport(IMPORT, "user_erased")).then(ImportRemoved(**COMMON, reason="user_erased"))
    over = running.given(second, completed)
    over.when(RemoveImport(IMPORT, "expired")).then(ImportRemoved(**COMMON, reason="expired"))


def lines_of(payload: Any) -> list[int]:
    return list(range(payload["first"], payload["first"] + len(payload["rows"])))


def test_a_file_is_divided_so_that_each_line_is_in_one_part() -> None:
    rows = [{"content": "Bread."}] * (2 * LINES + 5)
    found = [task.payload for task in parts(IMPORT, USER, rows)]
    assert [payload["part"] for payload in found] == [1, 2, 3]
    assert [len(payload["rows"]) for payload in found] == [LINES, LINES, 5]
    assert [line for payload in found for line in lines_of(payload)] == list(range(1, len(rows) + 1))


def test_long_lines_make_shorter_parts() -> None:
    rows = [{"content": "a" * 60_000}] * 20 + [{"platform": "x"}]
    found = [task.payload for task in parts(IMPORT, USER, rows)]
    assert [len(payload["rows"]) for payload in found] == [8, 8, 5]
    assert [line for payload in found for line in lines_of(payload)] == list(range(1, 22))
    assert len({task.id for task in parts(IMPORT, USER, rows)}) == 3


def test_of_a_part_that_is_given_up_every_line_is_told() -> None:
    rows = [{"content": "Bread."}] * (LINES + 2)
    task = parts(IMPORT, USER, rows)[1]
    payload = {**task.payload, "import_id": str(IMPORT)}
    leased = LeasedTask(task.id, task.kind, "", payload, 8, UUID(int=3), IMPORT, None, USER, None)
    (done,) = refuse_all(leased, "the database was away")
    assert (done.import_id, done.part, done.imported) == (IMPORT, 2, 0)
    assert [each.line for each in done.refused] == [LINES + 1, LINES + 2]
    assert all("send the file again" in each.error for each in done.refused)
