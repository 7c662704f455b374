"""Live groups of ours that no file names: which they are, and which of them a new group may have been."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from build import OTHER_TARGET, TARGET, desired_group, live_group, live_of, plan_of, rule, state_of, tcp, uuid
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from reconciler.api.backend import BACKENDS
from reconciler.model.egress import DEFAULT_EGRESS_RULES
from reconciler.model.errors import InputError
from reconciler.model.live import OWNER_TAG, Instances, LiveGroup
from reconciler.model.placeholder import placeholder
from reconciler.model.published import read_schema
from reconciler.model.rule import Rule
from reconciler.planning import orphans, planfile
from reconciler.planning.orphans import UnmanagedGroup, describe_orphans, find_renames, rename_findings
from reconciler.planning.resolve import resolve

OURS = {OWNER_TAG: "us"}
TO_ITSELF = tcp(1)._replace(remote_group_id=placeholder("cache"))
TEN = [tcp(port) for port in range(1, 11)]


def hints(new: dict[str, list[Rule]], *live: LiveGroup) -> dict[str, str]:
    """By the name of each new group, the name of the live one that it looks like."""
    state = state_of(*(desired_group(name, rules, owner="us") for name, rules in new.items()), owners=["us"])
    matches, _ = resolve(state, live_of(*live))
    return {each.desired.name: each.live.name for each in find_renames(state, live_of(*live), matches, matches)}


@pytest.mark.parametrize(
    ("rules", "live", "is_hinted"),
    [
        pytest.param(TEN, live_group("other", TEN, OURS), True, id="the-same-rules"),
        pytest.param(TEN, live_group("other", TEN[:8], OURS), True, id="nearly-the-same"),
        pytest.param(TEN, live_group("other", TEN[:6], OURS), False, id="half-the-same"),
        pytest.param(TEN, live_group("cache-v2", TEN[:6], OURS), True, id="half-the-same-and-names-alike"),
        pytest.param(TEN, live_group("the-cache", TEN[:6], OURS), True, id="half-the-same-and-one-name-in-the-other"),
        pytest.param(TEN, live_group("cache-v2", [tcp(99)], OURS), False, id="only-the-names-alike"),
        pytest.param(TEN, live_group("other", TEN), True, id="without-an-owner-the-same"),
        pytest.param(TEN, live_group("cache-v2", TEN[:9]), False, id="without-an-owner-nearly-the-same"),
        pytest.param(TEN, live_group("cache-v2", TEN, {OWNER_TAG: "them"}), False, id="of-another-owner"),
        pytest.param(TEN, live_group("cache-v2", TEN, OURS, target=OTHER_TARGET), False, id="in-another-target"),
        pytest.param(
            [tcp(1), *DEFAULT_EGRESS_RULES],
            live_group("other", [tcp(2), *DEFAULT_EGRESS_RULES], OURS),
            False,
            id="only-the-default-egress-in-common",
        ),
        pytest.param([rule("egress", None)], live_group("other", [rule("egress", None)], OURS), False, id="no-telling"),
        pytest.param([rule("egress", None)], live_group("cache-2", [rule("egress", None)], OURS), True, id="by-name"),
        pytest.param([TO_ITSELF], live_group("other", [tcp(1, uuid(1))], OURS), True, id="refers-to-itself"),
        pytest.param([TO_ITSELF], live_group("other", [tcp(1, uuid(2))], OURS), False, id="refers-elsewhere"),
    ],
)
def test_a_new_group_that_looks_like_one_in_no_file_is_asked_about(
    rules: list[Rule], live: LiveGroup, is_hinted: bool
) -> None:
    assert hints({"cache": rules}, live) == ({"cache": live.name} if is_hinted else {})


def test_a_live_group_is_the_old_name_of_one_new_group_at_most() -> None:
    """The most alike get each other; a group that a file names is none's."""
    live = [live_group("a", TEN, OURS), live_group("b", TEN[:9], OURS, number=2), live_group("c", TEN, OURS, number=3)]
    assert hints({"x": TEN, "y": TEN[:9], "c": TEN}, *live) == {"x": "a", "y": "b"}
    assert hints({"x": TEN, "y": TEN}, live[0]) == {"x": "a"}


