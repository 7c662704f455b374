"""Who may import whom. The layout tells the dataflow, and this table keeps it that way."""

import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from imports import PACKAGE, imports, imports_of

ROOMS = {
    # Values and words that everything shares.
    "values": "model errors clock duration json_text placeholder describe schema_files",
    "traffic": "traffic",
    # Stages 1 and 2: files -> desired state.
    "loading": "document loader desired bulk loading",
    "config": "config",
    # The border to the API, which stage 6 meets in applying/session.py only.
    "api": "api",
    # Stages 3 to 5: live state is read through the small `Reader` of live.py.
    "planning": "live live_json names resolve diff planning planfile policy_json stale remaining",
    "judging": "drift policy audit",
    # Stage 6.
    "applying": "applying rollback",
    "importing": "importing",
    # Questions about a whole state: why a packet passes, who refers to whom.
    "asking": "sides trace graph",
    "linting": "lint",
    "telling": "render metrics notify",
    "line": "workflow",
    "cli": "cli public doctor files __main__ __init__",
    "emulator": "emulator",
}

MAY_IMPORT = {
    "values": {"values", "traffic"},
    "traffic": {"values", "traffic"},
    "loading": {"values", "loading"},
    "config": {"values", "loading", "api", "config"},
    "api": {"values", "api"},
    "planning": {"values", "traffic", "planning", "judging"},
    "judging": {"values", "traffic", "planning", "judging"},
    "applying": {"values", "planning", "applying"},
    "importing": {"values", "traffic", "loading", "planning", "importing"},
    "asking": {"values", "traffic", "loading", "planning", "asking"},
    "linting": {"values", "traffic", "loading", "planning", "asking", "linting"},
    "telling": {"values", "traffic", "planning", "judging", "applying", "asking", "linting", "telling"},
    "line": {"values", "loading", "planning", "judging", "line"},
    "cli": {*ROOMS},
    "emulator": {"emulator"},
}

ALSO = {("planning", "reconciler.loader.policies"): "a saved plan holds its policies as they were written"}
"""Single files of another room, and why."""

PURE = {"values", "traffic", "loading", "planning", "judging", "asking", "telling", "line"}
"""Rooms whose files may not reach out of the process, but for the exceptions below."""

OUTSIDE = "os pathlib io tempfile shutil glob subprocess socket ssl select asyncio signal http urllib.request sqlite3"
REACHING_OUT = {*OUTSIDE.split(), "time", "random", "secrets", "sys", "logging", "threading", "concurrent"}

EXCEPTIONS = {
    ("reconciler/document.py", "os"): "the only reader of desired-state files",
    ("reconciler/document.py", "pathlib"): "the only reader of desired-state files",
    ("reconciler/loader/forks.py", "os"): "large input is read by several processes",
    ("reconciler/loader/forks.py", "signal"): "the same",
    ("reconciler/clock.py", "time"): "the clock itself",
    ("reconciler/clock.py", "threading"): "a wait that can be ended",
    ("reconciler/live.py", "concurrent"): "several targets are read at once",
    ("reconciler/workflow.py", "concurrent"): "the same",
    ("reconciler/traffic/blocks.py", "socket"): "inet_ntop: arithmetic on addresses, no socket",
    ("reconciler/traffic/extent.py", "socket"): "inet_pton: arithmetic on addresses, no socket",
}

LIBRARIES = {
    "httpx": ("reconciler/api/http.py", "reconciler/api/probe.py", "reconciler/api/webhook.py"),
    "yaml": (
        "reconciler/document.py",
        "reconciler/loader/",
        "reconciler/importing/",
        "reconciler/lint/",
        "reconciler/emulator/files.py",
    ),
    "jsonschema": ("reconciler/loader/structure_problems.py", "reconciler/planfile.py"),
    "deepdiff": ("reconciler/render/pairs.py",),
    "click": ("reconciler/cli/", "reconciler/render/"),
    "prometheus_client": ("reconciler/metrics.py",),
    "starlette": ("reconciler/emulator/",),
    "uvicorn": ("reconciler/emulator/",),
}
"""Every library from outside, and the only places that may import it."""

IMPORTS = imports()


