"""Who may import whom. The layout tells the dataflow, and this table keeps it that way."""

import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from imports import PACKAGE, imports, imports_of

LAYERS = (
    *("model", "traffic", "loading", "planning", "api", "applying", "policy", "drift"),
    *("trace", "graph", "lint", "importing", "config", "render"),
    *("reading", "workflow", "__init__", "process", "kubernetes", "cli", "__main__"),
)
"""The folders and root modules, each above all that it imports."""

PURE = {
    "model",
    "traffic",
    "loading",
    "planning",
    "policy",
    "drift",
    "trace",
    "graph",
    "lint",
    "render",
    "reading",
    "workflow",
}
"""What may not reach out of the process, but for the exceptions below."""

OUTSIDE = "os pathlib io tempfile shutil glob subprocess socket ssl select asyncio signal http urllib.request sqlite3"
REACHING_OUT = {*OUTSIDE.split(), "time", "random", "secrets", "sys", "logging", "threading", "concurrent"}

EXCEPTIONS = {
    ("reconciler/loading/walk.py", "os"): "finds the files for the only reader",
    ("reconciler/loading/walk.py", "pathlib"): "the same",
    ("reconciler/loading/load.py", "pathlib"): "the only reader of desired-state files",
    ("reconciler/loading/bulk/forks.py", "os"): "large input is read by several processes",
    ("reconciler/loading/bulk/forks.py", "signal"): "the same",
    ("reconciler/model/files.py", "os"): "the one bounded read of a file",
    ("reconciler/model/files.py", "pathlib"): "the same",
    ("reconciler/model/files.py", "select"): "a pipe that is read within a bound",
    ("reconciler/model/published.py", "pathlib"): "the published schemas are files of the package",
    ("reconciler/model/clock.py", "time"): "the clock itself",
    ("reconciler/model/clock.py", "threading"): "a wait that can be ended",
    ("reconciler/traffic/blocks.py", "socket"): "inet_ntop: arithmetic on addresses, no socket",
    ("reconciler/traffic/extent.py", "socket"): "inet_pton: arithmetic on addresses, no socket",
}

LIBRARIES = {
    "httpx": (
        *(
            f"reconciler/api/{name}.py"
            for name in ("address", "client", "http", "lists", "probe", "transport", "webhook")
        ),
        *("reconciler/api/connect_problems.py", "reconciler/api/timed_stream.py"),
        "reconciler/kubernetes/cluster.py",
    ),
    "httpcore": tuple(f"reconciler/api/{name}.py" for name in ("connect_problems", "timed_stream", "transport")),
    "yaml": (
        *("reconciler/loading/", "reconciler/importing/", "reconciler/lint/"),
        *("reconciler/emulator/files.py", "reconciler/kubernetes/export.py"),
    ),
    "kopf": ("reconciler/kubernetes/run.py", "reconciler/kubernetes/cluster.py"),
    "jsonschema": ("reconciler/loading/structure_problems.py",),
    "jmespath": ("reconciler/loading/select.py",),
    "re2": ("reconciler/model/pattern.py",),
    "deepdiff": ("reconciler/render/pairs.py",),
    "click": ("reconciler/cli/", "reconciler/render/"),
    "prometheus_client": ("reconciler/drift/metrics.py",),
    "starlette": ("reconciler/emulator/",),
    "uvicorn": ("reconciler/emulator/",),
}
"""Every library from outside, and the only places that may import it."""

TESTS = PACKAGE.parent / "tests"
IMPORTS = imports()
FILES = sorted(str(path.relative_to(PACKAGE.parent)) for path in PACKAGE.rglob("*.py"))


def layer_of(file: str) -> str:
    """Return the folder of a file, or the name of a module at the root."""
    return file.split("/")[1].removesuffix(".py")


def starts_with(name: str, module: str) -> bool:
    return name == module or name.startswith(f"{module}.")


def test_every_file_is_in_a_layer() -> None:
    """A new folder is put into the list above, where it belongs. The root holds what a newcomer reads first."""
    units = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    assert units - {*LAYERS, "emulator"} == set()
    assert len(list(PACKAGE.glob("*.py"))) <= 6


def test_folders_import_downwards() -> None:
    wrong = []
    for each in IMPORTS:
        if not each.name.startswith("reconciler.") or each.file.startswith("reconciler/emulator/"):
            continue
        importer, imported = layer_of(each.file), each.name.split(".")[1]
        if imported in LAYERS and LAYERS.index(imported) > LAYERS.index(importer):
            wrong.append(f"{each}; {imported} stands above {importer}")
    assert not wrong, "\n" + "\n".join(wrong)


