"""Whatever the server does: every order, atomicity and version, met by every fault, ends as the plan says."""

import itertools
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from bruteforce import cut_or_opened
from pairwise import pairs_of, pairwise
from world import EGRESS, World, neutron, seeds, tcp, wanted

from reconciler.emulator.faults import Fault
from reconciler.emulator.knobs import Atomicity, Order
from reconciler.emulator.server import EmulatorServer
from reconciler.model.desired import DesiredState
from reconciler.model.rule import Rule

FOREIGN = {"direction": "ingress", "protocol": "tcp", "port_range_min": 6666, "port_range_max": 6666}
FOREIGN_RULE = Rule("ingress", "IPv4", "tcp", 6666, 6666)
TINY = 0.08
"""Seconds until a write counts as not answered, where a fault is about that."""

VERSIONS = {"v1": ("v1", False), "v1-two-phase": ("v1", True), "v2": ("v2", False)}


class Impatient(httpx.HTTPTransport):
    """Waits a moment for the answer to a write, and for that to a read as long as a busy machine needs."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method != "GET":
            request.extensions["timeout"] = {**request.extensions["timeout"], "read": TINY}
        return super().handle_request(request)


@dataclass(frozen=True)
class Case:
    """What is changed: the live groups, what is wanted, and which write the fault hits."""

    live: Mapping[str, list[Any]]
    desired: Mapping[str, list[Any]]
    method: str
    prune: bool = False

    def state(self, world: World) -> DesiredState:
        owner = "tests" if self.prune else None
        return wanted(world.target, *self.desired.items(), owner=owner)

    def seed(self, world: World) -> None:
        tags = {"sgctl-owner": "tests"} if self.prune else {}
        groups = [{"name": name, "rules": seeds(rules), "tags": tags} for name, rules in self.live.items()]
        world.seed(*groups)


OLD = [tcp(80), tcp(22, "10.0.0.0/8"), tcp(443, description="old text"), tcp(9000, "192.0.2.0/25")]
NEW = [tcp(80), tcp(443, description="new text"), tcp(8080), tcp(9000, "192.0.2.0/24")]
CASES = {
    "update": Case({"web": OLD}, {"web": NEW}, "PATCH"),
    "create": Case(
        {"web": OLD},
        {"web": [*OLD, tcp(1, group="app")], "app": [tcp(2, group="web"), tcp(3, group="app"), tcp(4)]},
        "POST",
    ),
    "delete": Case({"web": [tcp(80), tcp(1, group="app")], "app": [tcp(4)]}, {"web": [tcp(80)]}, "DELETE", prune=True),
}

Faults = Callable[[str], list[Fault]]


def _one(fault: str, **fields: Any) -> Faults:
    return lambda method: [Fault(fault, method=method, **fields)]


ANSWERS: dict[str, Faults] = {
    "none": lambda _: [],
    "never-answered-before-acting": _one("hang"),
    "never-answered-after-acting": _one("hang", when="after"),
    "answered-late-before-acting": _one("delay", seconds=5),
    "answered-late-after-acting": _one("delay", seconds=5, when="after"),
    "reset-before-acting": _one("reset"),
    "reset-after-acting": _one("reset", when="after"),
    "closed-after-acting": _one("close", when="after"),
    "500-before-acting": _one("status", status=500),
    "500-after-acting": _one("status", status=500, when="after"),
    "503": _one("status", status=503, retry_after=3),
    "html-before-acting": _one("html"),
    "html-after-acting": _one("html", when="after"),
    "truncated-after-acting": _one("truncate"),
    "cut-after-acting": _one("cut"),
    "429-seconds": _one("status", status=429, retry_after=2, count=2),
    "429-date": _one("status", status=429, retry_after_date=5),
    "500-thrice": _one("status", status=500, count=3),
    "another-write-reset": lambda method: [Fault("reset", "PATCH", nth=2 if method == "PATCH" else 1, when="after")],
    "foreign-rule": lambda method: [
        Fault("foreign_change", method=method, group="web" if method == "POST" else None, rule=FOREIGN)
    ],
    **{str(status): _one("status", status=status) for status in (401, 403, 404, 409, 422)},
}
TASKS: dict[str, Faults] = {
    "task-error-before-acting": _one("task_error"),
    "task-error-after-acting": _one("task_error", when="after"),
    "slow-task": _one("slow_task", polls=6),
    "slow-task-answer-lost": lambda method: [
        Fault("slow_task", method=method, polls=6),
        Fault("reset", method=method, when="after"),
    ],
}
TIMEOUTS = ("never", "answered-late")


FAULTS = ANSWERS | TASKS

Cell = tuple[str, str, Order, Atomicity, str]
CELLS: list[Cell] = [
    (version, case, order, atomicity, fault)
    for version, case, order, atomicity in itertools.product(VERSIONS, CASES, Order, Atomicity)
    for fault in (FAULTS if version == "v2" and case != "delete" else ANSWERS)
    if (version, case, fault) != ("v1", "update", "another-write-reset")  # which is a single write
]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Take every cell with `--full`, else the pairwise choice."""
    if "cell" in metafunc.fixturenames:
        cells = CELLS if metafunc.config.getoption("full") else pairwise(CELLS)
        metafunc.parametrize("cell", cells, ids=map("-".join, cells))


