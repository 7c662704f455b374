"""An import of whatever is live loads, plans empty and says what it leaves out."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
import yaml
from effort import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strange_states import AWKWARD, IMPOSSIBLE, api_states, differing, import_all, live_state, load_text, uuid

from reconciler.importing.writable import own_rules
from reconciler.model.rule import Rule

SLOW = settings(max_examples=examples(150), suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("import") / "groups.yaml"


@SLOW
@given(
    answers=api_states(),
    address_groups=st.booleans(),
    factor=st.booleans(),
    ignored=st.sampled_from([(), (), ("*",), ("?*", "[a-z]*")]),
)
def test_the_import_of_any_live_state_plans_empty(
    file: Path, *, answers: list[dict[str, Any]], address_groups: bool, factor: bool, ignored: tuple[str, ...]
) -> None:
    """Also where some of the rules, or all, are left to others."""
    live = live_state(answers)
    result = import_all(live, address_groups=address_groups, factor=factor, ignored=ignored)
    state = load_text(file, result.files[0].text)
    assert differing(state, live) == []
    left_out = [note for note in result.notes if ") left out: " in note]
    assert len(state.groups) + len(left_out) == len(answers), "every group is written or named in a note"
    without_rules = [group for group in state.groups if group.rules is None]
    noted = [note for note in result.notes if ": rules left out" in note]
    assert len(without_rules) == len(noted), "rules are written or named in a note"


@SLOW
@given(answers=api_states())
def test_the_import_does_not_depend_on_the_order_of_the_answers(answers: list[dict[str, Any]]) -> None:
    turned = [group | {"security_group_rules": group["security_group_rules"][::-1]} for group in reversed(answers)]
    for address_groups in (False, True):
        first, second = (import_all(live_state(each), address_groups=address_groups) for each in (answers, turned))
        # Which of several tags of one key counts is the cloud's order; the comments about rules name the first one.
        strip = [line for line in first.files[0].text.splitlines() if " # " not in line]
        assert strip == [line for line in second.files[0].text.splitlines() if " # " not in line]


@SLOW
@given(answers=api_states())
def test_every_rule_and_its_description_come_back_and_no_other(file: Path, answers: list[dict[str, Any]]) -> None:
    live = live_state(answers)
    state = load_text(file, import_all(live).files[0].text)
    (groups,) = live.values()
    by_id = {group.id: group for group in groups}
    ids = {group.name: group.id for group in groups}
    for group in state.groups:
        if group.rules is None:
            continue
        written: dict[Rule, str] = {}
        for rule in group.rules:
            remote = ids[rule.remote_group] if rule.remote_group else rule.rule.remote_group_id
            written[rule.rule._replace(remote_group_id=remote)] = rule.description
        assert written == own_rules(by_id[group.id or ids[group.name]])


@pytest.mark.parametrize("text", AWKWARD, ids=lambda text: ascii(text)[:40])
def test_text_that_yaml_could_misread_comes_back_as_it_was(file: Path, text: str) -> None:
    rule = {"id": uuid(99), "direction": "ingress", "description": text}
    answer = {
        "id": uuid(1),
        "name": text[:255],
        "description": text,
        "tags_v2": [{"key": "key", "value": text}, {"key": "cloud", "value": text, "read_only": True}],
        "security_group_rules": [rule],
    }
    live = live_state([answer])
    written = import_all(live).files[0].text
    (group,) = load_text(file, written).groups
    assert (group.name, group.description or "") == (text[:255], text)
    assert group.rules is not None
    assert [rule.description for rule in group.rules] == [text]
    if group.tags is not None:
        assert dict(group.tags) == {"key": text}
    for loader in (yaml.SafeLoader, yaml.CSafeLoader):
        (plain,) = yaml.load(written, Loader=loader)["security_groups"]
        assert (plain["name"], plain.get("description", "")) == (text[:255], text), "other readers agree"
        assert plain["rules"][0].get("description", "") == text


@pytest.mark.parametrize("oddity", IMPOSSIBLE, ids=lambda oddity: ascii(oddity)[:60])
def test_a_rule_that_no_file_can_hold_leaves_the_rules_alone_and_says_so(file: Path, oddity: dict[str, Any]) -> None:
    rule = {"id": uuid(99), "direction": "ingress", "ethertype": "IPv4", "protocol": None, "description": "fine"}
    odd = rule | {"id": uuid(98), "direction": "egress"} | oddity
    answer = {"id": uuid(1), "name": "web", "tags_v2": [], "security_group_rules": [rule, odd]}
    live = live_state([answer])
    result = import_all(live)
    (group,) = load_text(file, result.files[0].text).groups
    assert group.rules is None
    assert "# rules left out, and so left alone: " in result.files[0].text
    assert len(result.notes) == 1
    assert "group web: rules left out" in result.notes[0]


def test_of_descriptions_of_one_meaning_one_that_can_be_written_counts(file: Path) -> None:
    for texts in permutations(("", "fine", "x" * 256)):
        rules = [
            {"id": uuid(90 + number), "direction": "ingress", "description": text} for number, text in enumerate(texts)
        ]
        live = live_state([{"id": uuid(1), "name": "web", "tags_v2": [], "security_group_rules": rules}])
        (group,) = load_text(file, import_all(live).files[0].text).groups
        assert [rule.description for rule in group.rules or ()] == ["fine"]


def test_more_rules_than_a_file_may_give_a_group_are_left_alone(file: Path) -> None:
    rules = [
        {"id": uuid(port), "direction": "ingress", "protocol": "tcp", "port_range_min": port, "port_range_max": port}
        for port in range(1, 252)
    ]
    live = live_state([{"id": uuid(1), "name": "web", "tags_v2": [], "security_group_rules": rules}])
    result = import_all(live)
    assert load_text(file, result.files[0].text).groups[0].rules is None
    assert "251, over the limit of 250" in result.notes[0]
