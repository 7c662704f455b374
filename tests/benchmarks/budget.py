"""`make budget`: what ten megabytes made to be bad cost, command by command: CPU seconds and peak memory.

Nothing may take longer than a minute of CPU, of all processes together, or 2 GB in one of them; what exceeds a bound
has to say so. A row is over when it takes more, is killed, waits for minutes, or ends in a traceback or a bug. Exits
with 1 when one is. `SIZE=1000000 make budget` takes less; words behind the script's name choose rows.
"""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import hostile
import hostile_plans

SECONDS, MEGABYTES = 60, 2048
_STOP_AFTER = 2 * SECONDS
"""Seconds of CPU after which a row is stopped."""
_WAIT = 6 * SECONDS
"""Seconds after which it is stopped whatever it does: the machine may be busy with other things."""
_ONE_ROUND = 5
"""Seconds after which a watch is told to end, which it does after its first round."""
_FILES = (
    "validate COPY --fix", "lint FILE", "lint COPY --fix --format json",
    "graph FILE --format svg", "graph FILE --format mermaid",
    "trace --group web0 ingress tcp/22 from 9.9.9.9 FILE --desired", "plan FILE --out PLAN --sarif SARIF --junit JUNIT",
    "plan FILE --api-version v2 --format json", "apply PLAN", "export FILE",
)  # fmt: skip
_PLANS = ("show PLAN", *(f"show PLAN --format {each}" for each in ("json", "html", "markdown", "github")), "apply PLAN")
_LIVE = (
    "drift SMALL --unmanaged --metrics-file METRICS", "drift SMALL --format json --notify-url API/hook",
    "drift SMALL --format html --notify-url API/hook --notify-format slack",
    "audit SMALL --sarif SARIF --junit JUNIT", "import", "import --address-groups --factor",
    "graph SMALL --live --format svg", "graph SMALL --live --format html",
    "graph SMALL --change --format mermaid", "trace --group web1 ingress tcp/1 from 9.9.9.9 SMALL --live",
    "plan SMALL --show-instances --format json", "plan SMALL --prune", "plan FILE --prune --allow-mass-delete",
    "plan FILE --format json --out PLAN", "plan FILE --api-version v2", "apply PLAN",
    "graph FILE --change --format svg", "drift SMALL --who --format json", "history", "watch SMALL",
    "init repo --import", "import --out IMPORTED",
)  # fmt: skip
_LIVE_NUMBERS = {
    "live_nested": 125, "live_grid": 125, "live_world": 125, "live_dense": 125, "live_same_name": 30_000,
    "live_chain": 20_000, "live_orphans": 1_300, "live_described": 66,
}  # fmt: skip
"""How many groups of each kind come to ten megabytes, roughly."""
_JOURNALS = ("small_changes", "created_chain", "deleted", "deleted_with_lost_rules", "replaced_apart", "tags_changed")


class Cost(NamedTuple):
    """What a command cost, and its last line on stderr. `code` is negative where it was killed."""

    code: int
    seconds: float
    megabytes: float
    says: str

    @property
    def is_over(self) -> bool:
        """Whether that is more than any input may cost."""
        is_bug = "SGCTL_TRACEBACK" in self.says or self.says.startswith("Traceback")
        return self.seconds > SECONDS or self.megabytes > MEGABYTES or self.code < 0 or is_bug


