"""Files of a stranger: none makes loading take for ever, and what is too much says so."""

import time
from pathlib import Path

import hostile
import pytest

from reconciler.loading import desired, document, load, policies
from reconciler.loading.bulk import read as bulk
from reconciler.loading.head import Defaults
from reconciler.loading.issues import Budget
from reconciler.loading.load import load as load_files
from reconciler.model.errors import InputError


def problems(text: str, tmp_path: Path) -> list[str]:
    path = tmp_path / "groups.yaml"
    path.write_text(text, encoding="utf-8")
    try:
        load_files([str(path)], Defaults())
    except InputError as error:
        return [issue.message for issue in error.issues]
    return []


SLOW = {"unknown_sets", "alias_bomb", "rules_at_fault"}
"""What takes more than a second."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.full) if name in SLOW else name for name in hostile.FILES]
)
def test_no_file_takes_long(name: str, tmp_path: Path) -> None:
    """Each takes a fraction of a second; the bound is for a machine that is slow and busy."""
    text = hostile.FILES[name](30_000)
    started = time.process_time()
    problems(text, tmp_path)
    assert time.process_time() - started < 10


def test_a_budget_is_spent_by_what_exceeds_it() -> None:
    budget = Budget(3)
    assert budget.take(3)
    assert not budget.is_spent
    assert not budget.take(1)
    assert budget.is_spent


ADDRESS_GROUPS = f"address_groups:\n{hostile.address_group(200)}"
EXPANDED = (
    "up to the end of this document the files come to more than 500 rules and prefixes when expanded, repetitions "
    "included, over the limit"
)


@pytest.mark.parametrize(
    "body",
    [
        hostile.groups(6, lambda _: ["{direction: ingress, remote_address_group: a}"]),
        hostile.groups(1, lambda _: ["{direction: ingress, remote_address_group: [a]}"] * 6),
        hostile.groups(6, lambda _: ["{direction: ingress, ethertype: IPv6, remote_address_group: a}"]),
        hostile.groups(6, lambda _: ["{direction: ingress, direktion: 1, remote_address_group: a}"]),
    ],
    ids=["in many groups", "in one group", "of the wrong family", "in malformed rules"],
)
def test_address_groups_in_too_many_rules_are_refused(
    body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desired, "MAX_EXPANSIONS", 500)
    assert problems(ADDRESS_GROUPS + body, tmp_path).count(EXPANDED) == 1


def test_the_groups_of_all_documents_are_counted_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desired, "MAX_GROUPS", 3)
    text = "".join(
        f"---\nproject_id: {each}\nregion_id: 7\nsecurity_groups: [{{name: web, rules: []}}]\n" for each in range(1, 6)
    )
    (message,) = problems(text, tmp_path)
    assert (
        message == "up to the end of this document the files come to more than 3 groups in all targets, over the limit"
    )


def test_the_rules_of_all_targets_are_counted_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desired, "MAX_ALL_RULES", 3)
    rule = "{direction: ingress, protocol: tcp, ports: [1, 3]}"
    text = hostile.groups(1, lambda _: [rule]).replace(
        "project_id: 1\nregion_id: 7", "targets: [{project_id: 1, region_id: 7}, {project_id: 2, region_id: 7}]"
    )
    (message,) = problems(text, tmp_path)
    assert (
        message == "up to the end of this document the files come to more than 3 rules in all targets, over the limit"
    )


def test_a_document_is_read_up_to_where_it_asks_for_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is behind it is not looked at, lest a few megabytes come to millions of rules."""
    monkeypatch.setattr(desired, "MAX_ALL_RULES", 3)
    read: list[int] = []
    read_group = desired.read_group
    monkeypatch.setattr(desired, "read_group", lambda *args: (read.append(args[1]), read_group(*args))[1])
    text = hostile.groups(9, lambda _: ["{direction: ingress, protocol: tcp, ports: [1, 3]}"])
    assert [each.partition(" the files")[2] for each in problems(text, tmp_path)] == [
        " come to more than 3 rules in all targets, over the limit"
    ]
    assert read == [0, 1]


def test_flows_that_name_too_much_together_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policies, "MAX_EXPANSIONS", 500)
    flow = "{group: web, direction: ingress, remote_address_group: a}"
    text = ADDRESS_GROUPS + "policies:\n  must_allow: [%s, %s]\n  must_deny: [%s, %s]\n" % ((flow,) * 4)
    assert problems(text, tmp_path) == ["up to this one the flows come to more than 500 prefixes, over the limit"]


def test_the_aliases_of_all_documents_are_counted_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "MAX_EXPANDED", 100)
    text = "---\nx: &x [1, 2, 3, 4, 5]\ny: [*x, *x, *x, *x]\n"
    assert not [each for each in problems(text, tmp_path) if "aliases" in each]
    assert [each for each in problems(text * 5, tmp_path) if "the aliases of all files expand" in each]


def test_a_document_without_aliases_costs_nothing_of_what_they_may() -> None:
    source = document.Source("a.yaml", b"x: 1\ny: {a: '*&'}\n")
    assert len(document.parse(source, document.Issues(), Budget(0))) == 1


@pytest.mark.full
def test_large_input_is_held_to_the_same_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is too much for the fast path is judged once more by the other."""
    text = hostile.full_groups(1_200_000)
    path = tmp_path / "groups.yaml"
    path.write_text(text, encoding="utf-8")
    files = ((str(path), text.encode()),)
    assert bulk.read_bulk(files, Defaults(), None, 1) is not None
    monkeypatch.setattr(bulk, "MAX_ALL_RULES", 1000)
    assert bulk.read_bulk(files, Defaults(), None, 1) is None
    monkeypatch.setattr(bulk, "MAX_ALL_RULES", 1_000_000)
    monkeypatch.setattr(bulk, "MAX_EXPANSIONS", 1000)
    assert bulk.read_bulk(files, Defaults(), None, 1) is None
