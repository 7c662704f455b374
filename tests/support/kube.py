"""A real Kubernetes API server with its etcd, an operator beside it, and the emulator for a cloud."""

import base64
import csv
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy" / "kubernetes"
ADMIN, OPERATOR = "admin-token", "operator-token"
SERVICE_ACCOUNT = "system:serviceaccount:sgctl-system:sgctl-operator"
PATIENCE = 120.0
API = "/apis/sgctl.dev/v1alpha1"

Json = dict[str, Any]

PATHS = {
    "Namespace": "/api/v1/namespaces",
    "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts",
    "Secret": "/api/v1/namespaces/{}/secrets",
    "Pod": "/api/v1/namespaces/{}/pods",
    "CustomResourceDefinition": "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    "ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "ClusterRoleBinding": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    "Role": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/roles",
    "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/rolebindings",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "Lease": "/apis/coordination.k8s.io/v1/namespaces/{}/leases",
    "CloudTarget": API + "/namespaces/{}/cloudtargets",
    "AddressGroup": API + "/namespaces/{}/addressgroups",
    "SecurityGroup": API + "/namespaces/{}/securitygroups",
}


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def wait_for(what: str, look: Callable[[], Any], patience: float = PATIENCE) -> Any:
    """Look until there is something, and return it."""
    until = time.monotonic() + patience
    seen: Any = None
    while time.monotonic() < until:
        try:
            seen = look()
        except httpx.TransportError as error:
            seen, failure = None, error
            if time.monotonic() > until:
                raise failure from None
        if seen:
            return seen
        time.sleep(0.1)
    raise AssertionError(f"waited {patience} s for {what}")


@dataclass
class Kube:
    """An API server as its admin sees it."""

    folder: Path
    etcd_port: int = field(default_factory=free_port)
    port: int = field(default_factory=free_port)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def start(self, program: Path) -> None:
        (self.folder / "tokens.csv").touch(0o600)
        with (self.folder / "tokens.csv").open("w") as file:
            rows = csv.writer(file)
            rows.writerow([ADMIN, "admin", "1", "system:masters"])
            rows.writerow([OPERATOR, SERVICE_ACCOUNT, "2", "system:serviceaccounts,system:authenticated"])
        key = rsa.generate_private_key(65537, 2048)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (self.folder / "sa.key").write_bytes(pem)
        peer = free_port()
        self._spawn(
            "etcd",
            "etcd",
            *("--data-dir", self.folder / "etcd"),
            *("--listen-client-urls", f"http://127.0.0.1:{self.etcd_port}"),
            *("--advertise-client-urls", f"http://127.0.0.1:{self.etcd_port}"),
            *("--listen-peer-urls", f"http://127.0.0.1:{peer}"),
            *("--initial-advertise-peer-urls", f"http://127.0.0.1:{peer}"),
            *("--initial-cluster", f"default=http://127.0.0.1:{peer}"),
            "--unsafe-no-fsync",
        )
        self.program = program
        self.start_api()

    def start_api(self) -> None:
        self._spawn(
            "apiserver",
            self.program,
            f"--etcd-servers=http://127.0.0.1:{self.etcd_port}",
            f"--cert-dir={self.folder / 'certs'}",
            f"--secure-port={self.port}",
            "--bind-address=127.0.0.1",
            f"--token-auth-file={self.folder / 'tokens.csv'}",
            "--authorization-mode=RBAC",
            "--disable-admission-plugins=ServiceAccount",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={self.folder / 'sa.key'}",
            f"--service-account-signing-key-file={self.folder / 'sa.key'}",
            "--service-cluster-ip-range=10.0.0.0/24",
        )
        wait_for("the API server", self._is_ready, 120)

    def _is_ready(self) -> bool:
        assert self.processes["apiserver"].poll() is None, (self.folder / "apiserver.log").read_text()[-3000:]
        if not (self.folder / "certs" / "apiserver.crt").exists():
            return False
        return self.call("GET", "/readyz").status_code == 200

    def _spawn(self, name: str, *command: object) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen([str(each) for each in command], stdout=log, stderr=log)

    def stop_api(self) -> None:
        self.processes["apiserver"].kill()
        self.processes.pop("apiserver").wait(30)

    def stop(self) -> None:
        if hasattr(self, "client"):
            self.client.close()
        for process in self.processes.values():
            process.kill()
            process.wait(30)

    # Requests.

    def call(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> httpx.Response:
        if not hasattr(self, "client"):
            self.client = httpx.Client(
                base_url=self.url,
                verify=ssl.create_default_context(cafile=self.folder / "certs" / "apiserver.crt"),
                headers={"Authorization": f"Bearer {ADMIN}"},
                timeout=30,
                trust_env=False,
            )
        return self.client.request(method, path, json=body, headers={"Content-Type": kind})

    def apply(self, document: Json, namespace: str | None = None) -> Json:
        """Apply a document as `kubectl apply --server-side` does; fields that are not known are an error."""
        namespace = namespace or document["metadata"].get("namespace", "default")
        path = f"{PATHS[document['kind']].format(namespace)}/{document['metadata']['name']}"
        query = "?fieldManager=tests&force=true&fieldValidation=Strict"
        answer = self.call("PATCH", path + query, document, "application/apply-patch+yaml")
        assert answer.is_success, f"{path}: {answer.text}"
        found: Json = answer.json()
        return found

    def get(self, kind: str, namespace: str, name: str) -> Json | None:
        answer = self.call("GET", f"{PATHS[kind].format(namespace)}/{name}")
        if answer.status_code == 404:
            return None
        assert answer.is_success, answer.text
        found: Json = answer.json()
        return found

    def patch(self, kind: str, namespace: str, name: str, body: Json) -> Json:
        path = f"{PATHS[kind].format(namespace)}/{name}"
        answer = self.call("PATCH", path, body, "application/merge-patch+json")
        assert answer.is_success, answer.text
        found: Json = answer.json()
        return found

    def delete(self, kind: str, namespace: str, name: str) -> None:
        answer = self.call("DELETE", f"{PATHS[kind].format(namespace)}/{name}")
        assert answer.is_success, answer.text

    def events(self, namespace: str) -> list[tuple[str, str, str]]:
        items = self.call("GET", f"/api/v1/namespaces/{namespace}/events").json()["items"]
        return [(each["involvedObject"]["name"], each["reason"], each["message"]) for each in items]

    def kubeconfig(self, token: str = OPERATOR) -> Path:
        path = self.folder / f"{token}.kubeconfig"
        cluster = {"server": self.url, "certificate-authority": str(self.folder / "certs" / "apiserver.crt")}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "it",
            "clusters": [{"name": "it", "cluster": cluster}],
            "users": [{"name": "it", "user": {"token": token}}],
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it", "namespace": "sgctl-system"}}],
        }
        path.write_text(json.dumps(content))
        return path


