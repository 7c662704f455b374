"""Files that are bad for lint: it compares what can overlap, and says where that is too much."""

import sys
import time

import hostile
import pytest
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.lint import check, fix, mend
from reconciler.lint.check import find_rules
from reconciler.lint.findings import LintFinding
from reconciler.lint.fix import _Mender
from reconciler.lint.redundant import find_redundant
from reconciler.lint.written import read_written
from reconciler.loading.desired import desired_state
from reconciler.loading.document import read_text
from reconciler.loading.head import Defaults
from reconciler.loading.issues import Budget, Issues, Source
from reconciler.loading.rule_sets import read_shared
from reconciler.model.errors import UsageError
from reconciler.traffic import Traffic


def found(text: str) -> list[LintFinding]:
    documents, issues = read_text("groups.yaml", text.encode())
    assert not issues
    return list(find_rules(documents))


@pytest.mark.parametrize(
    "name", ["duplicates", pytest.param("one_group_of_one_rule", marks=pytest.mark.full), "mergeable", "all_to_all"]
)
def test_lint_does_not_take_long(name: str) -> None:
    """Each takes a second at most; duplicates took time with the square of their number."""
    text = hostile.FILES[name](150_000)
    started = time.process_time()
    found(text)
    assert time.process_time() - started < 20


def test_mending_takes_many_documents_of_a_file_in_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """It took time with the square of their number: several seconds for 100,000."""
    documents, _ = read_text("groups.yaml", hostile.groups(1, lambda _: []).encode())
    state, _ = desired_state(documents, Defaults())
    monkeypatch.setattr(sys.modules["reconciler.lint.fix"], "read_shared", lambda *_: read_shared((), Issues()))
    started = time.process_time()
    _Mender(documents * 100_000, state, Defaults(), None, frozenset())
    assert time.process_time() - started < 2


def test_more_values_than_errors_are_shown_are_mended_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """And where a bound ends it, that is said."""
    source = Source("a.yaml", hostile.host_bits(150_000).encode())
    started = time.process_time()
    found = mend.mend([(source, False)], Issues(), Defaults(), None)
    assert time.process_time() - started < 10
    assert len(found.mends) > 1500
    assert (found.left, found.note) == ((), None)
    monkeypatch.setattr(mend, "_MOST_TRIED", 1 << 10)
    stopped = mend.mend([(source, False)], Issues(), Defaults(), None)
    assert (stopped.files, stopped.mends) == ({}, ())
    assert stopped.note is not None
    assert "run it again" in stopped.note


def test_a_rule_that_is_there_again_and_again_is_named_each_time() -> None:
    findings = found(hostile.groups(1, lambda _: [f"{hostile.RULE}}}"] * 4))
    assert [(each.kind, each.place.order[1]) for each in findings] == [("duplicate", line) for line in (9, 8, 7)]
    assert {str(place) for each in findings for place in each.related} == {"groups.yaml:6:9"}


def test_full_groups_are_compared_by_a_handful_of_operations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules that nest and overlap in every group: none has to be looked at together with all others."""
    monkeypatch.setattr(check, "MAX_UNIONS", 100)
    assert len(found(hostile.groups(2, lambda each: [hostile.nested(each, rule) for rule in range(250)]))) > 100


RULES = st.builds(
    "{{direction: {}, protocol: {}, ports: {}, remote_ip_prefix: 10.0.0.{}}}".format,
    st.sampled_from(["ingress", "ingress", "egress"]),
    st.sampled_from(["tcp", "tcp", "udp"]),
    st.sampled_from(["1-9", "1-3", "3-6", "4-9", "2-8", "5"]),
    st.sampled_from(["0/29", "0/30", "4/30", "0/31", "2/31", "7/32"]),
) | st.sampled_from(["{direction: ingress}", "{direction: ingress, remote_ip_prefix: 10.0.0.0/30}"])


@given(st.lists(RULES, max_size=9))
@settings(max_examples=examples(150))
def test_superfluous_is_what_the_algebra_says(rules: list[str]) -> None:
    """One rule after the other, from the last: that which the others left admit goes."""
    text = hostile.groups(1, lambda _: rules)
    documents, _ = read_text("groups.yaml", text.encode())
    (group,) = read_written(documents) if rules else (None,)
    if group is None:
        return
    left = list(group.rules)
    for rule in reversed(group.rules):
        others = Traffic.of(each for other in left if other is not rule for each in other.rules)
        if all(map(others.admits_all, rule.rules)):
            left.remove(rule)
    redundant = list(find_redundant(group, Budget(1000)))
    assert [each.place for each in redundant] == [rule.place for rule in reversed(group.rules) if rule not in left]
    by_place = {rule.place: rule for rule in group.rules}
    for each in redundant:
        named = Traffic.of(rule for place in each.related for rule in by_place[place].rules)
        assert all(map(named.admits_all, by_place[each.place].rules)), "the rules that are named do it alone"


def test_too_many_rules_to_look_at_together_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "MAX_UNIONS", 100)
    rules = [f"{{direction: ingress, protocol: tcp, ports: {10 * each + 1}-{10 * each + 16}}}" for each in range(20)]
    rules += [f"{hostile.RULE}-999, remote_ip_prefix: 10.{each}.0.0/16}}" for each in range(20)]
    with pytest.raises(UsageError, match="takes more than 2,000,000 comparisons to tell") as raised:
        found(hostile.groups(1, lambda _: rules))
    assert raised.value.message.startswith("groups.yaml:")


def test_mending_reads_files_again_only_so_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule whose text cannot be edited costs a pass: hundreds of them were hundreds of passes over every file."""
    monkeypatch.setattr(sys.modules["reconciler.lint.fix"], "MAX_MENDING", 1)
    text = hostile.groups(1, lambda _: [f"{hostile.RULE}}}"] * 4)
    documents, _ = read_text("groups.yaml", text.encode())
    state, _ = desired_state(documents, Defaults())
    fixed = fix(documents, state, Defaults())
    assert not fixed.texts
    assert {each.left for each in fixed.left} == {
        "the files were read again for more than 1 bytes, over the limit of 1: mend fewer files at a time"
    }
