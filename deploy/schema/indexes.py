"""The index or unique constraint that answers a documented one, and how it differs."""

from __future__ import annotations

from collections.abc import Sequence

from deploy.schema.model import Index


def aspect(index: Index) -> str:
    return "primary key" if index.primary else "unique" if index.unique else "index"


def subject(index: Index) -> str:
    """Its name or, where it has none, its columns."""
    return index.name or ", ".join(index.columns)


def text(index: Index | None) -> str:
    """`uq_a_b (a, b DESC) where c is not null`; empty for None."""
    if index is None:
        return ""
    where = f" where {index.where}" if index.where else ""
    name = "" if index.primary or index.name is None else f"{index.name} "
    return f"{name}({', '.join(index.columns)}){where}"


def find(asked: Index, there: Sequence[Index]) -> tuple[Index | None, str]:
    """The best of these for the documented one, and the verdict: `same`; `longer` (more columns behind the documented
    ones); `case blind` (unique in lower case); `under another name`; `unique` (where a plain one is documented);
    `other` (its name on something else); `missing`."""
    if asked.primary:
        found = next((index for index in there if index.primary), None)
        if found is None:
            return None, "missing"
        if found.columns == asked.columns:
            return found, "same"
        return found, "longer" if set(asked.columns) < set(found.columns) else "other"
    candidates = [index for index in there if index.unique or not asked.unique]
    ranked = [(_verdict(asked, index), index) for index in candidates]
    for wanted in (
        "same",
        "unique",
        "longer",
        "case blind",
        "under another name",
        "longer under another name",
        "other",
    ):
        for verdict, index in ranked:
            if verdict == wanted:
                return index, verdict
    return None, "missing"


def _verdict(asked: Index, index: Index) -> str | None:
    named = asked.name in (None, index.name)
    if index.where != asked.where:
        return "other" if asked.name is not None and named else None
    if index.columns == asked.columns:
        if not named:
            return "under another name"
        return "unique" if index.unique and not asked.unique and asked.name is not None else "same"
    if tuple(f"lower({column})" for column in asked.columns) == _bare(index.columns) and named:
        return "case blind"
    if not asked.unique and index.columns[: len(asked.columns)] == asked.columns:
        return "longer" if named else "longer under another name"
    if asked.unique and set(asked.columns) < set(index.columns) and named:
        return "longer"
    return "other" if asked.name is not None and named else None


def _bare(columns: Sequence[str]) -> tuple[str, ...]:
    """Expressions as they are stored, without the casts PostgreSQL adds: `lower((email)::text)` → `lower(email)`."""
    return tuple(column.replace("((", "(").replace(")::text)", ")") for column in columns)
