"""The quick checks, the reader and the published JSON Schema accept the same."""

import json
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
from effort import examples
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from schema_values import ANYTHING, DEFINITIONS, values_of

from reconciler.loading import structure_problems
from reconciler.loading.desired import desired_state
from reconciler.loading.document import Document, parse
from reconciler.loading.head import Defaults
from reconciler.loading.issues import Issues, Problem, Source
from reconciler.loading.structure import Check, is_well_formed
from reconciler.loading.structure_problems import validator
from reconciler.model.canonical import PUBLISHED_PROTOCOLS
from reconciler.model.published import read_schema

CLASSES = (type(None), bool, int, float, str, list, dict)
KINDS = st.sampled_from(sorted(DEFINITIONS))
DOCUMENTS = values_of("document")


def schemas(schema: Any) -> Iterator[dict[str, Any]]:
    """A schema and all schemas in it."""
    yield schema
    for keyword, value in schema.items():
        if keyword in {"$defs", "properties"}:
            inside = list(value.values())
        elif keyword in {"anyOf", "allOf", "oneOf"}:
            inside = value
        else:
            inside = (
                [value]
                if keyword in {"if", "then", "else", "not", "items", "propertyNames", "additionalProperties"}
                else []
            )
        for inner in inside:
            if isinstance(inner, dict):
                yield from schemas(inner)


def test_every_keyword_of_the_schema_is_compiled() -> None:
    root = read_schema("security-groups")
    for schema in [inner for definition in DEFINITIONS.values() for inner in schemas(definition)]:
        for cls in CLASSES:
            Check(schema, root)[cls]


def test_a_keyword_that_is_not_known_is_no_yes() -> None:
    with pytest.raises(NotImplementedError, match="uniqueItems"):
        Check({"type": "array", "uniqueItems": True}, {})([])


@settings(max_examples=examples(1000))
@given(KINDS.flatmap(lambda kind: st.tuples(st.just(kind), values_of(kind))))
def test_the_check_says_what_jsonschema_says(drawn: tuple[str, Any]) -> None:
    kind, value = drawn
    assert is_well_formed(kind, value) == validator(kind).is_valid(value)


@pytest.mark.parametrize("kind", sorted(DEFINITIONS))
def test_there_are_right_and_wrong_values_of_every_kind(kind: str) -> None:
    """Else the test above would compare nothing."""
    quick = settings(phases=[Phase.generate], max_examples=5000)
    for verdict in (True, False):
        find(values_of(kind), lambda value, verdict=verdict: is_well_formed(kind, value) == verdict, settings=quick)


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        pytest.param("port", 80, 80.0, id="a-fraction-is-no-integer"),
        pytest.param("port", 1, True, id="true-is-no-integer"),
        pytest.param("port_range", "80-90", "80-90\n", id="a-pattern-ends-where-the-text-ends"),
        pytest.param("tag_value", "x" * 255, "x" * 256, id="the-limit-itself-is-allowed"),
        pytest.param("ethertype", "IPv4", ["IPv4"], id="a-word-is-no-list"),
    ],
)
def test_both_are_strict(kind: str, right: Any, wrong: Any) -> None:
    for accepts in (lambda value: is_well_formed(kind, value), validator(kind).is_valid):
        assert accepts(right)
        assert not accepts(wrong)


def read(value: Any) -> list[Document]:
    issues = Issues()
    documents = parse(Source("a.yaml", json.dumps(value).encode()), issues)
    assert not len(issues)
    return documents


def malformed_fragments(documents: list[Document]) -> list[str]:
    """Run the reader and list what it hands to the schema for wording."""
    kinds = []

    def explain(kind: str, _value: Any) -> tuple[list[Problem], int]:
        kinds.append(kind)
        return [], 0

    with patch.object(structure_problems, "explain", explain):
        desired_state(documents, Defaults(1, 7))
    return kinds


@settings(max_examples=examples(400))
@given(DOCUMENTS)
def test_the_reader_and_the_schema_agree(value: Any) -> None:
    """The reader finds a malformed fragment exactly when the schema refuses the document."""
    documents = read(value)
    accepted = validator("document").is_valid(value)
    assert (malformed_fragments(documents) == []) == accepted


@settings(max_examples=examples(400))
@given(DOCUMENTS)
def test_what_is_malformed_is_said(value: Any) -> None:
    """Whatever the schema refuses makes an issue, each with a place and no more words than fit."""
    documents = read(value)
    _, issues = desired_state(documents, Defaults(1, 7))
    if not validator("document").is_valid(value):
        assert issues
    for issue in issues:
        assert 0 < len(issue.message) < 300
        assert "malformed" not in issue.message
        assert issue.message.isprintable()


@given(ANYTHING)
def test_yaml_reads_json_as_json(value: Any) -> None:
    """JSON is YAML: what a machine writes is read as it was meant."""
    assert [document.value for document in read(value)] == [value]


def test_every_key_of_the_schema_has_a_title_and_a_description() -> None:
    """Editors show them; a key without says nothing."""
    for kind in ("document", "security_group", "rule", "target"):
        for key, part in DEFINITIONS[kind]["properties"].items():
            target = DEFINITIONS[part["$ref"].rpartition("/")[2]] if "$ref" in part else {}
            assert {"title", "description"} <= {*part, *target}, f"{kind}.{key}"


def test_the_protocols_of_the_schema_are_those_of_the_api() -> None:
    """And two spellings of our own: every protocol, and ipv6-icmp."""
    words, _number = DEFINITIONS["protocol"]["anyOf"]
    assert set(words["enum"]) == PUBLISHED_PROTOCOLS | {"any", "icmpv6"}
