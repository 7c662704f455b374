"""What a plan sends: the order of `changed_rules`, the limits, and bodies that say what the difference says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from build import OTHER_TARGET, TARGET, desired_group, live_group, plan_of, rule, tcp, there, uuid, wanted
from effort import examples
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import live_rules, rules_to_create

from reconciler.model.cloud import MAX_RULES
from reconciler.model.desired import DesiredRule, Target
from reconciler.model.live import ABSENT, LiveRule, fingerprint
from reconciler.model.rule import Rule
from reconciler.planning.diff import Action
from reconciler.planning.plan import Change
from reconciler.policy.damage import GAP, MASS_REWRITE
from reconciler.traffic.extent import overlaps

Entries = list[dict[str, Any]]
PATH = f"/cloud/v1/securitygroups/1337/7/{uuid(1)}"


def update(desired: Sequence[DesiredRule | Rule], live: Sequence[LiveRule | Rule], **options: Any) -> Change:
    """The one change between two rule sets."""
    (change,) = plan_of([desired_group("web", desired)], [live_group("web", live)], **options).changes
    return change


def entries_of(change: Change) -> list[Entries]:
    """The `changed_rules` of each PATCH."""
    assert {request.path for request in change.requests} == {PATH}
    return [request.body["changed_rules"] for request in change.requests if request.body]


def rule_of(entry: dict[str, Any]) -> Rule:
    return Rule(**{field: entry.get(field) for field in Rule._fields})


class Cloud:
    """A group that carries out entries one by one, as strictly as Neutron; it remembers every moment."""

    def __init__(self, live: Sequence[LiveRule]) -> None:
        self.rules = {each.id: (each.rule, each.description) for each in live}
        self.moments = [self.now()]

    def now(self) -> set[Rule]:
        return {each for each, _ in self.rules.values()}

    def carry_out(self, entry: dict[str, Any]) -> None:
        if entry["action"] == "delete":
            assert set(entry) == {"action", "security_group_rule_id"}
            del self.rules[entry["security_group_rule_id"]]
        else:
            assert None not in entry.values()
            created = rule_of(entry)
            assert created not in self.now(), "a rule that is there cannot be created"
            self.rules[f"new-{len(self.moments)}"] = (created, entry["description"])
        assert len(self.rules) <= max(MAX_RULES, len(self.moments[0]))
        self.moments.append(self.now())


@settings(max_examples=examples(200))
@given(rules_to_create(), live_rules())
def test_the_entries_are_creates_then_pairs_then_deletes(
    desired: tuple[DesiredRule, ...], live: tuple[LiveRule, ...]
) -> None:
    """Carried out as listed nothing is refused, the end is what is desired, and nothing breaks before it is made."""
    plan = plan_of([desired_group("web", desired)], [live_group("web", live), live_group("app", number=2)])
    assume(plan.changes)
    (entries,) = entries_of(plan.changes[0])
    redescribed = {each.id for each in live} & {
        live_rule.id for each in plan.changes[0].difference.redescribes for live_rule in each.live
    }
    kinds = []
    for entry in entries:
        is_pair = entry.get("security_group_rule_id") in redescribed
        kinds.append("delete-of-pair" if is_pair else entry["action"])
    first, last = _stretch(kinds)
    assert set(kinds[:first]) <= {"create"}
    assert set(kinds[last:]) <= {"delete"}
    cloud = Cloud(live)
    for entry in entries:
        cloud.carry_out(entry)
    _check_end(cloud, desired)
    _check_make_before_break(cloud, redescribed={each.desired.rule for each in plan.changes[0].difference.redescribes})


def _stretch(kinds: list[str]) -> tuple[int, int]:
    """Where the pairs begin and end: directly after the creates, directly before the other deletes."""
    if "delete-of-pair" not in kinds:
        turn = kinds.index("delete") if "delete" in kinds else len(kinds)
        return turn, turn
    first = kinds.index("delete-of-pair")
    last = len(kinds) - kinds[::-1].index("create") if "create" in kinds else len(kinds)
    return first, last


def _check_end(cloud: Cloud, desired: Sequence[DesiredRule]) -> None:
    assert cloud.now() == {each.rule for each in desired}
    for each in desired:
        assert (each.rule, each.description) in cloud.rules.values()


def _check_make_before_break(cloud: Cloud, redescribed: set[Rule]) -> None:
    """What old and new have in common is there all the way; what neither has never is."""
    old, new = cloud.moments[0], cloud.moments[-1]
    for moment in cloud.moments:
        assert (old & new) - redescribed <= moment <= old | new


@pytest.mark.parametrize("two_phase", [False, True], ids=["listed", "two-phase"])
def test_a_description_change_is_a_delete_directly_before_its_create(two_phase: bool) -> None:
    """In two phases each is a request of its own, which does not rely on the server's order."""
    live = [there(1, tcp(1), "old"), there(2, tcp(2))]
    bodies = entries_of(update([wanted(tcp(1), "new"), tcp(3)], live, two_phase=two_phase))
    actions = [[(entry["action"], entry.get("port_range_min")) for entry in body] for body in bodies]
    listed = [("create", 3), ("delete", None), ("create", 1), ("delete", None)]
    assert actions == ([[each] for each in listed] if two_phase else [listed])


