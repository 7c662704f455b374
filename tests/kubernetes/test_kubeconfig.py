"""A kubeconfig that is none is a sentence that names the file: no traceback, no bug, no memory without end."""

from pathlib import Path

import kopf
import pytest
from raw_server import Peer, serving

from reconciler.kubernetes.cluster import Cluster, ClusterError
from reconciler.kubernetes.run import log_in
from reconciler.model.errors import SgctlError

TEXTS = {
    "numbers": "clusters: [1]\ncurrent-context: x\ncontexts: 5\n",
    "a list": "[]",
    "a text": "hello",
    "no YAML": "{",
    "no context": "current-context: x\ncontexts: []\nclusters: []\nusers: []\n",
    "bytes": b"\xff\xfe\x00",
    "parts missing": "current-context: x\ncontexts: [{name: x, context: {cluster: c}}]\nclusters: [{name: c}]\n",
    "no server": (
        "current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]\n"
        "clusters: [{name: c, cluster: {server: [1]}}]\nusers: [{name: u, user: {token: t}}]\n"
    ),
    "too large": "#" * (5 << 20),
}


@pytest.fixture
def kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    return tmp_path / "config"


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_what_is_no_kubeconfig_is_a_sentence(kubeconfig: Path, text: str | bytes) -> None:
    kubeconfig.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SgctlError, match="config"):
        log_in()


@pytest.mark.parametrize("place", ["/nowhere", "/dev/zero", "/", "\x00"])
def test_what_is_no_file_is_a_sentence(monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    monkeypatch.setattr("os.environ", {"KUBECONFIG": place})
    with pytest.raises(SgctlError, match="cannot read the kubeconfig"):
        log_in()


@pytest.mark.parametrize(
    "cluster",
    [
        "server: 'https://127.0.0.1:1', certificate-authority: /nowhere",
        "server: 'https://127.0.0.1:1', certificate-authority-data: aGVsbG8=",
        "server: 'http://[::1'",
    ],
)
def test_a_cluster_that_cannot_be_asked_is_a_refusal_of_the_cluster(kubeconfig: Path, cluster: str) -> None:
    """Which every loop of the operator outlives: the files may be mended, or be written anew at this moment."""
    kubeconfig.write_text(
        "current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]\n"
        f"clusters: [{{name: c, cluster: {{{cluster}}}}}]\nusers: [{{name: u, user: {{token: t}}}}]\n"
    )
    with Cluster(log_in) as one, pytest.raises(ClusterError, match="are not usable"):
        one.find_missing()


@pytest.mark.parametrize("token", ["s\u00e9cret-token", "secret\ntoken", "\x00secret-token"], ids=ascii)
def test_a_token_that_cannot_be_sent_is_told_and_not_repeated(token: str) -> None:
    with (
        Cluster(lambda: kopf.ConnectionInfo(server="http://127.0.0.1:1", token=token)) as cluster,
        pytest.raises(ClusterError, match="is not usable") as raised,
    ):
        cluster.find_missing()
    assert "cret" not in raised.value.message


def test_each_request_has_the_token_of_now_and_no_connection_is_left() -> None:
    """The one of a pod changes every hour."""
    tokens = iter(("first", "second"))
    asked: list[bytes] = []
    connections: list[Peer] = []

    def talk(peer: Peer) -> None:
        connections.append(peer)
        while text := peer.request():
            asked.extend(line for line in text.split(b"\r\n") if line.startswith(b"Authorization: "))
            peer.say(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}")

    with serving(talk) as url, Cluster(lambda: kopf.ConnectionInfo(server=url, token=next(tokens))) as cluster:
        assert cluster.read_secret("net", "key") is cluster.read_secret("net", "key") is None
    assert asked == [b"Authorization: Bearer first", b"Authorization: Bearer second"]
    assert len(connections) == 1
