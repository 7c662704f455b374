"""Whatever softens the judge, or leaves less looked after, changes a line; what a plan shows changes none."""

from dataclasses import fields

import pytest
from texts import load_text

from reconciler.model.policies import Limits, Policies
from reconciler.render.oversight import render_oversight

BASE = """\
targets: [{project_id: 1, region_id: 7}, {project_id: 2, region_id: 7}]
owner: net
address_groups: {office: [192.0.2.0/24]}
policies:
  world_open_management: error
  required_tags: {tags: {env: prod|test}}
  forbidden_protocols: {protocols: [any, gre]}
  must_deny: [{group: "db*", direction: ingress, protocol: tcp, ports: 22, remote_address_group: office}]
security_groups:
  - name: web
    tags: {env: prod}
    ignore_rules: [{description: "k8s-*"}]
    exception: {policy: must_deny, reason: agreed, until: 2030-01-01}
    rules:
      - {direction: ingress, protocol: tcp, ports: 443, expires: 2030-01-01}
      - direction: ingress
        protocol: tcp
        ports: 22
        exception: {policy: world_open_management, reason: agreed, until: 2030-01-01}
"""
SOFTER = {
    "a project that is left out": (", {project_id: 2, region_id: 7}", ""),
    "an owner that is left out": ("owner: net\n", ""),
    "another owner": ("owner: net\n", "owner: other\n"),
    "a lower level": ("world_open_management: error", "world_open_management: warning"),
    "a policy that is left out": ("  world_open_management: error\n", ""),
    "all policies": (BASE[BASE.index("policies:") : BASE.index("security_groups:")], ""),
    "policies under another key": ("policies:", "x-policies:"),
    "fewer tags": ("{env: prod|test}", "{team: .*}"),
    "another pattern": ("prod|test", ".*"),
    "fewer protocols": ("[any, gre]", "[gre]"),
    "a narrower flow": ("ports: 22, remote_address", "ports: 23, remote_address"),
    "another address group": ("office: [192.0.2.0/24]", "office: [192.0.2.0/25]"),
    "a group that is left out": (BASE[BASE.index("  - name: web") :], "  []\n"),
    "another name": ("name: web", "name: webs"),
    "rules that are not managed": (BASE[BASE.index("    rules:") :], ""),
    "tags that are not managed": ("    tags: {env: prod}\n", ""),
    "more that is others'": ('[{description: "k8s-*"}]', '[{description: "k8s-*"}, {description: "late-*"}]'),
    "an exception of a group for longer": (
        "must_deny, reason: agreed, until: 2030",
        "must_deny, reason: agreed, until: 2040",
    ),
    "an exception of a rule for longer": (
        "management, reason: agreed, until: 2030",
        "management, reason: agreed, until: 2040",
    ),
    "a rule for longer": ("expires: 2030", "expires: 2040"),
}
THE_SAME = {
    "a comment": ("owner: net\n", "owner: net  # us\n\n"),
    "another port, which a plan shows": ("ports: 443", "ports: 443, description: web"),
    "a rule more": ("    rules:\n", "    rules:\n      - {direction: egress}\n"),
    "what is the default": ("policies:\n", "policies:\n  mass_delete: error\n"),
}


def lines(text: str) -> list[str]:
    return render_oversight(load_text(text), {"paths": ["groups"]}, Limits()).splitlines()


@pytest.mark.parametrize(("old", "new"), SOFTER.values(), ids=SOFTER)
def test_what_softens_changes_a_line(old: str, new: str) -> None:
    assert BASE.count(old) == 1
    assert lines(BASE.replace(old, new)) != lines(BASE)


@pytest.mark.parametrize(("old", "new"), THE_SAME.values(), ids=THE_SAME)
def test_anything_else_changes_none(old: str, new: str) -> None:
    assert BASE.count(old) == 1
    assert lines(BASE.replace(old, new)) == lines(BASE)


def test_settings_and_limits_are_in_it() -> None:
    state = load_text("project_id: 1\nregion_id: 7\nsecurity_groups: []\n")
    before = render_oversight(state, {}, Limits()).splitlines()
    after = render_oversight(state, {"exclude": ["x\n::error::"], "max_age": "7d"}, Limits(max_deleted_rules=100))
    assert set(after.splitlines()) - set(before) == {
        'setting exclude: ["x\\n::error::"]',
        'setting max_age: "7d"',
        "limit max_deleted_rules: 100",
    }


def test_every_policy_is_in_it() -> None:
    text = BASE.replace(
        "  must_deny:", "  must_allow: [{group: web, direction: ingress, protocol: tcp, ports: 443}]\n  must_deny:"
    )
    names = {line.split()[1].partition(".")[0].rstrip(":") for line in lines(text) if line.startswith("policy ")}
    assert names == {each.name for each in fields(Policies)} - {"source"} | {"address"}


def test_a_tag_that_has_to_be_its_own_name_is_not_one_with_any_value() -> None:
    assert lines(BASE.replace("{env: prod|test}", "{env: env}")) != lines(BASE.replace("{env: prod|test}", "[env]"))
