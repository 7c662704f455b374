"""Policies, dates and exceptions: what the reader takes, what it refuses, and that the schema says the same."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_build import group, state

from reconciler.loading.policies import bind, read_policies
from reconciler.loading.policy_structure import POLICIES, is_policies
from reconciler.loading.remote import AddressGroup
from reconciler.loading.structure import is_date, is_exceptions
from reconciler.loading.structure_problems import validator
from reconciler.model.errors import InputError
from reconciler.model.policies import EXCEPTABLE, Policies
from reconciler.model.schema_files import read_schema

SCALARS: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-1, 70_000),
    st.sampled_from(["", "error", "warning", "off", "ingress", "IPv4", "tcp", "any", "47", "1-5", "10.0.0.0/8", "k=v"]),
    st.sampled_from(["2026-01-01", "2026-1-1", "2026-01-01\n", "web", *EXCEPTABLE]),
)
KEYS = st.sampled_from(
    [
        *("level", "ports", "max_ports", "warn_days", "prefixes", "directions", "ipv4", "ipv6", "pattern", "tags"),
        *("protocols", "group", "direction", "description", "remote_ip_prefix", "remote_address_group", "other"),
        *("policy", "reason", "until"),
    ]
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4))
NAMES = st.sampled_from([*POLICIES, "other"])


@given(st.dictionaries(NAMES, VALUES, max_size=3))
@settings(max_examples=600, deadline=None)
def test_the_quick_check_of_policies_agrees_with_the_schema(value: dict[str, Any]) -> None:
    assert is_policies(value) == validator("policies").is_valid(value)


@given(VALUES | st.fixed_dictionaries({"policy": SCALARS, "reason": SCALARS, "until": SCALARS}))
@settings(max_examples=400, deadline=None)
def test_the_quick_checks_beside_rules_agree_with_the_schema(value: Any) -> None:
    assert is_exceptions(value) == validator("policy_exceptions").is_valid(value)
    assert is_date(value) == validator("date").is_valid(value)


def test_every_policy_is_documented_in_the_schema() -> None:
    documented = read_schema("security-groups")["$defs"]["policies"]["properties"]
    assert list(documented) == list(POLICIES)
    assert all(policy["description"] for policy in documented.values())


def test_every_example_of_the_schema_is_taken() -> None:
    definitions = read_schema("security-groups")["$defs"]
    for name, policy in definitions["policies"]["properties"].items():
        for example in policy.get("examples", []):
            assert read_policies({name: example}, "sgctl.toml") != Policies()
    for example in definitions["policies"]["examples"]:
        bind(read_policies(example, "sgctl.toml"), {"office": AddressGroup((("IPv4", "203.0.113.0/24"),))})


@pytest.mark.parametrize(
    ("text", "where", "says"),
    [
        ("policies: {world_open_managment: error}", "3:12", "did you mean `world_open_management`?"),
        ("policies: {mass_delete: {}}", "3:25", "error, warning or off"),
        ("policies: {must_allow: [{direction: ingress}]}", "3:25", "`group` is missing"),
        (
            "policies: {must_allow: [{group: a, direction: ingress, remote_address_group: x}]}",
            "3:78",
            "address group `x`",
        ),
        ('policies: {rule_description: {pattern: "("}}', "3:40", "no regular expression"),
        ("policies: {allowed_prefixes: {prefixes: [10.0.0.1/8]}}", "3:42", "host bits"),
        ("policies: {}\n---\npolicies: {}", "5:1", "policies are in two places"),
        ("security_groups: [{name: web, exception: {policy: must_allow, reason: x}}]", "3:42", "`until` is missing"),
        (
            "security_groups: [{name: web, rules: [{direction: egress, expires: 2026-02-30}]}]",
            "3:68",
            "no day of the calendar",
        ),
    ],
)
def test_what_is_wrong_is_said_where_it_stands(text: str, where: str, says: str) -> None:
    with pytest.raises(InputError) as error:
        state(text)
    (issue,) = error.value.issues
    assert str(issue.place) == f"groups.yaml:{where}"
    assert says in f"{issue.message} {issue.fix}"


def test_dates_and_off_need_no_quotes_but_tags_keep_theirs() -> None:
    policies = "policies: {expires: off}\n"
    state(policies + group("direction: egress, expires: 2026-01-01"))
    with pytest.raises(InputError) as error:
        state(group("direction: egress", "    tags: {expires: 2026-01-01, level: off}\n"))
    assert [issue.fix for issue in error.value.issues] == [
        'write "2026-01-01" for text',
        'write false, or "off" for text',
    ]


def test_a_settings_file_is_refused_with_the_path_of_the_key() -> None:
    with pytest.raises(InputError) as error:
        read_policies({"must_allow": [{"group": "a"}], "max_prefix_size": {"ipv4": 33}}, "sgctl.toml")
    said = [f"{issue.place}: {issue.message}" for issue in error.value.issues]
    assert said == [
        "sgctl.toml:1:1: policies.must_allow[0]: `direction` is missing",
        "sgctl.toml:1:1: policies.max_prefix_size.ipv4: `ipv4` takes a length from 0 to 32, not `33`",
    ]


def test_the_same_keys_mean_the_same_in_both_places() -> None:
    settings = {"max_prefix_size": {"ipv4": 20}, "required_tags": {"tags": {"env": "a|b"}}, "expires": "off"}
    text = f"policies: {json.dumps(settings)}\nsecurity_groups: []\n"
    assert state(text).policies == read_policies(settings, "sgctl.toml")
