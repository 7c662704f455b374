"""Short ways to build the values of the core."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.model.canonical import canonical_rule
from reconciler.model.desired import DesiredGroup, DesiredRule, DesiredState, Target
from reconciler.model.live import LiveGroup, LiveRule, LiveState, Tag
from reconciler.model.place import FilePlace
from reconciler.model.rule import Rule
from reconciler.planning.plan import Plan, PlanOptions
from reconciler.workflow import make_plan

TARGET = Target(1337, 7)
OTHER_TARGET = Target(1337, 8)
BASE_URL = "https://api.gcore.com"
CREATED_AT = "2026-01-02T03:04:05Z"


def uuid(number: int) -> str:
    """An id that tells its number."""
    return f"00000000-0000-4000-8000-{number:012d}"


def rule(
    direction: Any = "ingress",
    protocol: str | None = "tcp",
    ports: int | tuple[int | None, int | None] | None = None,
    remote: str | None = None,
    ethertype: Any = None,
) -> Rule:
    """A canonical rule; a remote with 36 characters and no slash is a group's id."""
    low, high = (ports, ports) if isinstance(ports, int) else ports or (None, None)
    is_group = remote is not None and len(remote) == 36 and "/" not in remote
    prefix, group = (None, remote) if is_group else (remote, None)
    return canonical_rule(direction, ethertype, protocol, low, high, prefix, group)


def tcp(port: int, remote: str | None = None) -> Rule:
    """An ingress rule for one port."""
    return rule(ports=port, remote=remote)


def wanted(each: Rule, description: str = "", remote_group: str | None = None, line: int = 1) -> DesiredRule:
    """A desired rule."""
    return DesiredRule(each, description, FilePlace("groups.yaml", line, 9), remote_group)


def there(number: int, each: Rule, description: str = "", *, irregular: bool = False) -> LiveRule:
    """A live rule with an id made of a number."""
    return LiveRule(uuid(number), each, description, irregular)


def desired_group(name: str = "web", rules: Iterable[DesiredRule | Rule] | None = (), **fields: Any) -> DesiredGroup:
    """A desired group; bare rules have no description."""
    rules = None if rules is None else tuple(each if isinstance(each, DesiredRule) else wanted(each) for each in rules)
    return DesiredGroup(
        **{"target": TARGET, "name": name, "place": FilePlace("groups.yaml", 3, 5), "rules": rules} | fields
    )


def live_group(
    name: str = "web",
    rules: Iterable[LiveRule | Rule] = (),
    tags: Mapping[str, str] | Iterable[Tag] = (),
    number: int = 1,
    **fields: Any,
) -> LiveGroup:
    """A live group; bare rules get ids made of the group's number and their own."""
    full = tuple(
        each if isinstance(each, LiveRule) else there(number * 1000 + index, each) for index, each in enumerate(rules)
    )
    listed = tuple(Tag(key, value) for key, value in tags.items()) if isinstance(tags, Mapping) else tuple(tags)
    known = {"target": TARGET, "id": uuid(number), "description": "", "revision_number": 1}
    return LiveGroup(**known | {"name": name, "tags": listed, "rules": full} | fields)


def state_of(*groups: DesiredGroup, owners: Iterable[str] = ()) -> DesiredState:
    """A desired state of these groups, in the targets that they name."""
    targets = tuple(dict.fromkeys(group.target for group in groups)) or (TARGET,)
    return DesiredState(groups, targets, dict.fromkeys(targets, frozenset(owners)))


def live_of(*groups: LiveGroup) -> LiveState:
    """A live state of these groups; both targets exist."""
    targets = (TARGET, OTHER_TARGET)
    return {target: tuple(group for group in groups if group.target == target) for target in targets}


def plan_of(
    desired: Iterable[DesiredGroup], live: Iterable[LiveGroup], owners: Iterable[str] = (), **options: Any
) -> Plan:
    """Plan these groups against those."""
    return make_plan(
        state_of(*desired, owners=owners),
        live_of(*live),
        PlanOptions(**options),
        base_url=BASE_URL,
        created_at=CREATED_AT,
    )
