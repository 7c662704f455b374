"""Plan files, journals and locks made to be slow, each as large as asked, and valid: the writers wrote them.

`size` is the number of bytes to fill, roughly; `base_url` is the API that a plan or journal is for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import hostile
from build import desired_group, live_group, rule, state_of, tcp, there, uuid, wanted

from reconciler.applying.journal import before_line, begin_line, write_line
from reconciler.applying.outcome import Write
from reconciler.loading.list_lock import LockedList, lock_text
from reconciler.loading.lists import ListSource
from reconciler.model.clock import format_time
from reconciler.model.desired import DesiredGroup, DesiredRule
from reconciler.model.live import OWNER_TAG, LiveGroup, LiveRule
from reconciler.model.place import FilePlace
from reconciler.model.placeholder import placeholder
from reconciler.model.policies import Finding, PoliciesSource, PolicyException, Review
from reconciler.model.rule import Rule
from reconciler.planning import planfile
from reconciler.planning.plan import Plan, PlanOptions
from reconciler.workflow import make_plan

NOW = datetime.now(UTC)
OURS = {OWNER_TAG: "us"}
Sides = tuple[list[DesiredGroup], list[LiveGroup]]


def plan_text(kind: str, size: int, base_url: str = "https://api.gcore.com") -> str:
    """Make a plan file of a kind (`PLANS`), of roughly so many bytes."""
    return planfile.dumps(_filled(size, lambda number: PLANS[kind](number, base_url), planfile.dumps))


def journal_text(kind: str, size: int, base_url: str = "https://api.gcore.com") -> str:
    """Make the journal of an apply of such a plan, which did all of it."""
    return _journal(_filled(size, lambda number: PLANS[kind](number, base_url), _journal))


LISTS = 20
"""Files that a lock's address groups come from (`list_name`)."""


def list_name(number: int) -> str:
    """Name one of those files."""
    return f"list-{number % LISTS}.txt"


def prefixes(number: int) -> tuple[str, ...]:
    """Make so many prefixes, as a list holds them."""
    return tuple(f"{10 + (one >> 16)}.{one >> 8 & 255}.{one & 255}.0/24" for one in range(number))


