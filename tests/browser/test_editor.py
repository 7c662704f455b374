"""An editor on the published schema: yaml-language-server, which VS Code runs, completes and finds errors."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli import run

ROOT = Path(__file__).parents[2]
SERVER = ROOT / ".tools" / "node_modules" / "yaml-language-server" / "bin" / "yaml-language-server"
NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(
    NODE is None or not SERVER.exists(), reason="yaml-language-server is not there: `make test-browser` installs it"
)


class Editor:
    """One side of the Language Server Protocol, over the pipes of a server."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._number = 0

    def tell(self, method: str, parameters: Any, **more: Any) -> None:
        self._send({"method": method, "params": parameters, **more})

    def ask(self, method: str, parameters: Any) -> Any:
        """Send a request, and return its result."""
        self._number += 1
        self.tell(method, parameters, id=self._number)
        while (message := self._read()).get("id") != self._number or "method" in message:
            self._answer(message)
        return message["result"]

    def await_notice(self, method: str) -> Any:
        while (message := self._read()).get("method") != method:
            self._answer(message)
        return message["params"]

    def _answer(self, message: dict[str, Any]) -> None:
        """Answer what the server asks: it has to do with the settings that it was told."""
        if "id" in message and "method" in message:
            asked = (message.get("params") or {}).get("items")
            self._send({"id": message["id"], "result": asked and [None] * len(asked)})

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self._process.stdin.flush()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        length = 0
        while line := self._process.stdout.readline().strip():
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        message: dict[str, Any] = json.loads(self._process.stdout.read(length) or "{}")
        assert message, "the server is gone"
        return message


@pytest.fixture
def repository(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """What `sgctl init` makes, modeline included."""
    assert run(["init", str(tmp_path / "repository"), "--project-id", "1", "--region-id", "7"]) == 0
    capsys.readouterr()
    return tmp_path / "repository"


@pytest.fixture
def editor(repository: Path) -> Iterator[Editor]:
    with subprocess.Popen(
        [str(NODE), str(SERVER), "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        editor = Editor(process)
        editor.ask("initialize", {"processId": None, "rootUri": repository.as_uri(), "capabilities": {}})
        editor.tell("initialized", {})
        settings = {"yaml": {"validate": True, "completion": True, "schemaStore": {"enable": False}}}
        editor.tell("workspace/didChangeConfiguration", {"settings": settings})
        yield editor
        process.kill()


def opened(editor: Editor, file: Path, text: str) -> dict[str, Any]:
    document = {"uri": file.as_uri(), "languageId": "yaml", "version": 1, "text": text}
    editor.tell("textDocument/didOpen", {"textDocument": document})
    return {"uri": file.as_uri()}


@pytest.mark.timeout(60)
def test_what_init_writes_is_without_errors(editor: Editor, repository: Path) -> None:
    file = repository / "groups" / "groups.yaml"
    opened(editor, file, file.read_text())
    assert editor.await_notice("textDocument/publishDiagnostics")["diagnostics"] == []


@pytest.mark.timeout(60)
def test_an_error_is_shown_where_it_is(editor: Editor, repository: Path) -> None:
    file = repository / "groups" / "groups.yaml"
    text = file.read_text().replace("security_groups:", "security_grups:")
    opened(editor, file, text)
    problems = editor.await_notice("textDocument/publishDiagnostics")["diagnostics"]
    lines = {problem["message"]: text.splitlines()[problem["range"]["start"]["line"]] for problem in problems}
    assert lines["Property security_grups is not allowed."] == "security_grups:"


@pytest.mark.timeout(60)
def test_keys_and_values_are_completed(editor: Editor, repository: Path) -> None:
    file = repository / "groups" / "groups.yaml"
    text = file.read_text() + "      - direction: \n        rem\n"
    document = opened(editor, file, text)
    lines = text.splitlines()
    for line, character, wanted in (
        (len(lines) - 2, len(lines[-2]), {"ingress", "egress"}),
        (len(lines) - 1, len(lines[-1]), {"remote_ip_prefix", "remote_group", "remote_address_group"}),
    ):
        position = {"line": line, "character": character}
        found = editor.ask("textDocument/completion", {"textDocument": document, "position": position})
        assert wanted <= {item["label"] for item in found["items"]}
