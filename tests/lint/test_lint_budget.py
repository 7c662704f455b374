"""Files that are bad for lint: it compares what can overlap, and says where that is too much."""

import time

import hostile
import pytest

from reconciler.lint import check
from reconciler.lint.check import find_rules
from reconciler.lint.findings import LintFinding
from reconciler.loading.document import read_text
from reconciler.model.errors import UsageError


def found(text: str) -> list[LintFinding]:
    documents, issues = read_text("groups.yaml", text.encode())
    assert not issues
    return list(find_rules(documents))


@pytest.mark.parametrize("name", ["duplicates", "one_group_of_one_rule", "mergeable", "all_to_all"])
def test_lint_does_not_take_long(name: str) -> None:
    """Each takes a second at most; duplicates took time with the square of their number."""
    text = hostile.FILES[name](150_000)
    started = time.process_time()
    found(text)
    assert time.process_time() - started < 20


def test_a_rule_that_is_there_again_and_again_is_named_each_time() -> None:
    findings = found(hostile.groups(1, lambda _: [f"{hostile.RULE}}}"] * 4))
    assert [(each.kind, each.place.order[1]) for each in findings] == [("duplicate", line) for line in (9, 8, 7)]
    assert {str(place) for each in findings for place in each.related} == {"groups.yaml:6:9"}


def test_rules_apart_are_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "MAX_COMPARISONS", 600)
    rules = [f"{hostile.RULE}, remote_ip_prefix: 10.0.{each}.0/24}}" for each in range(200)]
    assert not [each for each in found(hostile.groups(1, lambda _: rules)) if each.kind == "shadowed"]


def test_too_many_pairs_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "MAX_COMPARISONS", 100)
    rules = [hostile.nested(0, each) for each in range(20)]
    with pytest.raises(UsageError, match="more than 10,000,000 pairs to compare") as raised:
        found(hostile.groups(1, lambda _: rules))
    assert raised.value.message.startswith("groups.yaml:")
