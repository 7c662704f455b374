"""`lint --fix` never changes traffic, loses no comment, and has nothing left to do the second time."""

from __future__ import annotations

import re

import pytest
from effort import examples
from hypothesis import given, settings
from lint_files import DEFAULTS, files, files_with_set, load

from reconciler.lint import Kind, fix, lint
from reconciler.lint.prove import same_sets
from reconciler.lint.text import Text
from reconciler.loading.issues import Issues
from reconciler.loading.rule_sets import read_shared
from reconciler.planning.group_view import desired_view
from reconciler.render.lint import render_lint
from reconciler.traffic import Traffic

FIXABLE = {Kind.DUPLICATE, Kind.SHADOWED, Kind.MERGEABLE}


def mend(data: bytes) -> bytes:
    fixed = fix(*load(data), DEFAULTS)
    return fixed.texts.get("f.yaml", data)


def traffic(data: bytes) -> dict[str, Traffic]:
    side = desired_view(load(data)[1])
    return {group.name: Traffic.of(rule.rule for rule in group.rules or ()) for group in side.groups}


def comments(data: bytes) -> list[str]:
    """All comments of the generated files: nothing else in them has this sign."""
    return sorted(comment.strip() for comment in re.findall(r"#[^\r\n]*", data.decode()))


@given(files())
@settings(max_examples=examples(250))
def test_mending_keeps_traffic_and_comments_and_is_done_at_once(data: bytes) -> None:
    mended = mend(data)
    assert traffic(mended) == traffic(data)
    assert comments(mended) == comments(data)
    assert mend(mended) == mended
    assert mended.startswith(b"\xef\xbb\xbf") == data.startswith(b"\xef\xbb\xbf")
    assert (b"\r\n" in mended) == (b"\r\n" in data)
    assert len(re.findall(rb"(?<!\r)\n", mended)) == 0 or b"\r\n" not in data, "line breaks stay as they are"


@given(files())
@settings(max_examples=examples(150))
def test_whatever_lint_calls_fixable_is_mended(data: bytes) -> None:
    """What is left has a reason, and is of a kind that only its author can decide."""
    fixed = fix(*load(data), DEFAULTS)
    assert all(finding.left and finding.kind not in FIXABLE for finding in fixed.left), fixed.left
    assert bool(fixed.texts) == any(finding.remedy for finding in lint(*load(data)))


@given(files())
@settings(max_examples=examples(100))
def test_lines_that_no_finding_is_about_stay_byte_for_byte(data: bytes) -> None:
    mended = mend(data)
    head = data.split(b"security_groups:")[0]
    assert mended.startswith(head)
    if not any(finding.remedy for finding in lint(*load(data))):
        assert mended == data


@given(files_with_set())
@settings(max_examples=examples(100))
def test_rule_sets_are_mended_where_they_stand_and_uses_stay(data: bytes) -> None:
    """The loop proves that traffic stays; what is left is a use, which is kept as a whole, or no rule."""
    fixed = fix(*load(data), DEFAULTS)
    mended = fixed.texts.get("f.yaml", data)
    assert mend(mended) == mended
    assert mended.count(b"use: set") == data.count(b"use: set")
    assert all("use" in finding.left or finding.kind not in FIXABLE for finding in fixed.left), fixed.left


