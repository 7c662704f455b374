"""The cloud's default egress set is imported as one line where all of it is live, and not where any rule is missing."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strange_states import differing, import_all, live_state, load_text, uuid

from reconciler.model.egress import DEFAULT_EGRESS_RULES
from reconciler.model.rule import Rule

PRESET = "      - preset: default-egress\n"
INDICES = st.integers(0, len(DEFAULT_EGRESS_RULES) - 1)
OTHERS = [
    Rule("egress", "IPv4"),
    Rule("egress", "IPv4", "tcp", 25, 25),
    Rule("egress", "IPv4", "tcp", 1, 24, "10.0.0.0/8"),
    Rule("ingress", "IPv6", "gre"),
    Rule("ingress", "IPv4", "tcp", 1, 24),
]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("import") / "groups.yaml"


def answer(rules: list[Rule], descriptions: dict[int, str] | None = None) -> dict[str, Any]:
    texts = descriptions or {}
    answers = [
        {"id": uuid(100 + number), **rule._asdict(), "description": texts.get(number, "")}
        for number, rule in enumerate(rules)
    ]
    return {"id": uuid(1), "name": "web", "tags_v2": [], "security_group_rules": answers}


@settings(max_examples=30)
@given(st.permutations(DEFAULT_EGRESS_RULES), st.lists(st.sampled_from(OTHERS), unique=True))
def test_the_whole_set_is_one_line_and_plans_empty(file: Path, preset: list[Rule], others: list[Rule]) -> None:
    live = live_state([answer([*others, *preset])])
    text = import_all(live).files[0].text
    assert text.count(PRESET) == 1
    state = load_text(file, text)
    assert differing(state, live) == []
    assert {rule.rule for rule in state.groups[0].rules or ()} == {*preset, *others}
    if not others:
        assert text.endswith("    rules:\n" + PRESET)


@settings(max_examples=39)
@given(INDICES)
def test_without_any_one_of_its_rules_there_is_no_preset(file: Path, missing: int) -> None:
    live = live_state([answer([rule for index, rule in enumerate(DEFAULT_EGRESS_RULES) if index != missing])])
    text = import_all(live).files[0].text
    assert "preset" not in text
    assert differing(load_text(file, text), live) == []


@settings(max_examples=39)
@given(INDICES)
def test_a_rule_with_a_description_is_none_of_the_preset(file: Path, index: int) -> None:
    live = live_state([answer(list(DEFAULT_EGRESS_RULES), {index: "ours"})])
    text = import_all(live).files[0].text
    assert "preset" not in text
    assert differing(load_text(file, text), live) == []
