"""The empty emulator for tests of settings that ask."""

import pytest

from reconciler.emulator.server import EmulatorServer


@pytest.fixture
def emulator(empty_emulator: EmulatorServer) -> EmulatorServer:
    return empty_emulator
