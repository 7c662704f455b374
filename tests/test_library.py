"""The library surface: its names, what they raise, and every example that is shown of it."""

import doctest
import os
import re
import signal
import subprocess
import sys
import threading
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import reconciler
from reconciler import Interrupted, PlanOptions, apply, connect, load, plan
from reconciler.applying.outcome import NoJournal, Status
from reconciler.emulator.knobs import Knobs
from reconciler.emulator.records import RequestRecord
from reconciler.emulator.server import EmulatorServer
from reconciler.model.errors import ApiRefused, GuardrailStop, InputError, StalePlan
from reconciler.planning.plan import Change

EXAMPLE = Path(__file__).parents[1] / "examples" / "library" / "reconcile.py"
WEB = """\
project_id: 1
region_id: 7
security_groups:
  - name: web
    rules:
      - {direction: ingress, protocol: tcp, ports: 443}
"""


@pytest.fixture
def web(tmp_path: Path) -> str:
    path = tmp_path / "web.yaml"
    path.write_text(WEB)
    return str(path)


def test_load_plan_apply_and_plan_again(web: str) -> None:
    with EmulatorServer() as emulator, connect(emulator.api_key, base_url=emulator.url) as api:
        proposal = plan(load(web), api)
        assert {request.method for request in emulator.requests} == {"GET"}
        report = apply(proposal, api)
        assert report.error is None
        assert plan(load(web), api).changes == ()
        assert apply(proposal, api).error is None, "what is done is done"
        Path(web).write_text(WEB.replace("443", "8443"))
        assert apply(plan(load(web), api), api).error is None
        with pytest.raises(StalePlan):
            apply(proposal, api)


def test_what_goes_wrong_is_an_error_of_the_tree(web: str) -> None:
    Path(web).write_text(WEB.replace("443", "70000"))
    with pytest.raises(InputError) as raised:
        load(web)
    assert raised.value.issues[0].place.line == 6
    Path(web).write_text(WEB)
    with EmulatorServer() as emulator, connect("wrong", base_url=emulator.url) as api, pytest.raises(ApiRefused):
        plan(load(web), api)


def test_a_stopped_plan_is_not_applied(web: str) -> None:
    """A guardrail is a finding of the plan, and an error of the apply: the group would lose its only rule."""
    with EmulatorServer() as emulator, connect(emulator.api_key, base_url=emulator.url) as api:
        apply(plan(load(web), api), api)
        Path(web).write_text(WEB.split("    rules:", maxsplit=1)[0] + "    rules: []\n")
        emptied = plan(load(web), api, PlanOptions())
        assert emptied.stopped_by
        written = len([request for request in emulator.requests if request.method != "GET"])
        with pytest.raises(GuardrailStop):
            apply(emptied, api)
        assert len([request for request in emulator.requests if request.method != "GET"]) == written


class Kept(NoJournal):
    """A recorder that keeps the names of the groups whose first write was about to be sent."""

    def __init__(self) -> None:
        self.begun: list[str] = []

    def begin(self, change: Change) -> None:
        self.begun.append(change.difference.name)


@pytest.mark.usefixtures("default_signals")
def test_an_interrupted_apply_says_so_and_tells_what_was_done(web: str) -> None:
    """Whoever calls the library decides what Ctrl-C means; nothing of it is swallowed."""
    with EmulatorServer() as emulator, connect(emulator.api_key, base_url=emulator.url) as api:
        apply(plan(load(web), api), api)
        Path(web).write_text(WEB.replace("443", "8443"))
        proposal, recorder = plan(load(web), api), Kept()
        main, is_over = threading.main_thread().ident, threading.Event()
        assert main is not None

        def interrupt() -> None:
            """Repeated: a signal that comes just before the main thread begins to wait does not end that wait."""
            while not is_over.wait(0.3):
                signal.pthread_kill(main, signal.SIGINT)

        class InterruptingOnPatch(list[RequestRecord]):
            def append(self, record: RequestRecord) -> None:
                super().append(record)
                if record.method == "PATCH":
                    threading.Thread(target=interrupt, daemon=True).start()

        emulator.store.requests = InterruptingOnPatch()
        emulator.control.knobs = Knobs(latency_ms=1000)
        with pytest.raises(KeyboardInterrupt) as raised:
            apply(proposal, api, recorder=recorder)
        is_over.set()
    assert recorder.begun == ["web"]
    assert isinstance(raised.value, Interrupted)
    (result,) = raised.value.report.results
    assert (result.status, result.touched) == (Status.LEFT, True)


def test_every_public_name_is_what_it_says_it_is() -> None:
    """None is hidden by a folder of the same name, whose import would take its place."""
    folders = {path.stem for path in Path(reconciler.__file__).parent.iterdir()}
    assert set(reconciler.__all__) & folders == set()
    for name in reconciler.__all__:
        assert not isinstance(getattr(reconciler, name), types.ModuleType)
    with pytest.raises(AttributeError):
        _ = reconciler.nothing


DOCUMENTED = [
    reconciler,
    *(each for name in reconciler.__all__ if (each := getattr(reconciler, name)).__doc__ and name != "__version__"),
]
EXAMPLES = {
    each.__name__: test
    for each in DOCUMENTED
    if (test := doctest.DocTestParser().get_doctest(each.__doc__, {}, each.__name__, None, 0)).examples
}


def test_every_function_shows_an_example() -> None:
    functions = {name for name in reconciler.__all__ if isinstance(getattr(reconciler, name), types.FunctionType)}
    assert functions - set(EXAMPLES) <= {"read_journal"}, "which is in the example of `rollback`"


@pytest.fixture
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What an example finds: a file, an API, and what the first example imported and set."""
    (tmp_path / "groups.yaml").write_text(WEB)
    monkeypatch.chdir(tmp_path)
    with EmulatorServer() as emulator, connect(emulator.api_key, base_url=emulator.url) as api:
        monkeypatch.setenv("GCORE_API_KEY", emulator.api_key)
        monkeypatch.setenv("GCORE_BASE_URL", emulator.url)
        names = {name: getattr(reconciler, name) for name in reconciler.__all__}
        yield names | {"os": os, "api": api, "desired": load("groups.yaml")}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_of_a_docstring_runs(name: str, surroundings: dict[str, Any]) -> None:
    example = EXAMPLES[name]
    example.globs.update({} if name == "reconciler" else surroundings)
    said: list[str] = []
    outcome = doctest.DocTestRunner(verbose=False).run(example, out=said.append)
    assert (outcome.failed, said) == (0, [])


def test_the_example_of_the_documentation_runs(
    surroundings: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    text = (EXAMPLE.parents[2] / "docs" / "how-to" / "library.md").read_text(encoding="utf-8")
    block, _ = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(block, {})
    assert capsys.readouterr().out == "['web: applied']\nFalse\n"


@pytest.mark.parametrize(("text", "code"), [(WEB, 0), (WEB.replace("tcp", "tpc"), 1)], ids=["good", "bad"])
def test_the_example_runs(text: str, code: int, web: str) -> None:
    Path(web).write_text(text)
    with EmulatorServer() as emulator:
        environment = {"GCORE_API_KEY": emulator.api_key, "GCORE_BASE_URL": emulator.url, "PATH": ""}
        command = [sys.executable, str(EXAMPLE), web]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code, done.stderr
    assert ("applied web" in done.stdout) is (code == 0)
