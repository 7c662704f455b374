"""What matches `ignore_rules` is in no difference; it counts, it is told, and no forged plan takes it away."""

from __future__ import annotations

import json
from typing import Any

import pytest
from build import desired_group, live_group, live_of, plan_of, rule, state_of, tcp, there, uuid, wanted
from hypothesis import given
from hypothesis import strategies as st
from plan_strategies import ENTRIES
from strategies import desired_rules, live_rules

from reconciler.api.backend import BACKENDS
from reconciler.model.desired import DesiredRule
from reconciler.model.errors import InputError, PlanFileError
from reconciler.model.ignore_rules import IgnoreRule, find_entry
from reconciler.model.live import OWNER_TAG, LiveRule
from reconciler.model.place import FilePlace
from reconciler.planning import ignored, planfile
from reconciler.planning.diff import diff
from reconciler.planning.group_view import desired_view, planned_view
from reconciler.planning.plan import Plan
from reconciler.planning.resolve import Match
from reconciler.policy.saved import refuse_forged
from reconciler.traffic import describe

PLACE = FilePlace("groups.yaml", 2, 5)
K8S = IgnoreRule(PLACE, description="k8s-*")
THEIRS = [there(7, tcp(30001), "k8s-a"), there(8, tcp(30002), "k8s-b")]


@given(desired_rules(), live_rules(), st.sampled_from(ENTRIES))
def test_a_live_rule_of_others_is_neither_deleted_nor_described_anew(
    desired: tuple[DesiredRule, ...], live: tuple[LiveRule, ...], entries: tuple[IgnoreRule, ...]
) -> None:
    """The rest of the group is compared as if the others were not there, but where one of them stands for a rule."""
    ours = tuple(each for each in desired if not find_entry(entries, each.rule, each.description))
    found = diff(Match(desired_group("web", ours, ignore_rules=entries), live_group("web", live)))
    others = {each.id for each in live if find_entry(entries, each.rule, each.description)}
    touched = {each.id for each in found.deletes} | {each.id for one in found.redescribes for each in one.live}
    assert not touched & others
    assert found.ignored_ids <= others
    standing = {each.rule for each in live if each.id in others}
    rest = tuple(each for each in live if each.id not in others)
    without = diff(Match(desired_group("web", ours), live_group("web", rest)))
    assert {each.rule for each in found.creates} == {each.rule for each in without.creates} - standing
    assert found.deletes == without.deletes
    assert found.unchanged + len(found.ignored_ids) + len(touched) == len(live)
    assert [each.entry for each in found.ignored] == list(entries)


def test_a_rule_of_others_stands_for_a_desired_one_that_means_the_same() -> None:
    """It keeps its description; one of ours gets the desired one beside it."""
    live = [there(7, tcp(80), "k8s-a"), there(8, tcp(81), "old"), there(9, tcp(82), "k8s-b"), there(10, tcp(82), "x")]
    desired = [wanted(tcp(80), "http"), wanted(tcp(81), "new"), wanted(tcp(82), "new")]
    found = diff(Match(desired_group("web", desired, ignore_rules=(K8S,)), live_group("web", live)))
    assert (found.creates, found.deletes, found.ignored_ids) == ((), (), frozenset())
    assert [[each.id for each in one.live] for one in found.redescribes] == [[uuid(8)]]


def test_what_will_be_live_has_a_rule_of_others_that_stands_for_a_desired_one_once() -> None:
    live = live_group("web", [there(7, tcp(80), "k8s-a"), there(8, tcp(81), "k8s-b")])
    match = Match(desired_group("web", [wanted(tcp(80), "http")], ignore_rules=(K8S,)), live)
    (web,) = planned_view(live_of(live), [match]).groups
    assert sorted(each.rule for each in web.rules or ()) == [tcp(80), tcp(81)]


def test_a_group_of_the_files_is_referred_to_by_its_id_where_it_has_one() -> None:
    (web,) = desired_view(state_of(desired_group("web", [wanted(tcp(80), remote_group="web")], id=uuid(1)))).groups
    assert [each.rule.remote_group_id for each in web.rules or ()] == [web.key] == [uuid(1)]


