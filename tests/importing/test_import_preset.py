"""The cloud's default egress set is imported as one line where all of it is live, and not where any rule is missing."""

from pathlib import Path
from typing import Any

import pytest
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from strange_states import differing, import_all, live_state, load_text, uuid

from reconciler.model.egress import DEFAULT_EGRESS_RULES
from reconciler.model.rule import Rule

PRESET = "      - preset: default-egress\n"
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


@settings(max_examples=examples(100))
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


@pytest.mark.parametrize("index", range(len(DEFAULT_EGRESS_RULES)))
def test_without_any_one_of_its_rules_or_with_a_description_of_one_there_is_no_preset(file: Path, index: int) -> None:
    less = answer([rule for other, rule in enumerate(DEFAULT_EGRESS_RULES) if other != index])
    for each in (less, answer(list(DEFAULT_EGRESS_RULES), {index: "ours"})):
        live = live_state([each])
        text = import_all(live).files[0].text
        assert "preset" not in text
        assert differing(load_text(file, text), live) == []
