"""Which live group a desired one is, which id a remote group has; and everything that leaves a doubt is an error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from build import OTHER_TARGET, TARGET, desired_group, live_group, live_of, plan_of, rule, state_of, tcp, uuid, wanted
from texts import load_text

from reconciler.model.desired import DesiredGroup, DesiredRule, Target
from reconciler.model.errors import InputError, UsageError
from reconciler.model.live import OWNER_TAG, LiveGroup, Tag
from reconciler.model.place import FilePlace
from reconciler.model.policies import Review
from reconciler.model.problems import ProblemName
from reconciler.planning.diff import Action
from reconciler.planning.resolve import resolve

Groups = Sequence[DesiredGroup]


def to(name: str, line: int = 9, port: int = 80, description: str = "") -> DesiredRule:
    """A rule whose remote is a group by name."""
    return wanted(tcp(port), description, name, line)


def by_id(group_id: str, line: int = 9) -> DesiredRule:
    return wanted(tcp(80, group_id), line=line)


def matched(desired: Groups, live: Sequence[LiveGroup]) -> list[str | None]:
    matches, issues = resolve(state_of(*desired), live_of(*live))
    assert issues == ()
    return [match.live.id if match.live else None for match in matches]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"name": "web"}, uuid(1), id="by-name"),
        pytest.param({"name": "new"}, None, id="to-be-created"),
        pytest.param({"name": "new", "id": uuid(1)}, uuid(1), id="by-id"),
        pytest.param({"name": "new", "previous_name": "web"}, uuid(1), id="by-previous-name"),
        pytest.param({"name": "web", "previous_name": "gone"}, uuid(1), id="renamed-already"),
        pytest.param({"name": "new", "previous_name": "gone"}, None, id="neither-name-is-live"),
        pytest.param({"name": "twin", "id": uuid(4)}, uuid(4), id="one-of-two-by-id"),
        pytest.param({"name": "web", "target": OTHER_TARGET}, uuid(5), id="a-name-means-something-in-its-target"),
    ],
)
def test_a_group_is_found(fields: dict[str, Any], expected: str | None) -> None:
    live = [
        live_group("web", number=1),
        live_group("app", number=2),
        live_group("twin", number=3),
        live_group("twin", number=4),
        live_group("web", number=5, target=OTHER_TARGET),
    ]
    assert matched([desired_group(**fields)], live) == [expected]


@pytest.mark.parametrize(
    ("name", "rules_of", "is_refused"),
    [
        pytest.param("web", uuid(1), False, id="of-this-group"),
        pytest.param("web", uuid(3), False, id="of-one-elsewhere"),
        pytest.param("web", uuid(2), True, id="of-another"),
        pytest.param("new", uuid(2), True, id="of-another-in-a-new-one"),
    ],
)
def test_rules_of_another_live_group_are_refused(name: str, rules_of: str, *, is_refused: bool) -> None:
    """Who takes that key for the remote would open the port to every address."""
    rule = f"{{direction: ingress, security_group_id: {rules_of.upper()}}}"
    text = f"project_id: 1337\nregion_id: 7\nsecurity_groups: [{{name: {name}, rules: [{rule}]}}]"
    _, issues = resolve(load_text(text), live_of(live_group("web"), live_group("app", number=2)))
    assert [each.name for each in issues] == [ProblemName.RULE_OF_ANOTHER_GROUP] * is_refused
    assert all("belong to 'app'" in each.message for each in issues)


def test_a_remote_group_by_name_becomes_an_id_or_a_placeholder() -> None:
    """Of a group that the files name, that the plan creates, that only the cloud knows, and of the group itself."""
    rules = [to("app"), to("new"), to("foreign"), to("web")]
    desired = [desired_group("web", rules), desired_group("app"), desired_group("new")]
    live = [live_group("web", number=1), live_group("app", number=2), live_group("foreign", number=3)]
    matches, issues = resolve(state_of(*desired), live_of(*live))
    assert issues == ()
    ids = [each.rule.remote_group_id for each in matches[0].desired.rules or ()]
    assert ids == [uuid(2), "${security_group:new}", uuid(3), uuid(1)]


def test_a_name_that_two_live_groups_share_is_no_matter_once_a_file_says_which() -> None:
    """The one that the file names by id is meant where the file refers to the name."""
    desired = [desired_group("web", [to("twin")]), desired_group("twin", id=uuid(4))]
    live = [live_group("web", number=1), live_group("twin", number=3), live_group("twin", number=4)]
    matches, _ = resolve(state_of(*desired), live_of(*live))
    assert [each.rule.remote_group_id for each in matches[0].desired.rules or ()] == [uuid(4)]


def test_one_rule_by_name_and_the_same_by_id_are_one() -> None:
    desired = [desired_group("web", [to("app"), by_id(uuid(2))])]
    matches, issues = resolve(state_of(*desired), live_of(live_group("web"), live_group("app", number=2)))
    assert issues == ()
    assert len(matches[0].desired.rules or ()) == 1


WEB, APP = live_group("web", number=1), live_group("app", number=2)
TWINS = [live_group("twin", number=3), live_group("twin", number=4)]
OWNED = live_group("web", tags={OWNER_TAG: "them"})
LOCKED = live_group("web", tags=[Tag("cost", "7", read_only=True)])
FULL = live_group("old", [tcp(80)], {OWNER_TAG: "us"}, number=9)

Case = Callable[[], Any]


@pytest.mark.parametrize(
    ("desired", "live", "options", "place", "words"),
    [
        pytest.param(
            [desired_group("web", previous_name="app")], [WEB, APP], {}, 3, ["both", "previous_name", uuid(1), uuid(2)],
            id="both-names-are-live",
        ),
        pytest.param(
            [desired_group("twin")], TWINS, {}, 3, ["2 live groups", uuid(3), uuid(4), "id:"], id="a-shared-name",
        ),
        pytest.param(
            [desired_group("new", previous_name="twin")], TWINS, {}, 3, ["2 live groups", "'twin'"],
            id="a-shared-previous-name",
        ),
        pytest.param(
            [desired_group("web"), desired_group("www", id=uuid(1), place=FilePlace("b.yaml", 7, 1))], [WEB], {}, 7,
            ["same live group", uuid(1)], id="one-live-group-claimed-twice",
        ),
        pytest.param(
            [desired_group("web", id=uuid(8))], [WEB], {}, 3, ["no group with id", uuid(8), "region 7"], id="no-id",
        ),
        pytest.param(
            [desired_group("web", id=uuid(5))], [live_group("web", number=5, target=OTHER_TARGET)], {}, 3,
            ["no group with id"], id="an-id-of-another-target",
        ),
        pytest.param(
            [desired_group("web", [to("ap")])], [WEB, APP], {}, 9, ["remote group 'ap'", "not live"],
            id="a-remote-group-that-is-not-there",
        ),
        pytest.param(
            [desired_group("web", [to("twin")])], [WEB, *TWINS], {}, 9, ["2 groups", "remote_group_id"],
            id="a-remote-group-of-a-shared-name",
        ),
        pytest.param(
            [desired_group("web", [to("twin")]), desired_group("twin", id=uuid(3)), desired_group("twin", id=uuid(4))],
            [WEB, *TWINS], {}, 9, ["2 groups are named 'twin'", uuid(3), uuid(4), "remote_group_id"],
            id="a-remote-group-that-the-files-name-twice",
        ),
        pytest.param(
            [desired_group("web", [to("app")]), desired_group("api", previous_name="app")], [WEB, APP], {}, 9,
            ["'app' is renamed to 'api'", "write remote_group: api"], id="a-remote-group-by-the-name-it-loses",
        ),
        pytest.param(
            [desired_group("web", [by_id(uuid(8))])], [WEB], {}, 9, ["remote group", uuid(8), "does not exist"],
            id="a-remote-group-id-that-is-not-there",
        ),
        pytest.param(
            [desired_group("web", [to("app", port=1, description="a"), wanted(tcp(1, uuid(2)), "b", line=11)])],
            [WEB, APP], {}, 11, ["stands twice", "different descriptions"], id="one-rule-twice-once-ids-are-known",
        ),
        pytest.param(
            [desired_group("web", [to("app"), replace(by_id(uuid(2), 11), review=Review(date(2030, 1, 1)))])],
            [WEB, APP], {}, 11, ["stands twice", "different dates or exceptions"], id="one-rule-twice-with-two-dates",
        ),
        pytest.param(
            [desired_group("web", [to("10.0.0.1")])], [WEB], {}, 9, ["'10.0.0.1'", "use `remote_ip_prefix`"],
            id="an-address-for-a-remote-group",
        ),
        pytest.param(
            [desired_group("web", [tcp(port) for port in range(1, 251)])],
            [live_group("web", [tcp(1), *(tcp(port) for port in range(1, 250))])], {}, 3,
            ["would hold 251 rules", "one meaning"], id="no-room-beside-live-rules-of-one-meaning",
        ),
        pytest.param(
            [desired_group("web", [to("new")]), desired_group("new")], [WEB], {"groups": ("web",)}, 9,
            ["'new' does not exist yet", "--group new"], id="a-reference-that-group-leaves-out",
        ),
        pytest.param(
            [desired_group("new", None)], [WEB], {}, 3, ["does not exist", "`rules: []`"], id="new-without-rules",
        ),
        pytest.param(
            [desired_group("web", tags={"cost": "8"})], [LOCKED], {}, 3, ["read-only", "'cost'", "'7'"],
            id="a-read-only-tag",
        ),
        pytest.param(
            [desired_group("main", id=uuid(6))], [live_group("default", number=6)], {}, 3,
            ["'default' cannot be renamed"], id="renaming-default",
        ),
        pytest.param(
            [desired_group("app", id=uuid(1))], [WEB, APP], {}, 3, ["cannot rename 'web'", uuid(2)],
            id="the-new-name-is-taken",
        ),
        pytest.param(
            [desired_group("web", owner="us")], [OWNED], {}, 3, ["belongs to 'them'", "--take-over"],
            id="another-owner",
        ),
        pytest.param(
            [desired_group("web", [wanted(rule(protocol="99"), line=9)])], [WEB], {}, 9, ["'99'", "published"],
            id="a-number-that-would-have-to-be-created",
        ),
        pytest.param(
            [desired_group("web", [to("old")], owner="us")], [WEB, FULL], {"prune": True, "owners": ["us"]}, 9,
            ["'old'", "--prune", "remove the rule"], id="a-reference-to-what-prune-deletes",
        ),
    ],
)  # fmt: skip
def test_what_leaves_a_doubt_is_an_error(
    desired: Groups, live: Sequence[LiveGroup], options: dict[str, Any], place: int, words: list[str]
) -> None:
    """At the place where it is written, with the ids or names that help, and a way out."""
    with pytest.raises(InputError) as caught:
        plan_of(desired, live, **options)
    (issue,) = caught.value.issues
    assert issue.place.line == place
    assert issue.fix
    for word in words:
        assert word in f"{issue.message} {issue.fix}"


def test_all_doubts_are_told_at_once_in_the_order_of_the_files() -> None:
    desired = [
        desired_group("twin", place=FilePlace("b.yaml", 3, 1)),
        desired_group("web", [to("none", 20), to("nil", 12, port=1)], place=FilePlace("b.yaml", 9, 1)),
        desired_group("x", id=uuid(99), place=FilePlace("a.yaml", 3, 1)),
    ]
    with pytest.raises(InputError) as caught:
        plan_of(desired, [WEB, *TWINS])
    places = [issue.place for issue in caught.value.issues]
    assert places == sorted(places)
    assert len(places) == 4


def test_a_number_that_is_live_is_kept_and_can_be_deleted() -> None:
    live = live_group("web", [rule(protocol="99")])
    assert plan_of([desired_group("web", [rule(protocol="99")])], [live]).changes == ()
    assert len(plan_of([desired_group("web")], [live]).changes[0].difference.deletes) == 1


def test_a_live_group_can_be_taken_over() -> None:
    """With the flag, and the tag says so afterwards."""
    (change,) = plan_of([desired_group("web", owner="us")], [OWNED], take_over=True).changes
    assert change.requests[0].body == {"tags": {OWNER_TAG: "us"}}


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"previous_name": "web"}, id="by-previous-name"),
        pytest.param({"id": uuid(1)}, id="by-id"),
    ],
)
def test_a_rename_is_one_patch_and_no_delete(fields: dict[str, Any]) -> None:
    (change,) = plan_of([desired_group("www", [tcp(80)], **fields)], [live_group("web", [tcp(80)])]).changes
    assert change.difference.action is Action.UPDATE
    assert change.difference.previous_name == "web"
    assert [(each.method, each.body) for each in change.requests] == [("PATCH", {"name": "www"})]


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        pytest.param(("web",), {"web"}, id="a-name"),
        pytest.param(("w*",), {"web", "wiki"}, id="a-glob"),
        pytest.param(("web", "app"), {"web", "app"}, id="several"),
    ],
)
def test_group_restricts_a_plan(patterns: tuple[str, ...], names: set[str]) -> None:
    """And it says no more than it looked at."""
    desired = [desired_group(name, [tcp(80)]) for name in ("web", "wiki", "app")]
    plan = plan_of(desired, [], groups=patterns)
    assert {change.difference.name for change in plan.changes} == names
    assert plan.scope.groups == len(names)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({"groups": ("wbe",)}, "--group wbe", id="a-glob-that-fits-nothing"),
        pytest.param({"groups": ("web",), "prune": True}, "exclude each other", id="group-and-prune"),
        pytest.param({"prune": True}, "owner", id="prune-without-owner"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        plan_of([desired_group("web")], [WEB], **options)


@pytest.mark.parametrize(("target", "is_named"), [(TARGET, True), (OTHER_TARGET, False)])
def test_a_group_without_rules_may_be_an_orphan_of_its_own_target(target: Target, *, is_named: bool) -> None:
    desired = [desired_group("web-2", None, owner="us"), desired_group("app", target=OTHER_TARGET, owner="us")]
    with pytest.raises(InputError) as raised:
        plan_of(desired, [live_group("web", tags={OWNER_TAG: "us"}, number=9, target=target)], owners=["us"])
    (issue,) = raised.value.issues
    assert ("previous_name: web" in (issue.fix or "")) is is_named
