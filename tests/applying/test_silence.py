"""An API that does not answer: an apply ends within a minute, by the clock of the apply, and says what is true."""

import itertools
from collections.abc import Callable, Mapping

import httpx
import pytest
from pairwise import pairwise
from world import World, seeds, tcp, wanted

from reconciler.applying.outcome import Status
from reconciler.emulator.server import EmulatorServer
from reconciler.model.cloud import DEFAULT_TIMEOUT

MINUTE = 60.0
OLD, NEW = [tcp(80), tcp(22)], [tcp(80), tcp(443)]
CASES = {"create": ({}, {"web": NEW}), "update": ({"web": OLD}, {"web": NEW}), "delete": ({"web": OLD}, {})}
Hit = Callable[[httpx.Request, int], bool]
"""Tells whether a request gets no answer, given how many writes were sent before it."""
SILENT: Mapping[str, Hit] = {
    "all": lambda request, writes: writes > 0 or request.method != "GET",
    "all but the first write": lambda request, writes: writes > 0,
    "writes": lambda request, writes: request.method != "GET",
    "the first write": lambda request, writes: request.method != "GET" and not writes,
    "reads after a write": lambda request, writes: request.method == "GET" and writes > 0,
    "tasks": lambda request, writes: "/tasks" in request.url.path and writes > 0,
}


def no_answer(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("no answer", request=request)


def unavailable(request: httpx.Request) -> httpx.Response:
    return httpx.Response(504)


ENDS = {"nothing": (no_answer, 1.0), "504 in the end": (unavailable, 0.8)}
"""What comes of a request without an answer, and after which share of the time that it has."""


def transport_of(world: World, hit: Hit, end: str, *, acts: bool) -> type[httpx.HTTPTransport]:
    """A transport to the server of a world, over which some requests get no answer; the server may act all the same."""
    writes = itertools.count()
    sent = [0]

    class Silent(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            is_hit = hit(request, sent[0])
            if request.method != "GET":
                sent[0] = next(writes) + 1
            if not is_hit:
                return super().handle_request(request)
            if acts:
                super().handle_request(request).read()
            answer, share = ENDS[end]
            world.clock.sleep(request.extensions["timeout"]["read"] * share)
            return answer(request)

    return Silent


Cell = tuple[str, str, str, str, str]
CELLS: list[Cell] = list(itertools.product(["v1", "v2"], CASES, SILENT, ["before acting", "after acting"], ENDS))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Take every cell with `--full`, else the pairwise choice."""
    if "cell" in metafunc.fixturenames:
        cells = CELLS if metafunc.config.getoption("full") else pairwise(CELLS)
        metafunc.parametrize("cell", cells, ids=map("-".join, cells))


def test_an_apply_ends_within_a_minute_whatever_is_not_answered(server: EmulatorServer, cell: Cell) -> None:
    """Its exit code is true then, nothing was sent blindly, and a later apply does what is left."""
    version, case, silent, when, end = cell
    acts = when == "after acting"
    live, desired = CASES[case]
    world = World(server, version, timeout=DEFAULT_TIMEOUT)
    owned = {"sgctl-owner": "tests"}
    world.seed(*({"name": name, "rules": seeds(rules), "tags": owned} for name, rules in live.items()))
    state = wanted(world.target, *desired.items(), owner="tests")
    plan = world.plan(state, prune=case == "delete")
    before = world.groups()
    world.transport = transport_of(world, SILENT[silent], end, acts=acts)

    code, told = world.exit_code(plan)

    assert world.clock.slept <= MINUTE, told
    assert world.blind_repetitions() == []
    assert code in {0, 4}, told
    assert world.report is not None
    assert [result.touched for result in world.report.results] == [True], told
    is_done = [result.status for result in world.report.results] == [Status.APPLIED]
    assert is_done == (code == 0)
    if not acts and silent in {"all", "writes"}:
        assert world.groups() == before
        assert not is_done
    world.transport = httpx.HTTPTransport
    world.wait_for_tasks()
    again = world.plan(state, prune=case == "delete")
    assert not (is_done and again.changes), told
    assert world.exit_code(again)[0] == 0
    assert [(group.name, len(group.rules)) for group in world.groups()] == [
        (name, len(rules)) for name, rules in desired.items()
    ]
