"""`make budget`: what ten megabytes made to be bad cost, command by command: CPU seconds and peak memory.

Nothing may take longer than a minute or 2 GB; what exceeds a bound has to say so. `SIZE=1000000 make budget` takes
less; words behind the script's name choose cases.
"""

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import hostile

SECONDS, MEGABYTES = 60, 2048
_STOP_AFTER = 4 * SECONDS
_OFFLINE = ("validate FILE", "lint FILE", "graph FILE --format svg", "graph FILE --format mermaid")
_PLANS = (
    "plan FILE --out PLAN",
    "plan FILE --api-version v2 --format json --out PLAN",
    "show PLAN",
    "show PLAN --format html",
    "show PLAN --format markdown",
    "show PLAN --format github",
    "apply PLAN",
)
_LIVE = (
    "drift SMALL", "drift SMALL --format json", "audit SMALL", "import", "graph SMALL --live --format svg",
    "graph SMALL --live --format html", "trace --group web1 ingress tcp/1 from 9.9.9.9 SMALL --live", "plan SMALL",
    "plan SMALL --prune",
)  # fmt: skip
_PLANNED = ("circles", "one_referred_to", "full_groups", "all_to_all", "rules_in_many_targets", "mergeable", "tags")


def main(size: int, only: Sequence[str]) -> int:
    """Run the cases, those alone whose name has one of the words if any are given; return how many are over."""
    over = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / ".git").mkdir()
        for label, command, api in _cases(folder, size):
            if only and not any(word in f"{label} {command}" for word in only):
                continue
            over += _run(folder, label, command, api)
    print(f"{over} over {SECONDS} s or {MEGABYTES} MB")
    return over


def _cases(folder: Path, size: int) -> Iterator[tuple[str, str, str]]:
    small = folder / "small.yaml"
    small.write_text("owner: me\n" + hostile.groups(100, lambda _: [f"{hostile.RULE}}}"]), encoding="utf-8")
    with serve("nothing", 0) as api:
        for label, make in hostile.FILES.items():
            (folder / "bad.yaml").write_text(make(size), encoding="utf-8")
            for command in (*_OFFLINE, *(_PLANS if label in _PLANNED else _PLANS[:1])):
                yield label, command, api
        yield "completion", "COMPLETE", api
        (folder / "journal").write_text(hostile.journal(size), encoding="utf-8")
        yield "journal", "rollback JOURNAL", api
    for label, number in (
        ("live_nested", 125), ("live_grid", 125), ("live_world", 125), ("live_dense", 125),
        ("live_same_name", 30_000), ("live_chain", 20_000),
    ):  # fmt: skip
        with serve(label, max(2, number * size // 10_000_000)) as api:
            for command in _LIVE:
                yield label, command, api
    for label, make in hostile.SETTINGS.items():
        (folder / "sgctl.toml").write_text(make(size), encoding="utf-8")
        yield label, "config", ""
        (folder / "sgctl.toml").write_text(make(min(size, 990_000)), encoding="utf-8")
        yield f"{label}, 1 MB", "config", ""


@contextmanager
def serve(kind: str, number: int) -> Iterator[str]:
    """Serve live groups from a process of its own; yield its address."""
    script = Path(__file__).parents[1] / "support" / "hostile_api.py"
    command = [sys.executable, str(script), kind, str(number)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait(60)


def _stop_in_time() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (_STOP_AFTER, _STOP_AFTER))


def _run(folder: Path, label: str, command: str, api: str) -> bool:
    names = {
        "FILE": "bad.yaml", "SMALL": "small.yaml", "PLAN": "plan.json", "JOURNAL": "journal",
        "COMPLETE": "",
    }  # fmt: skip
    if "PLAN" in command.split() and not command.startswith("plan") and not (folder / "plan.json").exists():
        return False
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(folder), "GCORE_API_KEY": "key", "GCORE_BASE_URL": api,
        "GCORE_CLOUD_PROJECT_ID": "1", "GCORE_CLOUD_REGION_ID": "7",
    }  # fmt: skip
    if command == "COMPLETE":
        environment |= {
            "_SGCTL_COMPLETE": "bash_complete",
            "COMP_WORDS": "sgctl plan bad.yaml --group ",
            "COMP_CWORD": "4",
        }
    words = [name for word in command.split() if (name := names.get(word, word))]
    with (folder / "out").open("w+b") as out, (folder / "err").open("w+b") as err:
        process = subprocess.Popen(
            [str(Path(sys.executable).parent / "sgctl"), *words],
            env={key: value for key, value in environment.items() if value}, cwd=folder, stdout=out, stderr=err,
            stdin=subprocess.DEVNULL,
            preexec_fn=_stop_in_time,  # noqa: PLW1509 - there are no threads
        )  # fmt: skip
        _, status, usage = os.wait4(process.pid, 0)
        err.seek(0)
        said = err.read().decode("utf-8", "replace").strip().splitlines() or [""]
    code = process.returncode = os.waitstatus_to_exitcode(status)
    seconds, megabytes = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
    is_over = (
        seconds > SECONDS or megabytes > MEGABYTES or code < 0 or any(line.startswith("Traceback") for line in said)
    )
    mark = "OVER" if is_over else "    "
    print(
        f"{mark} {label:34} {command[:48]:48} {code:4} {seconds:7.1f} s {megabytes:6.0f} MB  {said[-1][:90]}",
        flush=True,
    )
    return is_over


if __name__ == "__main__":
    main(int(os.environ.get("SIZE", "10000000")), sys.argv[1:])