NO_MATCH: dict[str, tuple[IgnoreRule, bool]] = {
    "a glob for the whole description": (IgnoreRule(PLACE, description="k8s"), False),
    "a glob": (IgnoreRule(PLACE, description="k8s-[ab]"), True),
    "case counts": (IgnoreRule(PLACE, description="K8S-*"), False),
    "every description": (IgnoreRule(PLACE, description="*"), True),
    "the direction": (IgnoreRule(PLACE, direction="ingress"), True),
    "the other direction": (IgnoreRule(PLACE, direction="egress"), False),
    "the protocol": (IgnoreRule(PLACE, protocol="tcp"), True),
    "its number": (IgnoreRule(PLACE, protocol="6"), True),
    "any means rules for every protocol": (IgnoreRule(PLACE, protocol="any"), False),
    "ports around it": (IgnoreRule(PLACE, ports=((1, 10), (30000, 32767))), True),
    "ports beside it": (IgnoreRule(PLACE, ports=((1, 30000), (30002, 65535))), False),
    "a group that nobody has": (IgnoreRule(PLACE, remote_group="app"), False),
    "all that is given": (IgnoreRule(PLACE, description="k8s-*", direction="egress"), False),
}


@pytest.mark.parametrize(("entry", "matches"), NO_MATCH.values(), ids=NO_MATCH)
def test_a_rule_matches_what_fits_all_that_is_given(entry: IgnoreRule, *, matches: bool) -> None:
    assert entry.matches(tcp(30001), "k8s-a") is matches


def test_a_rule_without_ports_is_inside_of_all_of_them_only() -> None:
    assert not IgnoreRule(PLACE, ports=((1, 65534),)).matches(rule(), "")
    assert IgnoreRule(PLACE, ports=((1, 65535),)).matches(rule(), "")
    assert not IgnoreRule(PLACE, ports=((1, 65535),)).matches(rule(protocol=None), "")


def test_a_remote_group_is_known_by_every_id_that_has_its_name() -> None:
    """Also where a rule names it by id: then it is refused when live state is known, and not before."""
    entry = IgnoreRule(PLACE, remote_group="nodes")
    groups = [live_group("nodes", number=2), live_group("nodes", number=3)]
    live = [live_group("web", [there(5, tcp(80, uuid(2))), there(6, tcp(80, uuid(3)))]), *groups]
    assert not plan_of([desired_group("web", ignore_rules=(entry,))], live).changes
    with pytest.raises(InputError) as refused:
        plan_of([desired_group("web", [tcp(80, uuid(2))], ignore_rules=(entry,))], live)
    assert [(issue.name, str(issue.related[0][1])) for issue in refused.value.issues] == [
        ("ignored-rule", "groups.yaml:2:5")
    ]


def test_rules_of_others_count_towards_the_limit_of_a_group() -> None:
    many = [there(number, tcp(number), "k8s-x") for number in range(1, 249)]
    with pytest.raises(InputError) as refused:
        plan_of(
            [desired_group("web", [tcp(port) for port in (1001, 1002, 1003)], ignore_rules=(K8S,))],
            [live_group("web", many)],
        )
    (issue,) = refused.value.issues
    assert (issue.name, "would hold 251 rules, over the limit of 250: 248 live ones" in issue.message) == (
        "too-many-rules",
        True,
    )
    plan = plan_of([desired_group("web", [tcp(1001), tcp(1002)], ignore_rules=(K8S,))], [live_group("web", many)])
    assert (plan.scope.rules, plan.scope.ignored_rules) == (0, 248)


def test_traffic_of_others_is_admitted_before_and_after() -> None:
    others = [there(7, rule(ports=(30000, 32767)), "k8s-a")]
    group = desired_group("web", [tcp(30001), tcp(80)], ignore_rules=(K8S,))
    (change,) = plan_of([group], [live_group("web", others)]).changes
    opens = [describe(flow, {}) for flow in change.difference.traffic.opens]
    assert opens == ["ingress tcp 80 from 0.0.0.0/0"]
    assert not change.difference.traffic.closes


def test_a_rule_of_others_that_goes_with_a_deleted_group_is_lost_and_stops_the_plan() -> None:
    theirs = there(7, tcp(80, uuid(2)), "k8s-a")
    live = [live_group("web", [theirs]), live_group("gone", tags={OWNER_TAG: "us"}, number=2)]
    plan = plan_of([desired_group("web", ignore_rules=(K8S,), owner="us")], live, owners=["us"], prune=True)
    (deletion,) = [each.difference for each in plan.changes if each.difference.name == "gone"]
    assert [lost.rule for lost in deletion.lost_rules] == [theirs]
    assert [each.guardrail for each in plan.stopped_by] == ["mass-delete"]


