"""Whether a changed schema may keep its version number.

A version is a promise in both directions: today's readers read what was stored before, and yesterday's readers, still
running while a new release rolls out, read what is written now. So a version may gain a field that has a default, and
its words may be improved. Everything else is a break, and needs the next version with an upcaster.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Schema = dict[str, Any]

_WORDS = {"$defs", "$id", "$schema", "deprecated", "description", "examples", "title"}
_STRUCTURE = {"additionalProperties", "anyOf", "const", "default", "enum", "items", "oneOf", "prefixItems"}
_STRUCTURE |= {"format", "properties", "required", "type"}


def breaks(old: Schema, new: Schema) -> list[str]:
    """What the new schema breaks, one sentence each; empty when it may keep the version of the old one."""
    return list(dict.fromkeys(_Comparison(old, new, set()).at(old, new, "")))


@dataclass(frozen=True, slots=True)
class _Comparison:
    old_root: Schema
    new_root: Schema
    seen: set[tuple[str, str]]  # pairs of references already compared, so that a recursive schema ends

    def at(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        pair = (old.get("$ref", ""), new.get("$ref", ""))
        if pair in self.seen:
            return
        if all(pair):
            self.seen.add(pair)
        if "default" in old and "default" in new and old["default"] != new["default"]:
            yield _say(path, f"its default was {old['default']!r} and is {new['default']!r}: old events change meaning")
        before, after = _kinds(old, self.old_root), _kinds(new, self.new_root)
        for kind in sorted(before.keys() - after.keys()):
            yield _say(path, f"no longer takes {kind}: stored events do not fit")
        for kind in sorted(after.keys() - before.keys()):
            yield _say(path, f"now takes {kind}: readers of this version do not expect it")
        for kind in sorted(before.keys() & after.keys()):
            yield from self._same_kind(before[kind], after[kind], path)

    def _same_kind(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        yield from _values(old, new, path)
        for word in sorted((old.keys() | new.keys()) - _WORDS - _STRUCTURE - {"$ref"}):
            if old.get(word) != new.get(word):
                yield _say(path, f"its {word} was {old.get(word)} and is {new.get(word)}")
        yield from self._fields(old, new, path)
        for word, step in (("items", "[]"), ("additionalProperties", "{}")):
            before, after = _schema(old.get(word)), _schema(new.get(word))
            if before or after:
                yield from self.at(before, after, path + step)
        places, now = old.get("prefixItems", []), new.get("prefixItems", [])
        if len(places) != len(now):
            yield _say(path, f"had {len(places)} fixed places and has {len(now)}")
        for index, (first, second) in enumerate(zip(places, now, strict=False)):
            yield from self.at(first, second, f"{path}[{index}]")

    def _fields(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        before, after = old.get("properties", {}), new.get("properties", {})
        needed_before, needed_after = set(old.get("required", [])), set(new.get("required", []))
        for name in before:
            where = f"{path}.{name}" if path else name
            if name not in after:
                yield _say(where, "was removed")
                continue
            if name in needed_after - needed_before:
                yield _say(where, "became required: stored events may lack it")
            if name in needed_before - needed_after:
                yield _say(where, "became optional: readers of this version require it")
            yield from self.at(before[name], after[name], where)
        for name in after:
            if name not in before and name in needed_after:
                yield _say(f"{path}.{name}" if path else name, "is new and required: stored events lack it")


def _values(old: Schema, new: Schema, path: str) -> Iterator[str]:
    before, after = _enumerated(old), _enumerated(new)
    if before is None and after is None:
        return
    if before is None or after is None:
        yield _say(path, "was free and is enumerated" if before is None else "was enumerated and is free")
        return
    if lost := sorted(map(repr, before - after)):
        yield _say(path, f"no longer takes {', '.join(lost)}: stored events do not fit")
    if gained := sorted(map(repr, after - before)):
        yield _say(path, f"now takes {', '.join(gained)}: readers of this version do not expect it")


def _enumerated(schema: Schema) -> set[Any] | None:
    if "const" in schema:
        return {schema["const"]}
    return set(schema["enum"]) if "enum" in schema else None


def _kinds(schema: Schema, root: Schema) -> dict[str, Schema]:
    """The alternatives a value may take, by a name for each: `string`, `string (uuid)`, `null`, `anything`."""
    found: dict[str, Schema] = {}
    for option in _options(schema, root):
        kind = str(option.get("type", "anything"))
        if "format" in option:
            kind += f" ({option['format']})"
        number = sum(1 for name in found if name.partition(" #")[0] == kind)
        found[f"{kind} #{number + 1}" if number else kind] = option
    return found


def _options(schema: Schema, root: Schema) -> Iterator[Schema]:
    if "$ref" in schema:
        target: Any = root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        yield from _options(target, root)
    elif alternatives := schema.get("anyOf") or schema.get("oneOf"):
        for alternative in alternatives:
            yield from _options(alternative, root)
    elif isinstance(schema.get("type"), list):
        for kind in schema["type"]:
            yield schema | {"type": kind}
    else:
        yield schema


def _schema(found: Any) -> Schema:
    """`items` and `additionalProperties` may be left out or true (anything), or false (nothing)."""
    if found is False:
        return {"type": "nothing"}
    return found if isinstance(found, dict) else {}


def _say(path: str, what: str) -> str:
    return f"{path or 'the event'} {what}"
