"""The same tests over both versions of the API, each test in a project of its own of one emulator."""

from collections.abc import Iterator

import pytest
from world import World, neutron

from reconciler.emulator.knobs import Knobs
from reconciler.emulator.server import EmulatorServer


@pytest.fixture(scope="session")
def emulator() -> Iterator[EmulatorServer]:
    with EmulatorServer() as running:
        yield running


@pytest.fixture(params=["v1", "v2"])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["as seen live", "Neutron, no rules in lists", "Neutron, names unique, no default egress"])
def world(request: pytest.FixtureRequest, emulator: EmulatorServer, version: str) -> World:
    knobs = {
        "as seen live": Knobs(),
        "Neutron, no rules in lists": neutron(list_rules=False),
        "Neutron, names unique, no default egress": neutron(unique_names=True, default_egress=False),
    }[request.param]
    return World(emulator, version, knobs=knobs)
