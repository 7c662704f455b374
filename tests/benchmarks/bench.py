"""`make bench`: every bar, measured against PyYAML's plain load in the same run. Prints a table; asserts nothing.

Ratios hold from machine to machine where seconds do not. Each figure is the best of a few runs of whole processes.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent))
import fleet

RUNS = 3
PLAIN = "import yaml, sys; yaml.load(open(sys.argv[1]).read(), Loader=yaml.CSafeLoader)"


class Cost(NamedTuple):
    """Seconds and peak megabytes of a process."""

    seconds: float
    megabytes: float


class Bar(NamedTuple):
    """One line of the table."""

    what: str
    measured: float
    bar: float
    unit: str


def cost(command: Sequence[str], environment: dict[str, str], runs: int = RUNS, expect: Sequence[int] = (0,)) -> Cost:
    """Run a command a few times and keep the least of each."""
    costs = []
    for _ in range(runs):
        started = time.perf_counter()
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        costs.append(Cost(time.perf_counter() - started, usage.ru_maxrss / 1024))
        if process.returncode not in expect:
            sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    return Cost(min(each.seconds for each in costs), min(each.megabytes for each in costs))


def sgctl(*arguments: str) -> list[str]:
    """The command line of sgctl under this interpreter."""
    return [sys.executable, "-m", "reconciler", *arguments]


@contextmanager
def emulator(environment: dict[str, str], seed: Path | None = None, latency_ms: int = 0) -> Iterator[dict[str, str]]:
    """Run an emulator in a process of its own, and point the environment to it."""
    with tempfile.TemporaryDirectory() as folder:
        faults = Path(folder) / "faults.json"
        faults.write_text(json.dumps({"knobs": {"latency_ms": latency_ms}, "faults": []}))
        command = sgctl("emulator", "--port", "0", "--faults", str(faults))
        if seed is not None:
            command += ["--seed", str(seed)]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        try:
            yield environment | {"GCORE_BASE_URL": process.stdout.readline().strip()}
        finally:
            process.terminate()
            process.wait()


def measure_plan(folder: Path, environment: dict[str, str], groups: int) -> tuple[Cost, Cost, Cost, Cost]:
    """Measure the plain load, the plan of one file and of many, and drift."""
    one, many, seed = folder / f"{groups}.yaml", folder / str(groups), folder / f"{groups}.json"
    fleet.write_one_file(one, groups)
    fleet.write_many_files(many, groups)
    fleet.write_seed(seed, groups)
    plain = cost([sys.executable, "-c", PLAIN, str(one)], environment)
    with emulator(environment, seed) as there:
        return (
            plain,
            cost(sgctl("plan", str(one)), there),
            cost(sgctl("plan", str(many)), there),
            cost(sgctl("drift", str(one)), there, expect=(2,)),
        )


def measure_start(folder: Path, environment: dict[str, str]) -> Iterator[Bar]:
    """Measure how fast the command starts."""
    small = folder / "small.yaml"
    rules = "".join(f"      - {{direction: ingress, protocol: tcp, ports: {port}}}\n" for port in range(80, 90))
    small.write_text(f"{fleet.head()}  - name: web\n    rules:\n{rules}")
    click = cost([sys.executable, "-c", "import click"], environment, 10).seconds
    version = cost(sgctl("--version"), environment, 10).seconds
    validate = cost(sgctl("validate", str(small)), environment, 10).seconds
    yield Bar("sgctl --version / import click", version / click, 1.2, "x")
    yield Bar("sgctl validate, ten rules / import click", validate / click, 3, "x")


def measure_targets(folder: Path, environment: dict[str, str]) -> Bar:
    """Measure many targets far away against one."""
    one, many = folder / "one-target.yaml", folder / "targets.yaml"
    fleet.write_targets(one, 1)
    fleet.write_targets(many, 50)
    with emulator(environment, latency_ms=100) as there:
        single = cost(sgctl("plan", str(one)), there).seconds
        fifty = cost(sgctl("plan", str(many)), there).seconds
    return Bar("50 targets at 100 ms / one target", fifty / single, 3, "x")


def measure(folder: Path) -> Iterator[Bar]:
    """Measure everything."""
    environment = {**os.environ, "GCORE_API_KEY": "emulator"}
    plain, one, many, drift = measure_plan(folder, environment, 1000)
    _, double, _, _ = measure_plan(folder, environment, 2000)
    yield Bar("plan 1,000 x 50, one file / plain load", one.seconds / plain.seconds, 0.5, "x")
    yield Bar("plan 1,000 x 50, 1,000 files / plain load", many.seconds / plain.seconds, 0.5, "x")
    yield Bar("peak memory of that plan / plain load", one.megabytes / plain.megabytes, 1.2, "x")
    yield Bar("plan 2,000 x 50 / plan 1,000 x 50", double.seconds / one.seconds, 2.2, "x")
    yield Bar("drift 1,000 x 50 / plan", drift.seconds / one.seconds, 2, "x")
    yield from measure_start(folder, environment)
    yield measure_targets(folder, environment)


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        print(f"{'measured':<48} {'ratio':>7} {'bar':>6}")
        for bar in measure(Path(folder)):
            verdict = "holds" if bar.measured <= bar.bar else "FAILS"
            print(f"{bar.what:<48} {bar.measured:>6.2f}{bar.unit} {bar.bar:>5}{bar.unit}  {verdict}", flush=True)


if __name__ == "__main__":
    main()
