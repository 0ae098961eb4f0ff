"""Tables with all that PostgreSQL offers: what hangs on a row, what must be unique, and how a table looks."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from types import ModuleType
from uuid import UUID

import asyncpg
import pytest

from contracts.events.workflow import ProjectCreated, ProjectDeleted, ProjectEvent, ProjectUpdated
from services.workflow.app import service as workflow
from shared.ids import derive, new_id
from shared.kit import Kit
from shared.projection import RowChange, add, delete, insert, projects, update, upsert
from shared.rebuild import Refused, passes, run, shadow
from tests.rebuilding import assert_rebuild_equals_live, looks_of, rows_of
from tests.story import Ground, ground

# A library: shelves of which one is the default, books that go with their shelf, and how many were added by letter.
_LIBRARY = """
SET ROLE presswork_workflow_owner;
SET search_path TO workflow;
CREATE TYPE mood AS ENUM ('quiet', 'loud');
CREATE TABLE shelves (
    id uuid PRIMARY KEY,
    name varchar(20) NOT NULL,
    is_default boolean NOT NULL,
    mood mood NOT NULL DEFAULT 'quiet',
    shouted text GENERATED ALWAYS AS (upper(name)) STORED,
    updated_at timestamptz NOT NULL,
    CONSTRAINT shelves_name UNIQUE (name) DEFERRABLE INITIALLY IMMEDIATE,
    CONSTRAINT shelves_named CHECK (name <> '')
) WITH (fillfactor = 80);
COMMENT ON TABLE shelves IS 'Where it''s at';
COMMENT ON COLUMN shelves.name IS 'unique';
CREATE UNIQUE INDEX "one default" ON shelves ((true)) WHERE is_default;
COMMENT ON INDEX "one default" IS 'at most';
CREATE TRIGGER shelves_updated_at BEFORE UPDATE ON shelves FOR EACH ROW EXECUTE FUNCTION set_updated_at();
CREATE TRIGGER shelves_off BEFORE INSERT ON shelves FOR EACH ROW WHEN (NEW.name = 'x')
    EXECUTE FUNCTION set_updated_at();
ALTER TABLE shelves DISABLE TRIGGER shelves_off;
ALTER TABLE shelves REPLICA IDENTITY FULL;
CREATE TABLE books (
    id uuid PRIMARY KEY,
    shelf_id uuid NOT NULL CONSTRAINT books_shelf REFERENCES shelves ON DELETE CASCADE,
    after_id uuid REFERENCES books ON DELETE SET NULL,
    title text NOT NULL,
    UNIQUE NULLS NOT DISTINCT (shelf_id, title)
);
CREATE INDEX books_title ON books (lower(title) text_pattern_ops, shelf_id DESC) INCLUDE (id);
CREATE TABLE letters (
    letter char(1), year smallint, books integer NOT NULL DEFAULT 0, last_title text, PRIMARY KEY (letter, year)
);
CREATE TABLE loans (
    id uuid DEFAULT gen_random_uuid(),
    lent_at timestamptz NOT NULL DEFAULT now(),
    shelf_id uuid NOT NULL CONSTRAINT loans_shelf REFERENCES shelves ON DELETE CASCADE,
    title text NOT NULL CHECK (title <> ''),
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (id, lent_at),
    CONSTRAINT loans_once UNIQUE (title, lent_at) DEFERRABLE
) PARTITION BY RANGE (lent_at);
CREATE TABLE loans_2001 PARTITION OF loans FOR VALUES FROM ('2001-01-01') TO ('2002-01-01') WITH (fillfactor = 70);
CREATE TABLE loans_default PARTITION OF loans DEFAULT;
CREATE INDEX loans_shelf_recent ON loans (shelf_id, lent_at DESC);
CREATE UNIQUE INDEX loans_by_letter ON loans (lower(title), lent_at) WHERE title > 'y';
CREATE INDEX loans_2001_alone ON loans_2001 (title);
COMMENT ON INDEX loans_shelf_recent IS 'a shelf''s last loans';
COMMENT ON TABLE loans_2001 IS 'the first year';
CREATE TRIGGER loans_updated_at BEFORE UPDATE ON loans FOR EACH ROW EXECUTE FUNCTION set_updated_at();
CREATE VIEW lent AS SELECT id, title FROM loans;
ALTER TABLE loans ENABLE ROW LEVEL SECURITY;
CREATE POLICY loans_all ON loans USING (true);
ALTER TABLE loans_2001 ENABLE ROW LEVEL SECURITY;
CREATE POLICY loans_2001_none ON loans_2001 USING (false);
GRANT SELECT, INSERT, UPDATE, DELETE ON loans TO presswork_workflow;
GRANT SELECT ON loans_2001 TO presswork_workflow;
CREATE VIEW quiet WITH (security_barrier = true) AS
    SELECT s.id, b.title FROM shelves s JOIN books b ON b.shelf_id = s.id;
