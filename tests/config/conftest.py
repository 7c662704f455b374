"""Tests of settings: an environment without ours, and the empty emulator for those that ask."""

import pytest

from reconciler.emulator.server import EmulatorServer


@pytest.fixture(autouse=True)
def _clean_environment(clean_environment: None) -> None:
    """Every test here is about where a setting comes from."""


@pytest.fixture
def emulator(empty_emulator: EmulatorServer) -> EmulatorServer:
    return empty_emulator
