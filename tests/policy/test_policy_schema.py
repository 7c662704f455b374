"""Policies, dates and exceptions: what the reader takes, what it refuses, and that the schema says the same."""

import json
from dataclasses import fields

import pytest
from policy_build import group, state

from reconciler.loading.policies import bind, read_policies
from reconciler.loading.remote import AddressGroup
from reconciler.model.errors import InputError
from reconciler.model.policies import Policies
from reconciler.model.published import read_schema


def test_every_policy_is_documented_in_the_schema() -> None:
    documented = read_schema("security-groups")["$defs"]["policies"]["properties"]
    assert list(documented) == [field.name for field in fields(Policies) if field.name != "source"]
    assert all(policy["description"] for policy in documented.values())


def test_what_may_be_excepted_is_a_policy() -> None:
    """Not what is about a plan, and not `expires`, whose date says all there is to say."""
    definitions = read_schema("security-groups")["$defs"]
    names = definitions["policy_exception"]["properties"]["policy"]["enum"]
    assert set(names) == set(definitions["policies"]["properties"]) - {"mass_delete", "mass_rewrite", "expires"}


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
        ("policies: {mass_delete: eror}", "3:25", "not the text `eror`"),
        ("policies: {must_allow: 5}", "3:24", "`must_allow` takes a list of flows, not `5`"),
        ("policies: {allowed_prefixes: error}", "3:30", "`allowed_prefixes` takes a mapping with its settings"),
        ("policies: {required_tags: {tags: {env: 5}}}", "3:40", "the value of the tag `env` is not text"),
        ("policies: {required_tags: {tags: {env: ''}}}", "3:40", "a regular expression, not an empty text"),
        ("policies: {expires: {level: eror}}", "3:29", "did you mean `error`?"),
        (
            f"policies: {{allowed_prefixes: {{prefixes: [{'10.0.0.0/8, ' * 101}5]}}}}",
            "3:1254",
            "an item of `prefixes` is a prefix, such as 10.0.0.0/8, not `5`",
        ),
        (
            "policies: {must_allow: [{group: a, direction: ingress, description: ''}]}",
            "3:69",
            "takes text, not an empty text",
        ),
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
        'write "2026-01-01"',
        'write "off"',
    ]


def test_a_settings_file_is_refused_with_the_path_of_the_key() -> None:
    with pytest.raises(InputError) as error:
        read_policies({"must_allow": [{"group": "a"}], "max_prefix_size": {"ipv4": 33}}, "sgctl.toml")
    said = [f"{issue.place}: {issue.message}" for issue in error.value.issues]
    assert said == [
        "sgctl.toml:1:1: policies.must_allow[0]: `direction` is missing",
        "sgctl.toml:1:1: policies.max_prefix_size.ipv4: `ipv4` takes a length from 0 to 32, not `33`",
    ]


@pytest.mark.parametrize(
    ("written", "fix"), [("warn", 'write "warning"'), ("fail", 'write "error" if it shall stop a plan')]
)
def test_words_to_write_into_settings_have_the_quotes_of_toml(written: str, fix: str) -> None:
    with pytest.raises(InputError) as error:
        read_policies({"smtp_egress": written}, "sgctl.toml")
    assert [issue.fix for issue in error.value.issues] == [fix]


def test_the_same_keys_mean_the_same_in_both_places() -> None:
    settings = {"max_prefix_size": {"ipv4": 20}, "required_tags": {"tags": {"env": "a|b"}}, "expires": "off"}
    text = f"policies: {json.dumps(settings)}\nsecurity_groups: []\n"
    assert state(text).policies == read_policies(settings, "sgctl.toml")