def test_the_pairwise_choice_has_every_pair_of_the_full_matrix() -> None:
    """So every fault meets every version, case, order and atomicity, and each two of those meet each other."""
    chosen = pairwise(CELLS)
    assert set(chosen) <= set(CELLS)
    assert set().union(*map(pairs_of, chosen)) == set().union(*map(pairs_of, CELLS))
    assert len(chosen) < len(CELLS) / 10


def test_every_cell_converges(server: EmulatorServer, cell: Cell) -> None:
    version, case_name, order, atomicity, fault_name = cell
    case = CASES[case_name]
    world = World(server, *VERSIONS[version], knobs=neutron(order, atomicity))
    case.seed(world)
    before = {group.name: group for group in world.groups()}
    state = case.state(world)
    plan = world.plan(state, prune=case.prune)
    mark = f"/{world.target.project_id}/{world.target.region_id}(/|$)"
    world.faults(*(_in(mark, fault) for fault in FAULTS[fault_name](case.method)))
    world.transport = Impatient if fault_name.startswith(TIMEOUTS) else httpx.HTTPTransport

    code, told = world.exit_code(plan)

    world.transport = httpx.HTTPTransport
    assert code in {0, 1, 3, 4}, told
    assert fault_name == "none" or any(record.faults for record in world.requests()), "the fault hit nothing"
    _check_done(world, fault_name)
    if code in {1, 3}:
        assert {group.name: _but_foreign(group) for group in world.groups()} == {
            name: _but_foreign(group) for name, group in before.items()
        }, f"said that nothing was applied: {told}"
    if code:
        world.faults()
        again = world.plan(state, prune=case.prune)
        assert again.changes, f"nothing was left to do after {code}: {told}"
        second = world.exit_code(again)
        assert second[0] == 0, f"{told}; then {second}"
    assert not world.plan(state, prune=case.prune).changes, told
    _check_groups(world, case)
    _check_rule_sets(world, case, before)
    if fault_name != "foreign-rule" and (version != "v1" or order is not Order.DELETES_FIRST):
        _check_traffic(world, case, before)
    assert world.blind_repetitions() == []


def _check_done(world: World, fault_name: str) -> None:
    """What is said to be live of a change that did not end well is live, and nothing else is."""
    for result in world.report.results if world.report else ():
        if result.done is None or not world.groups(result.change.difference.name):
            continue
        live = result.done.live
        gone = {rule.id for rule in result.done.deletes}
        gone |= {rule.id for each in result.done.redescribes for rule in each.live}
        kept = [(each.rule, each.description) for each in (live.rules if live else ()) if each.id not in gone]
        told = Counter((*kept, *((each.rule, each.description) for each in result.done.created_rules)))
        found = world.content(result.change.difference.name)
        added = {FOREIGN_RULE} if fault_name == "foreign-rule" else set(EGRESS if live is None else ())
        assert not told - found, result.message
        assert {rule for rule, _ in found - told} <= added, result.message


def _in(mark: str, fault: Fault) -> Fault:
    """Restrict a fault to one project."""
    fields = {name: getattr(fault, name) for name in Fault.__dataclass_fields__}
    return Fault(**{**fields, "path": mark})


def _but_foreign(group: Any) -> Any:
    rules = [rule for rule in group.rules if rule.port_range_min != FOREIGN["port_range_min"]]
    return group.id, group.description, group.tags, rules


def _check_groups(world: World, case: Case) -> None:
    """Every group is there once, with every rule once."""
    assert sorted(group.name for group in world.groups()) == sorted(case.desired)
    ids = {group.name: group.id for group in world.groups()}
    for name, rules in case.desired.items():
        expected = {
            (rule.rule._replace(remote_group_id=ids[rule.remote_group]) if rule.remote_group else rule.rule)
            for rule in rules
        }
        found = world.content(name)
        assert set(found.values()) <= {1}
        assert {rule for rule, _ in found} == expected


def _check_rule_sets(world: World, case: Case, before: Mapping[str, Any]) -> None:
    """At no moment was there a rule that neither the old nor the new state has, nor one twice."""
    ids = {group.name: group.id for group in world.groups()} | {name: group.id for name, group in before.items()}
    for name, group_id in ids.items():
        known = {
            (rule.rule._replace(remote_group_id=ids[rule.remote_group]) if rule.remote_group else rule.rule)
            for rule in (*case.live.get(name, ()), *case.desired.get(name, ()))
        }
        for rules in world.rule_sets(group_id):
            assert len(set(rules)) == len(rules)
            assert set(rules) <= known | {FOREIGN_RULE} | (set() if name in case.live else set(EGRESS))


def _check_traffic(world: World, case: Case, before: Mapping[str, Any]) -> None:
    """At no moment was traffic refused that both states admit, or admitted that neither does."""
    ids = {group.name: group.id for group in world.groups()} | {name: group.id for name, group in before.items()}
    for name in case.live.keys() & case.desired.keys():
        old, new = (
            {
                rule.rule._replace(remote_group_id=ids.get(rule.remote_group or "")): rule.description
                for rule in rules[name]
            }
            for rules in (case.live, case.desired)
        )
        redescribed = {rule for rule, text in old.items() if new.get(rule, text) != text}
        assert not cut_or_opened(world.rule_sets(ids[name]), list(old), list(new), redescribed)
