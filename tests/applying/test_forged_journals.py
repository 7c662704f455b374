"""A journal proves what its lines prove together: no edit of one makes the way back delete a group that was there."""

import copy
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from build import TARGET, desired_group, live_group, plan_of, tcp, uuid
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from plan_strategies import leaves

from reconciler.api.backend import BACKENDS
from reconciler.api.reader import v1_path
from reconciler.applying import journal_reading
from reconciler.applying.journal import before_line, begin_line, found_line, write_line
from reconciler.applying.journal_reading import Journal
from reconciler.applying.outcome import Write
from reconciler.applying.rollback import plan_way_back, targets_of
from reconciler.model.errors import InputError, PlanFileError
from reconciler.planning import planfile
from reconciler.planning.plan import PlanOptions

LIVE = (
    live_group("web", [tcp(80)], {"sgctl-owner": "us"}, number=11),
    live_group("fresh", [tcp(1)], {"sgctl-owner": "us"}, number=10),
    live_group("late", number=14),
    live_group("victim", [tcp(5, uuid(11))], number=13),
)
AT = datetime(2026, 1, 1, tzinfo=UTC)
NEW, WEB, OLD, VICTIM, FOUND = (uuid(number) for number in range(10, 15))
PLAN = plan_of(
    [
        desired_group("web", [tcp(80)], owner="us"),
        desired_group("fresh", [tcp(1)], owner="us"),
        desired_group("late", []),
    ],
    [live_group("web", [tcp(22)], number=11), live_group("old", [tcp(1)], {"sgctl-owner": "us"}, number=12)],
    owners=["us"],
    prune=True,
)


def real() -> list[dict[str, Any]]:
    """A journal of an apply that created two groups (one of them found), changed one and deleted one."""
    lines = [begin_line(AT, "https://api.gcore.com", "v1")]
    ids = {"fresh": NEW, "late": None, "web": WEB, "old": OLD}
    for change in PLAN.changes:
        name = change.difference.name
        status = None if name == "late" else 200
        lines += [before_line(AT, change)]
        lines += [write_line(Write(AT, change, each, ids[name], status, None, None)) for each in change.requests]
        lines += [found_line(AT, change, FOUND)] if name == "late" else []
    return json.loads(json.dumps(lines))  # type: ignore[no-any-return]  # it is the same list


def text_of(lines: list[Any]) -> str:
    return "".join(json.dumps(line) + "\n" for line in lines)


FRESH_WRITE, LATE_WRITE, LATE_FOUND, WEB_BEFORE, WEB_WRITE, OLD_BEFORE, OLD_WRITE = 2, 4, 5, 6, 7, 8, 9


def web_as_created(lines: list[Any]) -> None:
    lines[FRESH_WRITE].update(group_id=WEB)
    lines.insert(1, lines[WEB_BEFORE])


def created_as_there_before(lines: list[Any]) -> None:
    there = copy.deepcopy(lines[WEB_BEFORE])
    there["group"]["id"] = NEW
    lines.insert(FRESH_WRITE + 1, there)


def lost_rule(lines: list[Any], where: int, refers_to: str, **more: Any) -> None:
    """Let a rule of the group "web" go with another one."""
    rule = {**lines[WEB_BEFORE]["group"]["rules"][0], "remote_group_id": refers_to}
    lines[where]["lost_rules"].append({"group_id": WEB, "group_name": "web", "rule": rule, **more})


FORGERIES: dict[str, tuple[Callable[[list[Any]], Any], str]] = {
    "a-live-group-as-created": (web_as_created, "another group"),
    "a-created-group-as-there-before": (created_as_there_before, "which this apply created"),
    "found-though-nobody-asked": (lambda lines: lines.insert(1, lines[LATE_FOUND]), "nothing before says"),
    "created-though-nobody-asked": (lambda lines: lines.pop(1), "nothing before says"),
    "another-name-in-the-body": (
        lambda lines: lines[FRESH_WRITE]["body"]["security_group"].update(name="victim"),
        "nothing before says",
    ),
    "a-group-that-is-no-id": (lambda lines: lines[FRESH_WRITE].update(group_id="../x"), "not an id"),
    "a-path-of-another-group": (lambda lines: lines[WEB_WRITE].update(path=v1_path(TARGET, VICTIM)), "path"),
    "a-write-to-a-group-nobody-kept": (lambda lines: lines[WEB_WRITE].update(group_id=VICTIM), "no line before tells"),
    "a-deletion-that-was-a-change": (lambda lines: lines[WEB_WRITE].update(method="DELETE"), "was to go"),
    "a-deletion-without-a-group": (lambda lines: lines[OLD_BEFORE].update(group=None), "null"),
    "a-creation-of-what-was-there": (lambda lines: lines[1].update(group=lines[WEB_BEFORE]["group"]), "null"),
    "another-project": (lambda lines: lines[WEB_WRITE].update(project_id=0), "project_id"),
    "a-tag-twice": (
        lambda lines: lines[WEB_BEFORE]["tags"].append(lines[WEB_BEFORE]["tags"][0]),
        "tags has a key twice",
    ),
    "a-lost-rule-of-another-group": (
        lambda lines: lines[OLD_BEFORE]["lost_rules"].append(
            {"group_id": WEB, "group_name": "web", "rule": lines[OLD_BEFORE]["group"]["rules"][0]}
        ),
        "does not go with",
    ),
    "a-lost-rule-of-a-change": (lambda lines: lost_rule(lines, WEB_BEFORE, WEB), "does not go with"),
    "a-lost-rule-of-a-new-group": (lambda lines: lost_rule(lines, 1, NEW), "does not go with"),
    "a-lost-rule-that-says-more": (lambda lines: lost_rule(lines, OLD_BEFORE, OLD, x=1), "has `x`, which is unknown"),
    "a-line-that-says-more": (lambda lines: lines[WEB_WRITE].update(x=1), "has `x`, which is unknown"),
    "a-line-of-no-kind": (lambda lines: lines[WEB_WRITE].pop("kind"), "has no `kind`"),
    "a-line-of-another-kind": (lambda lines: lines[WEB_WRITE].update(kind="note"), "kind is `note`"),
    "a-change-of-what-cannot-change": (lambda lines: lines[WEB_BEFORE]["changed"].append("id"), "which cannot change"),
    "a-group-of-another-name": (
        lambda lines: lines[WEB_BEFORE].update(name="x"),
        "name is `x`, and the group is `web`",
    ),
    "a-status-that-is-none": (lambda lines: lines[WEB_WRITE].update(status=True), "status is `true`, not a status"),
    "an-apply-to-another-api": (
        lambda lines: lines.append({**lines[0], "base_url": "https://api.example.com"}),
        "keep a journal for each API",
    ),
    "another-format": (lambda lines: lines[0].update(format_version=2), "is journal format 2"),
}