def test_a_deleted_group_says_which_rules_of_others_go_with_it() -> None:
    live = [live_group("web"), live_group("gone", THEIRS, {OWNER_TAG: "us"}, number=2)]
    plan = plan_of([desired_group("web", ignore_rules=(K8S,), owner="us")], live, owners=["us"], prune=True)
    assert any("2 rules of `gone` may be others', and go with it" in note for note in plan.notes)


def test_more_pairs_of_rules_and_entries_than_are_compared_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ignored, "MAX_COMPARISONS", 1)
    live = [live_group("web"), live_group("gone", THEIRS, {OWNER_TAG: "us"}, number=2)]
    plan = plan_of([desired_group("web", ignore_rules=(K8S,), owner="us")], live, owners=["us"], prune=True)
    (note,) = [note for note in plan.notes if "others'" in note]
    assert note == (
        "which rules of the 1 deleted group may be others' is not told: they and the entries of `ignore_rules` are "
        "2 pairs, over the limit of 1"
    )


def saved() -> dict[str, Any]:
    group = desired_group("web", [wanted(tcp(80))], ignore_rules=(K8S,))
    return planfile.to_json(plan_of([group], [live_group("web", [there(6, tcp(22)), *THEIRS])]))


def load(content: dict[str, Any]) -> Plan:
    signed = json.dumps({**content, "digest": planfile.digest(content)})
    plan = planfile.loads(signed, "plan.json", BACKENDS)
    refuse_forged(plan, "plan.json")
    return plan


def test_a_plan_that_leaves_rules_to_others_reads_back_equal() -> None:
    assert planfile.to_json(load(saved())) == saved()


def _delete_theirs(plan: dict[str, Any]) -> None:
    change = plan["changes"][0]
    change["rules"]["delete"].append(change["live"]["rules"][1])
    change["ignored"][0]["rules"].remove(uuid(7))
    change["requests"][0]["body"]["changed_rules"].append({"action": "delete", "security_group_rule_id": uuid(7)})


def _claim_ours(plan: dict[str, Any]) -> None:
    change = plan["changes"][0]
    change["ignored"][0]["rules"].append(uuid(6))
    change["rules"]["delete"].clear()
    change["requests"][0]["body"]["changed_rules"].pop()


def _send_more(plan: dict[str, Any]) -> None:
    entries = plan["changes"][0]["requests"][0]["body"]["changed_rules"]
    entries.append({"action": "delete", "security_group_rule_id": uuid(7)})


def _create_theirs(plan: dict[str, Any]) -> None:
    change = plan["changes"][0]
    for created in (change["rules"]["create"][0], change["requests"][0]["body"]["changed_rules"][0]):
        created["description"] = "k8s-mine"


def _match_everything(plan: dict[str, Any]) -> None:
    plan["changes"][0]["ignored"].append({**plan["changes"][0]["ignored"][0], "description": None, "rules": []})


def _hide(plan: dict[str, Any]) -> None:
    plan["scope"].pop("ignored_rules")


FORGERIES = {
    "deletes a rule of others": (_delete_theirs, "rules.delete is a list of 2"),
    "claims that a rule of ours is others'": (_claim_ours, "is a list of"),
    "sends the deletion without showing it": (_send_more, "changed_rules is a list of 3"),
    "creates a rule that would be others'": (_create_theirs, "creates what `ignored` leaves to others"),
    "an entry that says nothing": (_match_everything, "matches every rule"),
    "hides how many are left": (_hide, "`scope` is smaller than what the plan changes"),
}


@pytest.mark.parametrize(("forge", "why"), FORGERIES.values(), ids=FORGERIES)
def test_a_forged_plan_is_refused(forge: Any, why: str) -> None:
    content = saved()
    forge(content)
    with pytest.raises(PlanFileError, match=why.replace("(", "\\(")):
        load(content)


def test_what_no_file_looks_after_any_more_is_told() -> None:
    """Who takes `rules` or `owner` out of a file changes nothing that is live, and a plan would say nothing else."""
    owned = live_group("web", THEIRS, {OWNER_TAG: "net"})
    rules = "the rules of `web` (2 rules) are left as they are: no file has a `rules` key for them"
    assert plan_of([desired_group("web", None)], [owned]).notes == (
        rules,
        "the owner `net` of `web` is in no file of their target: other live groups that it has are not looked for",
    )
    assert plan_of([desired_group("web", None, owner="net")], [owned], ["net"]).notes == (rules,)
    assert plan_of([desired_group("web", [each.rule for each in THEIRS])], [live_group("web", THEIRS)]).notes == ()
