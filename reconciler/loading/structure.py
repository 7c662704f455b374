"""Which fragments are well-formed: told by the published JSON Schema, quick enough to ask of every rule of a fleet.

The schema is compiled to closures. What is wrong with a malformed fragment is for jsonschema to find
(`structure_problems`), which takes a hundred times as long, and longer to import than a small file takes to validate.

Why own code, and not a library. Measured on 50,000 rules: fastjsonschema takes twice as long as this; jsonschema-rs a
third, but three quarters of `import click` to import. Both take 80.0 for an integer, as JSON Schema does and we do not.
"""

import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from functools import cache, reduce
from math import inf
from typing import Any

from reconciler.model.published import read_schema

Predicate = Callable[[Any], object]
"""Says yes or no, by the truth of what it returns, to values of one class."""

_TYPES: Mapping[type, frozenset[str]] = {
    type(None): frozenset({"null"}),
    bool: frozenset({"boolean"}),
    int: frozenset({"integer", "number"}),
    float: frozenset({"number"}),
    str: frozenset({"string"}),
    list: frozenset({"array"}),
    dict: frozenset({"object"}),
}
_KEYWORDS = frozenset({
    "$ref", "type", "enum", "not", "anyOf", "if", "then", "else", "minimum", "maximum", "minLength", "maxLength",
    "pattern", "minItems", "items", "required", "minProperties", "propertyNames", "properties", "patternProperties",
    "additionalProperties",
    "title", "description", "examples", "default", "deprecated",
})  # fmt: skip


def is_well_formed(kind: str, value: Any) -> bool:
    """Judge a fragment by the definition of that name, one of the schema's `$defs`."""
    return bool(check_of(kind)(value))


def well_formed_part(kind: str, value: Any) -> dict[str, Any]:
    """Take the keys of a malformed mapping that are right by themselves, so that more of it can be judged at once."""
    if value.__class__ is not dict:
        return {}
    return {key: value[key] for key, check in check_of(kind).properties().items() if key in value and check(value[key])}


@cache
def check_of(kind: str) -> "Check":
    """Return the check of one of the schema's `$defs`."""
    return Check({"$ref": f"#/$defs/{kind}"}, read_schema("security-groups"))


@cache
def nullable_keys(kind: str) -> frozenset[str]:
    """Return the keys of one of the schema's `$defs` whose value may be null."""
    root = read_schema("security-groups")
    properties: dict[str, Any] = root["$defs"][kind]["properties"]
    return frozenset(key for key, part in properties.items() if Check(part, root)(None))


def matcher(pattern: str) -> Callable[[str], object]:
    """Compile a pattern of the schema. Its `$` is the end of a text; Python's matches before a last line break, too."""
    return re.compile(re.sub(r"\$\Z", r"\\Z", pattern)).search