def test_a_set_is_left_where_a_group_that_uses_it_would_break_and_another_is_not() -> None:
    """Two sets with the same rules: merged, one would give a group a rule twice, with a date and without."""
    rules = "[{direction: ingress, protocol: tcp, ports: 80}, {direction: ingress, protocol: tcp, ports: 81}]"
    own = "{direction: ingress, protocol: tcp, ports: 80-81, expires: 2030-01-01}"
    groups = (
        f"security_groups:\n  - {{name: web, rules: [{{use: a}}, {own}]}}\n  - {{name: app, rules: [{{use: b}}]}}\n"
    )
    fixed = fix(*load(f"rule_sets:\n  a: {rules}\n  b: {rules}\n{groups}".encode()), DEFAULTS)
    merged = "[{direction: ingress, protocol: tcp, ports: 80-81}]"
    assert fixed.texts["f.yaml"].decode() == f"rule_sets:\n  a: {rules}\n  b: {merged}\n{groups}"
    assert [each.rule_set for each in fixed.mended] == ["b"]
    assert ("a", "the loader would refuse the result") in [(each.rule_set, each.left) for each in fixed.left]
    assert "(rule set a) [mergeable]" in render_lint(fixed.left, fixed.mended, fixing=True)


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ("a: [{direction: ingress, protocol: tcp, ports: 80-81, remote_group: web}]", ""),
        ("a: [{direction: ingress, protocol: tcp, ports: 80-82, remote_group: web}]", "the traffic of a rule set"),
        ("a: [{direction: ingress, protocol: tcp, ports: 80-81, remote_group: app}]", "the traffic of a rule set"),
        ("b: [{direction: ingress, protocol: tcp, ports: 80-81, remote_group: web}]", "the traffic of a rule set"),
    ],
)
def test_a_rule_set_that_no_group_uses_is_proven_too(after: str, said: str) -> None:
    before = "a: [{direction: ingress, protocol: tcp, ports: [80, 81], remote_group: web}]"
    sets = [read_shared(load(f"rule_sets: {{{text}}}".encode())[0], Issues()).rule_sets for text in (before, after)]
    assert same_sets(*sets).startswith(said)
    assert bool(same_sets(*sets)) == bool(said)


BEFORE_AND_AFTER = {
    "ports become a list": (
        (
            "- {direction: ingress, protocol: tcp, ports: 80} # plain\n"
            "- {direction: ingress, protocol: tcp, ports: 443} # tls\n"
        ),
        "- {direction: ingress, protocol: tcp, ports: [80, 443]} # plain\n# tls\n",
    ),
    "adjacent ports become a range": (
        (
            "- direction: ingress\n  protocol: tcp\n  port_range_min: 80 # from\n  port_range_max: 81 # to\n"
            "- {direction: ingress, protocol: tcp, ports: [82, 90]}\n"
        ),
        "- direction: ingress\n  protocol: tcp\n  ports: [80-82, 90] # from\n  # to\n",
    ),
    "adjacent prefixes become one": (
        (
            "- {direction: egress, remote_ip_prefix: 10.0.0.0/25}\n# own\n"
            "- {direction: egress, remote_ip_prefix: 10.0.0.128/25}\n"
        ),
        "- {direction: egress, remote_ip_prefix: 10.0.0.0/24}\n# own\n",
    ),
    "twins of a family": (
        "- direction: egress # out\n- direction: egress\n  ethertype: IPv6\n",
        "- direction: egress # out\n  ethertype: [IPv4, IPv6]\n",
    ),
    "twins by their prefix": (
        (
            "- {direction: ingress, protocol: tcp, ports: 80, remote_ip_prefix: 0.0.0.0/0}\n"
            '- {direction: ingress, protocol: tcp, ports: 80, remote_ip_prefix: "::/0"}\n'
        ),
        '- {direction: ingress, protocol: tcp, ports: 80, remote_ip_prefixes: [0.0.0.0/0, "::/0"]}\n',
    ),
    "shadowed by two together": (
        (
            "- {direction: ingress, protocol: tcp, ports: 1-100, description: a}\n"
            "- {direction: ingress, protocol: tcp, ports: 50-150, description: b} # gone\n"
            "- {direction: ingress, protocol: tcp, ports: 101-200, description: c}\n"
        ),
        (
            "- {direction: ingress, protocol: tcp, ports: 1-100, description: a}\n# gone\n"
            "- {direction: ingress, protocol: tcp, ports: 101-200, description: c}\n"
        ),
    ),
    "all at once, in one line": (
        "- {direction: egress}\n- {direction: egress, protocol: tcp}\n- {direction: egress}\n",
        "- {direction: egress}\n",
    ),
}


