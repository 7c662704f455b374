"""`sgctl emulator` as a process: what it prints, what it warns of, what its help tells."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import fields

import httpx
import pytest
from click.testing import CliRunner

from reconciler.cli.emulator import command
from reconciler.emulator import faults, files, seed
from reconciler.emulator.knobs import Knobs

from .conftest import GROUPS


def served(*arguments: str, **environment: str) -> tuple[list[str], str]:
    """The lines of stdout up to the address and the line to paste, and all of stderr; it was asked for groups."""
    with subprocess.Popen(
        [sys.executable, "-m", "reconciler", "emulator", "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | environment,
        text=True,
    ) as program:
        assert program.stdout is not None
        try:
            lines = [program.stdout.readline().strip() for _ in range(2)]
            pasted = settings(lines[1], environment)
            response = httpx.get(
                pasted["GCORE_BASE_URL"] + GROUPS, headers={"Authorization": f"apikey {pasted['GCORE_API_KEY']}"}
            )
            assert response.status_code == 200
            program.send_signal(signal.SIGTERM)
            rest, errors = program.communicate(timeout=240)
        finally:
            program.kill()
    assert (program.returncode, rest) == (0, "")
    return lines, errors


def settings(line: str, environment: Mapping[str, str]) -> dict[str, str]:
    """What a shell knows after it was given the line."""
    script = f'{line}; printf \'%s\\n\' "$GCORE_BASE_URL" "$GCORE_API_KEY"'
    output = subprocess.run(
        ["/bin/sh", "-c", script], capture_output=True, text=True, timeout=240, check=True, env=dict(environment)
    ).stdout
    return dict(zip(("GCORE_BASE_URL", "GCORE_API_KEY"), output.splitlines(), strict=True))


def test_it_prints_its_address_and_a_line_to_paste() -> None:
    """What the line sets is enough to be let in."""
    lines, errors = served()
    assert lines[1] == f"export GCORE_BASE_URL={lines[0]} GCORE_API_KEY=emulator"
    assert errors == ""


def test_a_key_of_the_users_own_is_accepted_and_never_printed() -> None:
    """It is in the environment already, also where it has characters that a shell would expand."""
    lines, errors = served(GCORE_API_KEY="251$d3361 x")
    assert "d3361" not in "".join(lines) + errors


def test_it_warns_where_others_can_reach_it() -> None:
    """And prints an address that can be used from here."""
    lines, errors = served("--host", "0.0.0.0")
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", lines[0])
    assert errors == "warning: 0.0.0.0 is not loopback: others can reach this emulator, over plain http\n"


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(seed.GROUP_KEYS - {"region", "created_at", "updated_at"}, id="seed"),
        pytest.param(faults.KINDS, id="kinds-of-faults"),
        pytest.param({field.name for field in fields(faults.Fault)}, id="fields-of-faults"),
        pytest.param({field.name for field in fields(Knobs)}, id="knobs"),
        pytest.param({"direction", "remote_group"} & set(files.RULE_TYPES), id="rules"),
    ],
)
def test_the_help_tells_of_everything_that_a_file_may_hold(names: set[str]) -> None:
    """By name, each line as it is written."""
    text = CliRunner().invoke(command, ["--help"]).output
    assert {name for name in names if not re.search(rf"\b{name}\b", text)} == set()
    assert max(map(len, text.splitlines())) <= 100
