"""`sgctl demo` tells the truth, to a person and to a pipe, and leaves nothing behind."""

import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

HEADINGS = (
    "1. What is live",
    "2. What should be",
    "3. Check the file",
    "4. Plan",
    "5. Look at the plan file",
    "6. Apply exactly that plan",
    "7. Plan again",
    "8. Meanwhile",
    "9. A cron job",
    "10. Put it right",
    "11. And nothing is left",
)


def demo(folder: Path, program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the demo with nothing but `folder` to leave something in."""
    known = {name: value for name, value in os.environ.items() if not name.startswith("GCORE_")}
    return subprocess.run(
        [sys.executable, "-c", program],
        env=known | {"TMPDIR": str(folder)} | environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """One run of the demo, by somebody who has settings of a real account."""
    folder = tmp_path_factory.mktemp("demo")
    told = demo(
        folder,
        "from reconciler.cli import main; import sys; sys.argv[1:] = ['demo']; main()",
        GCORE_API_KEY="the-key-of-a-real-account",
        GCORE_BASE_URL="https://127.0.0.1:9",
        GCORE_CLOUD_PROJECT_ID="42",
    )
    assert not list(folder.iterdir()), "something was left behind"
    return told


def test_the_demo_ends_well_and_quietly(told: subprocess.CompletedProcess[str]) -> None:
    """All it says beside the story is which plan was read, by what it was judged, and where journals are kept."""
    assert told.returncode == 0, told.stdout
    assert [line.split()[0] for line in told.stderr.splitlines()] == [
        *("digest", "judged", "digest", "judged", "journal:", "journal:")
    ]


def test_the_steps_come_in_order(told: subprocess.CompletedProcess[str]) -> None:
    places = [told.stdout.index(f"\n{heading}") for heading in HEADINGS]
    assert places == sorted(places)


def test_every_command_is_shown_before_its_output(told: subprocess.CompletedProcess[str]) -> None:
    """Each command, and the first words of what followed it."""
    lines = told.stdout.splitlines()
    shown = [(line, lines[number + 1]) for number, line in enumerate(lines) if line.startswith("$ sgctl")]
    expected = [
        ("$ sgctl validate", "Valid: 2 groups"),
        ("$ sgctl plan --out plan.json --detailed-exitcode", "+ create app"),
        ("$ sgctl show plan.json --traffic-only", "+ create app"),
        ("$ sgctl apply plan.json", "+ created app"),
        ("$ sgctl plan --detailed-exitcode", "No changes."),
        ("$ sgctl drift", "drifted web"),
        ("$ sgctl apply --auto-approve", "~ update web"),
        ("$ sgctl plan --detailed-exitcode", "No changes."),
    ]
    assert [command for command, _ in shown] == [command for command, _ in expected]
    for (command, line), (_, begin) in zip(shown, expected, strict=True):
        assert line.startswith(begin), command


def test_a_pipe_gets_no_colours(told: subprocess.CompletedProcess[str]) -> None:
    assert "\x1b" not in told.stdout


def test_it_reads_well_in_80_columns(told: subprocess.CompletedProcess[str]) -> None:
    assert [line for line in told.stdout.splitlines() if len(line) > 80] == []


def test_the_picture_in_the_readme_is_of_this_plan(told: subprocess.CompletedProcess[str]) -> None:
    """Word for word, but for the id of the group; `make pictures` draws it anew."""
    picture = ET.parse(Path(__file__).parents[2] / "docs" / "pictures" / "plan.svg")
    lines: dict[str, str] = {}
    for text in picture.iter("{http://www.w3.org/2000/svg}text"):
        lines[text.attrib["y"]] = lines.get(text.attrib["y"], "") + (text.text or "")
    said = [without_blanks(line) for line in told.stdout.splitlines()]
    prompt, *plan = (without_blanks(line) for line in lines.values())
    assert prompt == "$sgctlplan--outplan.json"
    assert len(plan) > 20
    start = said.index(plan[0])
    assert plan == [line for line in said[start:] if line][: len(plan)]


def without_blanks(text: str) -> str:
    """Return a line without its id and without blanks: a picture has places instead."""
    return re.sub(r"\s", "", without_ids(text))


def without_ids(text: str) -> str:
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", text)


def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    hide = "import sys; sys.modules['uvicorn'] = None; "
    told = demo(tmp_path, hide + "from reconciler.cli import run; sys.exit(run(['demo']))")
    assert told.returncode == 1
    assert told.stderr.splitlines() == [
        "error: the emulator is an extra, and uvicorn is not installed",
        "hint: pip install 'sgctl[emulator]'",
    ]