def manifests(*names: str) -> Iterator[Json]:
    """Read the documents of files below deploy/kubernetes."""
    for name in names:
        yield from (each for each in yaml.safe_load_all((DEPLOY / name).read_text()) if each)


@dataclass
class OperatorProcess:
    """An operator as a process of its own."""

    kube: Kube
    cloud_url: str
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self, *arguments: str) -> None:
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("GCORE_", "SGCTL_"))},
            "KUBECONFIG": str(self.kube.kubeconfig()),
            "GCORE_BASE_URL": self.cloud_url,
            "XDG_STATE_HOME": str(self.kube.folder / "state"),
        }
        command = [
            sys.executable,
            "-m",
            "reconciler",
            "operator",
            "--lock-timeout",
            "10s",
            "--timeout",
            "5",
            *arguments,
        ]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=ROOT)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(30)

    def stop(self) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@contextmanager
def running(operator: OperatorProcess, *arguments: str) -> Iterator[OperatorProcess]:
    operator.start(*arguments)
    try:
        yield operator
    finally:
        try:
            operator.stop()
        except subprocess.TimeoutExpired:
            operator.kill()


def secret(name: str, key: str) -> Json:
    data = {"apiKey": base64.b64encode(key.encode()).decode()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": data}


def resource(kind: str, name: str, /, **spec: Any) -> Json:
    return {"apiVersion": "sgctl.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def target(project: int, name: str = "t", /, region: int = 7, **spec: Any) -> Json:
    return resource("CloudTarget", name, projectId=project, regionId=region, apiKeySecretRef={"name": "gcore"}, **spec)


def group(name: str, /, *rules: Mapping[str, Any], of: str = "t", **spec: Any) -> Json:
    return resource("SecurityGroup", name, targetRef={"name": of}, rules=list(rules), **spec)


def tcp(ports: Any, prefix: str = "10.0.0.0/8") -> Json:
    return {"direction": "ingress", "protocol": "tcp", "ports": ports, "remoteIpPrefix": prefix}


def condition(body: Json | None, name: str) -> Json:
    """Return a condition that is about the spec as it is now; nothing where there is none."""
    for each in ((body or {}).get("status") or {}).get("conditions") or ():
        if each["type"] == name and body and each.get("observedGeneration") == body["metadata"]["generation"]:
            found: Json = each
            return found
    return {}
