"""A hostile fragment costs little: jsonschema sees the first entries that are wrong, and what is said has its place."""

from typing import Any
from unittest.mock import patch

import pytest
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from schema_values import DEFINITIONS, values_of

from reconciler.loading import reduce as module
from reconciler.loading.reduce import MOST, reduce
from reconciler.loading.structure import is_well_formed
from reconciler.loading.structure_problems import explain, validator

MANY = 5000
FLOW = {"group": "web", "direction": "ingress"}
EXCEPTION = {"policy": "must_allow", "reason": "x", "until": "2030-01-01"}


def entries(value: Any) -> int:
    """Count all that is in a value."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(map(entries, inside))


def within(path: tuple[str | int, ...], value: Any) -> Any:
    """Wrap a value into the mappings and lists that lead to it."""
    for step in reversed(path):
        value = {step: value} if isinstance(step, str) else [value]
    return value


LISTS = {
    "ports": ("rule", ("ports",), 80, 0),
    "ethertypes": ("rule", ("ethertype",), "IPv4", "ipv4"),
    "prefixes": ("rule", ("remote_ip_prefixes",), "::/0", 1),
    "address group names": ("rule", ("remote_address_group",), "office", ""),
    "exceptions of a rule": ("rule", ("exception",), EXCEPTION, 1),
    "exceptions of a group": ("security_group", ("exception",), EXCEPTION, {}),
    "targets": ("document", ("targets",), {"region_id": 7}, {}),
    "an address group": ("address_groups", ("office",), "::/0", 1),
    "flows": ("policies", ("must_allow",), FLOW, {**FLOW, "ports": 0}),
    "ports of a flow": ("policies", ("must_deny", 0, "ports"), 80, 0),
    "prefixes of a policy": ("policies", ("allowed_prefixes", "prefixes"), "::/0", 1),
    "directions of a policy": ("policies", ("max_prefix_size", "directions"), "ingress", "in"),
    "protocols of a policy": ("policies", ("forbidden_protocols", "protocols"), "tcp", "6\n"),
    "keys of required tags": ("policies", ("required_tags", "tags"), "env", "a b"),
}
MAPPINGS = {
    "tags": ("security_group", ("tags",), "prod", 1),
    "required tags": ("policies", ("required_tags", "tags"), "prod", ""),
    "address groups": ("address_groups", (), ["::/0"], []),
}


@pytest.mark.parametrize(("kind", "path", "right", "wrong"), LISTS.values(), ids=LISTS)
def test_a_wrong_item_is_found_behind_many_right_ones(
    kind: str, path: tuple[str | int, ...], right: Any, wrong: Any
) -> None:
    fragment = within(path, [right] * MANY + [wrong])
    assert entries(reduce(kind, fragment).value) < 2 * MOST
    problems, omitted = explain(kind, fragment)
    assert {problem.path[: len(path) + 1] for problem in problems if problem.path} >= {(*path, MANY)}
    assert "malformed" not in problems[0].message
    assert omitted == 0


@pytest.mark.parametrize(("kind", "path", "right", "wrong"), LISTS.values(), ids=LISTS)
def test_of_many_wrong_items_the_first_are_said_and_the_rest_counted(
    kind: str, path: tuple[str | int, ...], right: Any, wrong: Any
) -> None:
    fragment = within(path, [right, *[wrong] * MANY])
    assert entries(reduce(kind, fragment).value) < 6 * MOST
    problems, omitted = explain(kind, fragment)
    places = {problem.path[: len(path) + 1] for problem in problems}
    assert places >= {(*path, index) for index in range(1, MOST + 1)}
    assert omitted == MANY - MOST


@pytest.mark.parametrize(("kind", "path", "right", "wrong"), MAPPINGS.values(), ids=MAPPINGS)
def test_wrong_entries_of_mappings_are_found_and_counted(
    kind: str, path: tuple[str, ...], right: Any, wrong: Any
) -> None:
    good = {f"good{number}": right for number in range(MANY)}
    bad = {f"bad{number}": wrong for number in range(MANY)}
    fragment = within(path, {**good, "bad": wrong})
    assert entries(reduce(kind, fragment).value) < 4 * MOST
    assert (*path, "bad") in [problem.path for problem in explain(kind, fragment)[0]]
    assert explain(kind, within(path, good | bad))[1] == MANY - MOST


@pytest.mark.parametrize("kind", ["document", "security_group", "rule", "policies"])
def test_unknown_keys_are_counted_and_known_ones_stay(kind: str) -> None:
    fragment = {f"key{number}": 1 for number in range(MANY)} | {"direction": "ingress", "name": "web", "policies": {}}
    problems, omitted = explain(kind, fragment)
    known = fragment.keys() & DEFINITIONS[kind]["properties"].keys()
    assert len(problems) == MOST
    assert omitted == len(fragment) - len(known) - MOST


@pytest.mark.parametrize("value", [[[1] * MANY] * MANY, {str(number): [1] * MANY for number in range(MANY)}])
def test_what_stands_where_it_cannot_is_cut(value: Any) -> None:
    for fragment in ({"direction": value}, {"direction": "ingress", "description": value}, value):
        assert entries(reduce("rule", fragment).value) <= 2 * MOST * MOST


@settings(max_examples=examples(500))
@given(st.sampled_from(sorted(DEFINITIONS)).flatmap(lambda kind: st.tuples(st.just(kind), values_of(kind))))
def test_what_is_malformed_stays_malformed(drawn: tuple[str, Any]) -> None:
    """However few entries are kept; and every problem stands where something stands."""
    kind, value = drawn
    if is_well_formed(kind, value):
        return
    with patch.object(module, "MOST", 1):
        reduced = reduce(kind, value)
    errors = list(validator(kind).iter_errors(reduced.value))
    assert errors
    for error in errors:
        found = value
        for step in reduced.original(tuple(error.absolute_path)):
            found = found[step]