def room_of(unit: str) -> str | None:
    """The room of a file or folder of the package."""
    return next((room for room, units in ROOMS.items() if unit in units.split()), None)


def unit_of(file: str) -> str:
    return file.split("/")[1].removesuffix(".py")


def starts_with(name: str, module: str) -> bool:
    return name == module or name.startswith(f"{module}.")


def test_every_file_has_a_room() -> None:
    """A new file or folder is put into the table above, where it belongs."""
    units = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    assert sorted(unit for unit in units if room_of(unit) is None) == []


def test_imports_keep_to_the_table() -> None:
    wrong = []
    for each in IMPORTS:
        if not each.name.startswith("reconciler.") or each.name == "reconciler.__version__":
            continue
        room, other = room_of(unit_of(each.file)), room_of(each.name.split(".")[1])
        if any(room == importer and starts_with(each.name, file) for importer, file in ALSO):
            continue
        if room is not None and other is not None and other not in MAY_IMPORT[room]:
            wrong.append(f"{each}; {room} may import only {', '.join(sorted(MAY_IMPORT[room]))}")
    assert not wrong, "\n" + "\n".join(wrong)


def test_libraries_stay_where_they_are_needed() -> None:
    wrong = []
    for each in IMPORTS:
        library = each.name.split(".")[0]
        if library in sys.stdlib_module_names or library == "reconciler":
            continue
        places = LIBRARIES.get(library, ())
        if not each.file.startswith(places):
            wrong.append(f"{each}; only {' and '.join(places) or 'nobody'} may")
    assert not wrong, "\n" + "\n".join(wrong)


def test_pure_files_do_not_reach_out() -> None:
    wrong = []
    for each in IMPORTS:
        if room_of(unit_of(each.file)) not in PURE:
            continue
        module = next((module for module in REACHING_OUT if starts_with(each.name, module)), None)
        if module is not None and (each.file, module) not in EXCEPTIONS:
            wrong.append(f"{each}; {unit_of(each.file)} is pure: pass it in")
    assert not wrong, "\n" + "\n".join(wrong)


def test_every_exception_is_still_needed() -> None:
    used = {(each.file, module) for each in IMPORTS for _, module in EXCEPTIONS if starts_with(each.name, module)}
    assert set(EXCEPTIONS) - used == set()


def test_only_the_commands_start_the_emulator() -> None:
    """It imports nothing of ours, so that it can disagree with us; and nobody else leans on it."""
    assert {each.file for each in IMPORTS if starts_with(each.name, "reconciler.emulator")} - {
        each.file for each in IMPORTS if each.file.startswith("reconciler/emulator/")
    } == {"reconciler/cli/emulator.py", "reconciler/cli/demo.py"}


def test_what_reads_the_imports_sees_every_form_of_them(tmp_path: Path) -> None:
    """The tables are only as good as that."""
    source = """
        import os, httpx
        from reconciler.api.http import Http
        def plan():
            from .sibling import thing
            from . import cousin
    """
    file = tmp_path / "reconciler" / "render" / "text.py"
    file.parent.mkdir(parents=True)
    file.write_text(textwrap.dedent(source))
    assert [str(each) for each in imports_of(file, tmp_path)] == [
        "reconciler/render/text.py:2 imports os",
        "reconciler/render/text.py:2 imports httpx",
        "reconciler/render/text.py:3 imports reconciler.api.http.Http",
        "reconciler/render/text.py:5 imports reconciler.render.sibling.thing",
        "reconciler/render/text.py:6 imports reconciler.render.cousin",
    ]


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["validate", "examples/web-tier"]], ids=" ".join)
def test_a_quick_command_loads_no_heavy_library(arguments: list[str]) -> None:
    """Starting is fast because these are imported where they are needed, and only then."""
    program = f"import sys; from reconciler.cli import run; run({arguments!r}); print('loaded:', *sys.modules)"
    said = subprocess.run(
        [sys.executable, "-c", program], cwd=PACKAGE.parent, capture_output=True, text=True, check=True
    )
    loaded = set(re.split(r"\s+", said.stdout.split("loaded:")[1]))
    assert loaded & {"httpx", "jsonschema", "deepdiff", "starlette", "uvicorn", "asyncio", "prometheus_client"} == set()
