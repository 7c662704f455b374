"""One emulator for all tests of a module: each test has a project of its own in it."""

from collections.abc import Iterator

import pytest

from reconciler.emulator.server import EmulatorServer


@pytest.fixture(scope="module")
def server() -> Iterator[EmulatorServer]:
    with EmulatorServer() as running:
        yield running
