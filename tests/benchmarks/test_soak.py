"""`make soak` in miniature: twenty runs on a failing network leave nothing open."""

import gc
import os
import threading
from operator import le
from pathlib import Path

import fleet
import soak

from reconciler.emulator.faults import Fault, FaultPlan
from reconciler.emulator.server import EmulatorServer

RUNS = 20
EVERY_THIRD = FaultPlan(
    tuple(Fault(nth=3 * turn, **soak.FAULTS[turn % len(soak.FAULTS)]) for turn in range(1, RUNS + 1))
)
GIVES_UP = FaultPlan.of(Fault("reset", count=0))


def still_open() -> tuple[int, int]:
    gc.collect()
    return len(os.listdir("/dev/fd")), threading.active_count()  # noqa: PTH208 - as pathlib, it opens one more


def watch(path: Path, faults: FaultPlan, runs: int) -> tuple[soak.Tally, int]:
    """The emulator is in this process, and gone with all that it had open when this returns."""
    with EmulatorServer(faults=faults) as emulator:
        _, tally = soak.soak([str(path)], emulator.url, runs, at=())
        return tally, len(emulator.requests)


def test_faults_leave_no_socket_no_file_and_no_thread(tmp_path: Path) -> None:
    path = tmp_path / "fleet.yaml"
    fleet.write_targets(path, 3)
    watch(path, FaultPlan(), 1)  # what is opened once and kept
    before = still_open()
    tally, requests = watch(path, EVERY_THIRD, RUNS)
    assert (tally.drifted, tally.gave_up) == (RUNS, 0)
    assert requests > 3 * RUNS, "some were sent again"
    assert all(map(le, still_open(), before))


def test_a_run_that_gives_up_leaves_nothing_either(tmp_path: Path) -> None:
    path = tmp_path / "fleet.yaml"
    fleet.write_targets(path, 3)
    watch(path, FaultPlan(), 1)
    before = still_open()
    tally, _ = watch(path, GIVES_UP, 3)
    assert (tally.drifted, tally.gave_up) == (0, 3)
    assert all(map(le, still_open(), before))
