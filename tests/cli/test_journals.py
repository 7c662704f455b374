"""Every apply leaves a journal, and `rollback --last` finds the way back without anybody having asked for it."""

import json
import os
import stat
from pathlib import Path

import pytest

from reconciler.applying.journal import JournalFile
from reconciler.applying.journal_folder import journal_folder, kept_journals
from reconciler.applying.kept_journal import KEPT
from reconciler.emulator.faults import Fault, FaultPlan
from reconciler.emulator.server import EmulatorServer

from .conftest import CHANGED, KEY, SAME, Sgctl, writes

APPLY = ["apply", "--auto-approve"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "sgctl" / "journals"


def test_an_apply_is_undone_by_what_it_kept_itself(sgctl: Sgctl, folder: Path) -> None:
    """Its file is named at the end, is private, and the way back from the way back is forward again."""
    sgctl.write(CHANGED)
    told = sgctl(*APPLY).err
    (path,) = folder.iterdir()
    assert told.splitlines()[-1] == f"journal: {path}"
    assert (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(folder.stat().st_mode)) == (0o600, 0o700)
    back = sgctl("rollback", "--last", "--out", "back.json")
    assert (back.code, str(path) in back.err) == (0, True)
    assert sgctl("apply", "back.json").code == 0
    sgctl.write(SAME)
    assert sgctl("plan", "--detailed-exitcode").code == 0
    assert len(kept_journals(folder)) == 2
    assert "443 -> 8443" in sgctl("rollback", "--last").out


def test_the_way_back_names_projects_and_regions_as_the_api_does(sgctl: Sgctl, folder: Path) -> None:
    """Not as a journal does that is old, or forged; one without names asks for none."""
    sgctl.write(CHANGED)
    assert sgctl(*APPLY).code == 0
    (path,) = folder.iterdir()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert "web (project 1, region 7)" in sgctl("rollback", str(path)).out
    named = [{**line, "project": "harmless", "region": "Nowhere"} if "name" in line else line for line in lines]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in named))
    assert (
        "web (project default (1), region Luxembourg 1 (7))" in sgctl("rollback", str(path), "--out", "back.json").out
    )
    assert sgctl("apply", "back.json").code == 0


@pytest.mark.parametrize("options", [["--no-journal"], ["--journal", "mine"]], ids=["none", "another"])
def test_whoever_says_so_keeps_none_there(sgctl: Sgctl, folder: Path, options: list[str]) -> None:
    sgctl.write(CHANGED)
    ran = sgctl(*APPLY, *options)
    assert ran.code == 0
    assert ("journal: mine" in ran.err) is (options[-1] == "mine")
    assert not folder.exists()
    assert sgctl("rollback", "--last").code == 1


def test_what_sends_nothing_leaves_none(sgctl: Sgctl, folder: Path) -> None:
    """Else the newest journal would be one that nothing leads back from."""
    sgctl.write(SAME)
    assert sgctl(*APPLY, "--format", "json").code == 0
    assert not folder.exists()


def test_a_state_folder_that_cannot_be_written_stops_nothing(
    sgctl: Sgctl, emulator: EmulatorServer, tmp_path: Path
) -> None:
    """One warning: an apply that worked yesterday works today. A journal that was asked for is another matter."""
    (tmp_path / "state").write_text("a file")
    sgctl.write(CHANGED)
    ran = sgctl(*APPLY)
    assert (ran.code, ran.err.count("warning:"), "journal:" in ran.err) == (0, 1, False)
    assert f"no journal is kept of this apply: {tmp_path}" in ran.err
    assert writes(emulator) == ["PATCH"]
    sgctl.write(SAME)
    assert sgctl(*APPLY, "--journal", "state/mine").code == 1
    assert writes(emulator) == ["PATCH"]


