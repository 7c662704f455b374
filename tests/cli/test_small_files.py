"""A file that is small by nature is read up to a bound: a device without end or a huge file is a sentence."""

import os
import threading
from pathlib import Path

import pytest

from reconciler.emulator import files as emulator_files
from reconciler.model.files import KEY_LIMIT, PLAN_LIMIT, SETTINGS_LIMIT, STATE_LIMIT, read_bounded

from .conftest import CHANGED, SAME, Sgctl

FILES: dict[str, tuple[list[str], str, int]] = {
    "key": (["plan"], "key", KEY_LIMIT),
    "settings": (["validate"], "sgctl.toml", SETTINGS_LIMIT),
    "settings of a project": (["validate"], "pyproject.toml", SETTINGS_LIMIT),
    "plan to show": (["show", "plan.json"], "plan.json", PLAN_LIMIT),
    "plan to apply": (["apply", "plan.json"], "plan.json", PLAN_LIMIT),
    "journal": (["rollback", "journal"], "journal", PLAN_LIMIT),
    "state of drift": (
        ["drift", "--state-file", "state", "--notify-url", "http://127.0.0.1:9/x"], "state", STATE_LIMIT,
    ),
    "policies from outside": (["validate", "--policies", "policies.toml"], "policies.toml", SETTINGS_LIMIT),
    "seed": (["emulator", "--port", "0", "--seed", "seed.yaml"], "seed.yaml", emulator_files.LARGEST),
    "faults": (["emulator", "--port", "0", "--faults", "faults.json"], "faults.json", emulator_files.LARGEST),
}  # fmt: skip
"""Every such file: a command that reads it, its name, and how large it may be."""


@pytest.mark.parametrize(("arguments", "name", "limit"), FILES.values(), ids=FILES)
@pytest.mark.parametrize("kind", ["a device", "too large", "a folder"])
def test_a_file_without_end_is_a_sentence(
    sgctl: Sgctl, monkeypatch: pytest.MonkeyPatch, arguments: list[str], name: str, limit: int, kind: str
) -> None:
    sgctl.write(CHANGED if name == "state" else SAME)
    if name == "key":
        monkeypatch.delenv("GCORE_API_KEY")
        monkeypatch.setenv("GCORE_API_KEY_FILE", "key")
    if kind == "a device":
        Path(name).symlink_to("/dev/zero")
    elif kind == "a folder":
        Path(name).mkdir()
    else:
        Path(name).touch()
        os.truncate(name, limit + 1)
    ran = sgctl(*arguments)
    assert ran.code == 1
    assert name in ran.err
    assert "bug" not in ran.err
    if kind == "too large":
        assert "iB" in ran.err, "the bound is named"


def test_a_file_of_the_largest_size_is_read_and_one_byte_more_is_not(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 100)
    assert read_bounded(str(path), 100) == b"x" * 100
    with pytest.raises(OSError, match="larger than"):
        read_bounded(str(path), 99)


def test_a_file_that_claims_to_be_empty_is_bounded_too() -> None:
    """Those of /proc say 0, whatever is in them."""
    with pytest.raises(OSError, match="larger than"):
        read_bounded("/proc/self/maps", 64)


def test_a_pipe_is_not_waited_for_where_none_may_be(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="no regular file"):
        read_bounded(str(tmp_path / "pipe"), 100)


@pytest.mark.parametrize("said", [None, b"half"], ids=["nobody writes", "nobody ends"])
def test_a_pipe_is_waited_for_within_a_bound_where_one_may_be(
    said: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.model.files.PIPE_SECONDS", 0.05)
    path = str(tmp_path / "pipe")
    os.mkfifo(path)
    with os.fdopen(os.open(path, os.O_RDWR), "wb", buffering=0) as other:
        if said is None:
            other.close()
        else:
            other.write(said)
        with pytest.raises(OSError, match=r"its end did not come within 0.05 s"):
            read_bounded(path, 100, or_pipe=True)


def test_all_that_comes_through_a_pipe_is_read_and_no_more_than_may_be() -> None:
    for size, limit in ((0, 100), (100, 100), (300_000, 300_000), (101, 100)):
        reading, writing = os.pipe()

        def write(writing: int = writing, size: int = size) -> None:
            with os.fdopen(writing, "wb") as stream:
                stream.write(b"x" * size)

        thread = threading.Thread(target=write)
        thread.start()
        try:
            if size <= limit:
                assert len(read_bounded(f"/dev/fd/{reading}", limit, or_pipe=True)) == size
            else:
                with pytest.raises(OSError, match="larger than"):
                    read_bounded(f"/dev/fd/{reading}", limit, or_pipe=True)
        finally:
            thread.join(5)
            os.close(reading)