@pytest.mark.parametrize(
    ("described_anew", "twins", "sizes"),
    [
        pytest.param(1, 0, [2], id="one"),
        pytest.param(249, 1, [499], id="below"),
        pytest.param(250, 0, [500], id="at-the-limit"),
        pytest.param(250, 1, [500, 1], id="one-past-it"),
    ],
)
def test_a_request_takes_500_entries(described_anew: int, twins: int, sizes: list[int]) -> None:
    """The rest goes into the next. A rule described anew is two entries, and one more for each twin of it."""
    live = [there(index, tcp(1 + index), "old") for index in range(described_anew)]
    live += [there(1000 + index, tcp(1 + index), "old") for index in range(twins)]
    change = update([wanted(tcp(1 + index), "new") for index in range(described_anew)], live)
    assert [len(body) for body in entries_of(change)] == sizes


@pytest.mark.parametrize(("creates", "deletes"), [(250, 250), (250, 251), (100, 200)])
def test_every_request_of_a_group_near_the_ceiling_is_within_the_limits(creates: int, deletes: int) -> None:
    """And all that is to be done is in one of them."""
    live = [there(index, tcp(10_000 + index)) for index in range(deletes)]
    bodies = entries_of(update([tcp(1 + index) for index in range(creates)], live))
    assert all(0 < len(body) <= 500 for body in bodies)
    assert sum(map(len, bodies)) == creates + deletes


@settings(max_examples=examples(60))
@given(st.integers(0, 6), st.integers(1, 12), st.integers(0, 12), st.randoms())
def test_under_the_ceiling_creates_and_deletes_take_turns(room: int, new: int, old: int, random: Any) -> None:
    """Never over 250, and a delete comes early only where no create still to come covers its traffic."""
    old_rules = [tcp(100 + index, random.choice([None, "10.0.0.0/8", "10.1.0.0/16"])) for index in range(old)]
    kept = [tcp(20_000 + index) for index in range(MAX_RULES - room - old)]
    new_rules = [tcp(100 + index, random.choice([None, "10.0.0.0/9", "172.16.0.0/12"])) for index in range(new)]
    new_rules = [each for each in new_rules if each not in old_rules][: room + old]
    assume(new_rules)
    live = [there(index, each) for index, each in enumerate([*kept, *old_rules])]
    plan = plan_of([desired_group("web", [*kept, *new_rules])], [live_group("web", live)])
    cloud, gap = Cloud(live), 0
    entries = [entry for body in entries_of(plan.changes[0]) for entry in body]
    for index, entry in enumerate(entries):
        if entry["action"] == "delete":
            going = cloud.rules[entry["security_group_rule_id"]][0]
            coming = [rule_of(each) for each in entries[index:] if each["action"] == "create"]
            gap += any(overlaps(each, going) for each in coming)
        cloud.carry_out(entry)
    _check_end(cloud, [wanted(each) for each in [*kept, *new_rules]])
    gaps = [finding for finding in plan.findings if finding.guardrail == GAP]
    assert len(gaps) == (1 if gap else 0)
    assert all(f"{gap} would have to be deleted" in finding.message for finding in gaps)


def test_a_full_group_whose_every_rule_is_replaced_stops_unless_allowed() -> None:
    """The finding names the numbers; the flag lifts it, and the plan remembers that."""
    live = [there(index, rule(ports=index + 1, remote="10.0.0.0/8")) for index in range(MAX_RULES)]
    desired = [rule(ports=index + 1, remote="10.0.0.0/9") for index in range(MAX_RULES)]
    plan = plan_of([desired_group("web", desired)], [live_group("web", live)])
    rewrite, gap = plan.stopped_by
    assert (gap.guardrail, rewrite.guardrail) == (GAP, MASS_REWRITE)
    assert gap.flag == "--allow-gap"
    assert "250 of 250 rules" in gap.message
    allowed = plan_of([desired_group("web", desired)], [live_group("web", live)], lifted=frozenset({GAP, MASS_REWRITE}))
    assert (allowed.stopped_by, allowed.lifted) == ((), (GAP, MASS_REWRITE))
    assert allowed.changes == plan.changes


def test_everything_about_a_group_goes_in_one_patch() -> None:
    """Name, tags and rules; a description alone needs v2, and the plan says so."""
    desired = desired_group("www", [tcp(80)], previous_name="web", tags={"a": "1"}, description="new")
    (change,) = plan_of([desired], [live_group("web", [tcp(81)], {"b": "2"})]).changes
    patch, description = change.requests
    assert (patch.method, patch.path) == ("PATCH", PATH)
    assert patch.body is not None
    assert set(patch.body) == {"name", "tags", "changed_rules"}
    assert patch.body["tags"] == {"a": "1", "b": None}
    assert description.path == f"/cloud/v2/security_groups/1337/7/{uuid(1)}"
    assert description.body == {"description": "new"}
    assert any("v2" in note for note in change.difference.notes)


