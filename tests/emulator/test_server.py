"""Starting and stopping, and what the emulator may not do: import ours, write to the terminal, stay behind."""

from __future__ import annotations

import ast
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest

import reconciler.emulator
from reconciler.emulator.faults import Fault, FaultPlan
from reconciler.emulator.records import EmulatorError
from reconciler.emulator.server import EmulatorServer, accepted_key, is_loopback, run

from .conftest import GROUPS, KEY, until

PROGRAM = """
import sys
from reconciler.emulator.server import run
run("127.0.0.1", 0, None, None, None, "secret", lambda url: print(url, flush=True))
print("done", flush=True)
"""


def test_nothing_stays_behind() -> None:
    """No thread and nobody listening, even while a request is still waiting for its answer."""
    before = set(threading.enumerate())
    with EmulatorServer(faults=FaultPlan.of(Fault("hang"))) as emulator:
        host, port = emulator.url.removeprefix("http://").split(":")
        waiting = socket.create_connection((host, int(port)))
        waiting.sendall(f"GET {GROUPS} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        until(lambda: emulator.requests)
    assert set(threading.enumerate()) <= before
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((host, int(port)))
    waiting.close()


def test_a_request_that_was_never_complete_is_none() -> None:
    """The client goes away in the middle of its body."""
    with EmulatorServer() as emulator:
        host, port = emulator.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as half:
            head = f"POST {GROUPS} HTTP/1.1\r\nHost: {host}\r\nAuthorization: apikey emulator\r\n"
            half.sendall(f"{head}Content-Type: application/json\r\nContent-Length: 99\r\n\r\n{{".encode())
        httpx.get(emulator.url + GROUPS, headers=KEY)
        assert [record.method for record in emulator.requests] == ["GET"]


def test_two_emulators_know_nothing_of_each_other() -> None:
    with EmulatorServer() as one, EmulatorServer() as other:
        assert one.url != other.url
        httpx.post(one.url + GROUPS, headers=KEY, json={"security_group": {"name": "web"}})
        assert httpx.get(other.url + GROUPS, headers=KEY).json()["count"] == 1


@pytest.mark.usefixtures("default_signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_a_signal(number: signal.Signals) -> None:
    """The URL is announced once it answers; the signal ends it without a word on stderr."""
    root = Path(reconciler.emulator.__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True
    ) as program:
        assert program.stdout is not None
        try:
            url = program.stdout.readline().strip()
            response = httpx.get(url + GROUPS, headers={"Authorization": "apikey secret"})
            assert response.status_code == 200
            program.send_signal(number)
            output, errors = program.communicate(timeout=240)
        finally:
            program.kill()
    assert (program.returncode, output, errors) == (0, "done\n", "")


def test_an_address_in_use_is_a_clear_error() -> None:
    with EmulatorServer() as emulator:
        port = int(emulator.url.rpartition(":")[2])
        with pytest.raises(EmulatorError, match=f"port {port}: Address already in use"):
            run("127.0.0.1", port, None, None, None, "emulator", print)


@pytest.mark.parametrize(
    ("addressed", "status"),
    [
        pytest.param("127.0.0.1", 200, id="address"),
        pytest.param("127.0.0.1:80", 200, id="another-port"),
        pytest.param("[::1]:8000", 200, id="ipv6"),
        pytest.param("192.0.2.1:8000", 200, id="a-mapped-address"),
        pytest.param("LocalHost:8000", 200, id="localhost"),
        pytest.param("evil.example", 421, id="foreign"),
        pytest.param("evil.example:8000", 421, id="foreign-with-port"),
        pytest.param("localhost.evil.example", 421, id="looks-like-localhost"),
        pytest.param("127.0.0.1.evil.example", 421, id="looks-like-an-address"),
        pytest.param("[::1", 421, id="nonsense"),
    ],
)
def test_a_name_that_is_not_its_own_is_refused(addressed: str, status: int) -> None:
    """So that no page in a browser reaches it under a name of its own (DNS rebinding), key or not."""
    with EmulatorServer() as emulator:
        for path in (GROUPS, "/emulator/requests"):
            response = httpx.get(emulator.url + path, headers={**KEY, "Host": addressed}, verify=False)
            assert response.status_code == status
            if status == 421:
                assert set(response.json()) == {"exception_class", "message", "request_id"}
        assert len(emulator.requests) == (status == 200)


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_its_state_is_for_its_owner_only(tmp_path: Path, umask: int) -> None:
    """From the first moment on, and once more where somebody had opened it to others."""
    state = tmp_path / "state.db"
    before = os.umask(umask)
    try:
        for _ in range(2):
            with EmulatorServer(state=str(state)) as emulator:
                httpx.post(emulator.url + GROUPS, headers=KEY, json={"security_group": {"name": "web"}})
                assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
            state.chmod(0o644)
    finally:
        os.umask(before)


@pytest.mark.parametrize(
    ("host", "own"),
    [
        pytest.param("127.0.0.1", True, id="ipv4"),
        pytest.param("127.8.8.8", True, id="another-loopback-address"),
        pytest.param("::1", True, id="ipv6"),
        pytest.param("localhost", True, id="name"),
        pytest.param("0.0.0.0", False, id="everywhere"),
        pytest.param("emulator.example", False, id="foreign-name"),
    ],
)
def test_what_only_this_machine_can_reach_is_known(host: str, own: bool) -> None:
    assert is_loopback(host) is own


@pytest.mark.parametrize(
    ("environment", "key"),
    [
        pytest.param({"GCORE_API_KEY": "mine"}, "mine", id="the-users-own"),
        pytest.param({"GCORE_API_KEY": ""}, "emulator", id="empty-is-unset"),
        pytest.param({}, "emulator", id="fixed"),
    ],
)
def test_the_accepted_key_comes_from_the_environment(environment: dict[str, str], key: str) -> None:
    assert accepted_key(environment) == key


def test_it_imports_nothing_of_ours() -> None:
    """So that it can disagree: every import is relative, from the standard library, or one of three libraries."""
    foreign = {"starlette", "uvicorn", "yaml"}
    for path in Path(reconciler.emulator.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert node.level in {0, 1}, f"{path.name}:{node.lineno} imports from outside the emulator"
                names = [node.module or ""] if node.level == 0 else []
            else:
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                top = name.partition(".")[0]
                assert top in sys.stdlib_module_names | foreign, f"{path.name}:{node.lineno} imports {name}"


def test_importing_the_package_loads_no_server() -> None:
    """The web server is an extra; the package itself is there without it."""
    code = "import sys, reconciler.emulator; print({'starlette', 'uvicorn', 'sqlite3'} & set(sys.modules))"
    root = Path(reconciler.emulator.__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    command = [sys.executable, "-c", code]
    output = subprocess.run(command, capture_output=True, text=True, timeout=240, check=True, env=environment)
    assert output.stdout == "set()\n"