def test_no_modules_import_each_other_in_a_loop() -> None:
    """Also where an import is put off into a function, which would only hide the loop."""
    imported: dict[str, set[str]] = {}
    modules = {file.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for file in FILES}
    for each in IMPORTS:
        module = each.file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        target = each.name if each.name in modules else each.name.rpartition(".")[0]
        if target in modules and target != module:
            imported.setdefault(module, set()).add(target)
    graph = TopologicalSorter(imported)
    graph.prepare()  # raises CycleError, which names the loop


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
        if layer_of(each.file) not in PURE:
            continue
        module = next((module for module in REACHING_OUT if starts_with(each.name, module)), None)
        if module is not None and (each.file, module) not in EXCEPTIONS:
            wrong.append(f"{each}; {layer_of(each.file)} is pure: pass it in")
    assert not wrong, "\n" + "\n".join(wrong)


def test_every_exception_is_still_needed() -> None:
    used = {(each.file, module) for each in IMPORTS for _, module in EXCEPTIONS if starts_with(each.name, module)}
    assert set(EXCEPTIONS) - used == set()


def test_only_the_commands_start_the_emulator() -> None:
    """It imports nothing of ours, so that it can disagree with us; and nobody else leans on it."""
    assert {each.file for each in IMPORTS if starts_with(each.name, "reconciler.emulator")} - {
        each.file for each in IMPORTS if each.file.startswith("reconciler/emulator/")
    } == {"reconciler/cli/emulator.py", "reconciler/cli/demo.py"}


def test_the_folders_of_tests_are_those_of_the_package() -> None:
    """What tests something else than one folder has a folder of its own, and what several tests share is in support."""
    folders = {path.name for path in TESTS.iterdir() if path.is_dir() and not path.name.startswith((".", "__"))}
    package = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()}
    assert folders - package == {"benchmarks", "browser", "contract", "conventions", "examples", "released", "support"}
    programs = {"benchmarks/bench.py", "benchmarks/budget.py", "benchmarks/fleet.py", "benchmarks/soak.py"}
    programs |= {"emulator/sdk_v2_lifecycle.py"}
    strays = {
        file.relative_to(TESTS).as_posix()
        for file in TESTS.rglob("*.py")
        if not file.name.startswith(("test_", "conftest", "__init__")) and file.parent.name != "support"
    }
    assert strays == programs
    assert not list((TESTS / "support").glob("test_*.py"))


def test_a_test_is_in_a_folder_that_it_knows() -> None:
    """It imports from its folder of the package, by itself or by a helper, or goes all the way to the API."""
    lost = []
    for file in sorted(TESTS.glob("*/test_*.py")):
        known = {*all_imports(file)}
        folder = f"reconciler.{file.parent.name}"
        goes_all_the_way = known & {"reconciler.cli.run", "reconciler.apply"} or '"-m"' in file.read_text("utf-8")
        if (PACKAGE / file.parent.name).is_dir() and not goes_all_the_way:
            lost += [] if any(starts_with(name, folder) for name in known) else [file.relative_to(TESTS).as_posix()]
    assert lost == []


def all_imports(file: Path) -> Iterator[str]:
    """List what a test imports, with what its helpers, `conftest.py` among them, import."""
    for helper in (file, file.parent / "conftest.py"):
        for each in imports_of(helper, TESTS) if helper.exists() else ():
            yield each.name
            support = TESTS / "support" / f"{each.name.split('.')[0]}.py"
            if support.exists():
                yield from (inner.name for inner in imports_of(support, TESTS))


def test_only_commands_act_on_the_whole_process() -> None:
    """A library call may run in a process that has other things to do."""
    importing = {each.file for each in IMPORTS if starts_with(each.name, "reconciler.process")}
    assert importing
    assert {file for file in importing if layer_of(file) not in {"cli", "__main__"}} == set()


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
        [sys.executable, "-c", program], cwd=PACKAGE.parent, capture_output=True, text=True, timeout=60, check=True
    )
    loaded = set(re.split(r"\s+", said.stdout.split("loaded:")[1]))
    assert loaded & {"httpx", "jsonschema", "deepdiff", "starlette", "uvicorn", "asyncio", "prometheus_client"} == set()
