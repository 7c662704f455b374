"""Plans of every kind, and the places in what is written of one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from build import desired_group, live_group, plan_of, rule, tcp, uuid, wanted
from hypothesis import strategies as st
from strategies import TEXTS, live_rules, rules_to_create, tag_maps

from reconciler.model.ignore_rules import IgnoreRule, find_entry
from reconciler.model.live import OWNER_TAG
from reconciler.model.place import FilePlace
from reconciler.planning.plan import Plan

OURS = {OWNER_TAG: "us"}
_PLACE = FilePlace("groups.yaml", 2, 5)
ENTRIES: list[tuple[IgnoreRule, ...]] = [
    (),
    (),
    (IgnoreRule(_PLACE, description="?*"),),
    (IgnoreRule(_PLACE, direction="egress"), IgnoreRule(_PLACE, protocol="icmp", remote_group="new")),
    (IgnoreRule(_PLACE, ports=((1, 1000), (30000, 32767))), IgnoreRule(_PLACE, description="*")),
]
"""What may be left to others: nothing, what is described, one direction, and everything."""


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Plans with creates, updates, renames, deletions, references, lost rules and findings, of both APIs."""
    entries = draw(st.sampled_from(ENTRIES))
    rules = [each for each in draw(rules_to_create()) if not find_entry(entries, each.rule, each.description)]
    desired = [
        desired_group("web", rules, tags=draw(st.none() | tag_maps()), owner="us", ignore_rules=entries),
        desired_group("app", draw(st.none() | rules_to_create()), id=uuid(2), description=draw(st.none() | TEXTS)),
        desired_group("new", [wanted(tcp(1), draw(TEXTS), "newer", 12), *draw(rules_to_create(3))], owner="us"),
        desired_group("newer", [wanted(tcp(2), remote_group="new")], previous_name=draw(st.none() | TEXTS)),
    ]
    live = [
        live_group("web", draw(live_rules()), draw(tag_maps()), description=draw(TEXTS)),
        live_group(draw(st.sampled_from(["app", "old app \x1b[2J"])), draw(live_rules()), number=2),
        live_group("gone", draw(live_rules(3)), OURS, number=3),
        live_group("foreign", [tcp(9, uuid(3)), rule(protocol="99")], number=4),
    ]
    return plan_of(
        desired,
        live,
        owners=["us"],
        prune=draw(st.booleans()),
        two_phase=draw(st.booleans()),
        api_version=draw(st.sampled_from(["v1", "v2"])),
        lifted=draw(st.sets(st.sampled_from(["gap", "mass-delete"])).map(frozenset)),
    )


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in JSON data where something stands, containers included."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from leaves(item, (*path, key))