class Check(dict[type, Predicate]):
    """A schema, compiled: what to ask of a value of each class. A class is compiled when its first value comes.

    Call it with a value, or look up the value's class and call what is there. Raises `NotImplementedError` for a schema
    with a keyword that is not known here.
    """

    def __init__(self, schema: Mapping[str, Any], root: Mapping[str, Any]) -> None:
        super().__init__()
        self._schema = schema
        self._root = root

    def __call__(self, value: Any) -> object:
        """Judge a value."""
        return self[value.__class__](value)

    def __missing__(self, cls: type) -> Predicate:
        if unknown := self._schema.keys() - _KEYWORDS:
            raise NotImplementedError(f"the schema has keywords that no check is compiled from: {sorted(unknown)}")
        self[cls] = predicate = _all([*self._asked_of_all(cls), *self._asked_of(cls)])
        return predicate

    def inside(self, keyword: str) -> "Check | None":
        """Return the check that stands behind a keyword, such as `items`, here or in what this schema is one of."""
        found = (schema[keyword] for schema in self._alternatives(self._schema) if keyword in schema)
        return next(map(self._at, found), None)

    def properties(self) -> dict[str, "Check"]:
        """Return the checks of the keys that are named here or in what this schema is one of."""
        found: dict[str, Check] = {}
        for schema in self._alternatives(self._schema):
            for key, part in schema.get("properties", {}).items():
                found.setdefault(key, self._at(part))
        return found

    def patterns(self) -> list[tuple[Callable[[str], object], "Check"]]:
        """Return what tells whether a pattern of keys is met, and the check of what is there; of this schema alone."""
        target = self._target(self._schema["$ref"]) if "$ref" in self._schema else self._schema
        return [(matcher(name), self._at(part)) for name, part in target.get("patternProperties", {}).items()]

    def _alternatives(self, schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        yield schema
        inside = [self._target(schema["$ref"])] if "$ref" in schema else []
        inside += [*schema.get("anyOf", ()), *(schema[key] for key in ("then", "else") if key in schema)]
        for inner in inside:
            yield from self._alternatives(inner)

    def _at(self, schema: Any) -> "Check":
        """Compile a schema inside of this one; true and false are schemas, too."""
        return Check(schema if isinstance(schema, Mapping) else {} if schema else {"not": {}}, self._root)

    def _target(self, reference: str) -> Any:
        found: Any = self._root
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]
        return found

    def _asked_of_all(self, cls: type) -> Iterator[Predicate]:
        """Compile the keywords that mean something for values of every class."""
        schema = self._schema
        if "$ref" in schema:
            yield self._at(self._target(schema["$ref"]))[cls]
        if "type" in schema:
            types = {schema["type"]} if isinstance(schema["type"], str) else set(schema["type"])
            yield _never if types.isdisjoint(_TYPES.get(cls, ())) else _always
        if "enum" in schema:
            values = frozenset(value for value in schema["enum"] if value.__class__ is cls)
            yield values.__contains__ if values else _never
        if "anyOf" in schema:
            yield _any([self._at(inner)[cls] for inner in schema["anyOf"]])
        if "not" in schema:
            yield _not(self._at(schema["not"])[cls])
        if "if" in schema:
            condition = self._at(schema["if"])[cls]
            yield _any([_not(condition), self._at(schema.get("then", True))[cls]])
            yield _any([condition, self._at(schema.get("else", True))[cls]])

    def _asked_of(self, cls: type) -> Iterator[Predicate]:
        """Compile the keywords that mean something for values of this class alone."""
        schema = self._schema
        if cls in (int, float) and not schema.keys().isdisjoint({"minimum", "maximum"}):
            least, most = schema.get("minimum", -inf), schema.get("maximum", inf)
            yield lambda value: least <= value <= most
        elif cls is str:
            yield _long(schema.get("minLength", 0), schema.get("maxLength", inf))
            if "pattern" in schema:
                yield matcher(schema["pattern"])
        elif cls is list:
            yield _long(schema.get("minItems", 0))
            if "items" in schema:
                item = self._at(schema["items"])
                yield lambda value: all(map(item, value))
        elif cls is dict:
            yield _long(schema.get("minProperties", 0))
            yield from self._asked_of_mappings()

    def _asked_of_mappings(self) -> Iterator[Predicate]:
        schema = self._schema
        if "propertyNames" in schema:
            name = self._at(schema["propertyNames"])
            yield lambda value: all(map(name, value))
        if not schema.keys().isdisjoint({"required", "properties", "patternProperties", "additionalProperties"}):
            required = schema.get("required", ())
            known = {key: self._at(part) for key, part in schema.get("properties", {}).items()}
            other = self._at(schema.get("additionalProperties", True))

            def entries(value: dict[str, Any]) -> bool:
                for key in required:
                    if key not in value:
                        return False
                for key, part in value.items():  # noqa: SIM110 - `all` takes half as long again
                    if not known.get(key, other)[part.__class__](part):
                        return False
                return True

            yield self._with_patterns(known, entries)

    def _with_patterns(self, known: Container[str], entries: Predicate) -> Predicate:
        """Judge keys by their patterns first: only what no pattern knows is for `entries`, and what has a name."""
        named = self.patterns()

        def by_pattern(value: dict[str, Any]) -> object:
            rest = dict(value)
            for matches, part in named:
                for key in filter(matches, value):
                    if not part(value[key]):
                        return False
                    if key not in known:
                        rest.pop(key, None)
            return entries(rest)

        return by_pattern if named else entries


def _always(_value: Any) -> bool:
    return True


def _never(_value: Any) -> bool:
    return False


def _long(least: int, most: float = inf) -> Predicate:
    if most < inf:
        return lambda value: least <= len(value) <= most
    return (lambda value: len(value) >= least) if least else _always


def _all(predicates: Iterable[Predicate]) -> Predicate:
    distinct = [each for each in predicates if each is not _always]
    if _never in distinct:
        return _never
    return reduce(lambda one, two: lambda value: one(value) and two(value), distinct) if distinct else _always


def _any(predicates: Iterable[Predicate]) -> Predicate:
    distinct = [each for each in predicates if each is not _never]
    if _always in distinct:
        return _always
    return reduce(lambda one, two: lambda value: one(value) or two(value), distinct) if distinct else _never


def _not(predicate: Predicate) -> Predicate:
    if predicate in (_always, _never):
        return _never if predicate is _always else _always
    return lambda value: not predicate(value)
