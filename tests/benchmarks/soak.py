"""`make soak`: a watch of 1,000 rounds in one process, while the network fails at random. Does anything leak?

Prints memory and open descriptors of an early run and of the last, and whether the bars hold. The faults are the same
ones every time; waits are not waited. The emulator has a process of its own: its memory is not what is measured.

What the allocator has not given back yet differs from run to run by more than the bar, up and down. So the memory "of"
a run is the least of the ten runs that end with it: a leak raises that, noise does not.
"""

import gc
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

import fleet

from reconciler import connect, load, reconcile
from reconciler.drift.watch import Round, Told, WatchLoop

RUNS = 1000
WARM = 100
"""The run that the last one is compared with: by then every cache has met all there is to meet."""
LEAST_OF = 10
MEMORY_BAR = 1.05
GROUPS = 40
REGIONS = (7, 8, 9)
KEY = "emulator"
FAULTS: tuple[dict[str, Any], ...] = (
    {"fault": "reset"},
    {"fault": "reset", "when": "after"},
    {"fault": "status", "status": 500},
    {"fault": "status", "status": 503, "retry_after": 2},
    {"fault": "status", "status": 429, "retry_after": 1},
    {"fault": "truncate"},
    {"fault": "cut"},
    {"fault": "html"},
    {"fault": "html", "status": 502},
)


class FakeClock:
    """A clock on which sleeping takes no time, and is only added up."""

    def __init__(self) -> None:
        self._start = datetime(2026, 1, 2, tzinfo=UTC)
        self._slept = 0.0
        self._lock = Lock()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        with self._lock:
            return self._slept

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self._slept += seconds


class Sample(NamedTuple):
    """What the process holds after a run."""

    megabytes: float
    descriptors: int
    sockets: int


@dataclass(slots=True)
class Tally:
    """How the runs ended."""

    drifted: int = 0
    gave_up: int = 0


def random_faults(requests: int) -> list[dict[str, Any]]:
    """Hit one request in eight, and now and then so many in a row that a run gives up."""
    chance = random.Random(requests)
    found = []
    for number in range(1, requests + 1):
        if chance.random() < 0.125:
            row = 5 * len(REGIONS) if chance.random() < 0.04 else 1
            found.append({"nth": number, "count": row, **chance.choice(FAULTS)})
    return found


def sample() -> Sample:
    """Look at this process, as Linux tells it in /proc."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    entries = list(Path("/proc/self/fd").iterdir())
    links = [str(entry.readlink()) for entry in entries if entry.is_symlink()]  # what read the folder is closed again
    sockets = sum(link.startswith("socket:") for link in links)
    return Sample(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, len(links), sockets)


def one_round(paths: Sequence[str], url: str, key: str = KEY) -> Round:
    """Do what a round of `sgctl watch` does: files, connection and live state anew."""
    state = load(*paths)
    with connect(key, base_url=url, clock=FakeClock()) as api:
        return reconcile(state, api)


def soak(paths: Sequence[str], url: str, runs: int, at: Sequence[int]) -> tuple[dict[int, Sample], Tally]:
    """Watch for many rounds; sample after the rounds `at`, counted from 1."""
    samples, tally = {}, Tally()

    def tell(told: Told) -> None:
        tally.drifted += told.round is not None and told.round.drift.counted
        tally.gave_up += told.round is None
        if told.number in at:
            samples[told.number] = sample()

    WatchLoop(lambda: one_round(paths, url), FakeClock(), lambda: 0.5, tell).run(300, lambda: False, runs)
    return samples, tally


@contextmanager
def emulator(folder: Path) -> Iterator[str]:
    """Run an emulator with the fleet and the faults, in a process of its own."""
    seed, faults = folder / "seed.json", folder / "faults.json"
    fleet.write_seed(seed, GROUPS)
    groups = json.loads(seed.read_text())["groups"]
    seed.write_text(json.dumps({"groups": [{**group, "region_id": region} for region in REGIONS for group in groups]}))
    faults.write_text(json.dumps(random_faults(2 * RUNS * len(REGIONS))))
    options = ["--port", "0", "--seed", str(seed), "--faults", str(faults)]
    environment = {**os.environ, "GCORE_API_KEY": KEY}
    command = [sys.executable, "-m", "reconciler", "emulator", *options]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait(60)
        process.stdout.close()


def near(run: int) -> range:
    """The runs that stand for one."""
    return range(run - LEAST_OF + 1, run + 1)


def least(samples: Mapping[int, Sample], run: int) -> float:
    """Tell the memory of a run, in megabytes."""
    return min(samples[each].megabytes for each in near(run))


def write_files(folder: Path) -> str:
    """Write what is desired: the same groups in every region."""
    path = folder / "fleet.yaml"
    targets = "".join(f"  - {{project_id: 1, region_id: {region}}}\n" for region in REGIONS)
    groups = "".join(fleet.group_text(group) for group in range(GROUPS))
    path.write_text(f"targets:\n{targets}security_groups:\n{groups}")
    return str(path)


def main() -> None:
    """Print the table; exit code 1 when a bar fails."""
    with tempfile.TemporaryDirectory() as name, emulator(Path(name)) as url:
        paths = [write_files(Path(name))]
        shown = (WARM, *range(200, RUNS + 1, 200))
        samples, tally = soak(paths, url, RUNS, [each for run in shown for each in near(run)])
    print(f"{'run':>6} {'memory, MB':>12} {'descriptors':>12} {'sockets':>8}")
    for run in shown:
        print(f"{run:>6} {least(samples, run):>12.1f} {samples[run].descriptors:>12} {samples[run].sockets:>8}")
    print(f"of {RUNS} runs {tally.drifted} found drift, {tally.gave_up} gave up on the API")
    first, last = samples[WARM], samples[RUNS]
    ratio = least(samples, RUNS) / least(samples, WARM)
    no_leftovers = (first.descriptors, first.sockets) == (last.descriptors, last.sockets)
    verdicts = (ratio <= MEMORY_BAR, no_leftovers)
    print(f"memory of run {RUNS} / run {WARM}: {ratio:.3f}, bar {MEMORY_BAR}  {'holds' if verdicts[0] else 'FAILS'}")
    print(f"as many descriptors and sockets at both  {'holds' if verdicts[1] else 'FAILS'}")
    sys.exit(not all(verdicts))


if __name__ == "__main__":
    main()
