"""Documents as schemas: a grid of columns, SQL, and the lists around them."""

from __future__ import annotations

import pytest

from deploy.schema import committed, documents
from deploy.schema.__main__ import DOCUMENTS
from deploy.schema.model import Check, Column, ForeignKey, Index, Policy, Trigger

GRID = """
### PlatformState

| Column | Type | Constraints | Description |
|---|---|---|---|
| `id` | UUID | PRIMARY KEY, DEFAULT gen_random_uuid() | key |
| `workflow_id` | UUID | FOREIGN KEY (Workflow.id), NOT NULL | parent |
| owner | INTEGER | FK(users.id), NOT NULL, INDEX | owner |
| `project_id` | `UUID` | NOT NULL, REFERENCES projects(id) ON DELETE CASCADE | project |
| `score` | INTEGER | NOT NULL, CHECK (0-100), DEFAULT 0 | score |
| `tags` | JSONB | NOT NULL, DEFAULT '{}' | tags |
| `seen` | DATETIME | NULL | when |
| state | ENUM | DEFAULT 'queued' | Task status |

**State Values:**
- `queued` - waits
- `failed` - did not work

**Indexes:**
- Primary key on `id`
- `idx_state_project` on `project_id`
- Composite index on `(owner, seen DESC)` for lists

**Unique Constraint:**
- `uq_state` on `(workflow_id, project_id)`

**Triggers:**
- `trg_states_updated_at` - keeps the time

**RLS Policies:**
- `states_owner_select` - Users can SELECT their own
- `states_owner_all` - Users have full access

### TaskStatus
- `QUEUED`: waits
- `FAILED`: did not work
"""

SQL = """
### posts

```sql
CREATE TYPE kind AS ENUM ('blog', 'social');
CREATE TABLE posts (
    id SERIAL PRIMARY KEY,
    user_id UUID REFERENCES users(id) ON DELETE CASCADE,
    slug VARCHAR(50) UNIQUE NOT NULL,
    -- how it goes
    state TEXT DEFAULT 'active' CHECK (state IN ('active', 'removed')),
    cost DECIMAL(10,6),
    meta JSONB DEFAULT '{}'::jsonb,
    created_at TIMESTAMPTZ DEFAULT NOW()
);
CREATE INDEX idx_posts_created ON posts(user_id, created_at DESC) WHERE cost IS NOT NULL;
```

**State values**:
- `active`: seen
- `removed`: gone

```sql
CREATE UNIQUE CONSTRAINT uq_posts_cost ON posts(cost);
ALTER TABLE posts ADD COLUMN note TEXT, ADD COLUMN slug VARCHAR(50);
CREATE EXTENSION IF NOT EXISTS "uuid-ossp";
CREATE OR REPLACE FUNCTION touch()
RETURNS TRIGGER AS $
BEGIN
    NEW.updated_at = NOW();
    RETURN NEW;
END;
$ language 'plpgsql';
CREATE TRIGGER touch_posts BEFORE UPDATE ON posts FOR EACH ROW EXECUTE FUNCTION touch();
ALTER TABLE posts ENABLE ROW LEVEL SECURITY;
CREATE POLICY posts_mine ON posts FOR ALL USING (user_id = current_setting('app.user_id')::uuid);
INSERT INTO posts_archive SELECT * FROM posts WHERE state = 'removed';
```
"""


