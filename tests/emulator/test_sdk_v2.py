"""The newest official `gcore` package as an independent client of v2, in an environment of its own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from reconciler.emulator.knobs import Knobs
from reconciler.emulator.server import EmulatorServer

PYTHON = os.environ.get("SGCTL_SDK_V2_PYTHON")


@pytest.mark.skipif(not PYTHON, reason="SGCTL_SDK_V2_PYTHON names no Python that has the newest gcore package")
def test_the_newest_sdk_leads_a_group_through_its_life() -> None:
    """create_and_poll, get, list, update_and_poll, copy, delete."""
    program = Path(__file__).with_name("sdk_v2_lifecycle.py")
    # The SDK sleeps a second between two looks at a task, so the first look finds it done.
    with EmulatorServer(knobs=Knobs(task_polls=0)) as emulator:
        done = subprocess.run(
            [str(PYTHON), str(program), emulator.url], capture_output=True, text=True, timeout=240, check=False
        )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert {record.path.split("/")[2] for record in emulator.requests if record.method == "PATCH"} == {"v2"}
