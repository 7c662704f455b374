"""Whoever takes a suggestion word for word gets a file that is no longer refused for it."""

import re
from pathlib import Path

import pytest
from effort import examples
from hypothesis import example, given, settings
from hypothesis import strategies as st
from problem_cases import CASES, HEAD, issues_of
from texts import load_text

from reconciler.model.errors import InputError, Issue
from reconciler.model.place import FilePlace
from reconciler.reading import load

SUGGESTION = re.compile(
    r"(?:write|did you mean) (.+?)(?: if .*| for .*|,? or .*| without the quotes)?(?:\?(?: Without .*)?)?"
).fullmatch
VALUE = re.compile(r""""[^"]*"|'[^']*'|\[[^\]]*\]|[^,}\]\n:]+(?::[^,}\]\n ]+)*""")
STAR = "quote it if it is text; for every port, leave `ports` out"
ONE_LIKE = "write one like 10.0.0.0/8 or 2001:db8::/32"
IN_WORDS = ("a rule for", "two", "one ", "it", "its value", "project_id into", "region_id into")
"""How a suggestion begins that says in words what to do."""


def taken(text: str, issue: Issue) -> str | None:
    """The text with the suggestion of an issue in place of what it is about; None where a person has to do it."""
    found = SUGGESTION(issue.fix or "")
    if found is None or found[1].startswith(IN_WORDS) or not isinstance(issue.place, FilePlace):
        return None
    lines = text.split("\n")
    line = lines[issue.place.line - 1]
    start = issue.place.column - 1
    old = VALUE.match(line, start)
    assert old, (line, start)
    end = start + len(old[0].rstrip())
    lines[issue.place.line - 1] = line[:start] + found[1].strip("`") + line[end:]
    return "\n".join(lines)


def issues(text: str) -> tuple[Issue, ...]:
    try:
        load_text(text)
    except InputError as error:
        return error.issues
    return ()


def check(text: str) -> None:
    for issue in issues(text):
        changed = taken(text, issue)
        if changed is not None:
            again = [each for each in issues(changed) if (each.place, each.name) == (issue.place, issue.name)]
            assert not again, (changed, issue.fix, again)


WORDS = {
    "direction": ["inbound", "in", "outgoing", "INGRESS", "egres", "both", "-1"],
    "protocol": ["-1", "6", "300", "TCP", "'*'", "all", "icmp6", "tcp/udp", "6.0", "tpc", "'-1'", "ip"],
    "ethertype": ["ipv4", "[ipv4]", "IPv5", "4", "6"],
    "port_range_min": ["-1", "0", "'22'", "22.0", "70000", "'70000'", "'0080'"],
    "icmp_type": ["-1", "'8'", "8.0", "any", "'256'", "300.0"],
    "remote_ip_prefix": ["10.0.0.5/8", "10.0.0.0/255.0.0.0", "any", "'::5/64'", "' 10.0.0.0/8'", "10.1.1.1/08"],
    "remote_ip_prefixes": ["10.0.0.0/8", "'::/0'", "['::5/0']", "[1.2.3.4/8, '::5/64']"],
    "remote_group_id": ["web", "'5'", "5"],
    "description": ["5", "1.10", "on", "010", "2020-01-01", "1_000", "true", "0x10", "22:30"],
}  # fmt: skip
PORTS = st.text("0123456789,:-/ ", max_size=11).map(repr) | st.integers(-2, 70000).map(str) | st.floats(0, 99).map(str)
TAGS = st.text("0123456789._-+:exob", min_size=1, max_size=7) | st.sampled_from(["on", "NO", "True", "~", "=", "<<"])


@pytest.mark.parametrize("key", WORDS)
def test_a_suggestion_for_a_key_of_a_rule_is_right(key: str) -> None:
    for word in WORDS[key]:
        direction = "" if key == "direction" else "direction: ingress, "
        check(f"{HEAD}security_groups: [{{name: web, rules: [{{{direction}{key}: {word}}}]}}]")


@settings(max_examples=examples(300))
@given(PORTS | st.lists(PORTS, min_size=1, max_size=2).map(lambda ports: f"[{', '.join(ports)}]"))
@example("'1/0:2'")
def test_a_suggestion_for_ports_is_right(ports: str) -> None:
    check(f"{HEAD}security_groups: [{{name: web, rules: [{{direction: ingress, protocol: tcp, ports: {ports}}}]}}]")


@settings(max_examples=examples(300))
@given(TAGS)
def test_a_suggestion_for_a_tag_keeps_what_is_written(value: str) -> None:
    text = f"{HEAD}security_groups:\n- name: web\n  tags:\n    version: {value}\n"
    for issue in issues(text):
        assert (issue.replacement or f'"{value}"') == f'"{value}"'
        if issue.replacement:
            [web] = load_text(taken(text, issue) or "").groups
            assert web.tags == {"version": value}


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith(("group: ", "rule: ", "document: "))])
def test_a_suggestion_of_the_golden_file_is_right(tmp_path: Path, name: str) -> None:
    found = issues_of(CASES[name], tmp_path)
    text = (tmp_path / "bad.yaml").read_text() if found and isinstance(found[0].place, FilePlace) else ""
    if len(text) < 5000:
        check(text)


@pytest.mark.parametrize(
    ("written", "fix"),
    [
        pytest.param("protocol: tcp, ports: https", "write 443", id="a-service-for-a-port"),
        pytest.param(
            "protocol: ssh", "this is a service: write tcp or udp, with `ports: 22`", id="a-service-for-a-protocol"
        ),
        pytest.param("protocol: ping", "write icmp", id="ping"),
        pytest.param(
            "protocol: tcp, ports: *", "quote it if it is text; for every port, leave `ports` out", id="a-star"
        ),
        pytest.param("remote_ip_prefix: 0/0", "write 0.0.0.0/0", id="everywhere"),
        pytest.param("remote_ip_prefix: db.example.com", "write its addresses, such as 203.0.113.7", id="a-host"),
        pytest.param("remote_ip_prefix: 10.0.0.1-10.0.0.3", "its prefixes are 10.0.0.1/32, 10.0.0.2/31", id="a-range"),
        pytest.param("remote_ip_prefix: 10.0.0.3-10.0.0.1", ONE_LIKE, id="backwards"),
    ],
)
def test_what_tired_people_write_has_a_way_out(tmp_path: Path, written: str, fix: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(
        "project_id: 1\nregion_id: 7\nsecurity_groups:\n  - name: web\n    rules:\n"
        f"      - {{direction: ingress, {written}}}\n"
    )
    with pytest.raises(InputError) as raised:
        load(str(path))
    assert [issue.fix for issue in raised.value.issues] == [fix]


@pytest.mark.parametrize(
    ("groups", "fix"),
    [
        pytest.param("\n  web: {rules: []}", "write a list: each item begins with `- name:`", id="a-mapping-of-groups"),
        pytest.param(
            "\n  - {name: web, rules: none}",
            "write `rules: []` for no rules, or leave the key out so that rules stay as they are",
            id="none",
        ),
        pytest.param("\n  - name: web\n\trules: []", "use blanks", id="a-tab"),
    ],
)
def test_so_has_what_they_write_around_it(tmp_path: Path, groups: str, fix: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(f"project_id: 1\nregion_id: 7\nsecurity_groups:{groups}\n")
    with pytest.raises(InputError) as raised:
        load(str(path))
    assert [issue.fix for issue in raised.value.issues] == [fix]
