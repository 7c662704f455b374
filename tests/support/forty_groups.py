"""A fleet: 40 groups with 584 rules in two regions; 38 of them let SSH in, by 360 rules, on a port to choose."""

from typing import Any

from build import uuid

from reconciler.loading.plain import PlainDocument
from reconciler.model.desired import DesiredState, Target
from reconciler.model.live import LiveGroup, LiveRule, LiveState
from reconciler.planning.plan import Plan, PlanOptions
from reconciler.reading import load
from reconciler.workflow import make_plan

TARGETS = ({"project_id": 1337, "region_id": 7}, {"project_id": 1337, "region_id": 8})
OFFICES = [f"203.0.113.{number * 32}/28" for number in range(6)]


def forty_groups(ssh: int = 22) -> dict[str, Any]:
    """The fleet as a file has it: 20 groups for two regions, where SSH listens on the port `ssh`."""
    groups = [_group(f"web-{number:02}", number, ssh, doors=10, others=5) for number in range(1, 18)]
    groups += [_group("cache", 20, ssh, doors=5, others=8), _group("queue", 21, ssh, doors=5, others=8)]
    groups.append(_group("bastion", 30, ssh, doors=0, others=11))
    return {"targets": list(TARGETS), "security_groups": groups}


def _group(name: str, number: int, ssh: int, *, doors: int, others: int) -> dict[str, Any]:
    """SSH from the bastion, networks of the group's own, and the offices; `web-01` and `web-02` have it for all."""
    second = "0.0.0.0/0" if name in {"web-01", "web-02"} else f"10.{number + 100}.0.0/16"
    remotes: list[dict[str, Any]] = [{"remote_group": "bastion"}]
    remotes += [{"remote_ip_prefix": prefix} for prefix in (f"10.{number}.0.0/16", second, "192.0.2.0/24", *OFFICES)]
    tcp = {"direction": "ingress", "protocol": "tcp"}
    rules = [{**tcp, "ports": ssh, "description": "SSH", **remote} for remote in remotes[:doors]]
    rules += [{**tcp, "ports": 8000 + port, "remote_ip_prefix": "10.0.0.0/8"} for port in range(others)]
    return {"name": name, "rules": rules}


def plan_of_fleet(before: dict[str, Any], after: dict[str, Any]) -> Plan:
    """Plan what a file asks for, where live is what another one asks for."""
    live = as_live(load(PlainDocument("before", before)))
    options = PlanOptions()
    return make_plan(
        load(PlainDocument("after", after)), live, options, base_url="https://api", created_at="2026-01-02T03:04:05Z"
    )


def as_live(state: DesiredState) -> LiveState:
    """Return the live state in which a desired one has been applied."""
    ids = {(group.target, group.name): uuid(number) for number, group in enumerate(state.groups, 1)}
    live: dict[Target, list[LiveGroup]] = {target: [] for target in state.targets}
    for number, group in enumerate(state.groups, 1):
        rules = []
        for index, rule in enumerate(group.rules or ()):
            remote = ids[group.target, rule.remote_group] if rule.remote_group else None
            full = rule.rule._replace(remote_group_id=remote)
            rules.append(LiveRule(uuid(number * 1000 + index), full, rule.description))
        live[group.target].append(
            LiveGroup(group.target, ids[group.target, group.name], group.name, "", (), tuple(rules), 1)
        )
    return {target: tuple(groups) for target, groups in live.items()}
