"""The documents as schemas: five Markdown files, each with tables as grids or as SQL."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from deploy.schema import prose, words
from deploy.schema.blocks import Code, Grid, Heading, Items, Paragraph, blocks
from deploy.schema.draft import SchemaDraft, TableDraft
from deploy.schema.model import Schema, Schemas
from deploy.schema.sql import read_sql

NAMES = ("morphpost", "mrwa", "repostr", "vedfolnir", "reddit-ghost-publisher")
# In one document lists of a column's values are labelled by what they are.
_VALUES = {("mrwa", "log levels"): "level", ("mrwa", "artifact types"): "type"}
_ROW_SECURITY = re.compile(r"\(RLS\)\*\* enabled on all tables")


def read(name: str, markdown: str) -> Schema:
    """One document. Raises ValueError for a list it cannot make sense of, sqlglot's ParseError for SQL."""
    found = SchemaDraft(name)
    heading, label = "", ""
    table: TableDraft | None = None
    described: TableDraft | None = None  # by SQL, so that the lists below it belong to it
    for block in blocks(markdown):
        match block:
            case Heading():
                heading, label, table = block.text, "", None
                described = found.tables.get(words.table_name(block.text))
            case Paragraph():
                label = block.text
            case Grid() if block.header[:2] == ("Column", "Type"):
                table = prose.read_columns(block, words.table_name(heading), found)
            case Code(language="sql"):
                read_sql(block.text, found)
                described = found.tables.get(words.table_name(heading))
            case Items() if table is not None:
                prose.read_list(label, block, table)
            case Items() if described is not None:
                column = _VALUES.get((name, label.strip("*: ").lower()))
                prose.read_list(f"{column} values" if column else label, block, described)
            case Items() if re.fullmatch(r"[A-Z]\w+(Role|Status)", heading):
                prose.read_enum(heading, block, found)
            case _:
                pass
    if _ROW_SECURITY.search(markdown):
        for draft in found.tables.values():
            draft.row_security = draft.row_security or bool(draft.policies)
    return found.schema()


def fingerprint(folder: Path) -> str:
    """Of the documents' text."""
    digest = hashlib.sha256()
    for name in NAMES:
        digest.update((folder / f"{name}.md").read_bytes())
    return digest.hexdigest()[:16]


def read_all(folder: Path) -> Schemas:
    """The five documents in `folder`. Raises FileNotFoundError when one is missing."""
    schemas = {name: read(name, (folder / f"{name}.md").read_text("utf-8")) for name in NAMES}
    return Schemas(fingerprint=fingerprint(folder), schemas=schemas)