def test_a_grid_says_columns_keys_and_references() -> None:
    table = documents.read("one", GRID).tables["platform_states"]
    assert list(table.columns.values()) == [
        Column(name="id", type="uuid", nullable=False, default="gen_random_uuid()"),
        Column(name="workflow_id", type="uuid", nullable=False),
        Column(name="owner", type="integer", nullable=False),
        Column(name="project_id", type="uuid", nullable=False),
        Column(name="score", type="integer", nullable=False, default="0"),
        Column(name="tags", type="jsonb", nullable=False, default="{}"),
        Column(name="seen", type="datetime", nullable=True),
        Column(name="state", type="enum task_status", nullable=True, default="queued", values=("queued", "failed")),
    ]
    assert table.foreign_keys == (
        ForeignKey(columns=("workflow_id",), table="workflows", referenced=("id",)),
        ForeignKey(columns=("owner",), table="users", referenced=("id",)),
        ForeignKey(columns=("project_id",), table="projects", referenced=("id",), on_delete="cascade"),
    )
    assert table.checks == (Check(name=None, columns=("score",), literals=("0", "100"), text="score 0-100"),)


def test_lists_below_a_grid_say_indexes_triggers_and_policies() -> None:
    found = documents.read("one", GRID)
    table = found.tables["platform_states"]
    assert table.indexes == (
        Index(name=None, columns=("id",), unique=True, primary=True),
        Index(name=None, columns=("owner",)),
        Index(name="idx_state_project", columns=("project_id",)),
        Index(name=None, columns=("owner", "seen DESC")),
        Index(name="uq_state", columns=("workflow_id", "project_id"), unique=True),
    )
    assert table.triggers == (Trigger(name="trg_states_updated_at", function=None),)
    assert table.policies == (
        Policy(name="states_owner_select", command="select"),
        Policy(name="states_owner_all", command="all"),
    )
    assert table.row_security
    assert found.enums == {"task_status": ("queued", "failed")}


def test_sql_says_the_same_things() -> None:
    found = documents.read("two", SQL)
    table = found.tables["posts"]
    assert list(table.columns.values()) == [
        Column(name="id", type="serial", nullable=False),
        Column(name="user_id", type="uuid", nullable=True),
        Column(name="slug", type="varchar(50)", nullable=False),
        Column(name="state", type="text", nullable=True, default="active", values=("active", "removed")),
        Column(name="cost", type="numeric(10,6)", nullable=True),
        Column(name="meta", type="jsonb", nullable=True, default="{}"),
        Column(name="created_at", type="timestamptz", nullable=True, default="now()"),
        Column(name="note", type="text", nullable=True),
    ]
    assert table.indexes == (
        Index(name=None, columns=("id",), unique=True, primary=True),
        Index(name=None, columns=("slug",), unique=True),
        Index(name="idx_posts_created", columns=("user_id", "created_at DESC"), where="cost is not null"),
        Index(name="uq_posts_cost", columns=("cost",), unique=True),
    )
    assert table.foreign_keys == (
        ForeignKey(columns=("user_id",), table="users", referenced=("id",), on_delete="cascade"),
    )
    assert table.checks[0].literals == ("active", "removed")
    assert table.triggers == (Trigger(name="touch_posts", function="touch"),)
    assert table.policies == (Policy(name="posts_mine", command="all"),)
    assert table.row_security
    assert found.enums == {"kind": ("blog", "social")}
    assert found.functions == ("touch",)
    assert found.extensions == ("uuid-ossp",)


def test_an_archive_has_the_columns_of_what_it_archives() -> None:
    tables = documents.read("two", SQL).tables
    archive = tables["posts_archive"]
    assert [(c.name, c.type) for c in archive.columns.values()] == [
        (c.name, c.type) for c in tables["posts"].columns.values()
    ]
    assert {(column.nullable, column.default) for column in archive.columns.values()} == {(None, None)}


def test_a_list_that_means_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no index is meant by 'the fast one'"):
        documents.read("one", GRID.replace("- Primary key on `id`", "- the fast one"))


def test_the_committed_expectation_is_that_of_the_documents() -> None:
    expectation = committed.load(committed.EXPECTATION)
    assert sum(len(schema.tables) for schema in expectation.schemas.values()) == 33
    if DOCUMENTS.is_dir():
        assert documents.read_all(DOCUMENTS) == expectation, "run `python -m deploy.schema expect`"
