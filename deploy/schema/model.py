"""Tables as documented and as they are: the same words for both, so that they can be compared.

Types are PostgreSQL's names in their short forms (`varchar(50)`, `timestamptz`); what only a document knows (`serial`,
`datetime`, `enum`) stays as it stands there. Index columns may carry ` DESC`.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Column(_Part):
    """`nullable`: None where a document leaves it open. `values`: what a document says may stand here."""

    name: str
    type: str
    nullable: bool | None = None
    default: str | None = None
    generated: bool = False
    values: tuple[str, ...] = ()


class Index(_Part):
    """`name`: None where a document names none. `primary`: the primary key's own."""

    name: str | None
    columns: tuple[str, ...]
    unique: bool = False
    primary: bool = False
    where: str | None = None
    valid: bool = True


class ForeignKey(_Part):
    columns: tuple[str, ...]
    table: str
    referenced: tuple[str, ...]
    on_delete: str = "no action"


class Check(_Part):
    """`literals`: the texts and numbers in it; `text`: the condition as it stands, for people."""

    name: str | None
    columns: tuple[str, ...]
    literals: tuple[str, ...]
    text: str


class Trigger(_Part):
    name: str
    function: str | None
    enabled: bool = True


class Policy(_Part):
    """`command`: all, select, insert, update or delete."""

    name: str
    command: str


class Table(_Part):
    """A table, or a view: then `source` is the table behind it and `sources` its columns' columns there."""

    name: str
    columns: dict[str, Column]
    indexes: tuple[Index, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    checks: tuple[Check, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    policies: tuple[Policy, ...] = ()
    row_security: bool = False
    source: str | None = None
    sources: dict[str, str] = {}


class Schema(_Part):
    """One document, or one service's schema. `revision`: of its migrations, newest applied one."""

    name: str
    tables: dict[str, Table]
    enums: dict[str, tuple[str, ...]] = {}
    functions: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()
    revision: str | None = None


class Schemas(_Part):
    """Documents by name, or services' schemas by name. `fingerprint` tells what they were made from."""

    fingerprint: str
    schemas: dict[str, Schema]

    def written(self) -> str:
        """As JSON, without what is empty, the same every time."""
        return self.model_dump_json(indent=1, exclude_defaults=True) + "\n"