def test_live_groups_that_are_equally_alike_are_all_named() -> None:
    live = live_of(live_group("a", TEN, OURS), live_group("b", TEN, OURS, number=2))
    state = state_of(desired_group("x", TEN), owners=["us"])
    matches, _ = resolve(state, live)
    (found,) = rename_findings(find_renames(state, live, matches, matches), {})
    assert "'a' looks like this group" in found.message
    assert "so do b" in found.message


rule_sets = st.lists(st.integers(1, 12).map(tcp), max_size=6, unique=True)


@settings(max_examples=examples(50))
@given(st.lists(rule_sets, min_size=1, max_size=5), st.lists(st.tuples(rule_sets, st.booleans()), max_size=6))
def test_the_index_finds_what_comparing_every_pair_finds(
    new: list[list[Rule]], old: list[tuple[list[Rule], bool]]
) -> None:
    """As long as there are no more groups than it compares anyway: the best pair of all is among those it names."""
    live = [live_group(f"old{i}x", rules, OURS if owned else {}, number=i + 1) for i, (rules, owned) in enumerate(old)]
    found = hints({f"new{i}y": rules for i, rules in enumerate(new)}, *live)

    def share(one: list[Rule], other: list[Rule]) -> float:
        return 2 * len(set(one) & set(other)) / ((len(one) + len(other)) or 1)

    good = {
        (f"new{i}y", each.name): share(rules, [r.rule for r in each.rules])
        for i, rules in enumerate(new)
        for each in live
        if share(rules, [r.rule for r in each.rules]) >= (0.8 if each.owner else 1.0)
    }
    assert set(found.items()) <= good.keys()
    assert len(set(found.values())) == len(found)
    if good:
        assert max(good.values()) == max(good[pair] for pair in found.items())
    for name, other in good:
        assert name in found or other in found.values(), "a pair that both of are left over for"


