"""A plan says which rule set a change came from, and once what is wrong with a rule of a set."""

from __future__ import annotations

from dataclasses import replace

import pytest
from build import desired_group, live_group, plan_of, tcp, there, wanted

from reconciler.model.errors import InputError
from reconciler.model.place import FilePlace, used_at


def test_what_comes_from_a_rule_set_is_told_with_the_groups_and_the_places() -> None:
    """Once for all groups; not what a new group has of a set, and not what is a group's own."""
    rules = {
        port: replace(wanted(tcp(port), f"port {port}"), place=used_at(FilePlace("web.yaml", 9, 9), "base", place))
        for port, place in ((22, FilePlace("sets.yaml", 3, 7)), (80, FilePlace("sets.yaml", 4, 7)))
    }
    groups = [desired_group(f"web-{number}", [*rules.values(), tcp(443 + number)]) for number in range(5)]
    live = [live_group(f"web-{number}", [there(1, tcp(80), "before")], number=number + 1) for number in range(4)]
    (note,) = plan_of(groups, live).notes
    assert note == (
        "rule set `base`: 1 rule came, 1 rule described anew, in `web-0`, `web-1`, `web-2` and 1 more "
        "(sets.yaml:3:7, sets.yaml:4:7)"
    )


def test_what_live_state_shows_to_be_wrong_in_a_set_is_told_once() -> None:
    """A remote group that is not there is one error, however many groups use the set."""
    groups = [
        desired_group(
            f"web-{line}",
            [
                replace(
                    wanted(tcp(22), remote_group="none"),
                    place=used_at(FilePlace("web.yaml", line, 9), "base", FilePlace("sets.yaml", 3, 7)),
                )
            ],
        )
        for line in range(1, 1001)
    ]
    with pytest.raises(InputError, match="1 error in the files") as raised:
        plan_of(groups, [])
    assert [str(issue.place) for issue in raised.value.issues] == ["web.yaml:1:9 (rule set base, sets.yaml:3:7)"]