class Budget:
    """Runs commands in a folder of files made to be bad, one after the other, and prints a row for each."""

    def __init__(self, folder: Path, size: int, only: Sequence[str]) -> None:
        self.folder, self.size, self.only = folder, size, only
        self.rows = 0
        self.over: list[str] = []
        self.address = ""
        """Of the server that commands talk to."""

    def write(self, name: str, text: str) -> None:
        """Write a file into the folder."""
        (self.folder / name).write_text(text, encoding="utf-8")

    def wants(self, label: str, command: str) -> bool:
        """Tell whether somebody asked for this row."""
        return not self.only or any(word in f"{label} {command}" for word in self.only)

    def row(self, label: str, command: str) -> Cost | None:
        """Run a command and print what it cost; None where nobody asked for this row."""
        if not self.wants(label, command):
            return None
        cost = self._run(command)
        self.rows += 1
        if cost.is_over:
            self.over.append(f"{label}: {command}")
        print(
            f"{'OVER' if cost.is_over else '':4} {label:40} {command[:60]:60} {cost.code:4} {cost.seconds:9.1f} "
            f"{cost.megabytes:8.0f}  {cost.says[:100]}",
            flush=True,
        )
        return cost

    @contextmanager
    def serve(self, kind: str, number: int = 0) -> Iterator[None]:
        """Serve so many live groups of a kind, from a process of its own."""
        script = Path(__file__).parents[1] / "support" / "hostile_api.py"
        command = [sys.executable, str(script), kind, str(number)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert process.stdout is not None
        try:
            self.address = process.stdout.readline().strip()
            yield
        finally:
            process.kill()
            process.wait(60)
            self.address = ""

    def _run(self, command: str) -> Cost:
        names = {
            "FILE": "bad.yaml", "COPY": "copy.yaml", "SMALL": "small.yaml", "PLAN": "plan.json", "JOURNAL": "journal",
            "POLICIES": "policies.toml", "STATE": "terraform.tfstate", "SARIF": "sarif", "JUNIT": "junit",
            "METRICS": "metrics.prom", "IMPORTED": "imported.yaml",
        }  # fmt: skip
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(self.folder), "GCORE_API_KEY": "key",
            "GCORE_CLOUD_PROJECT_ID": "1", "GCORE_CLOUD_REGION_ID": "7", "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        }  # fmt: skip
        if self.address:
            environment["GCORE_BASE_URL"] = self.address
        if command.startswith("completion of "):
            typed = command.removeprefix("completion of ")
            number = str(len(typed.split()))
            environment |= {"_SGCTL_COMPLETE": "bash_complete", "COMP_WORDS": f"{typed} ", "COMP_CWORD": number}
            command = ""
        words = [names.get(word, word.replace("API/", f"{self.address}/")) for word in command.split()]
        with (self.folder / "out").open("w+b") as out, (self.folder / "err").open("w+b") as err:
            process = subprocess.Popen(
                [str(Path(sys.executable).parent / "sgctl"), *words],
                env=environment, cwd=self.folder, stdout=out, stderr=err, stdin=subprocess.DEVNULL,
                start_new_session=True,
                preexec_fn=_stop_in_time,  # noqa: PLW1509 - the one thread that there may be only waits
            )  # fmt: skip
            ends = (_ONE_ROUND, signal.SIGTERM) if words[0:1] == ["watch"] else (_WAIT, signal.SIGKILL)
            killer = threading.Timer(ends[0], os.killpg, (process.pid, ends[1]))
            killer.start()
            _, status, usage = os.wait4(process.pid, 0)
            killer.cancel()
            err.seek(0)
            said = err.read().decode("utf-8", "replace").strip().splitlines() or [""]
        process.returncode = os.waitstatus_to_exitcode(status)
        says = next((line for line in said if line.startswith("Traceback")), said[-1])
        return Cost(process.returncode, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, says)


def _stop_in_time() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (_STOP_AFTER, _STOP_AFTER))


def files(budget: Budget) -> None:
    """Desired-state files. What `validate` refuses, all other commands read in the same way and refuse as well."""
    with budget.serve("nothing"):
        for label, make in hostile.FILES.items():
            if not any(budget.wants(label, command) for command in ("validate FILE", *_FILES)):
                continue
            text = make(budget.size)
            budget.write("bad.yaml", text)
            budget.write("copy.yaml", text)
            valid = budget.row(label, "validate FILE")
            for command in _FILES if valid is None or valid.code == 0 else _FILES[:2]:
                if command != "apply PLAN" or (budget.folder / "plan.json").exists():
                    budget.row(label, command)
            (budget.folder / "plan.json").unlink(missing_ok=True)
        budget.row("completion", "completion of sgctl plan bad.yaml --group")