@pytest.mark.parametrize(("before", "after"), BEFORE_AND_AFTER.values(), ids=BEFORE_AND_AFTER.keys())
def test_before_and_after(before: str, after: str) -> None:
    head = "security_groups:\n- name: web\n  rules:\n"
    rules, wanted = ("".join(f"  {line}\n" for line in text.splitlines()) for text in (before, after))
    assert mend((head + rules).encode()).decode() == head + wanted


LEFT_ALONE = {
    "two descriptions are two rules": "- {direction: ingress, protocol: tcp, ports: 80, description: a}\n"
    "- {direction: ingress, protocol: tcp, ports: 443, description: b}\n",
    "two /1 are not every remote": "- {direction: egress, remote_ip_prefixes: [0.0.0.0/1, 128.0.0.0/1]}\n",
    "nor is a /1 with two /2": "- {direction: egress, remote_ip_prefixes: [0.0.0.0/2, 64.0.0.0/2, 128.0.0.0/1]}\n",
    "nor is it with one of another rule": (
        "- {direction: egress, remote_ip_prefixes: [0.0.0.0/2, 128.0.0.0/1]}\n"
        "- {direction: egress, remote_ip_prefix: 64.0.0.0/2}\n"
    ),
    "prefixes that touch but make no wider one": "- {direction: egress, remote_ip_prefix: 10.0.0.128/25}\n"
    "- {direction: egress, remote_ip_prefix: 10.0.1.0/25}\n",
    "an end date": "- {direction: ingress, protocol: tcp, ports: 80, expires: '2030-01-01'}\n"
    "- {direction: ingress, protocol: tcp, ports: 443}\n",
    "a temporary rule covers nothing": "- {direction: ingress, expires: '2030-01-01'}\n"
    "- {direction: ingress, protocol: tcp, ports: 22}\n",
    "ICMP of two families": "- {direction: ingress, protocol: icmp}\n"
    "- {direction: ingress, protocol: ipv6-icmp, ethertype: IPv6}\n",
    "types of ICMP are no ports": "- {direction: ingress, protocol: icmp, icmp_type: 8}\n"
    "- {direction: ingress, protocol: icmp, icmp_type: 9}\n",
}


@pytest.mark.parametrize("rules", LEFT_ALONE.values(), ids=LEFT_ALONE.keys())
def test_what_looks_alike_is_not_always(rules: str) -> None:
    text = "security_groups:\n- name: web\n  rules:\n" + "".join(f"  {line}\n" for line in rules.splitlines())
    assert [finding for finding in lint(*load(text.encode())) if finding.kind is not Kind.SMTP_EGRESS] == []


UNFIXABLE = {
    "a comment between dash and rule": "- {direction: egress}\n- # why\n  direction: egress\n",
    "shared by an alias": "- &a {direction: egress}\n- {direction: ingress}\n- *a\n",
    "an end date": "- {direction: ingress}\n- {direction: ingress, protocol: tcp, ports: 22, expires: '2030-01-01'}\n",
}


@pytest.mark.parametrize("rules", UNFIXABLE.values(), ids=UNFIXABLE.keys())
def test_what_cannot_be_mended_safely_is_left_and_says_why(rules: str) -> None:
    text = "security_groups:\n- name: web\n  rules:\n" + "".join(f"  {line}\n" for line in rules.splitlines())
    fixed = fix(*load(text.encode()), DEFAULTS)
    assert fixed.texts == {}
    assert all(finding.left for finding in fixed.left)


def test_a_mending_that_would_lose_a_comment_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Text, "_kept", lambda *_: "")
    text = "security_groups:\n- name: web\n  rules:\n  - {direction: egress}\n  - {direction: egress}  # why\n"
    fixed = fix(*load(text.encode()), DEFAULTS)
    assert fixed.texts == {}
    assert "a comment would be lost" in {finding.left for finding in fixed.left}
