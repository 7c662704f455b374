"""What a change that ended half-way has made of its group: exactly that, said in the outcome."""

from dataclasses import replace
from itertools import count

from build import desired_group, live_group, plan_of, rule, there, uuid
from click import unstyle
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from world import PLACE, World, neutron, rule_lists, seeds, tcp, wanted

from reconciler.applying.unfinished import unexpected, what_is_done, with_ids
from reconciler.emulator.faults import Fault
from reconciler.emulator.server import EmulatorServer
from reconciler.model.desired import DesiredRule
from reconciler.model.ignore_rules import IgnoreRule
from reconciler.model.live import LiveGroup
from reconciler.planning.diff import diff
from reconciler.planning.resolve import Match
from reconciler.render.outcome import render_report, report_to_json
from reconciler.traffic.difference import traffic_difference


@settings(deadline=None, max_examples=examples(400))
@given(old=rule_lists(max_size=6), new=rule_lists(max_size=6), data=st.data())
def test_what_is_done_is_what_was_carried_out(
    old: list[DesiredRule], new: list[DesiredRule], data: st.DataObject
) -> None:
    """Of every rule that a change creates, deletes or describes anew, at whatever step it stopped."""
    live = live_group("web", [there(number, each.rule, each.description) for number, each in enumerate(old)])
    difference = diff(Match(desired_group("web", new), live))
    created = data.draw(st.sets(st.sampled_from(difference.creates)) if difference.creates else st.just(set()))
    deleted = data.draw(st.sets(st.sampled_from(difference.deletes)) if difference.deletes else st.just(set()))
    steps = [data.draw(st.sampled_from(["open", "deleted", "done"])) for _ in difference.redescribes]
    redescribed = [each for each, step in zip(difference.redescribes, steps, strict=True) if step == "done"]
    lost = [each for each, step in zip(difference.redescribes, steps, strict=True) if step == "deleted"]
    gone = {rule.id for rule in deleted} | {rule.id for each in (*redescribed, *lost) for rule in each.live}
    ids = count(1000)
    fresh = [*created, *(each.desired for each in redescribed)]
    now = replace(
        live,
        rules=(
            *(rule for rule in live.rules if rule.id not in gone),
            *(there(next(ids), each.rule, each.description) for each in fresh),
        ),
    )
    done = what_is_done(difference, now)
    assert set(done.creates) == created
    assert set(done.deletes) == deleted | {rule for each in lost for rule in each.live}
    assert list(done.redescribes) == redescribed
    assert done.traffic == traffic_difference(_rules(live), _rules(now))
    assert what_is_done(difference, live).is_empty


def _rules(group: LiveGroup) -> list[object]:
    return [rule.rule for rule in group.rules]


def test_the_outcome_of_a_change_that_ended_half_way_says_what_of_it_is_live(server: EmulatorServer) -> None:
    """What became open to the world is told, although the change counts as failed."""
    world = World(server, two_phase=True)
    world.seed({"name": "web", "rules": seeds([tcp(80), tcp(443)])})
    plan = world.plan(wanted(world.target, ("web", [tcp(443), tcp(22)])))
    world.faults(Fault("status", method="PATCH", path=f"/{world.target.project_id}/", status=403, nth=2, count=0))
    report = world.apply(plan)
    text = unstyle(render_report(report))
    assert "~ failed web (project" in text
    assert "): this part of it is live" in text
    assert "\n  + ingress IPv4 tcp 22 from 0.0.0.0/0\n    opens  ingress tcp 22" in text
    assert "\nOPEN TO THE WORLD: ingress tcp 22 from 0.0.0.0/0 at web" in text
    assert "- ingress IPv4 tcp 80" not in text
    assert text.endswith("Applied 0 of 1 group: 1 failed.\n")
    (said,) = report_to_json(report)["results"]
    assert said["touched"]
    assert (said["done"]["rules_created"], said["done"]["rules_deleted"], len(said["done"]["opens"])) == (1, 0, 1)


def test_a_group_that_waits_for_another_one_says_what_of_it_is_live(server: EmulatorServer) -> None:
    world = World(server, knobs=neutron(default_egress=False))
    state = wanted(world.target, ("app", [tcp(1, group="web"), tcp(2)]), ("web", [tcp(3, group="app")]))
    plan = world.plan(state)
    world.faults(Fault("status", method="POST", path=f"/{world.target.project_id}/", status=400, nth=2, count=0))
    report = world.apply(plan)
    left, failed = sorted(report.results, key=lambda each: each.status, reverse=True)
    assert (left.status, failed.status) == ("left", "failed")
    assert left.message == f"{failed.change.difference.name} could not be created"
    assert left.done is not None
    assert (left.touched, failed.touched, failed.done) == (True, False, None)
    name = left.change.difference.name
    assert left.group_id == world.group(name).id
    assert {rule.rule for rule in left.done.creates} == {rule for rule, _ in world.content(name)}


def test_what_could_not_be_read_back_is_not_known(server: EmulatorServer) -> None:
    world = World(server)
    world.seed({"name": "web", "rules": seeds([tcp(80)])})
    plan = world.plan(wanted(world.target, ("web", [tcp(22)])))
    path = f"/{world.target.project_id}/"
    world.faults(
        Fault("reset", method="PATCH", path=path, when="after", count=0),
        Fault("status", method="GET", path=f"/{world.group().id}$", status=403, count=0),
    )
    text = unstyle(render_report(world.apply(plan)))
    assert "): what of it is live is not known\n" in text


def test_rules_from_a_group_that_the_plan_creates_are_others_once_its_id_is_known() -> None:
    entries = (IgnoreRule(PLACE, remote_group="fresh"), IgnoreRule(PLACE, description="k8s-*"))
    plan = plan_of(
        [desired_group("fresh"), desired_group("web", [rule(ports=1)], ignore_rules=entries)], [live_group("web")]
    )
    (difference,) = (each.difference for each in plan.changes if each.difference.name == "web")
    theirs = there(1, rule(ports=2, remote=uuid(5)))
    assert not difference.is_of_others(theirs)
    known = with_ids(difference, {"fresh": uuid(5)})
    assert known.is_of_others(theirs)
    assert known.is_of_others(there(2, rule(ports=3), "k8s-a"))
    assert not known.is_of_others(there(3, rule(ports=2, remote=uuid(6))))


def test_rules_that_others_change_meanwhile_are_told_only_of_a_change_of_rules() -> None:
    now = live_group("web", [rule(ports=2)])
    for rules, told in (
        (None, []),
        ([rule(ports=3)], ["there is a rule that the plan does not know", "a rule is missing"]),
    ):
        (change,) = plan_of(
            [desired_group("web", rules, previous_name="old")], [live_group("old", [rule(ports=1)])]
        ).changes
        assert [each.partition(":")[0] for each in unexpected(change.difference, now)] == told
