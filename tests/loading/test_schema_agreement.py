"""The quick reader and the published JSON Schema accept the same documents."""

import json
from typing import Any
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.loading import structure_problems
from reconciler.loading.desired import desired_state
from reconciler.loading.document import Document, parse
from reconciler.loading.head import Defaults
from reconciler.loading.issues import Issues, Problem, Source
from reconciler.model.schema_files import read_schema

ID = "00000000-0000-4000-8000-00000000000a"
DEFINITIONS = read_schema("security-groups")["$defs"]
SCALARS = st.sampled_from([
    None, True, False, -1, 0, 1, 7, 80, 255, 256, 65535, 65536, 80.0, 0.5, "", "a", "ab", "web", "web-", "web\n",
    " web",
       "tcp", "TCP", "any", "icmpv6", "0", "6", "06", "255", "256", "6\n", "IPv4", "IPv6", "ingress", "egress", "off",
    "80", "80-90", "0-90", "080-90", "80-90\n", "80-", "80-123456", "10.0.0.0/8", "a b", "a=b", "a\tb", "a ", "ü",
    ID, ID.upper(), ID + "\n", ID[:-1], "x" * 63, "x" * 64, "x" * 255, "x" * 256,
])  # fmt: skip
KEYS = st.sampled_from(["", "a", "a b", "a\n", "web", "project_id", "region_id", "x" * 255, "x" * 256])
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=2),
    max_leaves=4,
)


def near(good: dict[str, Any], kind: str) -> st.SearchStrategy[Any]:
    """Take a good fragment and put anything behind any of its keys, or leave some out; seldom something else."""
    keys = st.sampled_from([*DEFINITIONS[kind]["properties"], "unknown"])
    changes = st.dictionaries(keys, ANYTHING, max_size=2)
    left_out = st.sets(st.sampled_from(list(good)), max_size=1)
    changed = st.tuples(changes, left_out).map(
        lambda drawn: {key: value for key, value in {**good, **drawn[0]}.items() if key not in drawn[1]}
    )
    return st.one_of(changed, changed, changed, ANYTHING)


RULES = near({"direction": "ingress", "protocol": "tcp", "ports": [80, "90-99"]}, "rule")
GROUPS = st.tuples(near({"name": "web"}, "security_group"), st.lists(RULES, max_size=3)).map(
    lambda drawn: {**drawn[0], "rules": drawn[1]} if isinstance(drawn[0], dict) and drawn[1] else drawn[0]
)
DOCUMENTS = st.tuples(
    near({"project_id": 1, "region_id": 7, "address_groups": {"a": ["10.0.0.0/8"]}, "security_groups": []}, "document"),
    st.lists(GROUPS, max_size=3),
).map(lambda drawn: {**drawn[0], "security_groups": drawn[1]} if isinstance(drawn[0], dict) and drawn[1] else drawn[0])


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


@settings(max_examples=400, deadline=None)
@given(DOCUMENTS)
def test_the_reader_and_the_schema_agree(value: Any) -> None:
    """The reader finds a malformed fragment exactly when the schema refuses the document."""
    documents = read(value)
    accepted = structure_problems.validator("document").is_valid(value)
    assert (malformed_fragments(documents) == []) == accepted


@settings(max_examples=400, deadline=None)
@given(DOCUMENTS)
def test_what_is_malformed_is_said(value: Any) -> None:
    """Whatever the schema refuses makes an issue, each with a place and no more words than fit."""
    documents = read(value)
    _, issues = desired_state(documents, Defaults(1, 7))
    if not structure_problems.validator("document").is_valid(value):
        assert issues
    for issue in issues:
        assert 0 < len(issue.message) < 300
        assert "malformed" not in issue.message
        assert issue.message.isprintable()


@settings(deadline=None)
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