def test_few_of_a_million_pairs_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where all groups have rules in common."""
    compared = []
    share = orphans._share
    monkeypatch.setattr(orphans, "_share", lambda one, other: compared.append(1) or share(one, other))
    common = [tcp(port) for port in range(1, 6)]
    live = [live_group(f"o{n}x", [*common, tcp(1000 + n), tcp(5000 + n)], OURS, number=n + 1) for n in range(1000)]
    new = {f"n{n}y": [*common, tcp(1000 + n), tcp(5000 + n)] for n in range(1000)}
    assert hints(new, *live) == {f"n{n}y": f"o{n}x" for n in range(1000)}
    assert len(compared) <= 1000 * 3 * orphans.MOST_COMPARED


def test_the_hint_says_what_to_write_and_who_stays_behind() -> None:
    state = state_of(desired_group("cache", TEN, owner="us"), owners=["us"])
    live = live_of(live_group("cache-v2", [*TEN[:9], tcp(99)], OURS))
    matches, _ = resolve(state, live)
    found = find_renames(state, live, matches, matches)
    for instances, said in (
        ({}, "creates a new group beside 'cache-v2'"),
        ({uuid(1): Instances(0)}, "beside 'cache-v2', which no instance has"),
        ({uuid(1): Instances(1)}, "1 instance stays behind with 'cache-v2'"),
        ({uuid(1): Instances(14)}, "14 instances stay behind"),
    ):
        (finding,) = rename_findings(found, instances)
        assert said in finding.message
        assert "write `previous_name: cache-v2`" in finding.message
        assert "9 of 11 rules equal" in finding.message
        assert str(finding.place) == "groups.yaml:3:5"
        assert not finding.stops


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param({"previous_name": "cache-v2"}, {}, id="previous-name-removed-before-it-was-applied"),
        pytest.param({"name": "cache-v1"}, {"name": "cache"}, id="name-changed"),
        pytest.param({}, {"name": "cache-v1"}, id="rename-reverted-after-it-was-applied"),
    ],
)
def test_a_rename_that_is_no_longer_written_is_asked_about(before: dict[str, str], after: dict[str, str]) -> None:
    """What is live is what `before` made of it; what the files say by now has no `previous_name`."""
    live_name = before.get("previous_name") or before.get("name", "cache")
    plan = plan_of(
        [desired_group(**{"name": "cache", "rules": TEN} | after)], [live_group(live_name, TEN, OURS)], ["us"]
    )
    assert [each.guardrail for each in plan.findings if f"previous_name: {live_name}" in each.message] == ["rename"]
    assert not plan.stopped_by


def test_a_plan_tells_orphans_and_leaves_them_alone() -> None:
    """With the names in the plan file, which reads back equal and fits its schema; changes are as without them."""
    groups = [live_group("web", tags=OURS), live_group("old", [tcp(1)], OURS, number=2), live_group("free", number=3)]
    plan = plan_of([desired_group("web", TEN, owner="us")], groups, ["us"])
    assert plan.orphans == (UnmanagedGroup(TARGET, uuid(2), "old", 1, "us"),)
    assert plan.changes == plan_of([desired_group("web", TEN, owner="us")], groups[:1], ["us"]).changes
    text = planfile.dumps(plan)
    assert planfile.loads(text, "plan.json", BACKENDS) == plan
    Draft202012Validator(read_schema("plan")).validate(json.loads(text))
    assert plan_of([desired_group("web", TEN, owner="us")], groups, ["us"], groups=("web",)).orphans == ()
    assert plan_of([desired_group("web", TEN, owner="us")], groups, ["us"], whole=False).orphans == ()
    assert plan_of([desired_group("web", TEN, owner="us")], groups, ["us"], prune=True).orphans == ()
    assert plan_of([desired_group("web", TEN)], groups).orphans == ()


def test_orphans_are_counted_and_named_and_the_same_of_many_targets_once() -> None:
    one = UnmanagedGroup(TARGET, uuid(1), "a", 2, "us")
    assert describe_list([one, one._replace(target=OTHER_TARGET)]) == [
        "project 1337, region 7; project 1337, region 8: 1 live group of the owner us is in no file: a (2 rules)"
    ]
    many = [one._replace(name=f"g{n}", id=uuid(n)) for n in range(12)]
    (line,) = describe_list(many)
    assert line.startswith("project 1337, region 7: 12 live groups of the owner us are in no file: g0 (2 rules), g1")
    assert line.endswith("g9 (2 rules) and 2 more")
    assert describe_list([]) == []
    apart = [one._replace(name=f"g{n}", target=replace(TARGET, region_id=n)) for n in range(12)]
    assert describe_list(apart)[-1] == "2 more such groups are live in other projects and regions"


def describe_list(groups: list[UnmanagedGroup]) -> list[str]:
    return list(describe_orphans(groups))


def test_a_renamed_group_whose_rules_no_file_manages_is_an_error_that_says_how_it_is_meant() -> None:
    with pytest.raises(InputError) as raised:
        plan_of([desired_group("cache", None)], [live_group("cache-v2", TEN, OURS)], ["us"])
    assert "write `previous_name: cache-v2`" in str(raised.value.issues[0].fix)
    others = {"nobody's": ("cache-v2", {}), "unlike": ("db", OURS), "elsewhere": ("cache-v2", OURS)}
    for what, (name, tags) in others.items():
        target = OTHER_TARGET if what == "elsewhere" else TARGET
        desired = [desired_group("cache", None), desired_group("web", [], target=OTHER_TARGET)]
        with pytest.raises(InputError) as raised:
            plan_of(desired, [live_group(name, TEN, tags, target=target)], ["us"])
        assert "previous_name" not in str(raised.value.issues[0].fix), what
