"""Settings of a stranger: none makes reading them take for ever, and what is too much says so."""

import time
from contextlib import nullcontext
from pathlib import Path

import hostile
import pytest

from reconciler.config import config
from reconciler.config.config import load_config
from reconciler.model.errors import InputError, UsageError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    return tmp_path


VALID = {"many_paths", "long_globs"}


@pytest.mark.parametrize("name", hostile.SETTINGS)
def test_no_settings_take_long(name: str, folder: Path) -> None:
    """A bad key beside an array of 20,000 lines took minutes; it takes a tenth of a second."""
    (folder / "sgctl.toml").write_text(hostile.SETTINGS[name](100_000))
    started = time.process_time()
    with nullcontext() if name in VALID else pytest.raises((InputError, UsageError)):
        load_config(folder)
    assert time.process_time() - started < 15


def test_a_bad_key_behind_a_long_array_has_its_place(folder: Path) -> None:
    (folder / "sgctl.toml").write_text(hostile.settings(280_000))
    with pytest.raises(InputError) as raised:
        load_config(folder)
    (issue,) = raised.value.issues
    assert (str(issue.place), issue.line) == ("sgctl.toml:20003:1", "paralelism = 3")


def test_settings_that_are_too_large_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "SETTINGS_LIMIT", 10)
    (folder / "sgctl.toml").write_text("paths = ['a']\n")
    with pytest.raises(UsageError, match="it is larger than"):
        load_config(folder)


@pytest.mark.parametrize("part", ["a", '"a b"', "'a.b' "], ids=str)
def test_a_key_of_too_many_parts_is_refused(part: str, folder: Path) -> None:
    (folder / "sgctl.toml").write_text("# 1\n" + ".".join([part] * 70) + " = 1\n")
    with pytest.raises(UsageError, match=r"sgctl.toml:2:1: a key has more than 64 parts"):
        load_config(folder)


def test_of_thousands_of_problems_some_are_shown(folder: Path) -> None:
    (folder / "sgctl.toml").write_text(hostile.bad_settings(60_000))
    with pytest.raises(InputError) as raised:
        load_config(folder)
    assert len(raised.value.issues) == 1001
    assert raised.value.issues[-1].message == "there are more errors, not shown"