def lock(size: int, each: int) -> tuple[str, str]:
    """Make a lock of roughly so many bytes, of address groups of so many prefixes, and a file that uses all of them."""
    locked = [
        LockedList(ListSource("file", list_name(number)), "2026-01-01", prefixes(each)) for number in range(LISTS)
    ]
    names = [f"a{number}" for number in range(max(1, size // (250 + 20 * each)))]
    listed = "".join(f"  {name}: {{source: file, path: {list_name(i)}}}\n" for i, name in enumerate(names))
    return lock_text({name: locked[i % LISTS] for i, name in enumerate(names)}), f"address_groups:\n{listed}" + (
        hostile.groups(len(names), lambda number: [f"{hostile.RULE}, remote_address_group: a{number}}}"])
    )


def selects(number: int) -> str:
    """Make so many address groups whose `select` takes as many steps as it may, each another."""
    busy = " | ".join(["[*].[@, @][]"] * 6 + ["[*]"] * 60)
    return "address_groups:\n" + "".join(
        f"  a{each}: {{source: file, path: list.json, format: json, select: '{busy} | [*] | [{each}:]'}}\n"
        for each in range(number)
    )


def _filled(size: int, make: Callable[[int], Plan], write: Callable[[Plan], str]) -> Plan:
    """Make as many of what a plan is full of as fill so many bytes, as far as a small plan tells."""
    few, many = len(write(make(1))), len(write(make(3)))
    return make(max(1, 1 + 2 * (size - few) // max(1, many - few)))


def _journal(plan: Plan) -> str:
    lines = [begin_line(NOW, plan.base_url, plan.api_version)]
    for number, change in enumerate(plan.changes):
        lines.append(before_line(NOW, change))
        live = change.difference.live
        group_id = uuid(10**9 + number) if live is None else live.id
        for request in change.requests:
            sent = replace(request, path=request.path.replace(placeholder(change.difference.name), group_id))
            lines.append(write_line(Write(NOW, change, sent, group_id, 200, None, None)))
    return "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines)


def _plan(sides: Sides, base_url: str, **options: Any) -> Plan:
    desired, live = sides
    state = state_of(*desired, owners=["us"])
    there_is = {target: tuple(each for each in live if each.target == target) for target in state.targets}
    return make_plan(state, there_is, PlanOptions(**options), base_url=base_url, created_at=format_time(NOW))


def _crossing(group: int, number: int) -> Rule:
    """One of 250 rules whose prefixes nest and whose ports overlap."""
    return rule(ports=(1 + number * 100 + group % 50, 30000 + number * 100), remote=f"10.0.0.0/{8 + number % 25}")


def _apart(group: int, number: int) -> Rule:
    """One of 250 rules with a prefix each and ports that cross those of all others."""
    ports = (1 + (number * 37 + group) % 5000, 30000 + (number * 91) % 9000)
    return rule(ports=ports, remote=f"{10 + number % 100}.{number}.{group % 256}.0/24")


def _world(group: int, number: int) -> Rule:
    """One of 250 rules that are open to the world together."""
    ports = (1 + number * 3 + group % 3, 20000 + number * 170)
    return rule(ports=ports, remote=f"{16 * (number % 16)}.0.0.0/{4 + number // 16}")


def _created(shape: Callable[[int, int], Rule]) -> Callable[[int, str], Plan]:
    def make(number: int, base_url: str) -> Plan:
        desired = [desired_group(f"web{each}", [shape(each, one) for one in range(250)]) for each in range(number)]
        return _plan((desired, []), base_url)

    return make


def _replaced(old: Callable[[int, int], Rule], new: Callable[[int, int], Rule]) -> Callable[[int, str], Plan]:
    def make(number: int, base_url: str) -> Plan:
        desired = [desired_group(f"web{each}", [new(each, one) for one in range(250)]) for each in range(number)]
        live = [_live(each, [old(each, one) for one in range(250)]) for each in range(number)]
        return _plan((desired, live), base_url)

    return make


def _live(number: int, rules: Iterable[Rule | LiveRule], name: str = "web", **fields: Any) -> LiveGroup:
    return live_group(f"{name}{number}", rules, number=number + 1, **fields)


def _described_anew(number: int, base_url: str) -> Plan:
    desired = [
        desired_group(f"web{each}", [wanted(_apart(each, one), "new" * 80) for one in range(250)])
        for each in range(number)
    ]
    live = [
        _live(each, [there(each * 1000 + one, _apart(each, one), "old" * 80) for one in range(250)])
        for each in range(number)
    ]
    return _plan((desired, live), base_url)


def _small(number: int, base_url: str) -> Plan:
    desired = [desired_group(f"web{each}", [tcp(80)]) for each in range(number)]
    return _plan((desired, [_live(each, [tcp(22)]) for each in range(number)]), base_url)


def _chain(number: int, base_url: str) -> Plan:
    """New groups, each of which refers to the next."""
    desired = [
        desired_group(f"web{each}", [wanted(tcp(1), remote_group=f"web{(each + 1) % number}")])
        for each in range(number)
    ]
    return _plan((desired, []), base_url)


def _dense(number: int, base_url: str) -> Plan:
    """New groups that all refer to each other."""
    desired = [
        desired_group(
            f"web{each}",
            [wanted(tcp(1 + one), remote_group=f"web{(each * 31 + one * 7) % number}") for one in range(250)],
        )
        for each in range(number)
    ]
    return _plan((desired, []), base_url)


def _deleted(number: int, base_url: str) -> Plan:
    """Groups that go, each of which refers to others that go."""
    live = [
        _live(each, [tcp(1 + one, uuid((each * 31 + one * 7) % number + 1)) for one in range(100)], "old", tags=OURS)
        for each in range(number)
    ]
    kept = desired_group("kept", owner="us")
    return _plan(([kept], [*live, live_group("kept", number=number + 9, tags=OURS)]), base_url, prune=True)


def _lost(number: int, base_url: str) -> Plan:
    """Groups that go, and with each of them rules of others."""
    going = [_live(each, (), "old", tags=OURS) for each in range(number)]
    others = [_live(number + 10 + each, [tcp(1, one.id) for one in going[:250]], "other") for each in range(10)]
    kept = desired_group("kept", owner="us")
    live = [*going, *others, live_group("kept", number=number + 9, tags=OURS)]
    return _plan(([kept], live), base_url, prune=True)


def _renamed(number: int, base_url: str) -> Plan:
    """Groups with new names, to which rules of others refer."""
    desired = [
        desired_group(
            f"new{each}", [wanted(tcp(5), remote_group=f"new{(each + 1) % number}")], previous_name=f"web{each}"
        )
        for each in range(number)
    ]
    return _plan((desired, [_live(each, ()) for each in range(number)]), base_url)


def _tags(number: int, base_url: str) -> Plan:
    """Groups with hundreds of tags."""
    tags = {f"key-{one}": "new" for one in range(500)}
    desired = [desired_group(f"web{each}", tags=tags) for each in range(number)]
    old = {f"key-{one}": "old" for one in range(1, 501)}
    return _plan((desired, [_live(each, (), tags=old) for each in range(number)]), base_url)


def _reviewed(number: int, base_url: str) -> Plan:
    """Rules with hundreds of exceptions each."""
    exceptions = tuple(PolicyException("world_open_management", f"r{each}", date(2099, 1, 1)) for each in range(100))
    desired = [
        desired_group(
            f"web{each}",
            [
                DesiredRule(tcp(1 + one), "", FilePlace("a.yaml", one + 1, 1), None, Review(None, exceptions))
                for one in range(50)
            ],
        )
        for each in range(number)
    ]
    return _plan((desired, []), base_url)


def _findings(number: int, base_url: str) -> Plan:
    return replace(
        _small(2, base_url),
        findings=tuple(
            Finding(
                "must_deny", "warning", f"{each} " + "so wrong " * 20, None, FilePlace("a.yaml", each + 1, 1), "web0"
            )
            for each in range(number)
        ),
    )


def _notes(number: int, base_url: str) -> Plan:
    return replace(_small(2, base_url), notes=tuple(f"{each} " + "notable " * 10 for each in range(number)))


def _names(number: int, base_url: str) -> Plan:
    """One group that refers to as many as there are."""
    live = [_live(each, ()) for each in range(number)]
    desired = [
        desired_group(f"web{each}", [tcp(1, uuid((each * 250 + one) % number + 1)) for one in range(min(250, number))])
        for each in range(max(1, number // 250))
    ]
    return _plan((desired, live), base_url)


def _saved_policies(number: int, base_url: str) -> Plan:
    """Flows that every group has to refuse, as the plan was judged by them."""
    flow = {"direction": "ingress", "protocol": "tcp", "ports": 22, "remote_ip_prefix": "10.0.0.0/8"}
    settings = {"must_deny": [{"group": "*", **flow} for _ in range(number)]}
    return replace(_small(50, base_url), policies=PoliciesSource(settings, where="sgctl.toml"))


def _saved_address_groups(number: int, base_url: str) -> Plan:
    """Flows of address groups, each of as many prefixes as a flow may have."""
    flows = [
        {"group": "*", "direction": "ingress", "remote_address_group": f"a{each}", "protocol": "udp"}
        for each in range(number)
    ]
    listed = prefixes(250 * number)
    groups = {f"a{each}": listed[each::number] for each in range(number)}
    return replace(_small(50, base_url), policies=PoliciesSource({"must_deny": flows}, groups, "sgctl.toml"))


PLANS: dict[str, Callable[[int, str], Plan]] = {
    "created_nested": _created(_crossing), "created_apart": _created(_apart), "created_world": _created(_world),
    "replaced_apart": _replaced(_crossing, _apart), "replaced_world": _replaced(_apart, _world),
    "described_anew": _described_anew, "small_changes": _small, "created_chain": _chain, "created_dense": _dense,
    "deleted": _deleted, "deleted_with_lost_rules": _lost, "renamed": _renamed, "tags_changed": _tags,
    "reviewed": _reviewed, "findings": _findings, "notes": _notes, "group_names": _names,
    "saved_policies": _saved_policies, "saved_address_groups": _saved_address_groups,
}  # fmt: skip
"""Plans by what is bad about them, each of a number of groups (or of whatever it is full of)."""