def plans(budget: Budget) -> None:
    """Plan files and journals."""
    with budget.serve("nothing"):
        for label in hostile_plans.PLANS:
            if any(budget.wants(f"plan of {label}", command) for command in _PLANS):
                budget.write("plan.json", hostile_plans.plan_text(label, budget.size, budget.address))
                for command in _PLANS:
                    budget.row(f"plan of {label}", command)
    for label in _JOURNALS:
        for kind, number in (("nothing", 0), ("live_names", 10_000), ("live_nested", 100)):
            with budget.serve(kind, max(2, number * budget.size // 10_000_000)):
                if budget.wants(f"journal of {label}", "rollback JOURNAL"):
                    budget.write("journal", hostile_plans.journal_text(label, budget.size, budget.address))
                    budget.row(f"journal of {label}, {kind}", "rollback JOURNAL --out PLAN")


def live(budget: Budget) -> None:
    """Live groups, against a few that are wanted, and against as many of other rules (`bad.yaml`)."""
    for label, of_ten_megabytes in _LIVE_NUMBERS.items():
        number = max(2, of_ten_megabytes * budget.size // 10_000_000)
        if label == "live_orphans":
            other = hostile.new_names(budget.size)
        elif label == "live_described":
            other = hostile.left_of_described(number)
        else:
            other = hostile.crossing_groups(budget.size, number)
        budget.write("bad.yaml", other)
        with budget.serve(label, number):
            for command in _LIVE:
                budget.row(label, command)
        (budget.folder / "imported.yaml").unlink(missing_ok=True)
        shutil.rmtree(budget.folder / "repo", ignore_errors=True)
    number = max(2, 30_000 * budget.size // 10_000_000)
    budget.write("terraform.tfstate", hostile.terraform_state(budget.size, number))
    with budget.serve("live_names", number):
        budget.row("live_names", "import --terraform STATE --out imported.yaml")


def settings(budget: Budget) -> None:
    """Settings and policies; the second of each are as large as the loader takes, nearly."""
    for file in (hostile.full_groups, hostile.small_groups, hostile.exceptions):
        budget.write("bad.yaml", file(budget.size))
        for label, make in hostile.POLICIES.items():
            for size in sorted({budget.size, min(budget.size, 4_000_000)}) if file is hostile.full_groups else [10**6]:
                budget.write("policies.toml", make(size))
                budget.row(f"{label}, {size / 1e6:.0f} MB, {file.__name__}", "validate FILE --policies POLICIES")
    with budget.serve("live_world", max(2, 125 * budget.size // 10_000_000)):
        for label, make in hostile.POLICIES.items():
            budget.write("policies.toml", make(min(budget.size, 4_000_000)))
            budget.row(f"{label}, live_world", "audit SMALL --policies POLICIES")
    for label, make in hostile.SETTINGS.items():
        for size in sorted({budget.size, min(budget.size, 4_000_000)}):
            budget.write("sgctl.toml", make(size))
            for command in ("config", "validate", "schema"):
                budget.row(f"{label}, {size / 1e6:.0f} MB", command)


def locks(budget: Budget) -> None:
    """Locks of many address groups, and of long ones; a file uses all of them."""
    (budget.folder / "sgctl.toml").unlink(missing_ok=True)
    with budget.serve("nothing"):
        for each in (1, 200, 20_000):
            lock, file = hostile_plans.lock(budget.size, each)
            budget.write("sgctl.lock.yaml", lock)
            budget.write("bad.yaml", file)
            for number in range(hostile_plans.LISTS):
                budget.write(hostile_plans.list_name(number), "\n".join(hostile_plans.prefixes(each)))
            for command in ("validate FILE", "lint FILE", "plan FILE --out PLAN", "refresh --check FILE"):
                budget.row(f"lock of {each} prefixes a group", command)
            for number in range(hostile_plans.LISTS):
                budget.write(hostile_plans.list_name(number), "\n".join(hostile_plans.prefixes(each + 1)[1:]))
            budget.row(f"lock of {each} prefixes a group, changed", "refresh --accept FILE")
    (budget.folder / "sgctl.lock.yaml").unlink()
    budget.write("list.json", json.dumps(hostile_plans.prefixes(min(20_000, budget.size // 500))))
    budget.write("bad.yaml", hostile_plans.selects(max(1, budget.size // 1000)))
    budget.row("selects", "refresh --check FILE")


def main(size: int, only: Sequence[str]) -> int:
    """Run the rows, those alone whose name has one of the words if any are given; return how many are over."""
    started = time.monotonic()
    print(f"Over is what takes more than {SECONDS} s of CPU or {MEGABYTES} MB of memory, or ends in a traceback.\n")
    print(f"     {'input':40} {'command':60} exit   seconds       MB  last words")
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / ".git").mkdir()
        budget = Budget(Path(name), size, only)
        budget.write("small.yaml", "owner: me\n" + hostile.groups(100, lambda _: [f"{hostile.RULE}}}"]))
        for part in (files, plans, live, settings, locks):
            part(budget)
    minutes = (time.monotonic() - started) / 60
    print(f"\n{budget.rows} rows of {size / 1e6:.1f} MB in {minutes:.0f} minutes, {len(budget.over)} over")
    print("".join(f"  {each}\n" for each in budget.over), end="")
    return len(budget.over)


if __name__ == "__main__":
    sys.exit(1 if main(int(os.environ.get("SIZE", "10000000")), sys.argv[1:]) else 0)
