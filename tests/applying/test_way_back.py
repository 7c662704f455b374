"""What a way back makes of single groups, given a journal and what is live now. Pure."""

from dataclasses import replace
from typing import Any

from build import TARGET, live_group, rule, tcp, there, uuid

from reconciler.applying.journal_reading import Before, Journal
from reconciler.applying.rollback import WayBack, way_back
from reconciler.model.live import LiveGroup, Tag
from reconciler.planning.diff import Action, LostRule


def back(
    old: LiveGroup, *now: LiveGroup, created: tuple[LiveGroup, ...] = (), deletes: bool | None = None, **fields: Any
) -> WayBack:
    """Go back from an apply that changed one group, or sent its deletion: else where it is not there any more."""
    is_gone = old.id not in {group.id for group in now} if deletes is None else deletes
    action = Action.DELETE if is_gone else Action.UPDATE
    known = {"changed": frozenset({"rules"}), "tags": (), "lost_rules": ()}
    before = Before(2, action, TARGET, old.name, old, **known | fields)
    journal = Journal(
        "apply.journal",
        "https://api.gcore.com",
        (before,),
        {(group.target, group.id): group.name for group in created},
        frozenset(),
        frozenset({(TARGET, old.id)} if is_gone else ()),
    )
    return way_back(journal, {TARGET: now}, {})


def test_a_rule_that_no_request_could_make_stays_where_it_is_still_there() -> None:
    odd = there(1, rule(protocol="99"), irregular=True)
    old = live_group("web", [odd, tcp(22)])
    found = back(old, replace(old, rules=(odd,)))
    (difference,) = found.differences
    assert [each.rule for each in difference.creates] == [tcp(22)]
    assert (difference.deletes, found.notes) == ((), ())


def test_of_rules_that_mean_the_same_one_comes_back() -> None:
    (difference,) = back(live_group("old", [there(1, tcp(80), "a"), there(2, tcp(80), "b")])).differences
    assert [(each.rule, each.description) for each in difference.creates] == [(tcp(80), "a")]


def test_a_tag_that_is_read_only_by_now_stays() -> None:
    old = live_group("web", tags={"mine": "old"})
    now = replace(old, tags=(Tag("mine", "new"), Tag("theirs", "x", read_only=True)))
    (difference,) = back(old, now, tags=("mine", "theirs")).differences
    assert [(each.key, each.new) for each in difference.tags] == [("mine", "old")]


def test_a_group_that_was_created_under_the_name_of_a_deleted_one_is_filled_and_not_deleted() -> None:
    old, heir = live_group("web", [tcp(22)], number=1), live_group("web", [tcp(80)], number=2)
    (difference,) = back(old, heir, created=(heir,)).differences
    assert difference.action is Action.UPDATE
    assert [each.rule for each in difference.creates] == [tcp(22)]
    assert [each.rule for each in difference.deletes] == [tcp(80)]


def test_a_group_whose_deletion_came_to_nothing_is_left_alone() -> None:
    """A rule that referred to it went by other hands, and stays away."""
    old, other = live_group("web", [tcp(22)], {"a": "b"}), live_group("app", number=2)
    lost = LostRule(other.id, other.name, there(7, tcp(1, old.id)))
    found = back(old, old, other, deletes=True, lost_rules=(lost,))
    assert (found.differences, found.notes) == ((), ())


def test_a_changed_group_that_others_deleted_stays_deleted() -> None:
    found = back(live_group("web", [tcp(22)]), deletes=False)
    assert (found.differences, found.notes) == ((), (f"'web' ({uuid(1)}) was deleted by somebody else and stays so",))


def test_a_second_group_of_the_name_is_in_nobodys_way_where_no_name_changes() -> None:
    old = live_group("web", [tcp(22)])
    (difference,) = back(old, replace(old, rules=()), live_group("web", number=2)).differences
    assert [each.rule for each in difference.creates] == [tcp(22)]


def test_a_rule_whose_remote_group_is_gone_is_told_and_left_out() -> None:
    old = live_group("web", [tcp(22), tcp(80, uuid(9))])
    found = back(old, replace(old, rules=()))
    (difference,) = found.differences
    assert [each.rule for each in difference.creates] == [tcp(22)]
    (note,) = found.notes
    assert "cannot be brought back, the group it refers to does not exist any more: ingress IPv4 tcp 80" in note
