"""Values for a part of the published schema: right, or wrong in one part or another."""

from functools import cache
from typing import Any

from hypothesis import strategies as st

from reconciler.model.published import read_schema

DEFINITIONS = read_schema("security-groups")["$defs"]
ID = "00000000-0000-4000-8000-00000000000a"
SCALARS = st.sampled_from([
    None, True, False, -1, 0, 1, 7, 80, 255, 256, 65535, 65536, 80.0, 0.5, "", "a", "ab", "web", "web-", "web\n",
    " web", "tcp", "TCP", "any", "icmpv6", "0", "6", "06", "255", "256", "6\n", "IPv4", "IPv6", "ingress", "egress",
    "off", "80", "80-90", "0-90", "080-90", "80-90\n", "80-", "80-123456", "10.0.0.0/8", "a b", "a=b", "a\tb", "a ",
    "ü", "2026-01-01", "2026-1-1", "2026-01-01\n", ID, ID.upper(), ID + "\n", ID[:-1],
    *("x" * length for length in (63, 64, 255, 256)),
])  # fmt: skip
KEYS = st.sampled_from(["", "a", "a b", "a\n", "web", "level", "tags", "project_id", "x" * 255, "x" * 256])
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=2),
    max_leaves=4,
)
LATIN = st.characters(codec="latin-1")


@cache
def values_of(kind: str) -> st.SearchStrategy[Any]:
    """Make values for a definition: some well-formed, some wrong in a part or two, some anything at all."""
    return _values(DEFINITIONS[kind])


def _values(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    right = _right(schema)
    return st.one_of(*[right] * 15, ANYTHING)


def _right(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Make values that would be right, were it not for their parts and for what a single keyword does not say."""
    if "$ref" in schema:
        target: Any = {"$defs": DEFINITIONS}
        for step in schema["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        return _right(target)
    if "properties" in schema or "additionalProperties" in schema:
        return _mappings(schema)
    if "items" in schema:
        return st.lists(_values(schema["items"]), max_size=3)
    if inside := [schema[key] for key in ("then", "else") if key in schema] + schema.get("anyOf", []):
        return st.one_of(map(_right, inside))
    return _scalars(schema)


def _mappings(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    if "properties" not in schema:
        names = (_right(schema["propertyNames"]) | KEYS).filter(lambda name: isinstance(name, str))
        return st.dictionaries(names, _values(schema["additionalProperties"]), max_size=3)
    parts = {key: _values(part) for key, part in schema["properties"].items()}
    needed = {key: parts.pop(key) for key in schema.get("required", ())}
    keys = st.lists(st.sampled_from([*parts, "unknown", "x-own"]), max_size=3, unique=True)
    some = keys.flatmap(lambda keys: st.fixed_dictionaries({key: parts.get(key, ANYTHING) for key in keys}))
    return st.tuples(st.fixed_dictionaries(needed), some).map(lambda drawn: drawn[0] | drawn[1])


def _scalars(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "pattern" in schema:
        return st.from_regex(schema["pattern"], alphabet=LATIN)
    if "minimum" in schema:
        return st.integers(schema["minimum"] - 1, schema.get("maximum", 9) + 1)
    return SCALARS if "type" in schema else ANYTHING
