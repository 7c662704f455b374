"""Each pure stage on its own, on a small fleet: where a regression of `make bench` is.

An ordinary test run goes through each once and looks at its result; `make bench` measures. Caches are warm then, as
they are in all but the first moments of a run.
"""

from typing import Any

import fleet
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from reconciler.api.parse import parse_group
from reconciler.loading.desired import desired_state
from reconciler.loading.document import Document, read_text
from reconciler.loading.head import Defaults
from reconciler.loading.load import no_garbage_collection
from reconciler.loading.structure import check_of
from reconciler.model.canonical import canonical_rule
from reconciler.model.desired import DesiredState, Target
from reconciler.model.live import LiveGroup, LiveState
from reconciler.model.rule import Rule
from reconciler.planning.diff import Difference, diff
from reconciler.planning.plan import Plan, PlanOptions
from reconciler.planning.resolve import resolve
from reconciler.render.plan import view_plan
from reconciler.render.text import render_text
from reconciler.traffic.difference import traffic_difference
from reconciler.workflow import make_plan

GROUPS = 20
CHANGED = 2
TARGET = Target(1, 7)
TEXT = (fleet.head() + "".join(fleet.group_text(group) for group in range(GROUPS))).encode()


def answer(group: int) -> dict[str, Any]:
    """A group as the API answers it: as the file says, but for one rule of the groups that changed."""
    rules = [{"id": f"{group:08x}-0000-4000-8000-{n:012x}"} | rule for n, rule in enumerate(fleet.rules_of(group), 1)]
    if group < CHANGED:
        rules[0]["port_range_max"] = 65535
    tags = {"env": "prod", "team": f"team-{group % 17}"}
    return {
        "id": f"{group:08x}-0000-4000-8000-000000000000",
        "name": f"group-{group:04d}",
        "description": f"Group number {group}",
        "tags_v2": [{"key": key, "value": value, "read_only": False} for key, value in tags.items()],
        "security_group_rules": rules,
        "revision_number": 1,
    }


ANSWERS = tuple(answer(group) for group in range(GROUPS))


def load_documents() -> tuple[Document, ...]:
    with no_garbage_collection():
        documents, issues = read_text("fleet.yaml", TEXT)
    assert not issues
    return documents


def make_desired(documents: tuple[Document, ...]) -> DesiredState:
    state, issues = desired_state(documents, Defaults())
    assert not issues
    return state


def parse_live() -> tuple[LiveGroup, ...]:
    return tuple(parse_group(answer, TARGET) for answer in ANSWERS)


def resolve_and_diff(state: DesiredState, live: LiveState) -> list[Difference]:
    matches, issues = resolve(state, live)
    assert not issues
    return [difference for match in matches if not (difference := diff(match)).is_empty]


def plan(state: DesiredState, live: LiveState) -> Plan:
    return make_plan(state, live, PlanOptions(), base_url="http://127.0.0.1", created_at="2026-01-02T03:04:05Z")


def nested_rules(more_ports: int) -> list[Rule]:
    """250 rules, each inside of others: 25 prefixes in a chain, each with ten ranges that grow as it shrinks."""
    return [
        canonical_rule("ingress", "IPv4", "tcp", 30000 - reach, 30000 + reach + more_ports, f"10.0.0.0/{length}", None)
        for length in range(8, 33)
        for reach in range(500 * length, 500 * length + 500, 50)
    ]


@pytest.fixture(scope="module")
def documents() -> tuple[Document, ...]:
    return load_documents()


@pytest.fixture(scope="module")
def state(documents: tuple[Document, ...]) -> DesiredState:
    return make_desired(documents)


@pytest.fixture(scope="module")
def live() -> LiveState:
    return {TARGET: parse_live()}


def test_load_documents(benchmark: BenchmarkFixture) -> None:
    (document,) = benchmark(load_documents)
    assert len(document.value["security_groups"]) == GROUPS


def test_check_structure(benchmark: BenchmarkFixture) -> None:
    """All rules of the fleet."""
    rules = [rule for group in range(GROUPS) for rule in fleet.rules_of(group)]
    assert benchmark(lambda: all(map(check_of("rule"), rules)))


def test_desired_state(benchmark: BenchmarkFixture, documents: tuple[Document, ...]) -> None:
    assert len(benchmark(make_desired, documents).groups) == GROUPS


def test_parse_live(benchmark: BenchmarkFixture) -> None:
    assert sum(len(group.rules) for group in benchmark(parse_live)) == GROUPS * fleet.RULES


def test_resolve_and_diff(benchmark: BenchmarkFixture, state: DesiredState, live: LiveState) -> None:
    assert len(benchmark(resolve_and_diff, state, live)) == CHANGED


def test_make_plan(benchmark: BenchmarkFixture, state: DesiredState, live: LiveState) -> None:
    assert len(benchmark(plan, state, live).changes) == CHANGED


def test_traffic_difference_of_nested_rules(benchmark: BenchmarkFixture) -> None:
    """One group, 250 rules against 250 others."""
    old, new = nested_rules(0), nested_rules(7)
    assert len(set(old)) == len(set(new)) == 250
    difference = benchmark(traffic_difference, old, new)
    assert difference.opens
    assert not difference.closes


def test_render_text(benchmark: BenchmarkFixture, state: DesiredState, live: LiveState) -> None:
    made = plan(state, live)
    assert "group-0001" in benchmark(lambda: render_text(view_plan(made)))
