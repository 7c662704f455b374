"""`sgctl config` names the source of every setting, and never shows the key."""

import json
from pathlib import Path

import pytest

from reconciler.cli import run
from reconciler.config.keys import KEYS


def shown(capsys: pytest.CaptureFixture[str]) -> dict[str, list[str]]:
    assert run(["config"]) == 0
    _, *lines = capsys.readouterr().out.splitlines()
    return {line.split("  ")[0]: [part.strip() for part in line.split("  ")[1:] if part.strip()] for line in lines}


@pytest.mark.usefixtures("repository")
def test_without_anything_set_all_are_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    found = shown(capsys)
    assert set(found) == {*KEYS, "API key"}
    assert found["parallelism"] == ["16", "default"]
    assert found["region_id"] == ["not set", "default"]
    assert found["API key"] == ["not set", "GCORE_API_KEY or GCORE_API_KEY_FILE"]


def test_every_source_is_named(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "sgctl.toml").write_text(
        'project_id = 1\nregion_id = 7\npaths = ["a", "b"]\n[limits]\n\nmax_deleted_rules = 5\n[policies]\nx = 1\n'
    )
    monkeypatch.setenv("GCORE_CLOUD_PROJECT_ID", "1337")
    monkeypatch.setenv("GCORE_BASE_URL", "https://api.example.com/")
    monkeypatch.setenv("GCORE_API_KEY", "hunter2")
    found = shown(capsys)
    assert found["project_id"] == ["1337", "GCORE_CLOUD_PROJECT_ID"]
    assert found["region_id"] == ["7", "sgctl.toml:2:1"]
    assert found["base_url"] == ["https://api.example.com", "GCORE_BASE_URL"]
    assert found["paths"] == ["a, b", "sgctl.toml:3:1"]
    assert found["limits.max_deleted_rules"] == ["5", "sgctl.toml:6:1"]
    assert found["limits.min_deleted_rules"] == ["10", "default"]
    assert found["policies"] == ["x", "sgctl.toml:7:2"]
    assert found["API key"] == ["set", "GCORE_API_KEY"]


def test_the_same_for_programs(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "pyproject.toml").write_text("[tool.sgctl]\ntimeout = 3\n")
    monkeypatch.setenv("GCORE_API_KEY_FILE", "/run/secrets/key")
    monkeypatch.setenv("GCORE_CLOUD_REGION_ID", "7")
    assert run(["config", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["file"] == "pyproject.toml"
    assert found["settings"]["timeout"] == {"value": 3, "origin": "file", "source": "pyproject.toml:2:1"}
    assert found["settings"]["region_id"] == {"value": 7, "origin": "environment", "source": "GCORE_CLOUD_REGION_ID"}
    assert found["settings"]["two_phase"] == {"value": False, "origin": "default", "source": None}
    assert found["api_key"] == {"is_set": True, "source": "the file /run/secrets/key (GCORE_API_KEY_FILE)"}


@pytest.mark.parametrize("format_", ["text", "json"])
@pytest.mark.usefixtures("repository")
def test_the_key_is_never_shown(
    format_: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GCORE_API_KEY", "hunter2-hunter2")
    assert run(["config", "--format", format_]) == 0
    captured = capsys.readouterr()
    assert "hunter2" not in captured.out + captured.err


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("GCORE_CLOUD_PROJECT_ID", "one", "GCORE_CLOUD_PROJECT_ID is not a number"),
        ("GCORE_BASE_URL", "http://api.example.com", "refusing plain http to api.example.com"),
        ("GCORE_BASE_URL", "https://me:hunter2@api.example.com", "must not hold a user name or a password"),
    ],
)
@pytest.mark.usefixtures("repository")
def test_a_variable_that_could_not_be_used_is_an_error(
    name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, value)
    assert run(["config"]) == 1
    captured = capsys.readouterr()
    assert said in captured.err
    assert "hunter2" not in captured.out + captured.err