def test_a_lost_rule_of_a_deleted_group_is_no_forgery() -> None:
    lines = real()
    lost_rule(lines, OLD_BEFORE, OLD)
    *_, old = journal_reading.loads(text_of(lines), "apply.journal").befores
    assert [each.group_id for each in old.lost_rules] == [WEB]


@pytest.mark.parametrize(("forge", "words"), FORGERIES.values(), ids=FORGERIES)
def test_what_does_not_fit_together_is_refused_with_its_line(forge: Callable[[list[Any]], Any], words: str) -> None:
    lines = real()
    forge(lines)
    with pytest.raises(PlanFileError, match=rf"apply\.journal:[0-9]+:1: .*{words}"):
        journal_reading.loads(text_of(lines), "apply.journal")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        pytest.param("[1]", "this line is no JSON object", id="a list"),
        pytest.param('{"kind"', "this line is not JSON", id="cut short, and no apply follows"),
        pytest.param("[" * 100_000, "this line is not JSON", id="nested without an end"),
    ],
)
def test_a_line_in_between_that_is_none_is_refused(line: str, words: str) -> None:
    whole = text_of(real()).splitlines()
    assert journal_reading.loads("\n".join([*whole[:2], " ", *whole[2:]]), "apply.journal").created
    with pytest.raises(PlanFileError, match=rf"^apply\.journal:3:1: {words}$"):
        journal_reading.loads("\n".join([*whole[:2], line, *whole[2:]]), "apply.journal")


@pytest.mark.parametrize("answer", [{"status": 409}, {"group_id": None}], ids=["refused", "without an id"])
def test_a_creation_that_was_refused_or_names_no_group_proves_nothing(answer: dict[str, Any]) -> None:
    lines = real()
    lines[FRESH_WRITE].update(answer)
    read = journal_reading.loads(text_of(lines), "apply.journal")
    assert dict(read.created) == {(TARGET, FOUND): "late"}


def test_a_later_apply_in_the_same_journal_may_change_what_an_earlier_one_created() -> None:
    """What counts is how it was before the first: not there."""
    lines = real()
    there = copy.deepcopy(lines[WEB_BEFORE])
    there["group"]["id"] = NEW
    read = journal_reading.loads(text_of([*lines, lines[0], there]), "apply.journal")
    assert read == journal_reading.loads(text_of(lines), "apply.journal")


def test_a_real_journal_proves_what_happened() -> None:
    read = journal_reading.loads(text_of(real()), "apply.journal")
    assert dict(read.created) == {(TARGET, NEW): "fresh", (TARGET, FOUND): "late"}
    assert read.deleted == {(TARGET, OLD)}
    assert [before.name for before in read.befores] == ["fresh", "late", "web", "old"]


JUNK = st.sampled_from(
    [None, True, 0, -1, 10**400, 1.5, "", "x", "POST", "\ud800", NEW, WEB, OLD, VICTIM, [], {}, [[]]]
)


def check_way_back(read: Journal) -> None:
    """Whatever a journal says, the plan of the way back can be saved and is read as it was; or a name is taken."""
    live = {target: LIVE if target == TARGET else () for target in targets_of(read)}
    with suppress(InputError):
        plan, _ = plan_way_back(read, live, {}, PlanOptions(), BACKENDS["v1"], created_at="2026-01-02T03:04:05Z")
        assert planfile.loads(planfile.dumps(plan), "back.json", BACKENDS) == plan


@settings(max_examples=examples(400), deadline=None)
@given(st.data())
def test_whatever_is_edited_only_ids_that_nobody_had_before_count_as_created(data: st.DataObject) -> None:
    lines = real()
    for _ in range(data.draw(st.integers(1, 3))):
        *way, key = data.draw(st.sampled_from([place for place in leaves(lines) if place]))
        parent: Any = lines
        for step in way:
            parent = parent[step]
        if data.draw(st.booleans()):
            parent[key] = copy.deepcopy(data.draw(JUNK))
        elif data.draw(st.booleans()):
            del parent[key]
        elif isinstance(parent, list):
            parent.insert(data.draw(st.integers(0, len(parent))), copy.deepcopy(parent[key]))
    try:
        read = journal_reading.loads(text_of(lines), "apply.journal")
    except PlanFileError as error:
        told = str(error)
    else:
        told = "apply.journal"
        applies = sum(isinstance(line, dict) and line.get("kind") == "apply" for line in lines)
        assert applies > 1 or not {group_id for _, group_id in read.created} & {WEB, OLD}
        assert {group_id for _, group_id in read.deleted} <= {OLD, WEB}
        check_way_back(read)
    assert "apply.journal" in told