def test_a_body_is_what_the_api_publishes() -> None:
    """Nothing null, no number for a protocol, no field that a request does not have."""
    rules = [
        rule(protocol=None),
        rule(protocol="47", remote="2001:db8::/32"),
        tcp(22, uuid(2)),
        rule("egress", "icmp", (8, None)),
    ]
    (body,) = entries_of(
        plan_of([desired_group("web", rules)], [live_group("web"), live_group("app", number=2)]).changes[0]
    )
    assert body == [
        {"action": "create", "direction": "ingress", "ethertype": "IPv4", "description": ""},
        {"action": "create", "direction": "ingress", "ethertype": "IPv6", "protocol": "gre",
         "remote_ip_prefix": "2001:db8::/32", "description": ""},
        {"action": "create", "direction": "ingress", "ethertype": "IPv4", "protocol": "tcp", "port_range_min": 22,
         "port_range_max": 22, "remote_group_id": uuid(2), "description": ""},
        {"action": "create", "direction": "egress", "ethertype": "IPv4", "protocol": "icmp", "port_range_min": 8,
         "description": ""},
    ]  # fmt: skip


def test_creates_come_before_what_refers_to_them_and_deletions_last() -> None:
    """Also where two new groups refer to each other: the second half of one waits for its PATCH."""
    desired = [
        desired_group("one", [wanted(tcp(1), remote_group="two"), wanted(tcp(3), remote_group="one")]),
        desired_group("two", [wanted(tcp(2), remote_group="one")]),
        desired_group("web", [wanted(tcp(9), remote_group="three")], owner="us"),
        desired_group("three", []),
    ]
    live = [live_group("web"), live_group("old", tags={"sgctl-owner": "us"}, number=9)]
    changes = plan_of(desired, live, owners=["us"], prune=True).changes
    assert [(change.difference.action, change.difference.name) for change in changes] == [
        (Action.CREATE, "three"),
        (Action.CREATE, "one"),
        (Action.CREATE, "two"),
        (Action.UPDATE, "web"),
        (Action.DELETE, "old"),
    ]
    one, two = changes[1].requests, changes[2].requests
    assert [request.method for request in one] == ["POST", "PATCH"]
    assert one[1].path.endswith("/${security_group:one}")
    remotes = [entry["remote_group_id"] for entry in (one[1].body or {})["changed_rules"]]
    assert remotes == ["${security_group:two}", "${security_group:one}"]
    assert [request.method for request in two] == ["POST"]
    web = changes[3].requests[0].body or {}
    assert web["changed_rules"][0]["remote_group_id"] == "${security_group:three}"


def test_what_is_created_in_one_target_is_not_there_in_another() -> None:
    """Of two groups that refer to each other, the first waits for the second, also where both were created before."""
    groups = [
        desired_group(name, [wanted(tcp(1), remote_group=other)], target=target)
        for target in (TARGET, OTHER_TARGET)
        for name, other in (("one", "two"), ("two", "one"))
    ]
    methods = [[request.method for request in change.requests] for change in plan_of(groups, []).changes]
    assert methods == [["POST", "PATCH"], ["POST"]] * 2


def test_live_rules_of_one_meaning_that_give_way_to_one_leave_room() -> None:
    """A full group of two such rules takes another one: never 251 at once."""
    twins = [there(number, tcp(1), text) for number, text in enumerate("ab")]
    live = live_group("web", [*twins, *(there(port, tcp(port)) for port in range(2, 250))])
    (change,) = plan_of([desired_group("web", [tcp(port) for port in range(1, 251)])], [live]).changes
    (request,) = change.requests
    assert [entry["action"] for entry in (request.body or {})["changed_rules"]] == [
        "delete",
        "delete",
        "create",
        "create",
    ]


def test_each_change_carries_the_fingerprint_of_what_it_was_computed_from() -> None:
    live = [live_group("web", [tcp(80)]), live_group("old", tags={"sgctl-owner": "us"}, number=9)]
    changes = plan_of([desired_group("web", owner="us"), desired_group("new")], live, owners=["us"], prune=True).changes
    found = {change.difference.name: change.fingerprint for change in changes}
    assert found == {"new": ABSENT, "web": fingerprint(live[0]), "old": fingerprint(live[1])}


def test_a_group_without_a_change_is_not_in_the_plan() -> None:
    plan = plan_of(
        [desired_group("web", [tcp(80)]), desired_group("app")],
        [live_group("web", [tcp(80)]), live_group("app", number=2)],
    )
    assert plan.changes == ()
    assert (plan.scope.groups, plan.scope.rules) == (2, 1)
    assert Target(1337, 7) == TARGET
