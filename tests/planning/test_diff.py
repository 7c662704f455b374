"""The difference as an algebra: nothing against itself, the desired state after it, and no hand on what is left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import pytest
from build import desired_group, live_group, rule, tcp, there, wanted
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import KEYS, TEXTS, desired_rules, live_rules, tag_maps

from reconciler.model.desired import DesiredGroup, DesiredRule
from reconciler.model.live import OWNER_TAG, PROTECTION_TAG, RESERVED_TAGS, LiveGroup, LiveRule, Tag
from reconciler.model.rule import Rule
from reconciler.planning.diff import Action, Difference, TagChange, TextChange, diff
from reconciler.planning.encode import tag_patch
from reconciler.planning.resolve import Match

VALUES = st.sampled_from(["1", "prod", "no"])


@st.composite
def live_groups(draw: st.DrawFn) -> LiveGroup:
    """A live group with every kind of tag."""
    tags = [Tag(key, value) for key, value in draw(tag_maps()).items()]
    tags += [Tag(f"cloud-{key}", draw(VALUES), read_only=True) for key in draw(st.sets(KEYS, max_size=2))]
    tags += [Tag(key, draw(VALUES)) for key in draw(st.sets(st.sampled_from(sorted(RESERVED_TAGS))))]
    return live_group("web", draw(live_rules()), tags, description=draw(TEXTS))


@st.composite
def desired_groups(draw: st.DrawFn) -> DesiredGroup:
    """A desired group that manages some things and leaves others out."""
    return desired_group(
        draw(st.sampled_from(["web", "www"])),
        draw(st.none() | desired_rules()),
        description=draw(st.none() | TEXTS),
        tags=draw(st.none() | tag_maps()),
        owner=draw(st.none() | st.just("us")),
        prevent_destroy=draw(st.sampled_from([None, True, False])),
    )


def carry_out(difference: Difference, live: LiveGroup) -> LiveGroup:
    """What the cloud would hold after a difference: a model of a few lines."""
    gone = {each.id for each in difference.deletes} | {each.id for r in difference.redescribes for each in r.live}
    new = [*difference.creates, *(each.desired for each in difference.redescribes)]
    kept = [each for each in live.rules if each.id not in gone]
    kept += [LiveRule(f"new-{index}", each.rule, each.description) for index, each in enumerate(new)]
    return replace(
        live,
        name=difference.name,
        description=difference.description.new if difference.description else live.description,
        tags=merge(live.tags, difference.tags),
        rules=tuple(kept),
    )


def merge(tags: Iterable[Tag], changes: Iterable[TagChange]) -> tuple[Tag, ...]:
    """JSON Merge Patch of user tags (RFC 7386): null removes a member, anything else replaces or adds it."""
    patch = {change.key: change.new for change in changes}
    kept = [tag for tag in tags if tag.read_only or tag.key not in patch]
    return (*kept, *(Tag(key, value) for key, value in patch.items() if value is not None))


def user_tags(group: LiveGroup) -> dict[str, str]:
    return {tag.key: tag.value for tag in group.tags if not tag.read_only and tag.key not in RESERVED_TAGS}


@settings(max_examples=examples(150))
@given(live_groups())
def test_a_group_does_not_differ_from_itself(live: LiveGroup) -> None:
    """Every attribute managed, every rule written once."""
    once: dict[Rule, DesiredRule] = {}
    for each in live.rules:
        once.setdefault(each.rule, wanted(each.rule, each.description))
    desired = desired_group(
        "web", once.values(), description=live.description, tags=user_tags(live), prevent_destroy=None
    )
    assert diff(Match(desired, live)).is_empty


@settings(max_examples=examples(250))
@given(desired_groups(), live_groups())
def test_carrying_out_the_difference_gives_what_is_desired(desired: DesiredGroup, live: LiveGroup) -> None:
    """Name, description, tags and rules are those of the file, and a second difference is empty."""
    after = carry_out(diff(Match(desired, live)), live)
    assert after.name == desired.name
    assert desired.description in {None, after.description}
    if desired.tags is not None:
        assert user_tags(after) == desired.tags
    if desired.rules is not None:
        assert {each.rule for each in after.rules} == {each.rule for each in desired.rules}
        text = {each.rule: each.description for each in desired.rules}
        found = {(each.rule, each.description) for each in after.rules}
        assert all((each, text[each]) in found for each in text)
    assert desired.owner in {None, after.owner}
    assert diff(Match(desired, after)).is_empty


@settings(max_examples=examples(150))
@given(desired_groups(), live_groups())
def test_what_is_left_out_is_left_alone(desired: DesiredGroup, live: LiveGroup) -> None:
    """No key, no change: rules with their ids, tags, description; and read-only tags always."""
    difference = diff(Match(desired, live))
    after = carry_out(difference, live)
    if desired.rules is None:
        assert after.rules == live.rules
        assert not difference.changes_rules
    if desired.tags is None:
        assert user_tags(after) == user_tags(live)
    if desired.description is None:
        assert difference.description is None
    assert [tag for tag in after.tags if tag.read_only] == [tag for tag in live.tags if tag.read_only]
    if desired.owner is None:
        assert after.owner == live.owner
    if desired.prevent_destroy is None:
        assert _protection(after) == _protection(live)


def _protection(group: LiveGroup) -> list[Tag]:
    return [tag for tag in group.tags if tag.key == PROTECTION_TAG]


@settings(max_examples=examples(150))
@given(desired_rules(), live_rules())
def test_every_rule_is_in_exactly_one_part(desired: tuple[DesiredRule, ...], live: tuple[LiveRule, ...]) -> None:
    """No rule is created that is there, none deleted that is wanted, and every live one is accounted for."""
    difference = diff(Match(desired_group("web", desired), live_group("web", live)))
    there_now, asked = {each.rule for each in live}, {each.rule for each in desired}
    assert {each.rule for each in difference.creates} == asked - there_now
    assert {each.rule for each in difference.deletes} == there_now - asked
    assert {each.desired.rule for each in difference.redescribes} <= asked & there_now
    redescribed = sum(len(each.live) for each in difference.redescribes)
    assert len(live) == difference.unchanged + len(difference.deletes) + redescribed


def test_a_new_group_is_all_additions() -> None:
    desired = desired_group("web", [wanted(tcp(80), "http")], description="d", tags={"env": "prod"}, owner="us")
    difference = diff(Match(desired, None))
    assert difference.action is Action.CREATE
    assert difference.description == TextChange("", "d")
    assert tag_patch(difference) == {"env": "prod", OWNER_TAG: "us"}
    assert [each.rule for each in difference.creates] == [tcp(80)]


def test_another_description_is_neither_a_create_nor_a_delete() -> None:
    """It is one rule described anew; a missing description of a managed rule means the empty one."""
    live = live_group("web", [there(5, tcp(80), "old"), there(6, tcp(81), "old")])
    difference = diff(Match(desired_group("web", [wanted(tcp(80), "new"), wanted(tcp(81))]), live))
    assert (difference.creates, difference.deletes) == ((), ())
    assert [each.desired.description for each in difference.redescribes] == ["new", ""]


@pytest.mark.parametrize(
    ("descriptions", "redescribed", "notes"),
    [
        pytest.param(["a", "b"], 0, 1, id="one-fits-and-both-stay"),
        pytest.param(["b", "c"], 2, 0, id="none-fits-and-both-give-way-to-one"),
        pytest.param(["a", "a"], 0, 1, id="twins-stay"),
    ],
)
def test_live_rules_that_mean_the_same(descriptions: list[str], redescribed: int, notes: int) -> None:
    live = live_group("web", [there(index, tcp(80), text) for index, text in enumerate(descriptions)])
    difference = diff(Match(desired_group("web", [wanted(tcp(80), "a")]), live))
    assert sum(len(each.live) for each in difference.redescribes) == redescribed
    assert len(difference.notes) == notes
    assert (difference.creates, difference.deletes) == ((), ())


@pytest.mark.parametrize(
    ("live", "fields", "patch"),
    [
        pytest.param({"a": "1"}, {"tags": None}, {}, id="not-managed"),
        pytest.param({"a": "1", "b": "2"}, {"tags": {}}, {"a": None, "b": None}, id="none-wanted-one-null-a-key"),
        pytest.param({"a": "1"}, {"tags": {"a": "2", "b": "3"}}, {"a": "2", "b": "3"}, id="changed-and-added"),
        pytest.param({"a": "1"}, {"tags": {"a": "1"}}, {}, id="the-same"),
        pytest.param({"a": "1"}, {"tags": None, "owner": "us"}, {OWNER_TAG: "us"}, id="owner-beside-unmanaged-tags"),
        pytest.param({"a": "1"}, {"tags": {}, "owner": "us"}, {"a": None, OWNER_TAG: "us"}, id="owner-and-no-tags"),
        pytest.param({OWNER_TAG: "us"}, {"tags": {}}, {}, id="an-owner-that-the-file-does-not-name-stays"),
        pytest.param({OWNER_TAG: "them"}, {"tags": {}, "owner": "us"}, {OWNER_TAG: "us"}, id="taken-over"),
        pytest.param({}, {"prevent_destroy": True}, {PROTECTION_TAG: "true"}, id="protected"),
        pytest.param({PROTECTION_TAG: "true"}, {"tags": {}}, {}, id="protection-stays-when-left-out"),
        pytest.param({PROTECTION_TAG: "true"}, {"prevent_destroy": False}, {PROTECTION_TAG: None}, id="no-longer"),
    ],
)
def test_the_tags_of_a_patch(live: dict[str, str], fields: dict[str, object], patch: dict[str, str | None]) -> None:
    """RFC 7386: one null a key that goes, and `tags: null` never."""
    assert tag_patch(diff(Match(desired_group("web", **fields), live_group("web", tags=live)))) == patch


def test_a_read_only_tag_is_never_in_a_patch() -> None:
    """Neither where the file leaves it out, nor where it says the same."""
    live = live_group("web", tags=[Tag("cloud", "x", read_only=True), Tag("a", "1")])
    for tags in ({}, {"cloud": "x"}):
        assert tag_patch(diff(Match(desired_group("web", tags=tags), live))) == {"a": None}


@settings(max_examples=examples(200))
@given(desired_rules(), live_rules(), st.randoms())
def test_the_order_of_rules_does_not_matter(
    desired: tuple[DesiredRule, ...], live: tuple[LiveRule, ...], random: st.DataObject
) -> None:
    """Rules are a set: shuffled on either side they differ in the same."""
    shuffled = list(desired)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis types its Random as data
    one = diff(Match(desired_group("web", desired), live_group("web", live)))
    other = diff(Match(desired_group("web", shuffled), live_group("web", reversed(live))))
    for part in ("creates", "deletes"):
        assert Counter(map(repr, getattr(one, part))) == Counter(map(repr, getattr(other, part)))
    assert {each.desired for each in one.redescribes} == {each.desired for each in other.redescribes}


def test_nothing_is_said_of_an_unmanaged_duplicate() -> None:
    live = live_group("web", [there(1, rule()), there(2, rule())])
    assert diff(Match(desired_group("web", None), live)).is_empty
