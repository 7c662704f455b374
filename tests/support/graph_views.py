"""Random views for graphs: a handful of groups that refer to each other, in circles and across."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import strategies as st

from reconciler.model.canonical import canonical_rule
from reconciler.model.desired import Target
from reconciler.model.rule import Rule
from reconciler.planning.group_view import StateView, ViewedGroup, ViewedRule

TARGET = Target(1337, 7)
HOSTILE = '"]--><script>alert(1)</script>&amp;#35;`\\\n\x1b[31m\u202e%%{init}%%'


def rule(
    direction: Any = "ingress", port: int | None = 443, remote: str | None = None, protocol: str | None = "tcp"
) -> Rule:
    """A rule; a remote that ends in a slash and a length is a prefix, another one a group's key."""
    prefix, group = (remote, None) if re.search(r"/[0-9]+$", remote or "") else (None, remote)
    return canonical_rule(direction, None, protocol, port, port, prefix, group)


def view_of(groups: dict[str, list[Rule] | None], target: Target = TARGET) -> StateView:
    """A side in which a group's key is its name, in small letters as ids are."""
    found = tuple(
        ViewedGroup(
            target, name.lower(), name, None if rules is None else tuple(ViewedRule(each, name) for each in rules)
        )
        for name, rules in groups.items()
    )
    return StateView(found, {name.lower(): name for name in groups})


PORTS = st.sampled_from([22, 80, 443, 8080, 9100])
DIRECTIONS = st.sampled_from(["ingress", "ingress", "egress"])
LENGTHS = st.sampled_from([1, 1, 1, 5])


@st.composite
def views(draw: st.DrawFn, most: int = 14) -> StateView:
    names = [f"group-{number}" * draw(LENGTHS) for number in range(draw(st.integers(1, most)))]
    remotes = st.sampled_from([*names, *names, "unknown", None, "10.0.0.0/8", "192.0.2.0/24", "2001:db8::/32"])
    rules = st.lists(st.builds(rule, DIRECTIONS, PORTS, remotes), max_size=5)
    return view_of({name: draw(rules) for name in names})
