"""Real `sgctl apply` processes: killed, interrupted, and two at once."""

import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from acting import PATIENCE, signalled
from world import REGION, World, neutron, seeds, tcp

from reconciler.applying import journal_reading
from reconciler.cli import run
from reconciler.emulator.faults import Fault
from reconciler.emulator.server import EmulatorServer

pytestmark = pytest.mark.usefixtures("default_signals")

APPLY = ("apply", "groups.yaml", "--auto-approve", "--prune")

GROUPS = ("one", "two", "three", "four")
FILE = """
project_id: {project}
region_id: {region}
owner: tests
security_groups:
  - name: fresh
    rules:
      - {{direction: ingress, protocol: tcp, ports: [1, 2], remote_group: one}}
      - {{direction: ingress, protocol: tcp, ports: 3, remote_group: fresh}}
{groups}"""
GROUP = """\
  - name: {name}
    rules:
      - {{direction: ingress, protocol: tcp, ports: [80, 443], description: new}}
      - {{direction: ingress, protocol: tcp, ports: 5432, remote_group: fresh}}
"""


@pytest.fixture
def server() -> Iterator[EmulatorServer]:
    with EmulatorServer() as running:
        yield running


@pytest.fixture
def world(server: EmulatorServer, tmp_path: Path) -> World:
    world = World(server, knobs=neutron(latency_ms=20, task_polls=1))
    owner = {"sgctl-owner": "tests"}
    rules = seeds([tcp(80, description="old"), tcp(22)])
    world.seed(*({"name": name, "rules": rules, "tags": owner} for name in GROUPS))
    world.seed({"name": "old", "rules": seeds([tcp(9, group="old")]), "tags": owner})
    groups = "".join(GROUP.format(name=name) for name in GROUPS)
    text = FILE.format(project=world.target.project_id, region=REGION, groups=groups)
    (tmp_path / "groups.yaml").write_text(text)
    return world


def environment_of(world: World, folder: Path) -> dict[str, str]:
    """Return all that a command needs to know."""
    return {
        "PATH": os.environ["PATH"],
        "GCORE_BASE_URL": world.server.url,
        "GCORE_API_KEY": world.server.api_key,
        "TMPDIR": str(folder),
        "XDG_STATE_HOME": str(folder),
    }


def start(world: World, folder: Path, *options: str) -> subprocess.Popen[str]:
    """Begin an apply of the folder."""
    return subprocess.Popen(
        [sys.executable, "-m", "reconciler", *APPLY, *options],
        cwd=folder,
        env=environment_of(world, folder),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    try:
        stdout, stderr = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    assert "Traceback" not in stderr, stderr
    return process.returncode, stdout, stderr


def check_end(world: World, folder: Path, version: str) -> None:
    """Applied again, by this process, it is done; and every group is there once, with its rules once."""
    world.knobs = replace(world.knobs, latency_ms=0)
    world.server.control.knobs = world.knobs
    told = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(told), redirect_stderr(told):
        patch.chdir(folder)
        for name, value in environment_of(world, folder).items():
            patch.setenv(name, value)
        codes = [run([*APPLY, "--api-version", version]) for _ in range(2)]
    assert codes == [0, 0], told.getvalue()
    assert told.getvalue().splitlines()[-1].startswith("No changes")
    assert sorted(group.name for group in world.groups()) == sorted((*GROUPS, "fresh"))
    for name in GROUPS:
        ports = sorted(rule.port_range_min or 0 for rule in world.group(name).rules)
        assert ports == [80, 443, 5432]


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("moment", [4, *(pytest.param(each, marks=pytest.mark.full) for each in (2, 7, 11))])
def test_killed_at_any_moment_and_run_again_it_converges(
    world: World, tmp_path: Path, version: str, moment: int
) -> None:
    options = ("--api-version", version, "--journal", "apply.journal", "--parallelism", "2")
    process = signalled(world.server, lambda: start(world, tmp_path, *options), signal.SIGKILL, nth=moment)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == -signal.SIGKILL
    kept = tmp_path / "apply.journal"
    if kept.exists() and kept.read_text():
        journal_reading.loads(kept.read_text(), "apply.journal")
    check_end(world, tmp_path, version)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_ctrl_c_finishes_the_request_under_way_and_tells_what_was_done_and_left(
    world: World, tmp_path: Path, number: signal.Signals
) -> None:
    process = signalled(world.server, lambda: start(world, tmp_path, "--parallelism", "1"), number, method="PATCH")
    code, stdout, stderr = finish(process)
    assert code == 4, stdout + stderr
    assert "left" in stdout
    assert "stopping" in stderr
    assert all(record.status is not None for record in world.writes()), "no request is abandoned"
    check_end(world, tmp_path, "v1")


def test_a_second_ctrl_c_abandons_a_request_that_is_not_answered(world: World, tmp_path: Path) -> None:
    world.faults(Fault("hang", method="PATCH", when="after"))
    process = signalled(
        world.server, lambda: start(world, tmp_path, "--parallelism", "1"), signal.SIGINT, method="PATCH"
    )
    assert process.stderr is not None
    assert any("stopping" in line for line in process.stderr)
    process.send_signal(signal.SIGINT)
    code, stdout, _ = finish(process)
    assert code == 4
    assert "not known" in stdout
    check_end(world, tmp_path, "v1")


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_two_applies_at_once_make_no_group_twice(world: World, tmp_path: Path, version: str) -> None:
    processes = [start(world, tmp_path, "--api-version", version) for _ in range(2)]
    ends = [finish(process) for process in processes]
    assert {code for code, _, _ in ends} <= {0, 3, 4}, ends
    check_end(world, tmp_path, version)


def test_the_journal_of_a_process_leads_back(world: World, tmp_path: Path) -> None:
    def picture() -> dict[str, Any]:
        return {group.name: sorted(map(repr, world.content(group.name))) for group in world.groups()}

    def command(*arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "reconciler", *arguments],
            cwd=tmp_path,
            env=environment_of(world, tmp_path),
            text=True,
            capture_output=True,
            check=False,
            timeout=PATIENCE,
        )
        return done.returncode, done.stdout + done.stderr

    before = {name: rules for name, rules in picture().items() if name != "old"}
    assert finish(start(world, tmp_path, "--journal", "apply.journal"))[0] == 0
    assert picture() != before
    code, text = command("rollback", "apply.journal", "--out", "back.json", "--allow-mass-delete")
    assert code == 0, text
    assert re.search(r"gets a new id", text)
    assert json.loads((tmp_path / "back.json").read_text())["summary"]["groups_to_delete"] == 1
    code, text = command("apply", "back.json")
    assert code == 0, text
    now = picture()
    assert now.pop("old")
    assert now == before
