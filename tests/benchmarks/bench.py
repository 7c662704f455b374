"""`make bench`: every bar, measured against PyYAML's plain load in the same run. Prints a table; asserts nothing.

Ratios hold from machine to machine where seconds do not. Each figure is the best of a few runs of whole processes.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import Request, urlopen

import fleet
import yaml

from reconciler.model.canonical import canonical_rule
from reconciler.model.rule import Rule
from reconciler.traffic import traffic_difference

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
            process.wait(60)


class Fleet(NamedTuple):
    """What is measured of one fleet: the plain load of its file, and what sgctl does with it."""

    plain: Cost
    one: Cost
    many: Cost
    drift: Cost
    imported: Cost
    listing: float


def measure_fleet(folder: Path, environment: dict[str, str], groups: int) -> Fleet:
    """Measure the plain load, the plan of one file and of many, drift, import, and the emulator's list."""
    one, many, seed = folder / f"{groups}.yaml", folder / str(groups), folder / f"{groups}.json"
    fleet.write_one_file(one, groups)
    fleet.write_many_files(many, groups)
    fleet.write_seed(seed, groups)
    plain = cost([sys.executable, "-c", PLAIN, str(one)], environment)
    with emulator(environment, seed) as there:
        return Fleet(
            plain,
            cost(sgctl("plan", str(one)), there),
            cost(sgctl("plan", str(many)), there),
            cost(sgctl("drift", str(one)), there, expect=(2,)),
            cost(sgctl("import", "--project-id", "1", "--region-id", "7"), there),
            measure_listing(there["GCORE_BASE_URL"]),
        )


def measure_listing(url: str) -> float:
    """Measure how long the emulator takes to list everything, in seconds."""
    request = Request(f"{url}/cloud/v1/securitygroups/1/7?limit=1000", headers={"Authorization": "apikey emulator"})
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        with urlopen(request) as answer:
            answer.read()
        times.append(time.perf_counter() - started)
    return min(times)


def measure_traffic(plan: Cost) -> Iterator[Bar]:
    """Measure the traffic difference: its share of the plan, and of two large groups whose rules nest and overlap."""
    changed = [group for group in range(1000) if group % 100 < fleet.CHANGED_PERCENT]
    sides = [(canonical(list(fleet.rules_of(group))), canonical(fleet.changed_rules_of(group))) for group in changed]
    seconds = best(lambda: [traffic_difference(live, desired) for desired, live in sides])
    yield Bar("traffic of 20 changed groups / plan", seconds / plan.seconds, 0.1, "x")
    old, new = fleet.overlapping_rules(1), fleet.overlapping_rules(2)
    text = yaml.safe_dump([*old, *new])
    load = best(lambda: yaml.load(text, Loader=yaml.CSafeLoader))
    before, after = canonical(old), canonical(new)
    yield Bar(
        "traffic of 250 against 250 rules / plain load", best(lambda: traffic_difference(before, after)) / load, 1, "x"
    )


def best(work: Callable[[], object], runs: int = 7) -> float:
    """Time something in this process; the best of a few runs, in seconds."""
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)


def canonical(rules: Iterable[dict[str, Any]]) -> list[Rule]:
    """Spell rules the canonical way."""
    keys = ("direction", "ethertype", "protocol", "port_range_min", "port_range_max", "remote_ip_prefix")
    return [canonical_rule(*(rule[key] for key in keys), None) for rule in rules]


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


def measure_show(folder: Path, environment: dict[str, str]) -> Iterator[Bar]:
    """Measure `show`, and with it the start of `apply PLANFILE`, against the plan that made the file."""
    groups, changed, saved = folder / "shown.yaml", folder / "shown.json", folder / "shown.plan"
    fleet.write_one_file(groups, 200)
    fleet.write_seed(changed, 200, changed_percent=100)
    for what, seed in (("changes", changed), ("creates", None)):
        with emulator(environment, seed) as there:
            plan = cost(sgctl("plan", str(groups), "--out", str(saved), "--allow-mass-rewrite"), there).seconds
        yield Bar(
            f"show of a plan that {what} 200 x 50 / plan", cost(sgctl("show", str(saved)), there).seconds / plan, 1, "x"
        )


def measure_apply(folder: Path, environment: dict[str, str]) -> Iterator[Bar]:
    """Measure the apply of 200 groups, each on a state of its own: updated at once and one by one, created, deleted."""
    groups, empty = folder / "apply.yaml", folder / "empty.yaml"
    changed, same = folder / "changed.json", folder / "same.json"
    fleet.write_one_file(groups, 200)
    fleet.write_seed(changed, 200, changed_percent=100)
    fleet.write_seed(same, 200, owner="bench")
    empty.write_text("owner: bench\n" + fleet.head() + "  - name: other\n    rules: []\n")

    def seconds(path: Path, seed: Path | None, *options: str, parallelism: int = 16) -> float:
        with emulator(environment, seed, latency_ms=20) as there:
            command = sgctl(
                "apply", str(path), "--auto-approve", "--allow-mass-rewrite", f"--parallelism={parallelism}", *options
            )
            return cost(command, there, runs=1).seconds

    def least(path: Path, seed: Path | None, *options: str) -> float:
        return min(seconds(path, seed, *options) for _ in range(RUNS))

    updating = least(groups, changed)
    yield Bar(
        "apply of 200 groups at 20 ms, 16 at once / 1", updating / seconds(groups, changed, parallelism=1), 0.25, "x"
    )
    yield Bar("creating 200 groups at 20 ms / updating 200", least(groups, None) / updating, 1.3, "x")
    yield Bar(
        "deleting 200 groups at 20 ms / updating 200",
        least(empty, same, "--prune", "--allow-mass-delete") / updating,
        1.3,
        "x",
    )


def measure(folder: Path) -> Iterator[Bar]:
    """Measure everything."""
    environment = {**os.environ, "GCORE_API_KEY": "emulator", "XDG_STATE_HOME": str(folder)}
    # Where Python may not keep compiled files, it would compile sgctl anew at every start, but not its libraries.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    small = measure_fleet(folder, environment, 1000)
    large = measure_fleet(folder, environment, 2000)
    plan, plain = small.one.seconds, small.plain.seconds
    yield Bar("plan 1,000 x 50, one file / plain load", plan / plain, 0.5, "x")
    yield Bar("plan 1,000 x 50, 1,000 files / plain load", small.many.seconds / plain, 0.5, "x")
    yield Bar("peak memory of that plan / plain load", small.one.megabytes / small.plain.megabytes, 1.2, "x")
    yield Bar("plan 2,000 x 50 / plan 1,000 x 50", large.one.seconds / plan, 2.2, "x")
    yield Bar("drift 1,000 x 50 / plan", small.drift.seconds / plan, 2, "x")
    yield Bar("import 1,000 x 50 / plan", small.imported.seconds / plan, 2, "x")
    yield Bar("the emulator's list of 1,000 x 50 / plan", small.listing / plan, 0.25, "x")
    yield from measure_traffic(small.one)
    yield from measure_start(folder, environment)
    yield measure_targets(folder, environment)
    yield from measure_show(folder, environment)
    yield from measure_apply(folder, environment)


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        print(f"{'measured':<48} {'ratio':>7} {'bar':>6}")
        for bar in measure(Path(folder)):
            verdict = "holds" if bar.measured <= bar.bar else "FAILS"
            print(f"{bar.what:<48} {bar.measured:>6.3f}{bar.unit} {bar.bar:>5}{bar.unit}  {verdict}", flush=True)


if __name__ == "__main__":
    main()
