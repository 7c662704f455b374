"""One apply at a time on a machine: the second waits, is told so, and does not wait for ever."""

from pathlib import Path

import pytest
from steady import SteadyClock

from reconciler.applying.lock import PATIENCE, one_at_a_time
from reconciler.model.errors import UsageError

URL = "https://api.example"


def test_the_second_waits_until_the_first_has_ended(tmp_path: Path) -> None:
    told: list[str] = []
    first = one_at_a_time(URL, SteadyClock(), told.append, tmp_path)
    first.__enter__()

    class Ending(SteadyClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            if self.slept > 1:
                first.__exit__(None, None, None)

    clock = Ending()
    with one_at_a_time(URL, clock, told.append, tmp_path):
        assert clock.slept > 1
    assert told == ["another apply is under way on this machine; waiting for it"]


def test_it_does_not_wait_for_ever(tmp_path: Path) -> None:
    clock = SteadyClock()
    with (
        one_at_a_time(URL, clock, str, tmp_path),
        pytest.raises(UsageError, match="for 10 minutes; nothing was sent"),
        one_at_a_time(URL, clock, str, tmp_path),
    ):
        pass
    assert clock.slept == pytest.approx(PATIENCE)


def test_applies_to_different_apis_do_not_wait_for_each_other(tmp_path: Path) -> None:
    clock = SteadyClock()
    with one_at_a_time(URL, clock, str, tmp_path), one_at_a_time(URL + "/other", clock, str, tmp_path):
        assert clock.slept == 0


def test_a_turn_can_be_had_again(tmp_path: Path) -> None:
    for _ in range(2):
        with one_at_a_time(URL, SteadyClock(), str, tmp_path / "folder"):
            assert (tmp_path / "folder").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("kind", ["file", "link", "nowhere"])
def test_without_a_folder_of_our_own_it_goes_on_without_a_lock(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "folder"
    if kind == "file":
        folder.write_text("")
    elif kind == "link":
        folder.symlink_to(tmp_path)
    else:
        folder = tmp_path / "missing" / "folder"
    clock = SteadyClock()
    with one_at_a_time(URL, clock, str, folder), one_at_a_time(URL, clock, str, folder):
        assert clock.slept == 0
