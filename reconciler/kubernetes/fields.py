"""The fields of resources: those of the desired-state file in camelCase, as the published JSON Schema has them. Pure.

Which keys are fields, and which are a user's own (tags, for one), only the schema knows; nothing here lists fields.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from reconciler.model.published import read_schema

Schema = Mapping[str, Any]


@cache
def definitions() -> Mapping[str, Schema]:
    """Return the definitions of the desired-state file's schema, by name."""
    found: Mapping[str, Schema] = read_schema("security-groups")["$defs"]
    return found


def follow(schema: Schema) -> Schema:
    """Return a schema with its `$ref` put in its place; what stands beside the reference counts more."""
    while "$ref" in schema:
        step: Any = {"$defs": definitions()}
        for part in schema["$ref"].removeprefix("#/").split("/"):
            step = step[part]
        schema = {**step, **{key: value for key, value in schema.items() if key != "$ref"}}
    return schema


def alternatives(schema: Schema) -> tuple[Schema, ...]:
    """Return the schemas of which a value fits one: itself, or all that its `anyOf` or `if` leads to."""
    schema = follow(schema)
    if "type" in schema or not schema.keys() & {"anyOf", "then"}:
        return (schema,)
    parts = schema.get("anyOf") or (schema["then"], schema["else"])
    return tuple(leaf for part in parts for leaf in alternatives(part))


def camel(name: str) -> str:
    """Spell a field of the file as a resource does.

    >>> camel("remote_ip_prefix")
    'remoteIpPrefix'
    """
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def to_file(value: Any, kind: str) -> Any:
    """Spell data of a resource as the file does; `kind` names the definition that it is meant to fit.

    >>> to_file({"rules": [{"remoteIpPrefix": "10.0.0.0/8"}], "tags": {"costCenter": "7"}}, "security_group")
    {'rules': [{'remote_ip_prefix': '10.0.0.0/8'}], 'tags': {'costCenter': '7'}}
    """
    return _spell(value, (definitions()[kind],), lambda name: (camel(name), name))


def to_resource(value: Any, kind: str) -> Any:
    """Spell data of a file as a resource does: the opposite of `to_file`."""
    return _spell(value, (definitions()[kind],), lambda name: (name, camel(name)))


def _spell(value: Any, schemas: Sequence[Schema], spelling: Callable[[str], tuple[str, str]]) -> Any:
    fitting = [leaf for schema in schemas for leaf in alternatives(schema)]
    if isinstance(value, list):
        items = [schema["items"] for schema in fitting if "items" in schema]
        return [_spell(item, items, spelling) for item in value]
    if not isinstance(value, dict):
        return value
    known: dict[str, tuple[str, list[Schema]]] = {}
    for schema in fitting:
        for name, part in schema.get("properties", {}).items():
            given, wanted = spelling(name)
            known.setdefault(given, (wanted, []))[1].append(part)
    others = [each for schema in fitting if isinstance(each := schema.get("additionalProperties"), dict)]
    spelled = {}
    for key, part in value.items():
        name, parts = known.get(key, (key, others))
        spelled[name] = _spell(part, parts, spelling)
    return spelled


@cache
def _names() -> frozenset[str]:
    return frozenset(name for name in _properties(definitions()) if "_" in name)


def _properties(schema: Any) -> Iterator[str]:
    """List the names of all fields that are anywhere in a schema."""
    parts = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    if isinstance(schema, dict) and isinstance(schema.get("properties"), dict):
        yield from schema["properties"]
    for part in parts:
        yield from _properties(part)


_WORD = re.compile(r"[a-z]+_[a-z_]+")


def in_resource_words(text: str) -> str:
    """Write a message about a file as one about a resource: the fields in camelCase.

    >>> in_resource_words("did you mean `remote_ip_prefix`?")
    'did you mean `remoteIpPrefix`?'
    """
    return _WORD.sub(lambda found: camel(found[0]) if found[0] in _names() else found[0], text)