def test_a_disk_that_is_full_later_ends_the_journal_and_not_the_apply(
    sgctl: Sgctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a change would be worse than half a journal, which still leads back from what it knows."""
    sgctl.write(CHANGED)
    begun = JournalFile.wrote

    def full(self: JournalFile, write: object) -> None:
        raise self._error(OSError(28, "No space left on device"))

    monkeypatch.setattr(JournalFile, "wrote", full)
    ran = sgctl(*APPLY)
    assert (ran.code, ran.err.count("the journal ends here: ")) == (0, 1)
    monkeypatch.setattr(JournalFile, "wrote", begun)
    assert "8443 -> 443" in sgctl("rollback", "--last").out


@pytest.mark.parametrize("year", [2026, pytest.param(2126, id="of a clock that was ahead")])
def test_the_newest_fifty_stay_and_nobody_elses_file_goes(sgctl: Sgctl, folder: Path, year: int) -> None:
    folder.mkdir(parents=True)
    ours = [folder / f"{year}-01-01T00-00-{number:02}.000000Z-1.journal" for number in range(KEPT)]
    others = [folder / name for name in ("0000.journal", "notes.txt", "2026-01-01T00-00-00.000000Z-1.journal.bak")]
    for path in (*ours, *others):
        path.write_text("")
    link, subfolder = (folder / f"2025-01-01T00-00-00.000000Z-{number}.journal" for number in (1, 2))
    link.symlink_to(others[1])
    subfolder.mkdir()
    sgctl.write(CHANGED)
    sgctl(*APPLY)
    kept = kept_journals(folder)
    assert len(kept) == KEPT
    assert [path for path in kept if path not in ours], "the one of this apply"
    assert [path for path in ours if not path.exists()] == ours[:1]
    assert all(path.exists() for path in (*others, link, subfolder))
    assert link.is_symlink()


def test_the_last_journal_is_the_last_one_about_this_api(
    sgctl: Sgctl, folder: Path, monkeypatch: pytest.MonkeyPatch, emulator: EmulatorServer
) -> None:
    """A trial on the emulator since then, and one that was killed before it said anything, are in nobody's way."""
    sgctl.write(CHANGED)
    sgctl(*APPLY)
    with EmulatorServer(api_key=KEY) as other:
        monkeypatch.setenv("GCORE_BASE_URL", other.url)
        assert "there is no journal about" in sgctl("rollback", "--last").err
        assert sgctl(*APPLY).code == 0
    (folder / "2999-01-01T00-00-00.000000Z-1.journal").write_text("")
    monkeypatch.setenv("GCORE_BASE_URL", emulator.url)
    assert "8443 -> 443" in sgctl("rollback", "--last").out


def test_a_plan_is_told_from_a_journal(sgctl: Sgctl, folder: Path) -> None:
    """With what to do instead; so is no journal at all."""
    sgctl.write(CHANGED)
    assert "where there is none yet" in sgctl("rollback").err
    sgctl("plan", "--out", "plan.json")
    sgctl("apply", "plan.json")
    told = sgctl("rollback", "plan.json")
    assert told.code == 1
    for words in ("plan.json is a saved plan and not a journal", "sgctl rollback --last", str(folder)):
        assert words in told.err
    alone = sgctl("rollback").err
    assert kept_journals(folder)[0].name in alone
    assert sgctl("rollback", "plan.json", "--last").code == 1


def test_a_way_back_is_judged_like_any_plan(sgctl: Sgctl, emulator: EmulatorServer) -> None:
    """By the policies of the settings and by --protect-ssh-from, not only by the guardrails against deletion."""
    sgctl.write(CHANGED.replace("[80, 8443]", "22"))
    assert sgctl(*APPLY, "--allow-mass-delete").code == 0
    stopped = sgctl("rollback", "--last", "--protect-ssh-from", "203.0.113.7")
    assert stopped.code == 5
    assert "203.0.113.7" in stopped.out
    sgctl.write(
        '[policies]\nmust_allow = [{group = "web", direction = "ingress", protocol = "tcp", ports = 22}]\n',
        "sgctl.toml",
    )
    assert sgctl("rollback", "--last", "--out", "back.json").code == 5
    assert json.loads(sgctl.read("back.json"))["changes"]
    assert writes(emulator) == ["PATCH"]


def test_also_an_apply_that_fails_names_its_journal(sgctl: Sgctl, emulator: EmulatorServer) -> None:
    sgctl.write(CHANGED)
    emulator.control.plan(FaultPlan.of(Fault("status", status=403, method="PATCH", count=0)))
    ran = sgctl(*APPLY, "--log-format", "json")
    assert ran.code == 1
    events = [json.loads(line) for line in ran.err.splitlines()]
    (path,) = [event["path"] for event in events if event["event"] == "journal"]
    assert Path(path).exists()


@pytest.mark.parametrize(
    ("variables", "expected"),
    {
        "set": ({"XDG_STATE_HOME": "/var/state", "HOME": "/h"}, "/var/state/sgctl/journals"),
        "unset": ({"HOME": "/h"}, "/h/.local/state/sgctl/journals"),
        "empty": ({"XDG_STATE_HOME": "", "HOME": "/h"}, "/h/.local/state/sgctl/journals"),
        "relative": ({"XDG_STATE_HOME": "state", "HOME": "/h"}, "/h/.local/state/sgctl/journals"),
    }.values(),
    ids=["set", "unset", "empty", "relative"],
)
def test_the_folder_is_where_the_specification_puts_state(
    variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", variables["HOME"])
    assert journal_folder(variables) == Path(expected)


def test_a_folder_of_somebody_else_is_not_used(sgctl: Sgctl, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir(parents=True)
    sgctl.write(CHANGED)
    mine = os.getuid()
    monkeypatch.setattr("reconciler.applying.journal_folder.os.getuid", lambda: mine + 1)
    ran = sgctl(*APPLY)
    assert (ran.code, "the folder belongs to another user" in ran.err) == (0, True)
    assert not list(folder.iterdir())