CREATE TABLE readers (id uuid PRIMARY KEY, shelf_id uuid);
ALTER TABLE shelves ENABLE ROW LEVEL SECURITY;
ALTER TABLE shelves FORCE ROW LEVEL SECURITY;
CREATE POLICY shelves_all ON shelves USING (true);
CREATE POLICY shelves_seen ON shelves AS RESTRICTIVE FOR SELECT TO presswork_workflow
    USING (EXISTS (SELECT FROM books WHERE shelf_id = shelves.id) OR NOT is_default OR is_default);
ALTER TABLE readers ENABLE ROW LEVEL SECURITY;
CREATE POLICY readers_all ON readers USING (shelf_id IN (SELECT id FROM shelves)) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON shelves, books, letters TO presswork_workflow;
GRANT SELECT ON quiet TO presswork_workflow WITH GRANT OPTION;
GRANT SELECT ON lent TO presswork_workflow;
GRANT SELECT (name), UPDATE (mood) ON shelves TO presswork_auth;
RESET ROLE;
"""
TABLES = ["books", "letters", "loans", "shelves"]
IN_2001 = datetime(2001, 5, 1, tzinfo=UTC)
STEP_DOWN = "step down"


@projects(ProjectCreated)
def put_up(event: ProjectCreated, at: datetime) -> RowChange:
    return insert("shelves", id=event.project_id, name=event.title, is_default=True, updated_at=at)


@projects(ProjectUpdated)
def change(event: ProjectUpdated, at: datetime) -> list[RowChange]:
    """The shelf steps down, or gets a book; the description names the book to read before."""
    if event.title == STEP_DOWN:
        return [update("shelves", {"id": event.project_id}, is_default=False, updated_at=at)]
    letter = {"letter": event.title[0], "year": at.year}
    return [
        insert(
            "books",
            id=derive(event.project_id, event.title),
            shelf_id=event.project_id,
            title=event.title,
            after_id=None if event.description is None else UUID(event.description),
        ),
        add("letters", letter, books=100),  # nothing, unless the letter is there
        upsert("letters", letter, last_title=event.title),
        add("letters", letter, books=1),
        insert("loans", **_loan(event, at), shelf_id=event.project_id, title=event.title, updated_at=at),
        update("loans", _loan(event, at), title=event.title.upper(), updated_at=at),
    ]


def _loan(event: ProjectUpdated, at: datetime) -> dict[str, object]:
    """The key of a loan, in one partition or the other."""
    return {"id": event.meta.event_id, "lent_at": IN_2001 if event.title < "y" else at}


@projects(ProjectDeleted)
def take_down(event: ProjectDeleted, at: datetime) -> RowChange:
    return delete("shelves", id=event.project_id)


class Library:
    """People put up shelves, fill them, and take them down; names and the default pass from shelf to shelf."""

    def __init__(self, on: Ground, seed: int) -> None:
        self._on = on
        self._chance = random.Random(seed)
        self._shelves: dict[UUID, str] = {}
        self._books: dict[UUID, list[str]] = {}
        self._default: UUID | None = None
        self._number = 0

    async def live(self, days: int) -> None:
        for _ in range(days):
            what = self._chance.random()
            if not self._shelves or (what < 0.35 and len(self._shelves) < 4):
                await self._put_up()
            elif what < 0.85:
                await self._add_book()
            else:
                await self._take_down()

    async def _put_up(self) -> None:
        if self._default is not None:
            await self._happens(ProjectUpdated, self._default, title=STEP_DOWN)
        shelf, free = new_id(), sorted(set("abcde") - set(self._shelves.values()))
        self._shelves[shelf], self._books[shelf], self._default = self._chance.choice(free), [], shelf
        await self._happens(ProjectCreated, shelf, title=self._shelves[shelf])

    async def _add_book(self) -> None:
        shelf, other = self._chance.choice(list(self._shelves)), self._chance.choice(list(self._shelves))
        self._number += 1
        title = f"{self._chance.choice('xyz')}{self._number}"
        after = str(derive(other, self._chance.choice(self._books[other]))) if self._books[other] else None
        self._books[shelf].append(title)
        await self._happens(ProjectUpdated, shelf, title=title, description=after)

    async def _take_down(self) -> None:
        shelf = self._chance.choice(list(self._shelves))
        del self._shelves[shelf], self._books[shelf]
        self._default = None if shelf == self._default else self._default
        await self._happens(ProjectDeleted, shelf)

    async def _happens(self, kind: type[ProjectEvent], shelf: UUID, **fields: object) -> None:
        await self._on.play(kind(project_id=shelf, user_id=shelf, **fields), key=shelf)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
async def on() -> AsyncIterator[Ground]:
    """The workflow service as a library."""
    async with ground() as found:
        connection = await asyncpg.connect(found.admin_dsn)
        await connection.execute(_LIBRARY)
        await connection.close()
        module = ModuleType("library")
        module.__dict__.update(put_up=put_up, change=change, take_down=take_down)
        kit = Kit(replace(workflow, reactions=[], projections=[module]), found.kits["workflow"].settings)
        await kit.database.open()
        found.kits["workflow"] = kit
        yield found


@pytest.fixture(scope="module")
def library(on: Ground) -> Library:
    return Library(on, seed=4)


@pytest.mark.parametrize("folded", [1, 7, 20_000])
async def test_what_hangs_on_a_row_and_what_is_unique(
    on: Ground, library: Library, monkeypatch: pytest.MonkeyPatch, folded: int
) -> None:
    monkeypatch.setattr(passes, "FOLDED", folded)
    await library.live(days=150)
    done = await assert_rebuild_equals_live(on.kits["workflow"], on.admin_dsn, ["books", "letters"])
    assert list(done.tables) == TABLES
    filled = [*TABLES, "loans_default", "loans_2001"]
    counted = await rows_of(on.admin_dsn, "workflow", filled)
    assert all(counted[table] for table in filled)


async def test_uniques_that_change_hands_while_the_rebuild_catches_up(
    on: Ground, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = shadow.index

    async def then_life_goes_on(*arguments: object) -> None:
        await made(*arguments)  # type: ignore[arg-type]
        await library.live(days=150)

    await library.live(days=30)
    monkeypatch.setattr(shadow, "index", then_life_goes_on)
    await run.rebuild(on.kits["workflow"], on.admin_dsn, TABLES)
    monkeypatch.undo()
    await assert_rebuild_equals_live(on.kits["workflow"], on.admin_dsn, TABLES)


async def test_a_view_and_policies_mean_the_new_table(on: Ground, library: Library) -> None:
    await library.live(days=20)
    looks = await looks_of(on.admin_dsn, "workflow")
    assert set(TABLES) | {"quiet", "readers", "lent", "loans_2001"} < set(looks)
    await run.rebuild(on.kits["workflow"], on.admin_dsn, TABLES)
    assert await looks_of(on.admin_dsn, "workflow") == looks
    await library.live(days=20)
    pool = on.kits["workflow"].database.pool
    through_the_view = await pool.fetchval("SELECT count(*) FROM quiet")
    assert through_the_view == await pool.fetchval("SELECT count(*) FROM books") > 0
    lent = await pool.fetchval("SELECT count(*) FROM lent")
    assert lent == await pool.fetchval("SELECT count(*) FROM loans") > 0


async def test_a_partition_made_meanwhile_stops_it(
    on: Ground, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = shadow.index
    connection = await asyncpg.connect(on.admin_dsn)

    async def then_another_year_begins(*arguments: object) -> None:
        await made(*arguments)  # type: ignore[arg-type]
        bounds = "FOR VALUES FROM ('1999-01-01') TO ('2000-01-01')"
        await connection.execute(f"CREATE TABLE workflow.loans_1999 PARTITION OF workflow.loans {bounds}")

    await library.live(days=10)
    monkeypatch.setattr(shadow, "index", then_another_year_begins)
    try:
        with pytest.raises(Refused, match="Meanwhile a table got or lost a partition"):
            await run.rebuild(on.kits["workflow"], on.admin_dsn, TABLES)
    finally:
        monkeypatch.undo()
        await connection.execute("DROP TABLE workflow.loans_1999")
        await connection.close()
    await assert_rebuild_equals_live(on.kits["workflow"], on.admin_dsn, TABLES)


async def test_a_partition_is_rebuilt_with_its_table_only(on: Ground) -> None:
    with pytest.raises(Refused, match=r"no read table loans_2001; there are: .*loans"):
        await run.rebuild(on.kits["workflow"], on.admin_dsn, ["loans_2001"])


async def test_what_cannot_be_taken_along_stops_it(on: Ground) -> None:
    connection = await asyncpg.connect(on.admin_dsn)
    await connection.execute("CREATE MATERIALIZED VIEW workflow.frozen AS SELECT * FROM workflow.shelves")
    try:
        with pytest.raises((Refused, asyncpg.DependentObjectsStillExistError)):
            await run.rebuild(on.kits["workflow"], on.admin_dsn, TABLES)
    finally:
        await connection.execute("DROP MATERIALIZED VIEW workflow.frozen")
        await connection.close()
    await assert_rebuild_equals_live(on.kits["workflow"], on.admin_dsn, TABLES)
